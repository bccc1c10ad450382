"""Operations of the shim for its own document: what each does, takes and answers. A test holds them to the routes.

Kudu's routes read headers, queries and bodies by themselves (its rules are no schema's), so this is written by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

JSON, TEXT, ZIP, BYTES, ANY = "application/json", "text/plain", "application/zip", "application/octet-stream", "*/*"
TAR, XML = "application/x-tar", "application/xml"

Schema = dict[str, Any]
"""A JSON schema."""
Answers = Mapping[int | Literal["default"], str | None]
"""Media type by status; None: no body, or one of several forms that tell no more than the status."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """The operation that one verb of one path is."""

    summary: str
    """Phrase that says what the operation does."""
    answers: Answers
    """Media type by status."""
    takes: Mapping[str, Schema] = field(default_factory=dict)
    """Schemas of bodies by media type."""
    query: tuple[str, ...] = ()
    """Names of parameters in the query."""
    headers: tuple[str, ...] = ()
    """Names of headers that are read."""
    stream: bool = False
    """True when the answer goes on until the client, or silence, ends it."""


EVERYWHERE: Answers = {401: None, 403: None, 429: TEXT, 503: None}
"""Answers of all operations: by credentials, rights of a token, guesses, and what is behind the shim."""
_FREE: Answers = {400: None, 404: None}
"""Answers of any path with a free part, which may name something that does not exist."""

_OBJECT: Schema = {"type": "object"}
_TEXTS: Schema = {
    "type": "object",
    "propertyNames": {"pattern": "^[A-Za-z0-9_][A-Za-z0-9._-]{0,252}$"},
    "additionalProperties": {"type": "string"},
}
_BINARY: Schema = {}
_HOOK: Schema = {
    "type": "object",
    "required": ["event", "url"],
    "properties": {
        "event": {"type": "string", "enum": ["TriggeredJobFinished"]},
        "url": {"type": "string", "format": "uri"},
        "insecure_ssl": {"type": "boolean"},
    },
}
_TAG = ("If-None-Match",)
_FILE = ("If-None-Match", "Range", "If-Range")


def _list(summary: str) -> Operation:
    return Operation(summary=summary, answers={200: JSON, 304: None}, headers=_TAG)


def _jobs(kind: str) -> dict[str, dict[str, Operation]]:
    """Return the operations that jobs of each type have."""
    path = f"/api/{kind}webjobs"
    return {
        path: {"get": _list(f"List {kind} jobs")},
        f"{path}/{{name}}": {
            "get": Operation(summary=f"Get a {kind} job", answers={200: JSON, **_FREE}),
            "put": Operation(
                summary=f"Upload a {kind} job (zip or one script)",
                answers={200: JSON, **_FREE, 409: JSON, 413: TEXT},
                takes={ZIP: _BINARY, BYTES: _BINARY},
                headers=("Content-Disposition",),
            ),
            "delete": Operation(summary=f"Delete a {kind} job", answers={200: None, **_FREE}),
        },
        f"{path}/{{name}}/script": {
            "get": Operation(
                summary=f"Get the shell script that a {kind} job's batch file runs as", answers={200: TEXT, **_FREE}
            )
        },
        f"{path}/{{name}}/settings": {
            "get": Operation(summary=f"Get settings.job of a {kind} job", answers={200: JSON, **_FREE}),
            "put": Operation(
                summary=f"Replace settings.job of a {kind} job",
                answers={200: None, 400: TEXT, **_FREE, 413: TEXT, 415: JSON},
                takes={JSON: _OBJECT},
            ),
        },
    }


def _switch(summary: str) -> dict[str, Operation]:
    return {"post": Operation(summary=summary, answers={200: None, **_FREE, 409: JSON})}


_PASSTHROUGH = {
    method: Operation(
        summary="Answered by the job itself",
        answers={"default": None, 404: JSON},
        takes={} if method in ("get", "delete") else {BYTES: _BINARY},
    )
    for method in ("get", "put", "post", "delete", "patch")
}
_HISTORY = "/api/triggeredwebjobs/{name}/history"
_SET = Operation(summary="Set app settings", answers={204: None, 400: TEXT, 413: TEXT}, takes={JSON: _TEXTS})
_REFUSED: Answers = {400: JSON, 403: None}
_UNPACK: Answers = {200: None, **_REFUSED, 404: None, 409: JSON, 413: JSON}


def _stream(summary: str, more: Answers) -> dict[str, Operation]:
    return {"get": Operation(summary=summary, answers={200: TEXT, **more}, stream=True)}


_ONE: Answers = {200: JSON, **_FREE}
_DEPLOYMENT: Answers = {**_ONE, 404: JSON}
_RECORD: Schema = {
    "type": "object",
    "required": ["status"],
    "properties": {"status": {"enum": [3, 4]}, "message": {"type": "string"}, "deployer": {"type": "string"}},
}


def _deploys(summary: str, query: tuple[str, ...]) -> Operation:
    answers: Answers = {200: None, 202: None, 400: None, 409: JSON, 413: TEXT}
    return Operation(summary=summary, answers=answers, takes={BYTES: _BINARY}, query=("message", "deployer", *query))


_ZIP_DEPLOY = _deploys("Deploy a zip", ("isAsync", "clean", "author", "authorEmail"))
_PUBLISH = _deploys("Deploy a zip, or one file of a WebJob", ("async", "type", "path", "clean"))

OPERATIONS: dict[str, dict[str, Operation]] = {
    "/api/webjobs": {"get": _list("List all jobs")},
    **_jobs("triggered"),
    **_jobs("continuous"),
    "/api/triggeredwebjobs/{name}/run": {
        "post": Operation(
            summary="Run a job; the query's arguments are passed on",
            answers={202: None, **_FREE, 409: TEXT},
            query=("arguments",),
        )
    },
    _HISTORY: {
        "get": Operation(
            summary="List the runs of a job", answers={200: JSON, 304: None, **_FREE}, headers=("If-None-Match",)
        )
    },
    f"{_HISTORY}/{{run_id}}": {
        "get": Operation(summary="Get a run", answers={200: JSON, **_FREE}),
        "delete": Operation(summary="Cancel a run (not Kudu's)", answers={200: None, **_FREE, 409: JSON}),
    },
    "/api/triggeredwebjobsswagger": {
        "get": Operation(summary="Triggered jobs as Swagger 2.0", answers={200: JSON}),
    },
    "/api/continuouswebjobs/{name}/start": _switch("Start a job"),
    "/api/continuouswebjobs/{name}/stop": _switch("Stop a job"),
    "/api/continuouswebjobs/{name}/passthrough": _PASSTHROUGH,
    "/api/continuouswebjobs/{name}/passthrough/{path}": _PASSTHROUGH,
    "/api/vfs": {
        "get": Operation(summary="List the root", answers={200: JSON, 307: None}),
        "put": Operation(summary="Always refused", answers=_REFUSED),
        "delete": Operation(summary="Always refused", answers=_REFUSED),
    },
    "/api/vfs/{path}": {
        "get": Operation(
            summary="Read a file, or list a folder (path ends with /)",
            answers={200: ANY, 206: ANY, 304: None, 307: None, 400: JSON, 404: JSON, 416: JSON},
            headers=_FILE,
        ),
        "put": Operation(
            summary="Write a file, or make a folder",
            answers={201: None, 204: None, **_REFUSED, 404: JSON, 409: JSON, 412: JSON, 413: JSON},
            takes={BYTES: _BINARY},
            headers=("If-Match",),
        ),
        "delete": Operation(
            summary="Delete a file or folder",
            answers={200: None, **_REFUSED, 404: JSON, 409: JSON, 412: JSON},
            query=("recursive",),
            headers=("If-Match",),
        ),
    },
    "/api/zip": {
        "get": Operation(summary="Everything as a zip", answers={200: ZIP}, query=("fileName",)),
        "put": Operation(summary="Unpack a zip over the root", answers=_UNPACK, takes={ZIP: _BINARY}),
    },
    "/api/zip/{path}": {
        "get": Operation(summary="A folder as a zip", answers={200: ZIP, 400: JSON, 404: JSON}, query=("fileName",)),
        "put": Operation(summary="Unpack a zip over a folder", answers=_UNPACK, takes={ZIP: _BINARY}),
    },
    "/api/settings": {
        "get": Operation(summary="List app settings", answers={200: JSON}),
        "post": _SET,
        "put": _SET,
    },
    "/api/settings/{name}": {
        "get": Operation(summary="Get an app setting", answers={200: JSON, 404: JSON}),
        "delete": Operation(summary="Remove an app setting", answers={204: None, **_FREE}),
    },
    "/api/hooks": {
        "get": Operation(summary="List web hooks", answers={200: JSON}),
        "post": Operation(
            summary="Be told of ended runs (TriggeredJobFinished)",
            answers={201: JSON, 400: TEXT, 409: None, 413: TEXT},
            takes={JSON: _HOOK},
        ),
    },
    "/api/hooks/{identifier}": {
        "get": Operation(summary="Get a web hook", answers={200: JSON, 404: None}),
        "delete": Operation(summary="Remove a web hook", answers={200: None, **_FREE}),
    },
    "/api/zipdeploy": {"post": _ZIP_DEPLOY, "put": _ZIP_DEPLOY},
    "/api/publish": {"post": _PUBLISH, "put": _PUBLISH},
    "/api/deployments": {"get": _list("List deployments")},
    "/api/deployments/latest": {
        "get": Operation(summary="Get the deployment that goes on, or ended last", answers={**_DEPLOYMENT, 202: JSON})
    },
    "/api/deployments/{identifier}": {
        "get": Operation(summary="Get a deployment", answers=_DEPLOYMENT),
        "put": Operation(
            summary="Deploy again (no body), or keep a record of a deployment",
            answers={**_DEPLOYMENT, 400: TEXT, 409: JSON, 413: TEXT},
            takes={JSON: _RECORD},
        ),
        "delete": Operation(
            summary="Delete the record of a deployment", answers={204: None, **_FREE, 404: JSON, 409: JSON}
        ),
    },
    "/api/deployments/{identifier}/log": {"get": Operation(summary="Get the log of a deployment", answers=_DEPLOYMENT)},
    "/api/deployments/{identifier}/log/{line}": {
        "get": Operation(summary="Get details of a line of the log (there are none)", answers=_DEPLOYMENT)
    },
    "/api/isdeploying": {"get": Operation(summary="Tell whether a deployment goes on", answers={200: JSON})},
    "/api/diagnostics/runtime": {"get": Operation(summary="Tell the operating system", answers={200: JSON})},
    "/api/environment": {"get": Operation(summary="Tell the version of Kudu's API", answers={200: JSON})},
    "/api/scm/info": {"get": Operation(summary="Tell that there is no repository", answers={200: JSON})},
    "/api/dump": {"get": Operation(summary="All logs and deployments as a zip", answers={200: ZIP})},
    "/api/backup": {
        "get": Operation(summary="The whole site as a tar", answers={200: TAR}),
        "put": Operation(
            summary="Restore a site from such a tar",
            answers={200: JSON, 400: TEXT, 409: JSON, 413: TEXT},
            takes={TAR: _BINARY},
            query=("dryRun",),
        ),
    },
    "/api/publishprofile": {
        "get": Operation(
            summary="The publish profile for deploy clients (not Kudu's)",
            answers={200: XML, 400: TEXT, 409: JSON},
            query=("host",),
        ),
    },
    "/api/logstream": _stream("Lines of all jobs as they are written", {}),
    "/api/logstream/{path}": _stream("Lines of one job as they are written (jobs/{type}/{name})", {404: None}),
    "/api/logs/recent": {"get": Operation(summary="The latest lines of all jobs", answers={200: JSON}, query=("top",))},
}
"""Operations of Kudu's API by path template and verb."""
