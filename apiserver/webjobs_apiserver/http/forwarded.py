"""``X-Forwarded-*``, from configured proxies only: they say who the client is, by which scheme and host it came.

The host picks the site and stands in the URLs of every body, so what anybody else says of it is ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from webjobs_apiserver.http.addresses import is_in, networks

_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*)|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


class Forwarded:
    """ASGI middleware: it puts what trusted proxies say into the scope.

    Of a list, the last value counts: the nearest proxy wrote it, whoever wrote the others.
    """

    def __init__(self, app: ASGIApp, *, trusted: Iterable[str]) -> None:
        self._app = app
        self._trusted = networks(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope.get("client") and self._trusts(scope["client"][0]):
            scope = self._rewritten(scope)
        await self._app(scope, receive, send)

    def _trusts(self, address: str) -> bool:
        return is_in(address, self._trusted)

    def _rewritten(self, scope: Scope) -> Scope:
        headers = Headers(scope=scope)
        changed = dict(scope)
        scheme = _last(headers, "x-forwarded-proto").lower()
        if scheme in ("http", "https"):
            changed["scheme"] = scheme
        for address in reversed(_values(headers, "x-forwarded-for")):
            changed["client"] = (address, 0)
            if not self._trusts(address):
                break
        host = _last(headers, "x-forwarded-host")
        if _HOST.fullmatch(host):
            others = [(name, value) for name, value in scope["headers"] if name != b"host"]
            changed["headers"] = [(b"host", host.encode()), *others]
        return changed


def _values(headers: Headers, name: str) -> list[str]:
    values = ",".join(headers.getlist(name)).split(",")
    return [value.strip() for value in values if value.strip()]


def _last(headers: Headers, name: str) -> str:
    values = _values(headers, name)
    return values[-1] if values else ""
