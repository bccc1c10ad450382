"""A run that has ended, as the JSON object that stays of it in the store beside its log. Pure.

The first keys are those of Kudu's status file (docs/kudu-contract.md, section 8); the others are what its WebJobRun
said besides. What is null is left out.
"""

from __future__ import annotations

import json
from typing import Any

from webjobs import times
from webjobs.model import (
    ANNOTATION_CANCELLED_BY,
    ANNOTATION_REQUESTED_BY,
    Metadata,
    WebJobRun,
    WebJobRunSpec,
    WebJobRunStatus,
)
from webjobs.runs import runs
from webjobs.store.run_logs import error_log_key, run_log_key


class Unreadable(Exception):
    """A stored object that is no run."""


def to_json(run: WebJobRun, *, owner: str) -> bytes:
    """Return an ended run as the JSON object that stays of it.

    ``owner``: UID of its WebJob.
    """
    status, spec = run.status, run.spec
    body = {
        "Trigger": runs.trigger(run),
        "Status": status.state,
        "StartTime": times.kudu_time(runs.start_time(run)),
        "EndTime": times.kudu_time(times.parse_time(status.end_time)) if status.end_time else None,
        "ProcessStartTime": status.process_start_time,
        "ExitCode": status.exit_code,
        "Message": status.message,
        "Arguments": spec.arguments,
        "ScheduleName": spec.schedule_name,
        "ScheduleTime": spec.schedule_time,
        "Cancelled": spec.cancel or None,
        "RequestedBy": run.metadata.annotations.get(ANNOTATION_REQUESTED_BY),
        "CancelledBy": run.metadata.annotations.get(ANNOTATION_CANCELLED_BY),
        "Log": bool(status.log_path) or None,
        "ErrorLog": bool(status.error_log_path) or None,
        "Name": run.metadata.name,
        "Uid": run.metadata.uid,
        "JobUid": status.job_uid,
        "WebJobUid": owner,
    }
    said = {key: value for key, value in body.items() if value is not None}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def of_json(content: bytes, *, namespace: str, webjob: str, run_id: str) -> tuple[WebJobRun, str]:
    """Return a stored run as its WebJobRun was, and the UID of its WebJob.

    Raises Unreadable.
    """
    try:
        return _of_body(json.loads(content), namespace=namespace, webjob=webjob, run_id=run_id)
    except (ValueError, TypeError, LookupError, AttributeError) as error:  # pydantic's are ValueErrors
        raise Unreadable(f"the stored run {run_id} of {namespace}/{webjob} can't be read: {error}") from error


def _of_body(body: dict[str, Any], *, namespace: str, webjob: str, run_id: str) -> tuple[WebJobRun, str]:
    key = run_log_key(namespace=namespace, webjob=webjob, run_id=run_id)
    run = WebJobRun(
        metadata=Metadata(
            name=body["Name"],
            namespace=namespace,
            uid=body["Uid"],
            creation_timestamp=body["StartTime"],
            annotations={
                annotation: body[key]
                for annotation, key in (
                    (ANNOTATION_REQUESTED_BY, "RequestedBy"),
                    (ANNOTATION_CANCELLED_BY, "CancelledBy"),
                )
                if key in body
            },
        ),
        spec=WebJobRunSpec(
            web_job_name=webjob,
            trigger=body["Trigger"],
            arguments=body.get("Arguments"),
            schedule_name=body.get("ScheduleName"),
            schedule_time=body.get("ScheduleTime"),
            cancel=body.get("Cancelled"),
        ),
        status=WebJobRunStatus(
            state=body["Status"],
            run_id=run_id,
            start_time=body["StartTime"],
            process_start_time=body.get("ProcessStartTime"),
            end_time=body.get("EndTime"),
            exit_code=body.get("ExitCode"),
            message=body.get("Message"),
            jobUID=body.get("JobUid"),
            log_path=key if body.get("Log") else None,
            error_log_path=error_log_key(key) if body.get("ErrorLog") else None,
        ),
    )
    return run, str(body["WebJobUid"])


def slim(content: bytes) -> bytes:
    """Return a stored run without its arguments, which can be long and which lists never show.

    Raises Unreadable.
    """
    try:
        body = json.loads(content)
        return json.dumps({key: body[key] for key in body if key != "Arguments"}, separators=(",", ":")).encode()
    except (ValueError, TypeError) as error:
        raise Unreadable(str(error)) from error
