"""The ASGI middleware that lets only those clients through who may do what they ask for."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from webjobs_apiserver.arm import answers
from webjobs_apiserver.arm.paths import ADFS, METADATA, is_arm
from webjobs_apiserver.arm.paths import of as address_of
from webjobs_apiserver.auth.admission import Asked, Refusal
from webjobs_apiserver.auth.authenticator import ASKER, Keeper
from webjobs_apiserver.auth.headers import shown
from webjobs_apiserver.sites import SITE, Sites
from webjobs_apiserver.ui.addresses import is_page

OPEN_PATHS = frozenset({"/healthz", "/readyz", METADATA})
"""Paths that need no credentials."""
TOKEN_PREFIX = "/internal/packages/"  # noqa: S105  a path, not a password
"""Prefix of paths that take other tokens, which their own router checks."""
PUBLISH_PROFILE = "/api/publishprofile"
"""Path of what holds a password that lasts."""
_LOGIN_PREFIX = f"{ADFS}/"
"""Prefix of paths by which a client gets a token."""
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="site"'}


class Gate:
    """ASGI middleware: it refuses requests that the authenticator refuses.

    A request that comes through has its Site in the scope, under ``sites.SITE``, and its Admitted, under ``ASKER``.
    """

    def __init__(self, app: ASGIApp, *, keeper: Keeper) -> None:
        self._app = app
        self._keeper = keeper

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # nothing here speaks WebSocket; the server refuses the handshake
        path: str = scope["path"]
        if not _is_open(path) and SITE not in scope:
            headers = Headers(scope=scope)
            asked = _asked(scope, headers, sites=self._keeper.sites)
            admitted = await self._keeper.admit(asked, shown(headers), scope)
            if isinstance(admitted, Refusal):
                await _answer(scope, admitted)(scope, receive, send)
                return
            scope = {**scope, SITE: admitted.site, ASKER: admitted}
        await self._app(scope, receive, send)


def _is_open(path: str) -> bool:
    """Return whether a path needs no credentials here: nobody's, or those that its own routes check."""
    return path in OPEN_PATHS or path.startswith((TOKEN_PREFIX, _LOGIN_PREFIX)) or is_page(path)


def _asked(scope: Scope, headers: Headers, *, sites: Sites) -> Asked | None:
    """Return what a request asks of the authenticator; None: its host belongs to no site."""
    name = headers.get("host", "")
    host = sites.of_host(name)
    if host is None:
        return None
    method, path = scope["method"], scope["path"]
    if not is_arm(path):
        return Asked.of_kudu(method, path, meant=host, host=host, by_ticket=path != PUBLISH_PROFILE)
    address = address_of(scope)
    if address is None:  # subscriptions are told to whom jobs are
        return Asked.of_kudu(method, "/api/webjobs", meant=host, host=host)
    meant = sites.of_name(name, address.site, address.slot)
    return Asked.of_kudu(method, address.kudu_path, meant=meant, host=host)


def _answer(scope: Scope, refusal: Refusal) -> Response:
    if refusal.status == 401:
        return Response(status_code=401, headers=_CHALLENGE)
    if refusal.status == 404:
        return answers.no_site(scope)
    if is_arm(scope["path"]):
        response = answers.error(scope, status=refusal.status, message=refusal.message)
    else:
        response = PlainTextResponse(refusal.message, status_code=refusal.status)
    if refusal.wait:
        response.headers["Retry-After"] = str(refusal.wait)
    return response
