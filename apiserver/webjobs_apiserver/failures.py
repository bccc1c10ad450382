"""Errors on the wire: Kudu's forms, and ARM's and Kragle's below their own roots."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

from fastapi import FastAPI, Request
from obstore.exceptions import BaseError as StoreError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from webjobs.constants import SITE_STOPPED
from webjobs.store.packages import PackageError
from webjobs_apiserver.arm import answers
from webjobs_apiserver.arm.paths import is_arm
from webjobs_apiserver.errors import BadRequest, Busy, Missing, Refused, ServiceError, Stopped, TooLarge, Unavailable
from webjobs_apiserver.http import browsers, responses
from webjobs_apiserver.kragle import answers as kragle
from webjobs_apiserver.kragle import faults
from webjobs_apiserver.kragle.faults import Fault
from webjobs_kube.errors import ApiError, Invalid

log = logging.getLogger(__name__)

_RUN_ACTIVE = "Cannot start a new run since job is already running."
"""Text of a run that is refused. Clients match on it (docs/kudu-contract.md, section 2.5)."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An error as clients are told it."""

    status: int
    """HTTP status of the answer."""
    message: str = ""
    """Sentence for the client."""
    form: Literal["empty", "text", "object"] = "text"
    """Kudu's form of the answer: without a body, a plain text or a JSON object; ARM has but one form."""


def of(error: Exception) -> Failure:
    """Return what clients are told of an error.

    Raises the error again when only some routes know it, and answer it themselves.
    """
    match error:
        case Missing():
            return Failure(status=404, message=error.message, form="object" if error.message else "empty")
        case Busy():
            return Failure(status=409, message=_RUN_ACTIVE)
        case Stopped():
            return Failure(status=409, message=SITE_STOPPED)
        case Refused():
            return Failure(status=409, message=error.message, form="object")
        case BadRequest() | Invalid():
            return Failure(status=400, message=error.message)
        case TooLarge():
            return Failure(status=413, message=error.message)
        case Unavailable():
            return Failure(status=503, message=error.message, form="object")
        case ApiError():
            # The API server's own words can name accounts and objects: for the log, not for the client.
            log.error("Kubernetes API: %s", error)
            message = f"The Kubernetes API did not do it ({error.reason}). Try again later."
            return Failure(status=503, message=message, form="object")
        case PackageError():
            log.error("store: %s", error)
            return Failure(status=503, message=f"A file can't be read: {error}.", form="object")
        case StoreError() | OSError():
            log.error("store: %s: %s", type(error).__name__, error)
            message = "The store for packages and logs does not answer. Try again later."
            return Failure(status=503, message=message, form="object")
        case ClientDisconnect():
            return Failure(status=400, form="empty")  # nobody reads it
    raise error


def answer(request: Request, failure: Failure) -> Response:
    """Return the response that tells a failure, in the form of the request's API."""
    if is_arm(request.scope["path"]):
        return answers.error(request.scope, status=failure.status, message=failure.message)
    match failure.form:
        case "empty":
            return responses.empty(failure.status)
        case "text":
            return responses.text(failure.message, status=failure.status)
        case "object":
            return responses.http_error(failure.message, status=failure.status)


def _kragle(request: Request, error: Exception) -> Response:
    if faults.of(error):
        return kragle.failed(request.scope, error, status=400, message="")
    failure = of(error)
    return kragle.failed(request.scope, error, status=failure.status, message=failure.message)


def add(app: FastAPI) -> None:
    """Register the handlers of all errors."""

    @app.exception_handler(ServiceError)
    @app.exception_handler(ApiError)
    @app.exception_handler(PackageError)
    @app.exception_handler(StoreError)
    @app.exception_handler(OSError)
    @app.exception_handler(ClientDisconnect)
    async def known(request: Request, error: Exception) -> Response:
        if kragle.context_of(request.scope):
            return _kragle(request, error)
        return answer(request, of(error))

    app.exception_handler(Fault)(known)

    @app.exception_handler(HTTPException)
    async def no_route(request: Request, error: HTTPException) -> Response:
        if kragle.context_of(request.scope):
            return kragle.no_route(request.scope)
        if is_arm(request.scope["path"]):
            message = "" if error.status_code == 404 else str(error.detail)
            return answers.error(request.scope, status=error.status_code, message=message)
        if error.status_code in (404, 405):
            return responses.no_route(request)
        return responses.http_error(error.detail, status=error.status_code)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        told = answer(request, Failure(status=500, message="An error has occurred.", form="object"))
        told.headers.update(browsers.NO_SNIFF)  # this answer is made outside of all middleware
        return told
