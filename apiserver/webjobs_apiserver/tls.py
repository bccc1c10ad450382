"""TLS: a handshake with a time limit, a certificate that is renewed without a restart, and what is served in clear."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from webjobs_apiserver.auth_middleware import OPEN_PATHS, TOKEN_PREFIX
from webjobs_apiserver.http.access_log import AccessLog
from webjobs_apiserver.http.browsers import NO_SNIFF
from webjobs_apiserver.http.connection import Connection
from webjobs_apiserver.http.crowd import Crowd

log = logging.getLogger(__name__)

_LOOK_SECONDS = 10.0


class InClear:
    """ASGI middleware: it serves only what pods and probes inside the cluster ask for; others are told to use https."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._refusal = AccessLog(PlainTextResponse("Use https.", status_code=403, headers=NO_SNIFF))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            if path in OPEN_PATHS or path.startswith(TOKEN_PREFIX):
                await self._app(scope, receive, send)
            else:
                await self._refusal(scope, receive, send)


class _Early(asyncio.Protocol):
    """A reader of what comes in the same moment as the end of the handshake."""

    def __init__(self) -> None:
        self.data = bytearray()

    def data_received(self, data: bytes) -> None:
        self.data += data


class Handshake(asyncio.Protocol):
    """A connection before its handshake is done; then a Connection takes over.

    asyncio's own server has a minute for it, and tells nobody of the connections that don't do it.
    """

    def __init__(
        self, made: Callable[[], Connection], *, context: ssl.SSLContext, crowd: Crowd, seconds: float
    ) -> None:
        self._made = made
        self._context = context
        self._crowd = crowd
        self._seconds = seconds
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a place among all connections, and begin the handshake."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  a server of TCP makes no other
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self._crowd.enter(self, str(peer[0]) if peer else "")
        self._task = asyncio.get_running_loop().create_task(self._shake(transport))

    def evict(self) -> None:
        """Close the connection at once."""
        if self._transport:
            self._transport.abort()

    async def _shake(self, transport: asyncio.Transport) -> None:
        early = _Early()
        try:
            secure = await asyncio.get_running_loop().start_tls(
                transport, early, self._context, server_side=True, ssl_handshake_timeout=self._seconds
            )
        except OSError:
            return  # a client that speaks no TLS, or none of ours, or is too slow
        finally:
            self._crowd.leave(self)
        if secure is None or secure.is_closing():
            transport.abort()
            return
        connection = self._made()
        secure.set_protocol(connection)
        connection.connection_made(secure)
        if early.data:
            connection.data_received(bytes(early.data))


def handshakes(made: Callable[..., Connection], *, context: ssl.SSLContext, crowd: Crowd, seconds: float) -> Any:
    """Return what uvicorn's setting ``http`` takes to make Connections by TLS."""

    def make(**options: Any) -> Handshake:
        return Handshake(lambda: made(**options), context=context, crowd=crowd, seconds=seconds)

    return make


async def reload_on_change(
    context: ssl.SSLContext,
    *,
    certificate: Path,
    key: Path,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Give new connections the renewed certificate, until cancelled; a broken one changes nothing."""
    seen = _stamp(certificate, key)
    while True:
        await sleep(_LOOK_SECONDS)
        try:
            now = _stamp(certificate, key)
            if now == seen:
                continue
            # A pair that does not fit must be noticed before the context has half of it.
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
            context.load_cert_chain(certificate, key)
            seen = now
            log.info("the certificate was renewed")
        except (OSError, ssl.SSLError) as error:
            log.warning("the renewed certificate can't be used yet: %s", error)


def _stamp(*files: Path) -> tuple[tuple[int, int], ...]:
    return tuple((stat.st_ino, stat.st_mtime_ns) for stat in (file.stat() for file in files))
