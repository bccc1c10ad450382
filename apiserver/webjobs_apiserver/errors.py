"""Errors of the service. The facades say how each looks on the wire."""

from __future__ import annotations


class ServiceError(Exception):
    """Base of the service's errors; ``message`` is for the client, in one or more whole sentences."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message


class Missing(ServiceError):
    """A job, run or file that is not there."""


class Busy(ServiceError):
    """A run is active, and the job takes only one."""


class Stopped(ServiceError):
    """No run starts on the site now."""


class Refused(ServiceError):
    """The job is there, but can't do now what is asked of it."""


class Forbidden(ServiceError):
    """A place that is there, but where nobody can write."""


class Exists(ServiceError):
    """Something is there already that is in the way."""


class Changed(ServiceError):
    """A precondition that does not hold; ``etag`` is of what is there."""

    def __init__(self, message: str, *, etag: str) -> None:
        super().__init__(message)
        self.etag = etag


class BadRequest(ServiceError):
    """A request that can't be used."""


class TooLarge(ServiceError):
    """A request that is larger than its limit."""


class Unavailable(ServiceError):
    """Something behind the shim does not answer or changes too fast: try again."""
