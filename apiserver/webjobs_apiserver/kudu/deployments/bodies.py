"""Deployments in Kudu's JSON (docs/kudu-contract.md, section 10.2). Pure."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from webjobs import times
from webjobs_apiserver.service.deployments.records import FAILED, SUCCESS, Deployment, Line

_STATES = {FAILED: "Failed", SUCCESS: "Succeeded"}


def _time(text: str | None) -> str | None:
    return times.kudu_time(times.parse_time(text)) if text else None


def deployment(one: Deployment, *, base: str, site: str, active: str) -> dict[str, Any]:
    """Return the object of a deployment. ``active``: id of the one in force."""
    url = f"{base}/api/deployments/{quote(one.id, safe='')}"
    return {
        "id": one.id,
        "status": one.status,
        "status_text": one.status_text,
        "author_email": one.author_email,
        "author": one.author,
        "deployer": one.deployer,
        "message": one.message,
        "progress": one.progress,
        "received_time": _time(one.received),
        "start_time": _time(one.start),
        "end_time": _time(one.end),
        "last_success_end_time": _time(one.end) if one.status == SUCCESS else None,
        "complete": one.is_over,
        "active": one.id == active,
        "is_temp": False,
        "is_readonly": True,
        "url": url,
        "log_url": f"{url}/log",
        "site_name": site,
        "provisioningState": _STATES.get(one.status, "InProgress"),
    }


def lines(one: Deployment) -> list[dict[str, Any]]:
    """Return the log of a deployment. Ids of lines are the same at each look."""
    return [_line(line, f"{one.id}-{number}") for number, line in enumerate(one.log)]


def _line(line: Line, identifier: str) -> dict[str, Any]:
    return {
        "log_time": _time(line.time),
        "id": identifier,
        "message": line.message,
        "type": line.type,
        "details_url": None,
    }
