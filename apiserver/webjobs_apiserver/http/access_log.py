"""The access log: one line a request, with the client as trusted proxies name it, and the caller that was let in.

It has no query, since arguments of runs can be secret, and no name that was only tried, since people type passwords
there. uvicorn's own has the proxy's address and no name.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from urllib.parse import quote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webjobs_apiserver.http import caller

log = logging.getLogger(__name__)


class AccessLog:
    """ASGI middleware: it logs what is answered. ``quiet``: paths of probes, whose successes are not logged."""

    def __init__(self, app: ASGIApp, *, quiet: Collection[str] = ()) -> None:
        self._app = app
        self._quiet = quiet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = caller.begin(scope)
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                self._log(scope, message["status"])
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception:
            if not begun:
                self._log(scope, 500)
            raise

    def _log(self, scope: Scope, status: int) -> None:
        if status == 200 and scope["path"] in self._quiet:
            return
        client = scope.get("client")
        raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
        path = raw.partition(b"?")[0].decode("latin-1")
        version = scope.get("http_version", "1.1")
        who = caller.of(scope) or "-"
        log.info('%s %s "%s %s HTTP/%s" %d', client[0] if client else "-", who, scope["method"], path, version, status)
