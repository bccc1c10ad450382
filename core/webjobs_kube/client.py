"""The Kubernetes API as plain dictionaries."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Literal

import aiohttp

from webjobs.logs.line_cutter import LineCutter
from webjobs.objects import Object
from webjobs.times import parse_http_date
from webjobs_kube.errors import NotFound, from_status
from webjobs_kube.paths import path_of
from webjobs_kube.transport import Transport, reachable

_Objects = list[Object]  # inside the class, list is the method
Event = tuple[str, Object]
"""An event of a watch: ADDED, MODIFIED, DELETED or BOOKMARK, and the object as it is after it (of a bookmark: its
resourceVersion)."""

_PROXY_SECONDS = 5
_WATCH_GRACE = 10
"""Seconds after the end that a watch asked for; when the server has not ended the watch by then, the server is dead."""

MERGE_PATCH = "application/merge-patch+json"
"""Content type of a JSON merge patch."""
APPLY_PATCH = "application/apply-patch+yaml"
"""Content type of a server-side apply."""


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


class KubeClient(Transport):
    """A client of the Kubernetes API: objects, logs, and what the API server says of tokens and rights."""

    async def served(self, api_version: str) -> set[str]:
        """Return the plural names of the resources that the API server serves in a group version; empty when none."""
        try:
            found = await self._json("GET", f"/apis/{api_version}")
        except NotFound:
            return set()
        return {resource["name"] for resource in found["resources"]}

    async def about(self) -> tuple[Object, datetime | None]:
        """Return what the API server says of its version, and the time by its clock, in whole seconds."""
        response = await self._call("GET", "/version")
        with reachable():
            found: Object = json.loads(await response.read())
        return found, parse_http_date(response.headers.get("Date"))

    async def ask_pod(self, namespace: str, pod: str, *, port: int, path: str) -> str:
        """Return what a pod answers to a GET, through the API server.

        Raises ApiError with the pod's own status and text when that is an error; its reason is Unknown then.
        """
        whole = path_of("Pod", namespace, f"{pod}:{port}", f"proxy/{path}")
        response = await self._call("GET", whole, timeout_seconds=_PROXY_SECONDS)
        with reachable():
            answer: bytes = await response.read()
        return answer.decode("utf-8", "replace")

    async def get(self, kind: str, namespace: str | None, name: str) -> Object:
        """Return one object. ``namespace``: None for one that is in none.

        Raises NotFound when it is not there.
        """
        return await self._json("GET", path_of(kind, namespace, name))

    async def list(
        self, kind: str, namespace: str | None, *, selector: str | None = None, fields: str | None = None
    ) -> list[Object]:
        """Return all objects of a kind (in a namespace, by labels, by a field selector)."""
        return (await self.list_at(kind, namespace, selector=selector, fields=fields))[0]

    async def pages(self, kind: str, namespace: str | None, *, size: int) -> AsyncIterator[_Objects]:
        """Yield all objects of a kind, ``size`` at once: for kinds of which there may be very many."""
        token: str | None = None
        while token != "":
            query: dict[str, str | int | bool | None] = {"limit": size, "continue": token}
            found = await self._json("GET", path_of(kind, namespace), query=query)
            yield found["items"]
            token = str(found.get("metadata", {}).get("continue") or "")

    async def list_at(
        self, kind: str, namespace: str | None, *, selector: str | None = None, fields: str | None = None
    ) -> tuple[_Objects, str]:
        """Return all objects of a kind, and the resourceVersion of the list, from which a watch goes on.

        ``selector``: of labels, ``fields``: of fields. Items come without their kind.
        """
        query: dict[str, str | int | bool | None] = {"labelSelector": selector, "fieldSelector": fields}
        found = await self._json("GET", path_of(kind, namespace), query=query)
        items: list[Object] = found["items"]
        return items, str(found.get("metadata", {}).get("resourceVersion", ""))

    @asynccontextmanager
    async def watch(
        self, kind: str, namespace: str | None, *, since: str, seconds: int
    ) -> AsyncIterator[AsyncIterator[Event]]:
        """Watch a kind: give its events after the resourceVersion ``since``.

        Inside the context the watch stands. It ends after so many seconds, by the server or, when that is dead, a
        little later with Unreachable. Raises Gone when ``since`` is too old, on entering or in between.
        """
        query: dict[str, str | int | bool | None]
        query = {"watch": True, "allowWatchBookmarks": True, "resourceVersion": since, "timeoutSeconds": seconds}
        response = await self._call(
            "GET", path_of(kind, namespace), query=query, timeout_seconds=seconds + _WATCH_GRACE
        )
        async with response:
            yield _events(response)

    async def create(self, manifest: Object, *, dry_run: bool = False) -> Object:
        """Create an object and return it as stored.

        ``dry_run``: only say what would be stored. Raises AlreadyExists when its name is taken.
        """
        path = path_of(manifest["kind"], manifest["metadata"]["namespace"])
        return await self._json("POST", path, query=self._writes(dry_run=dry_run), body=manifest)

    async def apply(self, manifest: Object) -> Object:
        """Apply a manifest on the server: its fields become this client's, others are left alone.

        Returns the object as stored.
        """
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
        """Apply a JSON merge patch to an object and return it as stored.

        With ``metadata.resourceVersion`` in the patch, raises Conflict when the object has changed.
        """
        return await self._json(
            "PATCH",
            path_of(kind, namespace, name, subresource),
            query={"fieldManager": self.manager},
            body=patch,
            content_type=MERGE_PATCH,
        )

    async def replace(self, manifest: Object, *, dry_run: bool = False) -> Object:
        """Put a whole object in the place of the one it was made from; return it as stored.

        ``dry_run``: only say what would be stored. Raises Conflict when the stored object has changed since.
        """
        meta = manifest["metadata"]
        return await self._json(
            "PUT",
            path_of(manifest["kind"], meta["namespace"], meta["name"]),
            query=self._writes(dry_run=dry_run),
            body=manifest,
        )

    def _writes(self, *, dry_run: bool) -> dict[str, str | int | bool | None]:
        """Return the query of a write."""
        return {"fieldManager": self.manager, "dryRun": "All" if dry_run else None}

    async def delete(self, kind: str, namespace: str, name: str, *, uid: str | None = None) -> None:
        """Delete an object in the background, its dependents after it.

        ``uid``: only the object with that UID. Raises NotFound when the object is gone.
        """
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
        limit_bytes: int | None = None,
        stream: Literal["Stdout", "Stderr"] | None = None,
        cutter: LineCutter | None = None,
    ) -> AsyncIterator[str]:
        """Yield the lines of a container's log with RFC 3339 stamps, without line ends.

        Invalid UTF-8 is replaced. ``tail``: only so many of the latest lines. ``since_seconds``: only the lines of so
        many seconds before now; ``since_time``: only the lines from a time on (RFC 3339, whole seconds).
        ``limit_bytes``: only the first so many bytes, stamps and all. ``stream``: only one stream; Invalid with status
        422 where the API server lets nobody choose. ``cutter``: a new one, which keeps what has no end yet.
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
                "limitBytes": limit_bytes,
                "stream": stream,
            },
            timeout_seconds=None,
        )
        cutter = cutter or LineCutter()
        with reachable():
            async with response:
                async for piece in response.content.iter_any():
                    for line in cutter.feed(piece):
                        yield line
        for line in cutter.end():
            yield line

    async def review_token(self, token: str, *, audience: str) -> str | None:
        """Return the user name behind a bearer token made for an audience; None when the token is not valid."""
        status = await self._review_token({"token": token, "audiences": [audience]})
        if not status.get("authenticated") or audience not in status.get("audiences", []):
            return None
        name: str = status["user"]["username"]
        return name

    async def authenticate(self, token: str) -> Object | None:
        """Return the user behind a token for the API server itself; None when the token is not valid.

        A user has ``username``, ``uid``, ``groups`` and ``extra``.
        """
        status = await self._review_token({"token": token})
        user: Object = status.get("user", {})
        return user if status.get("authenticated") and user.get("username") else None

    async def _review_token(self, spec: Object) -> Object:
        return await self._review("authentication.k8s.io/v1", "TokenReview", "tokenreviews", spec)

    async def is_allowed(
        self, user: Object, *, namespace: str, verb: str, resource: str, group: str = "webjobs.dev", name: str = ""
    ) -> bool:
        """Return whether a user may do ``verb`` with a resource of an API group in a namespace.

        ``resource``: with its subresource after a slash. ``namespace``: empty for all of them, or for what is in none.
        ``name``: of the one object; empty for all.
        """
        plural, _, subresource = resource.partition("/")
        attributes = {"namespace": namespace, "verb": verb, "group": group, "resource": plural}
        attributes |= {key: value for key, value in (("subresource", subresource), ("name", name)) if value}
        known = {key: user[key] for key in ("uid", "groups", "extra") if user.get(key)}
        spec = {"user": user["username"], "resourceAttributes": attributes} | known
        status = await self._review("authorization.k8s.io/v1", "SubjectAccessReview", "subjectaccessreviews", spec)
        return status.get("allowed") is True

    async def _review(self, api_version: str, kind: str, plural: str, spec: Object) -> Object:
        body = {"apiVersion": api_version, "kind": kind, "spec": spec}
        answer = await self._json("POST", f"/apis/{api_version}/{plural}", body=body)
        status: Object = answer.get("status", {})
        return status
