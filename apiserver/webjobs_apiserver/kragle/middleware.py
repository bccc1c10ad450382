"""The ASGI middleware before the Kragle API: its ways to log in, and its form of a refusal.

A login is in the body (inline auth), in the Authorization header or in a cookie: the first of these that is there
counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webjobs_apiserver.auth import rights, roles
from webjobs_apiserver.auth.admission import Admitted, Asked, Refusal
from webjobs_apiserver.auth.authenticator import Keeper
from webjobs_apiserver.auth.headers import Basic, Bearer, shown
from webjobs_apiserver.auth.tickets import COOKIE, Ticket
from webjobs_apiserver.kragle import answers, faults, requests
from webjobs_apiserver.kragle.faults import Fault, Mode
from webjobs_apiserver.sites import SITE

ROOT = "/api/v1"
"""Prefix of the paths of the Kragle API."""
LOGINS = ("/authenticate", "/login")
"""Paths below the root by which a client logs in."""
_BODIES = ("POST", "PUT")


@dataclass(frozen=True, kw_only=True)
class _Sent:
    """The request of a client of which it is not known yet who it is."""

    body: Any = None
    """The JSON value of the body; a Fault when it can't be read."""
    given: Basic | Bearer | Ticket | None = field(default=None, repr=False)


def below_root(scope: Scope) -> str | None:
    """Return the path of a request below the root, without a slash at its end; None for other paths."""
    path: str = scope["path"]
    if path != ROOT and not path.startswith(f"{ROOT}/"):
        return None
    raw: bytes = scope.get("raw_path") or path.encode()
    # A slash that was escaped is a part of a name.
    return path.removeprefix(ROOT).removesuffix("/") if raw.endswith(b"/") else path.removeprefix(ROOT)


class KragleGate:
    """ASGI middleware: it lets clients of the Kragle API in, and tells refusals in its form.

    Routes find their Site in the scope, and under ``answers.SCOPE`` what was sent.
    """

    def __init__(self, app: ASGIApp, *, keeper: Keeper, mode: Mode) -> None:
        self._app = app
        self._keeper = keeper
        self._mode = mode

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = below_root(scope) if scope["type"] == "http" else None
        if path is None:
            await self._app(scope, receive, send)
            return
        context = answers.Context(mode=self._mode)
        scope = {**scope, "path": ROOT + path, answers.SCOPE: context}
        try:
            sent = await self._sent(scope, receive, path=path)
            admitted = await self._admitted(scope, sent, path=path)
        except Fault as fault:
            await answers.refused(scope, fault)(scope, receive, send)
            return
        context.body = sent.body
        if path in LOGINS and scope["method"] == "POST" and admitted.role:
            ticket = await self._keeper.ticket(admitted, use="cookie")
            context.login = answers.Login(role=admitted.role, ticket=ticket) if ticket else None
        await self._app_or_fault({**scope, SITE: admitted.site}, receive, send)

    async def _app_or_fault(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application; tell a bug of it in the form of this API, too.

        The handler that logs it is further out, where nothing is known of that form.
        """
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            if not begun:
                answer = answers.failed(scope, error, status=500, message="An error has occurred.")
                await answer(scope, receive, send)
            raise

    async def _sent(self, scope: Scope, receive: Receive, *, path: str) -> _Sent:
        headers = Headers(scope=scope)
        body: Any = None
        if scope["method"] in _BODIES:
            try:
                body = requests.parsed(await _read(receive))
                if path in LOGINS:
                    return _Sent(given=requests.login(body))
                if found := requests.inline(body):
                    return _Sent(given=found[0], body=found[1])
            except Fault as fault:
                if path in LOGINS:
                    raise
                body = fault  # who sent it must show first who he is
        return _Sent(given=shown(headers) or _ticket(headers), body=body)

    async def _admitted(self, scope: Scope, sent: _Sent, *, path: str) -> Admitted:
        host = self._keeper.sites.of_host(Headers(scope=scope).get("host", ""))
        asked = None
        is_login = path in LOGINS
        if host:
            asked = Asked(
                needs=rights.kragle_needs(scope["method"], path),
                roles=roles.kragle_allowed(scope["method"], is_login=is_login),
                meant=host,
                host=host,
            )
        found = await self._keeper.admit(asked, sent.given, scope)
        if isinstance(found, Refusal):
            raise _fault(found, is_login=is_login)
        return found


def _fault(refusal: Refusal, *, is_login: bool) -> Fault:
    if refusal.status == 503:
        return Fault(faults.BEHIND, refusal.message)
    if refusal.status == 429:
        return answers.Wait(refusal.message, seconds=refusal.wait)
    if refusal.is_reader or refusal.status == 403:
        return Fault(faults.LOGIN, refusal.message or "This account may only read.", status=403)
    if is_login:
        return Fault(faults.LOGIN, "The username or the password is wrong.")
    return answers.NotLoggedIn("Log in first: by /authenticate, inline auth or the Authorization header.")


def _ticket(headers: Headers) -> Ticket | None:
    for header in headers.getlist("cookie"):
        if found := cookie_parser(header).get(COOKIE):
            return Ticket(text=found, use="cookie")
    return None


async def _read(receive: Receive) -> bytes:
    content = bytearray()
    while True:
        message = await receive()
        content += message.get("body", b"")
        if len(content) > requests.BODY_BYTES:
            raise Fault(faults.UNSUITABLE, f"The body has more than {requests.BODY_BYTES} bytes.")
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return bytes(content)
