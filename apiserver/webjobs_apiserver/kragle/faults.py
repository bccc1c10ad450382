"""Errors of the Kragle API: a number and a sentence (docs/kragle.md, section 2). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from webjobs_apiserver.errors import BadRequest, Missing
from webjobs_apiserver.service.schedules.registry import InUse, NameTaken, NoStack, NoTiming

QUERY, JSON, LOGIN, UNSUITABLE, MISSING = 1, 2, 3, 4, 6
NAME_TAKEN, NO_STACK, NO_SCHEDULE, CONFIG, IN_USE = 12, 24, 25, 26, 27
BEHIND = 100
"""Code that is not one of Kragle's: what is behind the API does not answer now, or fails."""

Mode = Literal["kragle", "http"]
"""Status of errors. ``kragle``: 500 for all errors, as documented; ``http``: what HTTP has for each."""

_STATUS = {
    QUERY: 400,
    JSON: 400,
    LOGIN: 401,
    UNSUITABLE: 400,
    MISSING: 404,
    NAME_TAKEN: 409,
    NO_STACK: 400,
    NO_SCHEDULE: 400,
    CONFIG: 400,
    IN_USE: 409,
    BEHIND: 503,
}


class Fault(Exception):
    """An error of the Kragle API.

    ``status``: the status in both modes, for what HTTP itself must know.
    """

    def __init__(self, code: int, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Told:
    """A fault on the wire."""

    status: int
    """HTTP status of the answer."""
    body: dict[str, int | str]
    """JSON object of the answer."""


def told(fault: Fault, *, mode: Mode) -> Told:
    """Return status and body of a fault."""
    status = fault.status or (_STATUS[fault.code] if mode == "http" else 500)
    return Told(status=status, body={"code": fault.code, "msg": fault.message})


def of(error: Exception) -> Fault | None:
    """Return the fault that an error of the service is; None for an error that says nothing of the request."""
    match error:
        case Fault():
            return error
        case NoStack():
            return Fault(NO_STACK, error.message)
        case NoTiming():
            return Fault(NO_SCHEDULE, error.message)
        case NameTaken():
            return Fault(NAME_TAKEN, error.message)
        case InUse():
            return Fault(IN_USE, error.message)
        case Missing():
            return Fault(MISSING, error.message or "There is no such object.")
        case BadRequest():
            return Fault(UNSUITABLE, error.message)
    return None
