"""Answers of the service that are no success. The facades say how each looks on the wire."""

from __future__ import annotations


class ServiceError(Exception):
    """Base of them; ``message`` is for the client, in one or more whole sentences."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message


class Missing(ServiceError):
    """There is no such job, run or file."""


class Busy(ServiceError):
    """A run is active and the job takes only one."""


class Stopped(ServiceError):
    """No run starts on the site now."""


class Refused(ServiceError):
    """The job is there but can't do that now."""


class Forbidden(ServiceError):
    """There is such a place, but nobody can write there."""


class Exists(ServiceError):
    """Something is there that is in the way."""


class Changed(ServiceError):
    """A precondition does not hold; ``etag`` is of what is there."""

    def __init__(self, message: str, *, etag: str) -> None:
        super().__init__(message)
        self.etag = etag


class BadRequest(ServiceError):
    """What the client sent can't be used."""


class TooLarge(ServiceError):
    """More than the limit."""


class Unavailable(ServiceError):
    """Try again: something behind us doesn't answer or changes too fast."""
