"""Jobs that are up and wait for their run: how many there are to be, which go, which one a run takes. Pure.

Decisions only: ``pool.py`` writes them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from webjobs import times
from webjobs.model import LABEL_ARMED, WebJob, WebJobRun
from webjobs.objects import ObjectView
from webjobs.pods import by_age, container_state, is_alive, is_finished, job_of, newest_pod
from webjobs.runs import runs, warm_protocol
from webjobs_operator.config import Warm
from webjobs_operator.context.armed_jobs import is_armed, is_staying, is_up, run_of
from webjobs_operator.context.conditions import Wanted
from webjobs_operator.context.facts import Facts
from webjobs_operator.manifests.program import Program

MAX_AGE = timedelta(hours=1)
COMING = timedelta(seconds=3)
"""Age up to which a Job is expected to be about to wait; Kubernetes tells of its making in whole seconds."""


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """One Job that waits, with its pod once that is up."""

    job: ObjectView
    pod: ObjectView | None = None


@dataclass(frozen=True, kw_only=True)
class Pool:
    """What there is of a WebJob, and what is to be done about it."""

    ready: list[Waiting] = field(default_factory=list)
    """Waiting Jobs that a run can take, the oldest first."""
    coming: dict[str, datetime] = field(default_factory=dict)
    """Names of Jobs that were just made, and until when a run had better wait for them than for a Job of its own."""
    create: list[str] = field(default_factory=list)
    """Names of Jobs that are missing."""
    remove: list[ObjectView] = field(default_factory=list)
    failed: int = 0
    """How many of the Jobs to remove ended, or had their pod end, without a run."""
    expires: datetime | None = None
    """When the next one is too old."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Warmth:
    """The pods that are to wait for runs of a WebJob."""

    armed: dict[str, Any] | None = None
    """The Job of a run to come, without a name; None: no pod is to wait."""
    count: int = 0
    """How many are to wait."""
    condition: Wanted | None = None
    """The condition about waiting pods; None: nobody asked for any."""

    @property
    def digest(self) -> str | None:
        """Digest of what a run would be now; None: no pod is to wait."""
        found: str | None = self.armed["metadata"]["labels"][LABEL_ARMED] if self.armed else None
        return found

    def pool(self, facts: Facts) -> Pool:
        """Return what there is of waiting Jobs by the facts of a pass, and what is to be done about it."""
        return pool(
            facts.webjob,
            jobs=facts.jobs,
            pods=facts.pods,
            known=facts.runs.values(),
            digest=self.digest,
            count=self.count,
            now=facts.now,
        )


def wanted(webjob: WebJob, program: Program | None, config: Warm) -> int:
    """Return how many pods shall wait, if they can."""
    if program is None or webjob.spec.suspend:
        return 0
    for said in (webjob.spec.warm, program.runtime.warm):
        if said is not None:
            return said
    return config.default


def obstacle(program: Program, config: Warm, *, forbidden: bool) -> tuple[str, str] | None:
    """Return why no pod can wait for a run: a reason and what to do about it; None: one can."""
    if program.script is None:
        return "NoShell", "A plain image has no shell that could wait: give the job a script or a package."
    if program.on_windows:
        return "NoShell", "Pods on Windows nodes can't wait for a run: their runs start as usual."
    if not config.enabled:
        return "NotEnabled", "The operator may not attach to pods: set warm.enabled in the chart's values."
    if forbidden:
        return "AttachForbidden", "The API server refuses that the operator attaches to pods: runs start as usual."
    return None


def ran_nothing(pods: Sequence[ObjectView]) -> bool:
    """Return whether the newest of the pods ended, and says that it began no run."""
    pod = newest_pod(pods)
    ended = container_state(pod).get("terminated", {}) if pod else {}
    return str(ended.get("message", "")).strip() == warm_protocol.UNUSED


def pool(
    webjob: WebJob,
    *,
    jobs: Mapping[str, ObjectView],
    pods: Sequence[ObjectView],
    known: Collection[WebJobRun],
    digest: str | None,
    count: int,
    now: datetime,
) -> Pool:
    """Return what there is of waiting Jobs of a WebJob, and what is to be done about it.

    ``digest``: of what a run would be now; None: nothing. ``count``: how many are to wait.
    """
    taken = {run.status.job_name for run in known}
    jobs_of = {runs.run_id(run): run.status.job_name for run in known if not run.ended}
    max_age = timedelta(seconds=webjob.spec.warm_max_age_seconds) if webjob.spec.warm_max_age_seconds else MAX_AGE
    pods_by: dict[str | None, list[ObjectView]] = defaultdict(list)
    for pod in pods:
        pods_by[job_of(pod)].append(pod)
    waiting: list[Waiting] = []
    remove: list[ObjectView] = []
    failed = 0
    armed = [job for name, job in jobs.items() if name not in taken and is_armed(job)]
    for job in by_age(armed):
        meta = job["metadata"]
        if meta.get("deletionTimestamp") or run_of(job):
            continue
        own = pods_by[meta["uid"]]
        marks = {mark for pod in own if (mark := run_of(pod))}
        if marks:
            if not any(mark in jobs_of and jobs_of[mark] is None for mark in marks):
                remove.append(job)  # the run that took it is over, or has another Job; else it is taking it just now
            continue
        newest = newest_pod(own)
        over = is_finished(job) or (newest is not None and not (is_alive(newest) and is_staying(newest)))
        if over or meta["labels"][LABEL_ARMED] != digest or len(waiting) >= count:
            failed += over
            remove.append(job)
        else:
            waiting.append(Waiting(job=job, pod=newest if newest and is_up(newest) else None))
    ready = [one for one in waiting if one.pod is not None]
    expires = [_made(one.job) + max_age for one in waiting]
    if waiting and expires[0] <= now and (len(ready) > 1 or count == 1):
        remove.append(waiting[0].job)  # the oldest first, and the next one when there is another for runs
        ready = [one for one in ready if one.job is not waiting[0].job]
        waiting, expires = waiting[1:], expires[1:]
    names = [*jobs, *(name for name in taken if name)]
    create = _names(webjob, names, digest=digest, count=count - len(waiting)) if digest else []
    return Pool(
        ready=ready,
        coming={one.job["metadata"]["name"]: when for one in waiting if (when := _made(one.job) + COMING) > now},
        create=create,
        remove=remove,
        failed=failed,
        expires=min(expires, default=None),
    )


def marked_for(run: WebJobRun, *, jobs: Mapping[str, ObjectView], pods: Sequence[ObjectView]) -> Waiting | None:
    """Return the waiting Job whose pod was marked for a run, by an operator that died then; None: there is none."""
    by_uid = {job["metadata"]["uid"]: job for job in jobs.values()}
    for pod in pods:
        owner = by_uid.get(job_of(pod) or "")
        if owner and is_armed(owner) and run_of(pod) == runs.run_id(run) and is_up(pod):
            return Waiting(job=owner, pod=pod)
    return None


def _made(job: ObjectView) -> datetime:
    return times.parse_time(job["metadata"]["creationTimestamp"])


def _names(webjob: WebJob, known: Sequence[str], *, digest: str, count: int) -> list[str]:
    """Return names with the next numbers.

    Two operators that make a Job at once make the same one, and a run's Job keeps its name.
    """
    stem = f"{webjob.metadata.name}-{digest}-"
    ends = [name.removeprefix(stem) for name in known if name.startswith(stem)]
    numbers = [int(end) for end in ends if re.fullmatch(r"\d{1,9}", end)]
    first = max(numbers, default=0) + 1
    return [f"{stem}{number}" for number in range(first, first + count)]


class Offers:
    """Pods that wait, and that are about to, for the runs that a pass starts: each is offered to one run only."""

    def __init__(self, pool: Pool) -> None:
        self._ready = list(pool.ready)
        self._coming = dict(pool.coming)

    def take(self, can_take: Callable[[ObjectView], bool]) -> Waiting | None:
        """Return the oldest pod that waits and can take a run, and offer it no more; None when there is none."""
        for one in self._ready:
            if one.pod and can_take(one.pod):
                self._ready.remove(one)
                self._coming.pop(one.job["metadata"]["name"], None)
                return one
        return None

    def wait(self) -> datetime | None:
        """Return until when a run had better wait for a pod that no other run waits for; None: there is none."""
        return self._coming.popitem()[1] if self._coming else None


def line_of(run: WebJobRun, arguments: Sequence[str]) -> bytes:
    """Return the line that tells a pod its run. Raises warm_protocol.TooLong."""
    environment = {
        "WEBJOBS_RUN_ID": runs.run_id(run).encode(),
        "WEBJOBS_COMMAND_ARGUMENTS": (run.spec.arguments or "").encode(),
    }
    return warm_protocol.line(environment=environment, arguments=[word.encode() for word in arguments])
