"""Objects as a backup holds them, and as a restore makes them again. Pure.

What belongs to the old cluster does not come along (UIDs, owners, managed fields). A status is data as well: only what
a history needs is taken of it, and where logs lie follows from what was restored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from webjobs import times
from webjobs.model import (
    ANNOTATION_CANCELLED_BY,
    ANNOTATION_REQUESTED_BY,
    ANNOTATION_RESTORING,
    ANNOTATION_WEBJOB_UID,
    API_VERSION,
    TERMINAL_STATES,
    WebJob,
    WebJobRun,
    WebJobSchedule,
)
from webjobs.objects import Object
from webjobs.runs import runs
from webjobs.runs.manifest import owned_run
from webjobs_apiserver.errors import BadRequest
from webjobs_apiserver.service.hooks.hook_delivery import ANNOTATION as ANNOTATION_HOOKS

BEFORE = "before-a-restore"
"""UID of the WebJob of a run that was restored: none has it, so that the run is history until its status says so."""
_RUN_ANNOTATIONS = (ANNOTATION_REQUESTED_BY, ANNOTATION_CANCELLED_BY, ANNOTATION_HOOKS)
_NOT_KEPT = ("kubectl.kubernetes.io/last-applied-configuration", ANNOTATION_RESTORING)
_RUN_STATUS = ("processStartTime", "exitCode")
_SCHEDULE_STATUS = ("lastScheduleTime", "lastOutcome", "lastRunName", "skippedRuns")
_WEBJOB_STATUS = ("lastScheduleTime", "skippedRuns")
_REASON = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
_CUT_OFF = "It was going on when the backup was made."
_WAITED = "It waited for its turn when the backup was made."


# Into the backup


def saved(kind: str, body: Mapping[str, Any]) -> Object:
    """Return a WebJob or WebJobSchedule for the backup."""
    meta, spec = body["metadata"], dict(body["spec"])
    if kind == "WebJobSchedule" and spec.get("periodSeconds") and not spec.get("startTime"):
        spec["startTime"] = meta["creationTimestamp"]  # its anchor: the periods go on as they were
    kept = _SCHEDULE_STATUS if kind == "WebJobSchedule" else _WEBJOB_STATUS
    status = {key: value for key, value in (body.get("status") or {}).items() if key in kept}
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": _metadata(meta) | {"creationTimestamp": meta["creationTimestamp"]},
        "spec": spec,
        "status": status,
    }


def saved_run(body: Mapping[str, Any], *, now: datetime) -> Object:
    """Return a run for the backup, under the name that says its id; one that has not ended is given up there."""
    run = WebJobRun.parse(body)
    spec, status, run_id = run.spec.to_wire(), run.status.to_wire(), runs.run_id(run)
    spec |= {"trigger": runs.trigger(run)}
    spec.pop("cronJobName", None)
    status |= {"runId": run_id, "startTime": times.rfc3339(runs.start_time(run))}
    if not run.ended:
        status |= {
            "state": "Aborted",
            "endTime": times.rfc3339(now),
            "message": _CUT_OFF if run.status.state else _WAITED,
        }
        status["conditions"] = []
    return {
        "apiVersion": API_VERSION,
        "kind": "WebJobRun",
        "metadata": {
            "name": runs.object_name(webjob=run.spec.web_job_name, run_id=run_id),
            "annotations": {
                key: run.metadata.annotations[key] for key in _RUN_ANNOTATIONS if key in run.metadata.annotations
            },
            "creationTimestamp": run.metadata.creation_timestamp,
        },
        "spec": spec,
        "status": status,
    }


def _metadata(meta: Mapping[str, Any]) -> Object:
    found: Object = {"name": meta["name"]}
    for field in ("labels", "annotations"):
        texts = meta.get(field)
        if isinstance(texts, Mapping):
            found[field] = {str(key): str(value) for key, value in texts.items() if key not in _NOT_KEPT}
    return found


# Out of the backup


def restored(kind: str, body: Object, *, name: str, namespace: str) -> Object:
    """Return the manifest of a WebJob or WebJobSchedule of a backup, for a namespace.

    Raises BadRequest for what is none.
    """
    model: type[WebJob | WebJobSchedule] = WebJob if kind == "WebJob" else WebJobSchedule
    try:
        if body["kind"] != kind or body["apiVersion"] != API_VERSION or body["metadata"]["name"] != name:
            raise ValueError("kind, apiVersion and name have to be those of its place")
        model.parse(body)
        meta = _metadata(body["metadata"]) | {"namespace": namespace}
        return {"apiVersion": API_VERSION, "kind": kind, "metadata": meta, "spec": body["spec"]}
    except (ValueError, LookupError, TypeError) as error:
        raise BadRequest(f"The {kind} {name} of the backup can't be read: {error}"[:500]) from None


def status_of(kind: str, body: Object) -> Object:
    """Return the status of a WebJob or WebJobSchedule that comes back; with what the API server refuses left out."""
    kept = _SCHEDULE_STATUS if kind == "WebJobSchedule" else _WEBJOB_STATUS
    status = body.get("status")
    said = status if isinstance(status, dict) else {}
    return {key: said[key] for key in kept if said.get(key) is not None}


def restored_run(
    body: Object, *, name: str, webjobs: Mapping[str, WebJob], logged: tuple[str | None, str | None] = (None, None)
) -> tuple[Object, Object]:
    """Return the manifest and the status of a run of a backup.

    ``webjobs``: those that were restored, by name. ``logged``: keys of its log and of its lines of stderr, where they
    are stored. Raises BadRequest for what is no run.
    """
    try:
        run = WebJobRun.parse(body)
        webjob = webjobs[run.spec.web_job_name]
        status, run_id = run.status, run.status.run_id or ""
        start = runs.time_of_run_id(run_id)
        if body["kind"] != "WebJobRun" or name != runs.object_name(webjob=webjob.metadata.name, run_id=run_id):
            raise ValueError("its kind and name have to be those of its place")
        if start is None or status.state not in TERMINAL_STATES:
            raise ValueError("a run id and an end are needed")
        end = times.rfc3339(times.parse_time(status.end_time or times.rfc3339(start)))
        if status.process_start_time:
            times.parse_time(status.process_start_time)
    except (ValueError, LookupError, TypeError) as error:
        raise BadRequest(f"The WebJobRun {name} of the backup can't be read: {error}"[:500]) from None
    annotations = {key: run.metadata.annotations[key] for key in _RUN_ANNOTATIONS if key in run.metadata.annotations}
    spec = {key: value for key, value in run.spec.to_wire().items() if key not in ("webJobName", "cronJobName")}
    manifest = owned_run(webjob, name=name, annotations=annotations | {ANNOTATION_WEBJOB_UID: BEFORE}, **spec)
    good = status.state == "Success"
    said = next((one for one in status.conditions if _REASON.fullmatch(one.reason)), None)
    condition = {
        "type": "Complete" if good else "Failed",
        "status": "True",
        "reason": said.reason if said else status.state,
        "message": (said.message if said else status.message or "")[:4096],
        "lastTransitionTime": end,
    }
    wire = run.status.to_wire()
    made = {key: wire[key] for key in _RUN_STATUS if key in wire} | {
        "state": status.state,
        "runId": run_id,
        "startTime": times.rfc3339(start),
        "endTime": end,
        "message": (status.message or "")[:4096] or None,
        "logPath": logged[0],
        "errorLogPath": logged[1],
        "conditions": [condition],
    }
    return manifest, {key: value for key, value in made.items() if value is not None}


def run_id_of(name: str) -> str:
    """Return the run id in the name of a run of a backup; empty when it says none."""
    found = name[-18:]
    return found if name[-19:-18] == "-" and runs.time_of_run_id(found) else ""


def awaits_status(there: Mapping[str, Any]) -> bool:
    """Return whether a run that is there was made by a restore that died before it wrote the run's status."""
    annotations = there["metadata"].get("annotations") or {}
    status = there.get("status") or {}
    ended_here = any(one.get("reason") == "Restored" for one in status.get("conditions") or [])
    return annotations.get(ANNOTATION_WEBJOB_UID) == BEFORE and (not status.get("state") or ended_here)
