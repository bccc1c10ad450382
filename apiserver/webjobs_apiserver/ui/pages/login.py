"""The page by which people log in, and the form by which they log out."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from webjobs_apiserver.auth.authenticator import Refusal
from webjobs_apiserver.auth.headers import Basic, Bearer
from webjobs_apiserver.ui import addresses, sessions
from webjobs_apiserver.ui.door import Door
from webjobs_apiserver.ui.rendering import Renderer
from webjobs_apiserver.ui.routing import FORM_BYTES, check_size

_WRONG = "The name and the password don't belong together, or the token is not valid here."
_NOT_READABLE = "This needs a user name and a password, or a token."


def routes(door: Door, renderer: Renderer) -> list[Route]:
    """Return the routes that need no session."""

    def form(request: Request, *, message: str = "", status: int = 200, after: str, wait: int = 0) -> Response:
        headers = {"Retry-After": str(wait)} if wait else None
        site = door.site_of(request)
        name = site.name if site else request.url.hostname or ""
        return renderer.page(
            request, "login.html", status=status, headers=headers, message=message, after=after, site_name=name
        )

    async def show(request: Request) -> Response:
        return form(request, after=addresses.own(request.query_params.get("next", addresses.ROOT)))

    async def enter(request: Request) -> Response:
        check_size(request, most=FORM_BYTES)
        fields = await request.form(max_files=0, max_fields=8)
        after = addresses.own(_text(fields.get("next")))
        shown = _credentials(_text(fields.get("username")), _text(fields.get("password")), _text(fields.get("token")))
        if shown is None:
            return form(request, message=_NOT_READABLE, status=400, after=after)
        session = await door.log_in(request, shown)
        if isinstance(session, Refusal):
            message = _WRONG if session.status == 401 else session.message
            return form(request, message=message, status=session.status, after=after, wait=session.wait)
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
