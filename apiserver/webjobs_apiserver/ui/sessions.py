"""The session of a visitor: a cookie that holds a ticket, and the token that its forms carry."""

from __future__ import annotations

import hmac

from starlette.requests import Request
from starlette.responses import Response

from webjobs_apiserver.auth.tickets import LIFETIME, Ticket
from webjobs_apiserver.ui.addresses import ROOT

COOKIE = "webjobs_session"
"""Name of the cookie."""
FIELD = "csrf"
"""Name of the field of a form with the session's token."""
HEADER = "x-csrf-token"
"""Header with the session's token, for requests of scripts of ours."""


def of(request: Request) -> Ticket | None:
    """Return the ticket in the cookie of a request; None when there is none."""
    text = request.cookies.get(COOKIE)
    return Ticket(text=text, use="session") if text else None


def token(session: Ticket) -> str:
    """Return the text that forms of a session carry: a page that can't read the cookie can't make it."""
    return hmac.new(session.text.encode("utf-8", "surrogatepass"), b"webjobs form", "sha256").hexdigest()


def is_token(session: Ticket, given: str) -> bool:
    """Return whether a form was made for a session."""
    return hmac.compare_digest(token(session).encode(), given.encode("utf-8", "surrogatepass"))


def begin(response: Response, session: Ticket, *, request: Request) -> None:
    """Put the cookie of a session into an answer."""
    response.set_cookie(
        COOKIE,
        session.text,
        max_age=int(LIFETIME.total_seconds()),
        path=ROOT,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def end(response: Response, *, request: Request) -> None:
    """Take the cookie away from the browser."""
    response.delete_cookie(COOKIE, path=ROOT, secure=request.url.scheme == "https", httponly=True, samesite="strict")
