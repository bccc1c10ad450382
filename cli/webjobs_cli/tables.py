"""Rows of the tables: WebJobs, runs, packages, times. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from webjobs import names, times
from webjobs.files.package_history import Earlier
from webjobs.logs.kudu_lines import script_of
from webjobs.model import ANNOTATION_REQUESTED_BY, WebJob, WebJobRun, condition_of
from webjobs.runs import runs
from webjobs_cli import text

Row = list[str]
"""Cells of a row."""
Table = tuple[list[str], list[Row]]
"""Headers and rows of a table."""


def jobs(known: Sequence[WebJob], *, now: datetime, wide: bool) -> Table:
    """Return the table of WebJobs: triggered ones first, each type by name."""
    headers = ["NAME", "TYPE", "STATE", "SCHEDULE", "NEXT RUN", "LAST RUN", "INSTANCES"]
    if wide:
        headers += ["OBJECT", "RUNS", "PACKAGE", "READY", "REASON"]
    ordered = sorted(known, key=lambda job: names.listing_key(job.spec.type, job.display_name))
    return headers, [_job(job, now=now) + (_job_wide(job) if wide else []) for job in ordered]


def _job(job: WebJob, *, now: datetime) -> Row:
    status, latest = job.status, job.status.latest_run
    last = ""
    if latest:
        when = times.parse_time(latest.end_time or latest.start_time)
        last = f"{latest.state} {text.ago(when, now)}" if latest.end_time or latest.start_time else latest.state
    next_run = times.parse_time(status.next_run_time) if status.next_run_time else None
    continuous = job.spec.type == "continuous"
    return [
        job.display_name,
        job.spec.type,
        state(job),
        job.schedule or "",
        text.ahead(next_run, now),
        last,
        f"{status.ready_replicas or 0}/{job.instances}" if continuous else "",
    ]


def state(job: WebJob) -> str:
    """Return the state of a WebJob in one word."""
    if job.metadata.deletion_timestamp:
        return "Deleting"
    return job.status.state or ("Stopped" if job.spec.stopped else "Unknown")


def _job_wide(job: WebJob) -> Row:
    ready = ready_condition(job)
    package = job.spec.package
    return [
        job.metadata.name,
        what_runs(job),
        package.digest.removeprefix("sha256:")[:12] if package else "",
        ready[0],
        ready[1],
    ]


def ready_condition(job: WebJob) -> tuple[str, str, str]:
    """Return status, reason and message of Ready; empty texts while there is none."""
    found = condition_of(job.status.conditions, "Ready")
    return (found.status, found.reason, found.message) if found else ("", "", "")


def what_runs(job: WebJob) -> str:
    """Return what a WebJob runs: the script, else the image."""
    selected = script_of(job)
    if selected:
        return selected.path
    package = job.spec.package
    return (package.entrypoint or "" if package else "") or job.spec.image or ""


def history(known: Sequence[WebJobRun], *, now: datetime, wide: bool) -> Table:
    """Return the table of runs, in the given order."""
    headers = ["ID", "STATUS", "EXIT", "STARTED", "DURATION", "TRIGGER"]
    if wide:
        headers += ["OBJECT", "REQUESTED BY", "ARGUMENTS", "MESSAGE"]
    return headers, [_run(run, now=now, wide=wide) for run in known]


def _run(run: WebJobRun, *, now: datetime, wide: bool) -> Row:
    started = runs.start_time(run)
    ended = times.parse_time(run.status.end_time) if run.ended and run.status.end_time else None
    row = [
        runs.run_id(run),
        run.status.state or "Initializing",
        "" if run.status.exit_code is None else str(run.status.exit_code),
        text.ago(started, now),
        text.span((ended or now) - started) if ended or not run.ended else "",
        runs.trigger(run),
    ]
    if not wide:
        return row
    by = run.metadata.annotations.get(ANNOTATION_REQUESTED_BY, "")
    return [*row, run.metadata.name, by, run.spec.arguments or "", run.status.message or ""]


def stored_history(bodies: Sequence[dict[str, Any]], *, now: datetime, wide: bool) -> Table:
    """Return the table of runs as Kudu's API gives them, which knows neither exit codes nor messages."""
    headers = ["ID", "STATUS", "STARTED", "DURATION", "TRIGGER"]
    rows = []
    for body in bodies:
        started = runs.time_of_run_id(str(body["id"]))
        length = duration(str(body.get("duration") or ""))
        row = [str(body["id"]), str(body["status"]), text.ago(started, now)]
        rows.append([*row, "" if length is None else text.span(length), str(body.get("trigger") or "")])
    return headers, rows


def duration(kudu: str) -> timedelta | None:
    """Return the duration that a TimeSpan ``[d.]hh:mm:ss[.fffffff]`` says; None for anything else."""
    clock, _, fraction = kudu.partition(".") if kudu.count(".") < 2 and ":" in kudu.partition(".")[0] else ("", "", "")
    days = "0"
    if not clock:
        days, _, rest = kudu.partition(".")
        clock, _, fraction = rest.partition(".")
    parts = clock.split(":")
    if len(parts) != 3 or not all(part.isdecimal() for part in (*parts, days, fraction or "0")):
        return None
    hours, minutes, seconds = map(int, parts)
    return timedelta(days=int(days), hours=hours, minutes=minutes, seconds=seconds)


def packages(job: WebJob, known: Sequence[Earlier], *, now: datetime) -> Table:
    """Return the table of packages: the one in use, then the earlier ones, newest first."""
    headers = ["PACKAGE", "RUNS", "FILES", "SIZE", "UNTIL"]
    rows = []
    if job.spec.package:
        rows.append([*_package(job.spec.package), "in use"])
    for one in known:
        until = times.parse_time(one.replaced) if one.replaced else None
        rows.append([*_package(one.package), text.ago(until, now)])
    return headers, rows


def _package(package: Any) -> Row:
    digest = package.digest.removeprefix("sha256:")[:12]
    return [digest, package.entrypoint or "", str(package.files), text.size(package.size)]
