"""The JSON objects of ARM: envelopes around Kudu's objects, which keep their keys and get those that SDKs read. Pure.

App Service sends what Kudu says; the SDKs' models expect other names for some of it, and miss those. Both are here
(docs/arm-contract.md, section 2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from webjobs_apiserver.arm.paths import resource
from webjobs_apiserver.http.responses import dump
from webjobs_apiserver.kudu import bodies
from webjobs_apiserver.kudu.listing import etag_of

Body = dict[str, Any]

_CODES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "AuthorizationFailed",
    404: "ResourceNotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    413: "RequestEntityTooLarge",
    415: "UnsupportedMediaType",
    429: "TooManyRequests",
    503: "ServiceUnavailable",
}


def job(body: Mapping[str, Any]) -> Body:
    """Return the properties of a job, from Kudu's object of it."""
    found = {**body, "web_job_type": body["type"].capitalize()}
    if body.get("latest_run"):
        found["latest_run"] = _run(body["latest_run"])
    return found


def run(body: Mapping[str, Any]) -> Body:
    """Return the properties of a run in a history, from Kudu's object of it.

    The run itself, as Kudu has it, and a list of it, as SDKs want it.
    """
    found = _run(body)
    return {**found, "runs": [found]}


def _run(body: Mapping[str, Any]) -> Body:
    return {**body, "web_job_id": body["id"], "web_job_name": body["name"]}


def envelope(properties: Body, *, identifier: str, location: str | None) -> Body:
    """Return a resource: properties in ARM's envelope.

    ``identifier``: its path; name and type come from that, and are null if it is below no site. ``location``: region,
    null for unknown.
    """
    kind, name = resource(identifier) or (None, None)
    return {"id": identifier, "name": name, "type": kind, "location": location, "properties": properties}


def listed(entries: Sequence[tuple[str, Body]], *, identifier: str, location: str | None) -> list[Body]:
    """Return the resources of a list.

    ``entries`` are names and properties, ``identifier`` the path of the list.
    """
    return [
        envelope(properties, identifier=f"{identifier.rstrip('/')}/{name}", location=location)
        for name, properties in entries
    ]


def error(status: int, message: str) -> Body:
    """Return an error, once as ARM has it and once as Azure's CLI shows it best."""
    code = _CODES.get(status, "InternalServerError")
    return {"error": {"code": code, "message": message}, "Message": message}


def etag(jobs: Iterable[bodies.Body]) -> str:
    """Return the ETag of a list of jobs, without quotes; Kudu's list of these jobs has the same one."""
    return etag_of(dump(bodies.moving(body)) for body in jobs)
