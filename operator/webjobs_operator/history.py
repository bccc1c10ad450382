"""What may go: runs beyond the history limit, Jobs whose log is safe, ConfigMaps that nothing uses. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from webjobs import runs
from webjobs.model import DEFAULT_HISTORY_LIMIT, LABEL_RUN, WebJob, WebJobRun

Object = Mapping[str, Any]

ORPHAN_GRACE = timedelta(minutes=1)
"""A Job is never older than its run; the grace covers watches that are apart."""


def surplus_runs(webjob: WebJob, known: Mapping[str, WebJobRun]) -> list[WebJobRun]:
    """Ended runs beyond ``historyLimit``, oldest first. An active run is never among them."""
    limit = webjob.spec.history_limit or DEFAULT_HISTORY_LIMIT
    ended = sorted(
        (run for run in known.values() if run.ended and not run.metadata.deletion_timestamp), key=runs.run_id
    )
    return ended[: max(len(ended) - limit, 0)]


def finished_jobs(
    jobs: Mapping[str, Object], known: Mapping[str, WebJobRun], *, retention: timedelta, now: datetime
) -> tuple[list[Object], datetime | None]:
    """Jobs that can go now, and when the next one can."""
    by_job = {run.status.job_name or run.metadata.name: run for run in known.values()}
    gone: list[Object] = []
    following: list[datetime] = []
    for name, job in jobs.items():
        if job["metadata"].get("deletionTimestamp"):
            continue
        run = by_job.get(name)
        if run is None:
            started_by_us = LABEL_RUN in job["metadata"].get("labels", {})
            due = runs.parse_time(job["metadata"]["creationTimestamp"]) + ORPHAN_GRACE
            if not started_by_us:
                continue
        elif run.ended:
            due = runs.parse_time(run.status.end_time) + retention
        else:
            continue
        if due <= now:
            gone.append(job)
        else:
            following.append(due)
    return gone, min(following, default=None)


def used_config_maps(workloads: Iterable[Object]) -> set[str]:
    """Names of the ConfigMaps that workloads (Deployments, CronJobs, Jobs, pods) mount."""
    used: set[str] = set()
    for workload in workloads:
        spec = workload.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        pod = spec.get("template", {}).get("spec", spec)
        used |= {v["configMap"]["name"] for v in pod.get("volumes", []) if "configMap" in v}
    return used
