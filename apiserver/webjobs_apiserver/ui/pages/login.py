"""The page by which people log in, and the form by which they log out."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from webjobs_apiserver.auth.admission import Refusal
from webjobs_apiserver.auth.headers import Basic, Bearer
from webjobs_apiserver.ui import addresses, sessions
from webjobs_apiserver.ui.door import Door
from webjobs_apiserver.ui.rendering import Renderer
from webjobs_apiserver.ui.routing import FORM_BYTES, check_size

_WRONG = "The name and the password don't belong together, or the token is not valid here."
_NOT_READABLE = "This needs a user name and a password, or a token."


@dataclass(frozen=True, kw_only=True)
class LoginPage:
    """The page by which people log in."""

    door: Door
    """Door of the dashboard."""
    renderer: Renderer
    """Renderer of pages."""
    has_sign_on: bool
    """True when there is a login by OpenID Connect."""

    def show(self, request: Request, *, message: str = "", status: int = 200, after: str, wait: int = 0) -> Response:
        """Return the page, with what went wrong. ``after``: page to which the login leads."""
        site = self.door.site_of(request)
        return self.renderer.page(
            request,
            "login.html",
            status=status,
            headers={"Retry-After": str(wait)} if wait else None,
            message=message,
            after=after,
            site_name=site.name if site else request.url.hostname or "",
            sign_on=f"{addresses.SIGN_ON}?{urlencode({'next': after})}" if self.has_sign_on else "",
        )

    def refused(self, request: Request, refusal: Refusal, *, wrong: str, after: str) -> Response:
        """Return the page for who is not let in. ``wrong``: sentence for who is nobody here."""
        message = wrong if refusal.status == 401 else refusal.message
        return self.show(request, message=message, status=refusal.status, after=after, wait=refusal.wait)


def routes(page: LoginPage) -> list[Route]:
    """Return the routes that need no session."""
    door = page.door

    async def show(request: Request) -> Response:
        return page.show(request, after=addresses.own(request.query_params.get("next", addresses.ROOT)))

    async def enter(request: Request) -> Response:
        check_size(request, most=FORM_BYTES)
        fields = await request.form(max_files=0, max_fields=8)
        after = addresses.own(_text(fields.get("next")))
        shown = _credentials(_text(fields.get("username")), _text(fields.get("password")), _text(fields.get("token")))
        if shown is None:
            return page.show(request, message=_NOT_READABLE, status=400, after=after)
        session = await door.log_in(request, shown)
        if isinstance(session, Refusal):
            return page.refused(request, session, wrong=_WRONG, after=after)
        answer = RedirectResponse(after, status_code=303)
        sessions.begin(answer, session, request=request)
        return answer

    async def leave(request: Request) -> Response:
        session = sessions.of(request)
        check_size(request, most=FORM_BYTES)
        given = _text((await request.form(max_files=0, max_fields=8)).get(sessions.FIELD))
        answer = RedirectResponse(addresses.LOGIN, status_code=303)
        if session and sessions.is_token(session, given):
            sessions.end(answer, request=request)
        return answer

    return [
        Route("/login", show, methods=["GET"]),
        Route("/login", enter, methods=["POST"]),
        Route("/logout", leave, methods=["POST"]),
    ]


def _credentials(username: str, password: str, token: str) -> Basic | Bearer | None:
    """Return what the fields of a form show; None when it is nothing."""
    token = token.strip()
    if token:
        return Bearer(token=token) if token.isascii() and " " not in token else None
    if not username or not password:
        return None
    return Basic(username=username.encode("utf-8", "replace"), password=password.encode("utf-8", "replace"))


def _text(field: object) -> str:
    return field if isinstance(field, str) else ""
