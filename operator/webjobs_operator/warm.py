"""Jobs that are up and wait for their run: how many there are to be, which go, which one a run takes. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from webjobs import goline, runs
from webjobs.model import LABEL_ARMED, LABEL_RUN, WebJob, WebJobRun
from webjobs_operator import states
from webjobs_operator.config import Warm
from webjobs_operator.manifests.program import Program

Object = Mapping[str, Any]

MAX_AGE = timedelta(hours=1)
COMING = timedelta(seconds=3)
"""Age up to which a Job is expected to be about to wait; Kubernetes tells of its making in whole seconds."""


def wanted(webjob: WebJob, program: Program | None, config: Warm) -> int:
    """Pods that shall wait, if they can."""
    if program is None or webjob.spec.suspend:
        return 0
    for said in (webjob.spec.warm, program.runtime.warm):
        if said is not None:
            return said
    return config.default


def obstacle(program: Program, config: Warm, *, forbidden: bool) -> tuple[str, str] | None:
    """Why no pod can wait for a run: a reason and what to do about it; None: one can."""
    if program.script is None:
        return "NoShell", "A plain image has no shell that could wait: give the job a script or a package."
    if program.on_windows:
        return "NoShell", "Pods on Windows nodes can't wait for a run: their runs start as usual."
    if not config.enabled:
        return "NotEnabled", "The operator may not attach to pods: set warm.enabled in the chart's values."
    if forbidden:
        return "AttachForbidden", "The API server refuses that the operator attaches to pods: runs start as usual."
    return None


def is_armed(job: Object | None) -> bool:
    """Whether a Job was there before its run."""
    return job is not None and LABEL_ARMED in job["metadata"].get("labels", {})


def run_of(thing: Object) -> str | None:
    """Run id on a Job or pod."""
    found: str | None = thing["metadata"].get("labels", {}).get(LABEL_RUN)
    return found


def job_of(pod: Object) -> str | None:
    """UID of the Job of a pod: another Job may have its name by now, while the pods of the first are still ending."""
    owners = pod["metadata"].get("ownerReferences", ())
    return next((owner["uid"] for owner in owners if owner["kind"] == "Job"), None)


def pods_of(job: Object, pods: Sequence[Object]) -> list[Object]:
    """The pods of a Job."""
    return [pod for pod in pods if job_of(pod) == job["metadata"]["uid"]]


class RunPods:
    """The pods of each run. One that waited is one of it with its Job, marked or not yet, and with no other."""

    def __init__(self, pods: Iterable[dict[str, Any]]) -> None:
        self._by: dict[tuple[str | None, str | None], list[dict[str, Any]]] = defaultdict(list)
        for pod in pods:
            if is_armed(pod) or run_of(pod):
                self._by[run_of(pod), job_of(pod) if is_armed(pod) else None].append(pod)

    def of(self, run: WebJobRun) -> list[dict[str, Any]]:
        """Those of one."""
        run_id, job = runs.run_id(run), run.status.job_uid
        keys = [(run_id, None), (run_id, job), (None, job)] if job else [(run_id, None)]
        return [pod for key in keys for pod in self._by.get(key, ())]


def is_anothers(job: Object, run: WebJobRun, pods: Sequence[Object]) -> bool:
    """Whether another run took the Job: of two that wanted it (of two operators), it marked the pod."""
    return any(run_of(pod) not in (None, runs.run_id(run)) for pod in pods_of(job, pods))


def is_staying(thing: Object) -> bool:
    """Whether nobody deleted a Job or pod."""
    return not thing["metadata"].get("deletionTimestamp")


def is_up(pod: Object) -> bool:
    """Whether its container runs, and will."""
    return is_staying(pod) and not states.is_over(pod) and "running" in states.container_state(pod)


def ran_nothing(pods: Sequence[Object]) -> bool:
    """Whether the newest of the pods ended, and says that it began no run."""
    pod = states.newest_pod(pods)
    ended = states.container_state(pod).get("terminated", {}) if pod else {}
    return str(ended.get("message", "")).strip() == goline.UNUSED


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """One Job that waits, with its pod once that is up."""

    job: Object
    pod: Object | None = None


@dataclass(frozen=True, kw_only=True)
class Pool:
    """What there is of a WebJob, and what is to be done about it."""

    ready: list[Waiting] = field(default_factory=list)
    """Those that a run can take, the oldest first."""
    coming: dict[str, datetime] = field(default_factory=dict)
    """Names of Jobs that were just made, and until when a run had better wait for them than for a Job of its own."""
    create: list[str] = field(default_factory=list)
    """Names of Jobs that are missing."""
    remove: list[Object] = field(default_factory=list)
    failed: int = 0
    """Of those: Jobs that ended, or whose pod did, without a run."""
    expires: datetime | None = None
    """When the next one is too old."""


def pool(
    webjob: WebJob,
    *,
    jobs: Mapping[str, Object],
    pods: Sequence[Object],
    known: Collection[WebJobRun],
    digest: str | None,
    count: int,
    now: datetime,
) -> Pool:
    """``digest``: of what a run would be now; None: nothing. ``count``: how many are to wait."""
    taken = {run.status.job_name for run in known}
    jobs_of = {runs.run_id(run): run.status.job_name for run in known if not run.ended}
    max_age = timedelta(seconds=webjob.spec.warm_max_age_seconds) if webjob.spec.warm_max_age_seconds else MAX_AGE
    pods_by: dict[str | None, list[Object]] = defaultdict(list)
    for pod in pods:
        pods_by[job_of(pod)].append(pod)
    waiting: list[Waiting] = []
    remove: list[Object] = []
    failed = 0
    armed = [job for name, job in jobs.items() if name not in taken and is_armed(job)]
    for job in sorted(armed, key=lambda one: (one["metadata"]["creationTimestamp"], one["metadata"]["name"])):
        meta = job["metadata"]
        if meta.get("deletionTimestamp") or run_of(job):
            continue
        own = pods_by[meta["uid"]]
        marks = {mark for pod in own if (mark := run_of(pod))}
        if marks:
            if not any(mark in jobs_of and jobs_of[mark] is None for mark in marks):
                remove.append(job)  # the run that took it is over, or has another Job; else it is taking it just now
            continue
        newest = states.newest_pod(own)
        over = states.is_finished(job) or (newest is not None and not (states.is_alive(newest) and is_staying(newest)))
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


def _made(job: Object) -> datetime:
    return runs.parse_time(job["metadata"]["creationTimestamp"])


def _names(webjob: WebJob, known: Sequence[str], *, digest: str, count: int) -> list[str]:
    """The next numbers: two operators that make one at once make the same one, and a run's Job keeps its name."""
    stem = f"{webjob.metadata.name}-{digest}-"
    ends = [name.removeprefix(stem) for name in known if name.startswith(stem)]
    numbers = [int(end) for end in ends if re.fullmatch(r"\d{1,9}", end)]
    first = max(numbers, default=0) + 1
    return [f"{stem}{number}" for number in range(first, first + count)]


def line_of(run: WebJobRun, arguments: Sequence[str]) -> bytes:
    """What tells a pod its run. Raises goline.TooLong."""
    environment = {
        "WEBJOBS_RUN_ID": runs.run_id(run).encode(),
        "WEBJOBS_COMMAND_ARGUMENTS": (run.spec.arguments or "").encode(),
    }
    return goline.line(environment=environment, arguments=[word.encode() for word in arguments])


def outcome(
    run: WebJobRun, *, code: int | None, over: datetime | None, job: Object, pods: Sequence[Object]
) -> states.Outcome | None:
    """The end of a run as the connection to its pod tells it, seconds before the pod's status does.

    Only what is beyond doubt: a success of what nobody is ending. Why something failed is known by the pod alone.
    """
    if code != 0 or over is None or run.spec.cancel or not is_staying(job):
        return None
    pod = states.newest_pod(pods)
    if pod is None or not is_staying(pod) or _failed(pod):
        return None
    return states.Outcome(state="Success", end=over, exit_code=0, pod=pod["metadata"]["name"])


def contradiction(run: WebJobRun, pods: Sequence[Object]) -> bool:
    """Whether a run that was told a success is none: its pod says so, and counts."""
    pod = states.newest_pod(pods)
    return run.status.state == "Success" and pod is not None and _failed(pod)


def _failed(pod: Object) -> bool:
    return bool(states.container_state(pod).get("terminated", {}).get("exitCode"))
