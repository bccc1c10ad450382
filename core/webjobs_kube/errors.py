"""What the Kubernetes API can answer besides the thing that was asked for."""

from __future__ import annotations

import json


class NoCluster(Exception):
    """There is nothing that says where the API server is; the message says what is wrong."""


class ApiError(Exception):
    """An answer of the API server that is an error. ``status`` is the HTTP status, ``reason`` Kubernetes' word.

    ``retry_after``: seconds for which the server asks to be left alone (429, 503); 0 when it does not.
    """

    retry_after: float = 0.0

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message

    @property
    def is_refusal(self) -> bool:
        """Whether the API server refused it (4xx but 429): asking again gets the same answer."""
        return 400 <= self.status < 500 and self.status != 429


class NotFound(ApiError):
    """404: the object (or its kind) is not there."""


class Conflict(ApiError):
    """409: changed by somebody else in the meantime."""


class AlreadyExists(Conflict):
    """409 on create."""


class Gone(ApiError):
    """410: the resourceVersion is too old to continue from; list again."""


class Unreachable(ApiError):
    """No answer: the API server is down, or the connection broke or took too long. ``status`` is 0."""

    def __init__(self, message: str) -> None:
        super().__init__(0, "Unreachable", message)


class Invalid(ApiError):
    """400 or 422: refused by schema, CEL or admission; the message says what is wrong."""


_LONGEST_WAIT = 60.0


def from_response(status: int, body: bytes, *, retry_after: str | None = None) -> ApiError:
    """The error for a response; the body is a Kubernetes Status, or anything when a proxy is in between.

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
    """The error for a Kubernetes Status: its code, reason and message."""
    kind: type[ApiError] = ApiError
    match status, reason:
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
