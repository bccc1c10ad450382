"""Answers of the Kragle API on the wire, and what its routes find in the scope."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from webjobs_apiserver.auth.credentials import Role
from webjobs_apiserver.auth.tickets import Ticket
from webjobs_apiserver.http.responses import json_answer
from webjobs_apiserver.kragle import faults
from webjobs_apiserver.kragle.faults import Fault, Mode

log = logging.getLogger(__name__)

SCOPE = "webjobs.kragle"
"""Key of the Context in the ASGI scope; only requests of the Kragle API have it."""


@dataclass(frozen=True, kw_only=True)
class Login:
    """A login that has just succeeded."""

    role: Role
    """Role of the account."""
    ticket: Ticket
    """Ticket that stands for the login."""


@dataclass(kw_only=True)
class Context:
    """The findings of the gate about a request to the Kragle API."""

    mode: Mode
    """Status that errors have."""
    body: Any = None
    """The JSON value of the body, a Fault when it was none, None when there is no body."""
    login: Login | None = None
    """Login that the request was, or None."""


class Wait(Fault):
    """Too many wrong logins: the client has to wait."""

    def __init__(self, message: str, *, seconds: int) -> None:
        super().__init__(faults.LOGIN, message, status=429)
        self.seconds = seconds


class NotLoggedIn(Fault):
    """A request without a login, or with one that does not count.

    Kragle's texts have a status for that in one place only, and there it is 403 (docs/kragle.md, section 2).
    """

    def __init__(self, message: str) -> None:
        super().__init__(faults.LOGIN, message)


def context_of(scope: Scope) -> Context | None:
    """Return the Context of a request; None for requests of other APIs."""
    found: Context | None = scope.get(SCOPE)
    return found


def body_of(request: Request) -> Any:
    """Return the JSON value that a client sent.

    Raises the Fault that the body is when it can't be read.
    """
    context = context_of(request.scope)
    body = context.body if context else None
    if isinstance(body, Fault):
        raise body
    return body


def refused(scope: Scope, fault: Fault) -> Response:
    """Return a fault as a response."""
    context = context_of(scope)
    mode: Mode = context.mode if context else "http"
    told = faults.told(fault, mode=mode)
    status = 403 if isinstance(fault, NotLoggedIn) and mode == "kragle" else told.status
    # The status may be 500 for all of them: only here is it seen what it was.
    log.info("%s of the Kragle API: fault %d, status %d", scope["method"], fault.code, status)
    answer = json_answer(told.body, status=status)
    if isinstance(fault, Wait):
        answer.headers["Retry-After"] = str(fault.seconds)
    if status == 401:
        answer.headers["WWW-Authenticate"] = 'Basic realm="site"'
    return answer


def failed(scope: Scope, error: Exception, *, status: int, message: str) -> Response:
    """Return an error as a response.

    ``status`` and ``message``: for an error that says nothing of the request.
    """
    fault = faults.of(error)
    if fault is None:
        fault = Fault(faults.UNSUITABLE if status == 400 else faults.BEHIND, message or "An error has occurred.")
    return refused(scope, fault)


def no_route(scope: Scope) -> Response:
    """Return the answer to a request for which nothing is at that path, or not with that verb."""
    return refused(scope, Fault(faults.MISSING, "There is nothing here, or not with this method."))
