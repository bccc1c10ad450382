"""The Kubernetes API as plain dictionaries, over the official client's asyncio transport.

The typed models of the client are left out on purpose: they are the larger part of its memory and time, and the
operator builds and compares whole manifests. This is the only module that imports ``kubernetes``.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote, urlencode

import aiohttp
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import incluster_config, kube_config

from webjobs_kube.errors import NotFound, Unreachable, from_response, from_status

Object = dict[str, Any]
_Objects = list[Object]  # inside the class, list is the method
Event = tuple[str, Object]
"""ADDED, MODIFIED, DELETED or BOOKMARK, and the object as it is after it (of a bookmark: its resourceVersion)."""

_PREFIXES = {
    "WebJob": ("/apis/webjobs.dev/v1", "webjobs"),
    "WebJobRun": ("/apis/webjobs.dev/v1", "webjobruns"),
    "WebJobSchedule": ("/apis/webjobs.dev/v1", "webjobschedules"),
    "Deployment": ("/apis/apps/v1", "deployments"),
    "CronJob": ("/apis/batch/v1", "cronjobs"),
    "Job": ("/apis/batch/v1", "jobs"),
    "Pod": ("/api/v1", "pods"),
    "ConfigMap": ("/api/v1", "configmaps"),
    "PersistentVolumeClaim": ("/api/v1", "persistentvolumeclaims"),
    "Secret": ("/api/v1", "secrets"),
    "Event": ("/api/v1", "events"),
}
_CONNECTIONS = 1000
_REQUEST_TIMEOUT = 30
"""Seconds for a whole request; log streams have none."""
_WATCH_GRACE = 10
"""Seconds after the end that a watch asked for; when the server has not ended it by then, it is dead."""
_LINE_BYTES = 2**18
"""A longer line of a log is cut, each part under the same stamp."""

_CHANNELS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
"""Subprotocols of streams to containers, the one that is liked most first."""

MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


def path_of(kind: str, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
    """URL path of a collection or an object."""
    prefix, plural = _PREFIXES[kind]
    path = prefix + (f"/namespaces/{quote(namespace, safe='')}" if namespace else "") + f"/{plural}"
    if name is not None:
        path += f"/{quote(name, safe='')}"
    return f"{path}/{subresource}" if subresource else path


@contextmanager
def reachable() -> Iterator[None]:
    """What the transport throws, as ApiError."""
    try:
        yield
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        # Some of them have no text.
        raise Unreachable(f"{type(error).__name__}: {error}".removesuffix(": ")) from error


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[Event]:
    rest = bytearray()
    with reachable():
        async for piece in response.content.iter_any():
            rest += piece
            if b"\n" not in piece:
                continue  # an object of a megabyte comes in many pieces
            *lines, last = bytes(rest).split(b"\n")
            rest = bytearray(last)
            for line in filter(None, lines):
                event = json.loads(line)
                kind, body = str(event["type"]), event["object"]
                if kind == "ERROR":
                    raise from_status(int(body.get("code", 0)), body.get("reason", "Unknown"), body.get("message", ""))
                yield kind, body


class KubeClient(AbstractAsyncContextManager["KubeClient"]):
    """One connection pool to one API server, under one field manager's name."""

    def __init__(self, configuration: Configuration, *, manager: str) -> None:
        # Each log that is followed holds a connection (two where streams are read apart); who follows has a bound.
        configuration.connection_pool_maxsize = _CONNECTIONS
        self._api = ApiClient(configuration)
        self._api.user_agent = manager
        self.manager = manager

    @classmethod
    async def connect(cls, *, manager: str) -> Self:
        """A client from the pod's service account, else from KUBECONFIG. ``manager`` names it in managedFields."""
        configuration = Configuration()
        if "KUBERNETES_SERVICE_HOST" in os.environ and "KUBECONFIG" not in os.environ:
            incluster_config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        else:
            await kube_config.load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        return cls(configuration, manager=manager)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._api.close()  # type: ignore[no-untyped-call]

    async def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int | bool | None] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        timeout_seconds: float | None = _REQUEST_TIMEOUT,
    ) -> Any:
        """Gives the aiohttp response of a success, unread; raises ApiError for anything else."""
        wanted = {key: value for key, value in (query or {}).items() if value is not None}
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        _, url, headers, _, _ = await self._api.param_serialize(
            method, path, header_params=headers, auth_settings=["BearerToken"]
        )
        if wanted:
            url += "?" + urlencode({k: str(v).lower() if isinstance(v, bool) else v for k, v in wanted.items()})
        with reachable():
            answer = await self._api.call_api(
                method, url, headers, body=body, _request_timeout=timeout_seconds or 10**9
            )
            response = answer.response
            if response.status >= 400:
                wait = response.headers.get("Retry-After")
                raise from_response(response.status, await response.read(), retry_after=wait)
        return response

    async def _json(self, method: str, path: str, **options: Any) -> Object:
        response = await self._call(method, path, **options)
        with reachable():
            result: Object = json.loads(await response.read())
        return result

    @asynccontextmanager
    async def websocket(
        self, path: str, *, query: Mapping[str, str | bool]
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A WebSocket to a streaming subresource. Raises ApiError when the API server refuses it."""
        _, url, headers, _, _ = await self._api.param_serialize("GET", path, auth_settings=["BearerToken"])
        url += "?" + urlencode({key: str(v).lower() if isinstance(v, bool) else v for key, v in query.items()})
        rest = self._api.rest_client
        if rest.pool_manager is None:
            rest.pool_manager = rest._create_pool_manager()
        with reachable():
            try:
                socket = await rest.pool_manager.ws_connect(url, headers=headers, protocols=_CHANNELS, max_msg_size=0)
            except aiohttp.WSServerHandshakeError as error:
                raise from_status(error.status, "Refused", error.message) from error
        async with socket:
            yield socket

    async def served(self, api_version: str) -> set[str]:
        """Plural names of the resources that the API server serves in a group version; empty when none."""
        try:
            found = await self._json("GET", f"/apis/{api_version}")
        except NotFound:
            return set()
        return {resource["name"] for resource in found["resources"]}

    async def get(self, kind: str, namespace: str, name: str) -> Object:
        """One object."""
        return await self._json("GET", path_of(kind, namespace, name))

    async def list(self, kind: str, namespace: str | None, *, selector: str | None = None) -> list[Object]:
        """All objects of a kind (in a namespace, by labels)."""
        return (await self.list_at(kind, namespace, selector=selector))[0]

    async def list_at(self, kind: str, namespace: str | None, *, selector: str | None = None) -> tuple[_Objects, str]:
        """The same with the resourceVersion of the list, from which a watch goes on. Items come without their kind."""
        found = await self._json("GET", path_of(kind, namespace), query={"labelSelector": selector})
        items: list[Object] = found["items"]
        return items, str(found.get("metadata", {}).get("resourceVersion", ""))

    @asynccontextmanager
    async def watch(
        self, kind: str, namespace: str | None, *, since: str, seconds: int
    ) -> AsyncIterator[AsyncIterator[Event]]:
        """What happens to a kind after the resourceVersion ``since``; inside the context the watch stands.

        It ends after so many seconds, by the server or, when that is dead, a little later with Unreachable.
        Raises Gone when ``since`` is too old, on entering or in between.
        """
        query: dict[str, str | int | bool | None]
        query = {"watch": True, "allowWatchBookmarks": True, "resourceVersion": since, "timeoutSeconds": seconds}
        response = await self._call(
            "GET", path_of(kind, namespace), query=query, timeout_seconds=seconds + _WATCH_GRACE
        )
        async with response:
            yield _events(response)

    async def create(self, manifest: Object) -> Object:
        """Creates an object; AlreadyExists when its name is taken."""
        path = path_of(manifest["kind"], manifest["metadata"]["namespace"])
        return await self._json("POST", path, query={"fieldManager": self.manager}, body=manifest)

    async def apply(self, manifest: Object) -> Object:
        """Server-side apply: the fields of the manifest become ours, others are left alone."""
        meta = manifest["metadata"]
        return await self._json(
            "PATCH",
            path_of(manifest["kind"], meta["namespace"], meta["name"]),
            query={"fieldManager": self.manager, "force": True},
            body=manifest,
            content_type=APPLY_PATCH,
        )

    async def patch(
        self, kind: str, namespace: str, name: str, patch: Object, *, subresource: str | None = None
    ) -> Object:
        """JSON merge patch; with ``metadata.resourceVersion`` in it, Conflict when the object has changed."""
        return await self._json(
            "PATCH",
            path_of(kind, namespace, name, subresource),
            query={"fieldManager": self.manager},
            body=patch,
            content_type=MERGE_PATCH,
        )

    async def replace(self, manifest: Object) -> Object:
        """Puts a whole object in the place of the one it was made from; Conflict when that has changed since."""
        meta = manifest["metadata"]
        return await self._json(
            "PUT",
            path_of(manifest["kind"], meta["namespace"], meta["name"]),
            query={"fieldManager": self.manager},
            body=manifest,
        )

    async def delete(self, kind: str, namespace: str, name: str, *, uid: str | None = None) -> None:
        """Deletes in the background, dependents after it; NotFound when it is gone. With ``uid`` only that one."""
        options: Object = {"propagationPolicy": "Background"}
        if uid:
            options["preconditions"] = {"uid": uid}
        await self._json("DELETE", path_of(kind, namespace, name), body=options)

    async def log_lines(
        self,
        namespace: str,
        pod: str,
        *,
        container: str,
        previous: bool = False,
        follow: bool = False,
        tail: int | None = None,
        since_seconds: int | None = None,
        since_time: str | None = None,
        stream: Literal["Stdout", "Stderr"] | None = None,
    ) -> AsyncIterator[str]:
        """Lines of a container's log with RFC 3339 stamps, without line ends; invalid UTF-8 is replaced.

        ``tail``: only so many of the latest. ``since_seconds``: only those of so many seconds before now;
        ``since_time``: only those from a time on (RFC 3339, whole seconds).
        ``stream``: only one; Invalid with status 422 where the API server lets nobody choose.
        """
        response = await self._call(
            "GET",
            path_of("Pod", namespace, pod, "log"),
            query={
                "container": container,
                "timestamps": True,
                "previous": previous or None,
                "follow": follow or None,
                "tailLines": tail,
                "sinceSeconds": since_seconds,
                "sinceTime": since_time,
                "stream": stream,
            },
            timeout_seconds=None,
        )
        rest = b""
        with reachable():
            async with response:
                async for piece in response.content.iter_any():
                    *lines, rest = (rest + piece).split(b"\n")
                    for line in lines:
                        yield line.decode("utf-8", "replace")
                    if len(rest) > _LINE_BYTES:  # a program that ends no line must not fill the memory
                        yield rest.decode("utf-8", "replace")
                        rest = rest.partition(b" ")[0] + b" "
        if rest:
            yield rest.decode("utf-8", "replace")

    async def review_token(self, token: str, *, audience: str) -> str | None:
        """User name behind a bearer token made for an audience; None when it is not valid."""
        status = await self._review_token({"token": token, "audiences": [audience]})
        if not status.get("authenticated") or audience not in status.get("audiences", []):
            return None
        name: str = status["user"]["username"]
        return name

    async def authenticate(self, token: str) -> Object | None:
        """User (``username``, ``uid``, ``groups``, ``extra``) behind a token for the API server itself; else None."""
        status = await self._review_token({"token": token})
        user: Object = status.get("user", {})
        return user if status.get("authenticated") and user.get("username") else None

    async def _review_token(self, spec: Object) -> Object:
        return await self._review("authentication.k8s.io/v1", "TokenReview", "tokenreviews", spec)

    async def is_allowed(self, user: Object, *, namespace: str, verb: str, resource: str) -> bool:
        """Whether a user may do that with a resource of webjobs.dev in a namespace."""
        attributes = {"namespace": namespace, "verb": verb, "group": "webjobs.dev", "resource": resource}
        known = {key: user[key] for key in ("uid", "groups", "extra") if user.get(key)}
        spec = {"user": user["username"], "resourceAttributes": attributes} | known
        status = await self._review("authorization.k8s.io/v1", "SubjectAccessReview", "subjectaccessreviews", spec)
        return status.get("allowed") is True

    async def _review(self, api_version: str, kind: str, plural: str, spec: Object) -> Object:
        body = {"apiVersion": api_version, "kind": kind, "spec": spec}
        answer = await self._json("POST", f"/apis/{api_version}/{plural}", body=body)
        status: Object = answer.get("status", {})
        return status
