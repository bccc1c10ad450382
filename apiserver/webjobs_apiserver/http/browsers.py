"""Protection of people's browsers, which add a login that they remember to requests of any page.

Pages of other sites can't write here, and what people and jobs have written is no page of this origin.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOREIGN = (
    "This write comes from a page of another site, and nothing was changed: a browser may have added a login that it "
    "remembers. Send it from a program, or from a page of this host; a proxy in between must keep the Host header."
)
"""Message to a write that a browser sends for a page of another site."""
NO_SNIFF = {"X-Content-Type-Options": "nosniff"}
"""Header of all answers: a browser takes them for what they say they are."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN = frozenset({"same-origin", "none"})
"""Values of Sec-Fetch-Site for this origin's own pages, and for what a person typed."""
_POLICY = "Content-Security-Policy"
_FILES = re.compile(r"/api/(?:vfs|zip)(?:/.*)?", re.DOTALL)
_FILES_POLICY = "default-src 'none'; sandbox"
_PASSTHROUGH = re.compile(r"/api/continuouswebjobs/[^/]+/passthrough(?:/.*)?", re.DOTALL)
_PASSTHROUGH_POLICY = "sandbox allow-downloads allow-forms allow-popups allow-scripts"
"""Policy of a job's own pages: they may work, as an origin of their own that has no login."""
_DEFAULT_PORT = re.compile(r":(?:80|443)\Z")


def is_foreign(method: str, headers: Headers) -> bool:
    """Return whether a request is a write that a browser sends for a page of another origin.

    ``headers``: with the host that the client asked for. Programs send neither Sec-Fetch-Site nor Origin, and browsers
    in clear no Sec-Fetch-Site.
    """
    if method in _SAFE:
        return False
    if sites := headers.getlist("sec-fetch-site"):
        return not all(site.strip().lower() in _OWN for site in sites)
    own = _DEFAULT_PORT.sub("", headers.get("host", "").strip().lower())
    return not all(_host_of(origin) == own for origin in headers.getlist("origin"))


def _host_of(origin: str) -> str | None:
    """Return host and port of an origin, the port if it is unusual; None for what is no page of HTTP."""
    try:
        parts = urlsplit(origin.strip().lower())
    except ValueError:
        return None
    return _DEFAULT_PORT.sub("", parts.netloc) if parts.scheme in ("http", "https") and parts.netloc else None


class Browsers:
    """ASGI middleware: it refuses writes of foreign pages, and tells browsers how to treat answers.

    It needs the canonical path.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                _protect(MutableHeaders(scope=message), scope["path"])
            await send(message)

        app = self._app
        if is_foreign(scope["method"], Headers(scope=scope)):
            app = PlainTextResponse(FOREIGN, status_code=403)
        await app(scope, receive, sending)


def _protect(headers: MutableHeaders, path: str) -> None:
    headers.update(NO_SNIFF)
    if _FILES.fullmatch(path):
        headers[_POLICY] = _FILES_POLICY
        headers["Cross-Origin-Resource-Policy"] = "same-origin"  # a foreign page could run a script of ours
    elif _PASSTHROUGH.fullmatch(path):
        headers.append(_POLICY, _PASSTHROUGH_POLICY)  # beside the job's own: all of them count
