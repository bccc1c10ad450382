"""Errors of the Kubernetes API, and of the way to it."""

from __future__ import annotations

import json
import re


class NoCluster(Exception):
    """A missing or wrong configuration of the way to an API server; the message says what is wrong."""


class ApiError(Exception):
    """An answer of the API server that is an error.

    ``status`` is the HTTP status, ``reason`` Kubernetes' word. ``retry_after``: seconds for which the server asks to be
    left alone (429, 503); 0 when it does not.
    """

    retry_after: float = 0.0

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message

    @property
    def is_refusal(self) -> bool:
        """True when the API server refused the request (4xx but 429): asking again gets the same answer."""
        return 400 <= self.status < 500 and self.status != 429


class NotFound(ApiError):
    """An error 404: the object (or its kind) is not there."""


class Forbidden(ApiError):
    """An error 403: a quota, a policy or an admission webhook says no, or a right is missing. It may pass."""


class Conflict(ApiError):
    """An error 409: somebody else has changed the object in the meantime."""


class AlreadyExists(Conflict):
    """An error 409 of a creation: there is an object with the name."""


class Gone(ApiError):
    """An error 410: the resourceVersion is too old to continue from; list again."""


class Unreachable(ApiError):
    """No answer: the API server is down, or the connection broke or took too long.

    ``status`` is 0.
    """

    def __init__(self, message: str) -> None:
        super().__init__(0, "Unreachable", message)


class Invalid(ApiError):
    """An error that says what is wrong with the request: 400 or 422, by schema, CEL or admission; 500 of an apply."""


_LONGEST_WAIT = 60.0
_WRONG_FORM = re.compile(r"failed to (?:create typed patch object|convert new object)\b")
"""Message of the API server about an applied manifest that has not the form of its kind; the status is 500 then."""


def from_response(status: int, body: bytes, *, retry_after: str | None = None) -> ApiError:
    """Return the error for a response; the body is a Kubernetes Status, or a proxy's text.

    ``retry_after``: the header of that name; only seconds are understood, and no more than a minute of them.
    """
    try:
        parsed = json.loads(body)
        reason, message = str(parsed.get("reason", "")), str(parsed.get("message", ""))
    except (ValueError, AttributeError):
        reason, message = "", body[:500].decode("utf-8", "replace")
    error = from_status(status, reason, message)
    if retry_after and retry_after.isdecimal() and retry_after.isascii():
        error.retry_after = min(float(retry_after), _LONGEST_WAIT)
    return error


def from_status(status: int, reason: str, message: str) -> ApiError:
    """Return the error for a Kubernetes Status: its code, reason and message."""
    kind: type[ApiError] = ApiError
    match status, reason:
        case 500, _ if _WRONG_FORM.match(message):
            kind = Invalid
        case 403, _:
            kind = Forbidden
        case 404, _:
            kind = NotFound
        case 410, _:
            kind = Gone
        case 409, "AlreadyExists":
            kind = AlreadyExists
        case 409, _:
            kind = Conflict
        case ((400 | 422), _):
            kind = Invalid
    return kind(status, reason or "Unknown", message)
