"""What may go: runs beyond the history limit, Jobs whose log is safe, ConfigMaps that nothing uses. Pure.

Of the ended runs that ``historyLimit`` keeps only the newest stay as WebJobRuns; older ones go into the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from webjobs import times
from webjobs.model import DEFAULT_HISTORY_LIMIT, LABEL_RUN, StoredRuns, WebJob, WebJobRun
from webjobs.objects import ObjectView
from webjobs.pods import is_finished
from webjobs.runs import runs
from webjobs_operator.context.armed_jobs import is_armed

CHECK_GRACE = timedelta(seconds=15)
"""How long the Job of a warm run stays at least: its log is compared with the kubelet's once its pod has ended."""
AGAIN_GRACE = timedelta(seconds=5)
"""How long a Job with attempts left may take to say that it is complete; a new pod comes after ten seconds."""
ORPHAN_GRACE = timedelta(minutes=1)
"""A Job is never older than its run; the grace covers watches that are apart."""


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where the ended runs of a WebJob belong. An active run is nowhere in here."""

    store: list[WebJobRun] = field(default_factory=list)
    """WebJobRuns that move into the store, oldest first."""
    gone: list[WebJobRun] = field(default_factory=list)
    """WebJobRuns that go, with their logs, oldest first."""
    room: int = 0
    """Runs that may lie in the store, those that move there included."""


def limit_of(webjob: WebJob) -> int:
    """Return how many ended runs of a WebJob are kept."""
    return webjob.spec.history_limit or DEFAULT_HISTORY_LIMIT


def places(webjob: WebJob, known: Mapping[str, WebJobRun], *, objects: int) -> Places:
    """Return where the ended runs of a WebJob belong. ``objects``: how many stay as WebJobRuns.

    Skipped runs are no history for clients: they never go into the store, and take no other run's place.
    """
    limit = limit_of(webjob)
    ended = sorted(
        (run for run in known.values() if run.ended and not run.metadata.deletion_timestamp), key=runs.run_id
    )
    real = [run for run in ended if run.status.state != "Skipped"]
    skipped = [run for run in ended if run.status.state == "Skipped"]
    stay = min(limit, objects)
    older, over = real[: max(len(real) - stay, 0)], max(len(real) - limit, 0)
    return Places(
        store=older[over:],
        gone=older[:over] + skipped[: max(len(skipped) - stay, 0)],
        room=limit - min(len(real), stay),
    )


def stored_status(before: StoredRuns | None, there: Places, trimmed: Trimmed | None) -> StoredRuns | None:
    """Return what the status is to say of the store: before a run goes there, and after the last of them left it."""
    newest = max([before.newest if before else "", *map(runs.run_id, there.store)])
    if not newest or (trimmed and trimmed.empty and not there.store):
        return None
    limit = trimmed.limit if trimmed else before.limit if before else None
    return StoredRuns(newest=newest, limit=limit)


@dataclass(frozen=True, kw_only=True)
class Trimmed:
    """What is known of the store since runs were removed from it."""

    limit: int
    """The historyLimit that the store fits."""
    empty: bool
    """True: no run is left in the store."""


def finished_jobs(
    jobs: Mapping[str, ObjectView], known: Mapping[str, WebJobRun], *, retention: timedelta, now: datetime
) -> tuple[list[ObjectView], datetime | None]:
    """Return the Jobs that can go now, and when the next one can."""
    if not jobs:
        return [], None
    by_job = {run.status.job_name or run.metadata.name: run for run in known.values()}
    gone: list[ObjectView] = []
    following: list[datetime] = []
    for name, job in jobs.items():
        if job["metadata"].get("deletionTimestamp"):
            continue
        run = by_job.get(name)
        if run is None:
            started_by_us = LABEL_RUN in job["metadata"].get("labels", {})
            due = times.parse_time(job["metadata"]["creationTimestamp"]) + ORPHAN_GRACE
            if not started_by_us:
                continue
        elif run.ended:
            kept = max(retention, CHECK_GRACE) if is_armed(job) else retention
            if job["spec"].get("backoffLimit") and not is_finished(job):
                kept = AGAIN_GRACE  # else it would start the script once more when a sidecar fails
            due = times.parse_time(run.status.end_time) + kept
        else:
            continue
        if due <= now:
            gone.append(job)
        else:
            following.append(due)
    return gone, min(following, default=None)


def used_config_maps(workloads: Iterable[ObjectView]) -> set[str]:
    """Return the names of the ConfigMaps that workloads (Deployments, CronJobs, Jobs, pods) mount."""
    used: set[str] = set()
    for workload in workloads:
        spec = workload.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        pod = spec.get("template", {}).get("spec", spec)
        used |= {v["configMap"]["name"] for v in pod.get("volumes", []) if "configMap" in v}
    return used
