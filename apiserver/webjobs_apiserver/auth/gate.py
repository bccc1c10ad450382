"""The ASGI middleware that lets only those through who may do what they ask for."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from webjobs_apiserver.auth import rights
from webjobs_apiserver.auth.credentials import Credentials
from webjobs_apiserver.auth.headers import Basic, Bearer, shown
from webjobs_apiserver.auth.throttle import Throttle, address_key
from webjobs_apiserver.auth.tokens import Tokens
from webjobs_apiserver.errors import Unavailable
from webjobs_apiserver.sites import SITE, Site, Sites
from webjobs_kube.errors import ApiError

log = logging.getLogger(__name__)

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
TOKEN_PREFIX = "/internal/packages/"  # noqa: S105  a path, not a password
"""Below it other tokens count, and its own router checks them."""
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="site"'}


@dataclass(frozen=True, kw_only=True)
class Keeper:
    """What decides."""

    sites: Sites
    credentials: Mapping[str, Credentials]
    """By namespace."""
    tokens: Tokens
    throttle: Throttle


class Gate:
    """See the module. What comes through has its Site in the scope, under ``sites.SITE``."""

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
        if path not in OPEN_PATHS and not path.startswith(TOKEN_PREFIX):
            headers = Headers(scope=scope)
            # A host that is nobody's site gets the answer to a wrong password: hosts can't be guessed either.
            site = self._keeper.sites.of_host(headers.get("host", ""))
            refusal = await self._refusal(site, scope, headers) if site else _unauthorized()
            if refusal:
                await refusal(scope, receive, send)
                return
            scope = {**scope, SITE: site}
        await self._app(scope, receive, send)

    async def _refusal(self, site: Site, scope: Scope, headers: Headers) -> Response | None:
        """None: may pass."""
        given = shown(headers)
        if given is None:
            return _unauthorized()  # many clients ask without at first; it is no try
        throttle = self._keeper.throttle
        client = scope.get("client")
        key = (site.namespace, address_key(client[0] if client else ""))
        try:
            accounts = await self._keeper.credentials[site.namespace].accounts() if isinstance(given, Basic) else None
            if wait := throttle.wait(key):
                return _too_many(wait)
            if isinstance(given, Bearer):
                return await self._bearer(site, scope, given, key=key)
        except Unavailable as error:
            return PlainTextResponse(error.message, status_code=503)
        except ApiError as error:
            log.error("a token can't be reviewed: %s", error.reason)
            return PlainTextResponse("Tokens can't be checked now. Try again later.", status_code=503)
        role = accounts.role_of(given.username, given.password) if accounts else None
        if role is None:
            throttle.failed(key)
            return _unauthorized()
        if role == "reader" and not rights.reader_may(scope["method"], scope["path"]):
            return _unauthorized()  # Kudu's words for it (contract, section 9); it is no bad try
        return None

    async def _bearer(self, site: Site, scope: Scope, given: Bearer, *, key: tuple[str, str]) -> Response | None:
        tokens = self._keeper.tokens
        user = await tokens.user(given.token)
        if user is None:
            self._keeper.throttle.failed(key)
            return _unauthorized()
        needs = rights.needs(scope["method"], scope["path"])
        if await tokens.allowed(given.token, user, namespace=site.namespace, needs=needs):
            return None
        # The same whether the job is there or not.
        wanted = ", ".join(f"{need.verb} {need.resource}.webjobs.dev" for need in needs)
        return PlainTextResponse(f"This needs the right to: {wanted}.", status_code=403)


def _unauthorized() -> Response:
    return Response(status_code=401, headers=_CHALLENGE)


def _too_many(wait: int) -> Response:
    message = f"Too many wrong credentials from this address. Try again in {wait} s."
    return PlainTextResponse(message, status_code=429, headers={"Retry-After": str(wait)})
