"""Operations of the Kragle API for the shim's own document (``kudu/document.py``)."""

from __future__ import annotations

from typing import Any

from webjobs_apiserver.kragle.middleware import LOGINS, ROOT
from webjobs_apiserver.kudu.operations import JSON, Answers, Operation

_NAME: dict[str, Any] = {"type": ["string", "null"]}
_JOB = {
    "schedule_id": {"type": "integer"},
    "stack_id": {"type": "integer"},
    "name": _NAME,
    "enabled": {"type": "boolean"},
}
_SCHEDULE = {
    "config": {"type": "object", "properties": {"period": {"type": "integer"}, "timestamp": {"type": "integer"}}},
    "name": _NAME,
    "once": {"type": "boolean"},
}
_LOGIN = {key: {"type": "string"} for key in ("username", "email", "password")}


def _operation(
    summary: str, fields: dict[str, Any] | None = None, *, required: tuple[str, ...] = (), query: tuple[str, ...] = ()
) -> Operation:
    body = {"type": "object", "properties": fields, "required": list(required), "additionalProperties": False}
    answers: Answers = {200: JSON, 500: JSON, "default": JSON}
    return Operation(summary=summary, answers=answers, takes={JSON: body} if fields else {}, query=query)


def _read(collection: str, what: str) -> dict[str, dict[str, Operation]]:
    return {
        f"{ROOT}/{collection}": {"get": _operation(f"List {what}s, ten a page (Kragle)", query=("page",))},
        f"{ROOT}/{collection}/byid/{{identifier}}": {"get": _operation(f"Get a {what} by its id (Kragle)")},
    }


def _changes(what: str) -> dict[str, Operation]:
    fields = _JOB if what == "Job" else _SCHEDULE
    return {
        "put": _operation(f"Change a {what}; what is absent stays (Kragle)", fields),
        "delete": _operation(f"Delete a {what} (Kragle)"),
    }


def _operations() -> dict[str, dict[str, Operation]]:
    found = {
        f"{ROOT}{path}": {"post": _operation("Log in; gives a cookie (Kragle)", _LOGIN, required=("password",))}
        for path in LOGINS
    }
    found |= _read("jobs", "Job") | _read("schedules", "Schedule") | _read("blockstacks", "Stack")
    found[f"{ROOT}/jobs"]["post"] = _operation("Create a Job (Kragle)", _JOB, required=("schedule_id", "stack_id"))
    found[f"{ROOT}/schedules"]["post"] = _operation("Create a Schedule (Kragle)", _SCHEDULE, required=("config",))
    for collection, what in (("jobs", "Job"), ("blockstacks", "Stack")):
        found[f"{ROOT}/{collection}/byname/{{name}}"] = {"get": _operation(f"Get a {what} by its name (Kragle)")}
    found[f"{ROOT}/jobs/{{identifier}}"] = _changes("Job")
    found[f"{ROOT}/schedules/{{identifier}}"] = _changes("Schedule")
    return found


OPERATIONS = _operations()
"""Operations of the Kragle API by path template and verb."""
