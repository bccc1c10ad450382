"""The JSON objects of Kudu's API (docs/kudu-contract.md, section 2). Pure; the order of the keys is part of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from webjobs import pods, times
from webjobs.logs import scheduler_lines
from webjobs.model import WebJob, WebJobRun
from webjobs.runs import runs
from webjobs.store.run_logs import ERRORS, OUTPUT
from webjobs_apiserver.http.paths import UNESCAPED
from webjobs_apiserver.service.jobs import Job

Body = dict[str, Any]

NEVER = "0001-01-01T00:00:00"
"""The zero date as .NET writes it."""


def triggered(job: Job, *, latest: WebJobRun | None, base: str, now: datetime) -> Body:
    """Return the object of a triggered job (docs/kudu-contract.md, section 2.1).

    ``base``: scheme and host of the request.
    """
    return {
        "latest_run": run(latest, job_name=job.name, base=base, now=now) if latest else None,
        "history_url": f"{base}/api/triggeredwebjobs/{job.name}/history",
        "scheduler_logs_url": (
            f"{base}/vfs/data/jobs/triggered/{job.name}/{scheduler_lines.FILE_NAME}"
            if job.webjob.status.scheduler_log_path
            else None
        ),
        **_common(job, base=base),
    }


def continuous(job: Job, *, base: str) -> Body:
    """Return the object of a continuous job (docs/kudu-contract.md, section 2.2).

    ``base``: scheme and host of the request.
    """
    status, detailed = _statuses(job.webjob)
    return {
        "status": status,
        "detailed_status": detailed,
        "log_url": f"{base}/vfs/data/jobs/continuous/{job.name}/job_log.txt",
        **_common(job, base=base),
    }


def _common(job: Job, *, base: str) -> Body:
    kind, name, problem = job.webjob.spec.type, job.name, job.webjob.problem
    return {
        "name": name,
        "run_command": run_command(job.webjob),
        "url": f"{base}/api/{kind}webjobs/{name}",
        "extra_info_url": f"{base}/azurejobs/#/jobs/{kind}/{name}",
        "type": kind,
        "error": problem.message if problem else None,
        "using_sdk": False,
        "settings": job.webjob.spec.settings or {},
        "runCommand": run_command(job.webjob),  # the wiki's name of it, which some clients read
    }


def run_command(webjob: WebJob) -> str:
    """Return the path of the script in the package; for a plain image its command, else its name."""
    spec = webjob.spec
    if spec.package:
        return spec.package.entrypoint or ""
    if spec.script:
        return spec.script.file_name
    return " ".join(spec.command) if spec.command else spec.image or ""


def _statuses(webjob: WebJob) -> tuple[str, str]:
    """Return ``status`` and ``detailed_status`` of a continuous job."""
    status = webjob.status
    own = pods.instance_id(webjob.metadata.uid)
    if not status.state and not status.instances:
        return "Initializing", f"{own} - Initializing"
    if webjob.spec.stopped and (status.observed_generation or 0) < webjob.metadata.generation:
        return "Disabling", f"{own} - Disabling\r\n"  # asked to stop, not yet seen by the operator
    lines = [(instance.id, instance.status) for instance in status.instances or []]
    one = status.state or next((word for _, word in reversed(lines) if word != "InactiveInstance"), lines[-1][1])
    return one, "".join(f"{identifier} - {word}\r\n" for identifier, word in lines or [(own, one)])


def run(run: WebJobRun, *, job_name: str, base: str, now: datetime) -> Body:
    """Return the object of a run (docs/kudu-contract.md, section 2.3).

    ``base``: scheme and host of the request.
    """
    identifier, started = runs.run_id(run), runs.start_time(run)
    ended = times.parse_time(run.status.end_time) if run.ended and run.status.end_time else None
    files = f"{base}/vfs/data/jobs/triggered/{job_name}/{identifier}"
    return {
        "id": identifier,
        "name": identifier,
        "status": run.status.state or "Initializing",
        "start_time": times.kudu_time(started),
        "end_time": times.kudu_time(ended) if ended else NEVER,
        "duration": times.kudu_duration((ended or now) - started),
        "output_url": f"{files}/{OUTPUT}",
        "error_url": f"{files}/{ERRORS}" if run.ended and run.status.error_log_path else None,
        "url": f"{base}/api/triggeredwebjobs/{job_name}/history/{identifier}",
        "job_name": job_name,
        "trigger": runs.trigger(run),
    }


def history(known: Sequence[WebJobRun], *, job_name: str, base: str, now: datetime) -> Body:
    """Return the object of a history (docs/kudu-contract.md, section 2.4).

    ``known``: the runs, newest first.
    """
    return {"runs": [run(one, job_name=job_name, base=base, now=now) for one in known]}


def location(base: str, *, job_name: str, run_id: str) -> str:
    """Return the URL of a run for a header: escaped, unlike URLs in bodies."""
    return f"{base}/api/triggeredwebjobs/{quote(job_name, safe=UNESCAPED)}/history/{run_id}"


def moving(body: Body) -> list[Any]:
    """Return the values of a job that move the ETag of its list, as in Kudu (docs/kudu-contract.md, section 1.3)."""
    latest = body.get("latest_run")
    values: list[Any] = [body[key] for key in ("name", "run_command", "type", "error")]
    if body["type"] == "continuous":
        values.append(body["detailed_status"])
    elif latest:
        values += [latest["id"], latest["status"], latest["duration"]]
    return values


def history_etag(body: Body, *, job_name: str) -> str:
    """Return the ETag of a history, without quotes: it is made of the newest run."""
    if not body["runs"]:
        return f"{_hash(job_name)}-{_hash('EMPTY')}"
    newest = body["runs"][0]
    return "-".join(_hash(newest[key]) for key in ("id", "status", "end_time"))


def digest(content: bytes) -> str:
    """Return 16 hex digits, of which ETags are made: enough that no two versions of anything have the same."""
    return sha256(content).hexdigest()[:16]


def _hash(text: str) -> str:
    return digest(text.encode("utf-8", "replace"))
