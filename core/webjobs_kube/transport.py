"""The way to an API server: one connection pool, and errors of the transport and of answers as ApiError.

The typed models of the official client are left out on purpose: they are the larger part of its memory and time, and
the operator builds and compares whole manifests. This is the only module that imports ``kubernetes``.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp
import yaml
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import ConfigException, incluster_config, kube_config

from webjobs.objects import Object
from webjobs_kube.errors import NoCluster, Unreachable, from_response, from_status

_CONNECTIONS = 1000
REQUEST_TIMEOUT = 30
"""Seconds that a whole request may take; log streams have no limit."""
_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_CHANNELS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
"""Subprotocols of streams to containers, in the order of preference."""


@contextmanager
def reachable() -> Iterator[None]:
    """Raise Unreachable for errors of the transport inside the context."""
    try:
        yield
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        # Some of them have no text.
        raise Unreachable(f"{type(error).__name__}: {error}".removesuffix(": ")) from error


def _query(values: Mapping[str, str | int | bool | None]) -> str:
    """Return the query of a URL, with its question mark; a value that is None is left out."""
    wanted = {key: value for key, value in values.items() if value is not None}
    if not wanted:
        return ""
    return "?" + urlencode({key: str(v).lower() if isinstance(v, bool) else v for key, v in wanted.items()})


def _in_pod() -> bool:
    return "KUBERNETES_SERVICE_HOST" in os.environ and "KUBECONFIG" not in os.environ


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (ConfigException, OSError, yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError) as error:
        # A kubeconfig can be wrong in many ways, for most of which the client has no words of its own.
        raise NoCluster(f"The kubeconfig can't be used: {error}") from error


def contexts(kubeconfig: str | None) -> tuple[list[str], str | None]:
    """Return the names of the contexts of a kubeconfig, and the name of the current one.

    Raises NoCluster.
    """
    with _readable():
        found, current = kube_config.list_kube_config_contexts(config_file=kubeconfig)  # type: ignore[no-untyped-call]
        return [str(one["name"]) for one in found], str(current["name"]) if current else None


def default_namespace(*, kubeconfig: str | None, context: str | None) -> str:
    """Return the namespace of a context (of the pod, inside of one); ``default`` when it names none.

    Raises NoCluster.
    """
    if not kubeconfig and not context and _in_pod():
        with _readable():
            return _POD_NAMESPACE.read_text().strip()
    with _readable():
        found, current = kube_config.list_kube_config_contexts(config_file=kubeconfig)  # type: ignore[no-untyped-call]
        meant = next((one for one in found if one["name"] == context), None) if context else current
        if meant is None:
            raise NoCluster(f"There is no context {context!r} in the kubeconfig.")
        return str(meant["context"].get("namespace") or "default")


class Transport:
    """A connection pool to one API server, under one field manager's name."""

    def __init__(self, configuration: Configuration, *, manager: str) -> None:
        # Each log that is followed holds a connection (two where streams are read apart); who follows has a bound.
        configuration.connection_pool_maxsize = _CONNECTIONS
        self._api = ApiClient(configuration)
        self._api.user_agent = manager
        self.manager = manager

    @classmethod
    async def connect(cls, *, manager: str) -> Self:
        """Return a client from the pod's service account, else from KUBECONFIG.

        ``manager`` names the client in managedFields.
        """
        configuration = Configuration()
        if _in_pod():
            incluster_config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        else:
            await kube_config.load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        return cls(configuration, manager=manager)

    @classmethod
    async def connect_as(cls, *, manager: str, kubeconfig: str | None, context: str | None) -> Self:
        """Return a client for a person, who may name a kubeconfig and a context of it.

        Without either it is the client of ``connect`` inside of a pod. Raises NoCluster.
        """
        if not kubeconfig and not context and _in_pod():
            return await cls.connect(manager=manager)
        configuration = Configuration()
        with _readable():
            await kube_config.load_kube_config(  # type: ignore[no-untyped-call]
                config_file=kubeconfig, context=context, client_configuration=configuration, persist_config=False
            )
        return cls(configuration, manager=manager)

    async def __aenter__(self) -> Self:
        return self

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
        timeout_seconds: float | None = REQUEST_TIMEOUT,
    ) -> Any:
        """Send a request; return the aiohttp response of a success, unread.

        Raises ApiError for anything else.
        """
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        _, url, headers, _, _ = await self._api.param_serialize(
            method, path, header_params=headers, auth_settings=["BearerToken"]
        )
        url += _query(query or {})
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
        self, path: str, *, query: Mapping[str, str | bool], heartbeat: float | None = None
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """Open a WebSocket to a streaming subresource.

        Raises ApiError when the API server refuses it. ``heartbeat``: seconds between pings; without an answer the
        connection counts as broken.
        """
        _, url, headers, _, _ = await self._api.param_serialize("GET", path, auth_settings=["BearerToken"])
        url += _query(query)
        rest = self._api.rest_client
        if rest.pool_manager is None:
            rest.pool_manager = rest._create_pool_manager()
        with reachable():
            try:
                socket = await rest.pool_manager.ws_connect(
                    url, headers=headers, protocols=_CHANNELS, max_msg_size=0, heartbeat=heartbeat
                )
            except aiohttp.WSServerHandshakeError as error:
                raise from_status(error.status, "Refused", error.message) from error
        async with socket:
            yield socket
