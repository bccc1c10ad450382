"""TLS without a restart when the certificate is renewed, and what is still served in clear beside it."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from webjobs_apiserver.auth_middleware import OPEN_PATHS, TOKEN_PREFIX
from webjobs_apiserver.http.browsers import NO_SNIFF

log = logging.getLogger(__name__)

_LOOK_SECONDS = 10.0


class InClear:
    """ASGI middleware: it serves only what pods and probes inside the cluster ask for; others are told to use https."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            if path in OPEN_PATHS or path.startswith(TOKEN_PREFIX):
                await self._app(scope, receive, send)
            else:
                await PlainTextResponse("Use https.", status_code=403, headers=NO_SNIFF)(scope, receive, send)


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
