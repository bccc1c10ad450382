"""The login by OpenID Connect: the way to the issuer, and the way back."""

from __future__ import annotations

import logging
import re
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from webjobs_apiserver.auth.admission import Refusal
from webjobs_apiserver.auth.oidc.attempt import LIFETIME, Attempt
from webjobs_apiserver.auth.oidc.failure import SignOnFailed
from webjobs_apiserver.auth.oidc.identity import Identity
from webjobs_apiserver.auth.oidc.issuer import Issuer
from webjobs_apiserver.auth.tickets import Ticket
from webjobs_apiserver.http.responses import base_url
from webjobs_apiserver.ui import addresses, sessions
from webjobs_apiserver.ui.pages.login import LoginPage

log = logging.getLogger(__name__)

COOKIE = "webjobs_sign_on"
"""Name of the cookie of a login that has begun."""
_NOT_BEGUN = "This login was not begun in this browser, or it took too long. Log in again."
_DENIED = "The single sign-on did not let you in, or you did not agree."
_NOBODY = "There is no site at this host name."
_CODE = re.compile(r"[a-z_]{1,40}")
# Neither shows the code to anybody: the address has it.
_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def routes(page: LoginPage, issuer: Issuer) -> list[Route]:
    """Return the routes that lead to an issuer and back."""

    async def begin(request: Request) -> Response:
        attempt = issuer.begin(addresses.own(request.query_params.get("next", "")))
        try:
            address = await issuer.login(attempt, redirect_uri=_redirect_uri(request))
        except SignOnFailed as error:
            return _failed(page, request, error, after=attempt.after)
        answer = RedirectResponse(address, status_code=303, headers=_HEADERS)
        _set_cookie(answer, attempt.cookie, request=request, seconds=int(LIFETIME.total_seconds()))
        return answer

    async def end(request: Request) -> Response:
        attempt = issuer.attempt_of(request.cookies.get(COOKIE, ""))
        after = addresses.own(attempt.after) if attempt else addresses.own("")
        try:
            session = await _session(page, issuer, request, attempt)
        except SignOnFailed as error:
            answer = _failed(page, request, error, after=after)
        else:
            if isinstance(session, Refusal):
                answer = page.refused(request, session, wrong=_NOBODY, after=after)
            else:
                # A redirect would be of the issuer's site still, for which a browser keeps the new cookie back.
                answer = page.renderer.page(request, "signed_on.html", after=after)
                sessions.begin(answer, session, request=request)
        answer.headers.update(_HEADERS)
        _set_cookie(answer, "", request=request, seconds=0)
        return answer

    return [
        Route(addresses.SIGN_ON.removeprefix(addresses.ROOT), begin, methods=["GET"]),
        Route(addresses.SIGNED_ON.removeprefix(addresses.ROOT), end, methods=["GET"]),
    ]


async def _session(page: LoginPage, issuer: Issuer, request: Request, attempt: Attempt | None) -> Ticket | Refusal:
    """Return the ticket for the answer of an issuer. Raises SignOnFailed."""
    given = request.query_params
    if attempt is None or not attempt.is_state(given.get("state", "")):
        raise SignOnFailed(_NOT_BEGUN, status=400)
    if not issuer.is_own(given.get("iss")):
        raise SignOnFailed("The answer is of another issuer.", status=400)
    if error := given.get("error"):
        if error == "access_denied":
            raise SignOnFailed(_DENIED)
        named = error if _CODE.fullmatch(error) else "unknown"
        raise SignOnFailed(f"The single sign-on has failed, with the error {named}.")
    code = given.get("code")
    if not code:
        raise SignOnFailed("The answer of the single sign-on has no code.", status=400)
    found: list[str] = []

    async def vouched() -> Identity:
        identity = await issuer.identity(code, attempt, redirect_uri=_redirect_uri(request))
        found.append(identity.user["username"])
        return identity

    session = await page.door.sign_on(request, vouched)
    if isinstance(session, Refusal) and found:  # whom rights have to be given
        return replace(session, message=f"You are {found[0]} here. {session.message}")
    return session


def _failed(page: LoginPage, request: Request, error: SignOnFailed, *, after: str) -> Response:
    log.warning("a single sign-on has failed: %s", error.message)
    return page.show(request, message=error.message, status=error.status, after=after)


def _redirect_uri(request: Request) -> str:
    return f"{base_url(request)}{addresses.SIGNED_ON}"


def _set_cookie(answer: Response, value: str, *, request: Request, seconds: int) -> None:
    answer.set_cookie(
        COOKIE,
        value,
        max_age=seconds,
        path=addresses.LOGIN,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",  # the answer comes from the issuer's site
    )
