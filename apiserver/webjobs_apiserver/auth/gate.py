"""The ASGI middleware that lets only those through who may do what they ask for."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from webjobs_apiserver.arm import answers
from webjobs_apiserver.arm.paths import is_arm
from webjobs_apiserver.arm.paths import of as address_of
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
            admitted = await self._admitted(scope)
            if isinstance(admitted, _Refusal):
                await _answer(scope, admitted)(scope, receive, send)
                return
            scope = {**scope, SITE: admitted}
        await self._app(scope, receive, send)

    async def _admitted(self, scope: Scope) -> Site | _Refusal:
        """The site that the request may do with what it wants."""
        headers = Headers(scope=scope)
        asked = _asked(scope, headers, sites=self._keeper.sites)
        given = shown(headers)
        # A host that is nobody's site gets the answer to a wrong password: hosts can't be guessed either.
        # And many clients ask without credentials at first; it is no try.
        if asked is None or given is None:
            return _Refusal(status=401)
        client = scope.get("client")
        address = address_key(client[0] if client else "")
        keys = [(site.namespace, address) for site in asked.sites]
        credentials, throttle = self._keeper.credentials, self._keeper.throttle
        try:
            accounts = [
                await credentials[site.namespace].accounts() if isinstance(given, Basic) else None
                for site in asked.sites
            ]
            if wait := max(throttle.wait(key) for key in keys):
                message = f"Too many wrong credentials from this address. Try again in {wait} s."
                return _Refusal(status=429, message=message, wait=wait)
            if isinstance(given, Bearer):
                return await self._bearer(asked, given, keys=keys)
        except Unavailable as error:
            return _Refusal(status=503, message=error.message)
        except ApiError as error:
            log.error("a token can't be reviewed: %s", error.reason)
            return _Refusal(status=503, message="Tokens can't be checked now. Try again later.")
        for site, known in zip(asked.sites, accounts, strict=True):
            role = known.role_of(given.username, given.password) if known else None
            if role == "reader" and not rights.reader_may(asked.method, asked.path):
                return _Refusal(status=401)  # Kudu's words for it (contract, section 9); it is no bad try
            if role:
                return asked.outcome(site)
        self._failed(keys)
        return _Refusal(status=401)

    async def _bearer(self, asked: _Asked, given: Bearer, *, keys: list[tuple[str, str]]) -> Site | _Refusal:
        tokens = self._keeper.tokens
        user = await tokens.user(given.token)
        if user is None:
            self._failed(keys)
            return _Refusal(status=401)
        needs = rights.needs(asked.method, asked.path)
        for site in asked.sites:
            if await tokens.allowed(given.token, user, namespace=site.namespace, needs=needs):
                return asked.outcome(site)
        # The same whether the job is there or not.
        wanted = ", ".join(f"{need.verb} {need.resource}.webjobs.dev" for need in needs)
        return _Refusal(status=403, message=f"This needs the right to: {wanted}.")

    def _failed(self, keys: list[tuple[str, str]]) -> None:
        for key in keys:
            self._keeper.throttle.failed(key)


@dataclass(frozen=True, kw_only=True)
class _Refusal:
    status: int
    message: str = ""
    wait: int = 0
    """Seconds."""


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What somebody wants to do, and where."""

    method: str
    path: str
    """Of Kudu's API: rights are told by it."""
    meant: Site | None
    """The site that it is for; None when there is none of that name."""
    host: Site
    """The host's site. Who may do that there learns that the meant one is not there, be it there or not."""

    @property
    def sites(self) -> list[Site]:
        """Where it must be allowed, in the order in which that is tried."""
        return [self.host] if self.meant in (None, self.host) else [self.meant, self.host]

    def outcome(self, allowed: Site) -> Site | _Refusal:
        """For who may do it at one of them."""
        return allowed if allowed == self.meant else _Refusal(status=404)


def _asked(scope: Scope, headers: Headers, *, sites: Sites) -> _Asked | None:
    """None: the host is nobody's."""
    name = headers.get("host", "")
    host = sites.of_host(name)
    if host is None:
        return None
    method, path = scope["method"], scope["path"]
    if not is_arm(path):
        return _Asked(method=method, path=path, meant=host, host=host)
    address = address_of(scope)
    if address is None:
        return _Asked(method=method, path=path, meant=host, host=host)  # no route has it
    meant = sites.of_name(name, address.site, address.slot)
    return _Asked(method=method, path=address.kudu_path, meant=meant, host=host)


def _answer(scope: Scope, refusal: _Refusal) -> Response:
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
