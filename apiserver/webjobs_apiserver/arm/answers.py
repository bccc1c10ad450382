"""Errors in ARM's form."""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import Scope

from webjobs_apiserver.arm import bodies, paths
from webjobs_apiserver.http.responses import empty, json_answer


def error(scope: Scope, *, status: int, message: str) -> Response:
    """Return an error as the answer to a request below ``paths.ROOT``.

    A 404 without a message says what was not found.
    """
    if scope["method"] == "HEAD":
        return empty(status)
    return json_answer(bodies.error(status, message or _not_found(scope)), status=status)


def no_site(scope: Scope) -> Response:
    """Return the 404 of a site that is not there for the client.

    Equal for a site that does not exist and for one that the client may not see.
    """
    address = paths.of(scope)
    return error(scope, status=404, message=_missing(address.site_name, address.group) if address else "")


def _not_found(scope: Scope) -> str:
    address = paths.of(scope)
    if address is None:
        return "There is nothing here but WebJobs of sites."
    return _missing("/".join([address.site_name, *address.rest]), address.group)


def _missing(resource: str, group: str) -> str:
    return f"The Resource '{resource}' under resource group '{group}' was not found."
