"""Jobs and pods that wait for a run, or did: how one is known, and which run has it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from webjobs.model import LABEL_ARMED, LABEL_RUN, WebJobRun
from webjobs.objects import ObjectView, owners_of
from webjobs.pods import container_state, is_over, job_of
from webjobs.runs import runs


def is_armed(job: ObjectView | None) -> bool:
    """Return whether a Job or pod was there before its run."""
    return job is not None and LABEL_ARMED in job["metadata"].get("labels", {})


def run_of(thing: ObjectView) -> str | None:
    """Return the run id on a Job or pod; None: no run has it."""
    found: str | None = thing["metadata"].get("labels", {}).get(LABEL_RUN)
    return found


def is_of_webjob(job: ObjectView, webjob: str) -> bool:
    """Return whether a Job was made for a WebJob (by its object name): for it, for a run, or by its CronJob.

    Labels and names of a Job of somebody else say nothing.
    """
    return any(
        owner["kind"] == "WebJobRun" or (owner["kind"] in ("WebJob", "CronJob") and owner["name"] == webjob)
        for owner in owners_of(job)
    )


def pods_of(job: ObjectView, pods: Sequence[ObjectView]) -> list[ObjectView]:
    """Return the pods of a Job."""
    return [pod for pod in pods if job_of(pod) == job["metadata"]["uid"]]


class RunPods:
    """The pods of each run of a WebJob: those of its Job, for labels alone may be anybody's.

    A pod that waited belongs to the run that has its Job, marked or not yet, and to no other.
    """

    def __init__(self, pods: Iterable[dict[str, Any]]) -> None:
        self._by: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for pod in pods:
            if (job := job_of(pod)) and (is_armed(pod) or run_of(pod)):
                self._by[job].append(pod)

    def of(self, run: WebJobRun) -> list[dict[str, Any]]:
        """Return the pods of one run."""
        own = self._by.get(run.status.job_uid or "", ())
        return [pod for pod in own if run_of(pod) in (None, runs.run_id(run))]


def is_anothers(job: ObjectView, run: WebJobRun, pods: Sequence[ObjectView]) -> bool:
    """Return whether another run took a Job: of two that wanted it (by two operators), that one marked the pod."""
    return any(run_of(pod) not in (None, runs.run_id(run)) for pod in pods_of(job, pods))


def is_staying(thing: ObjectView) -> bool:
    """Return whether nobody deleted a Job or pod."""
    return not thing["metadata"].get("deletionTimestamp")


def is_up(pod: ObjectView) -> bool:
    """Return whether the container of a pod runs, and will go on."""
    return is_staying(pod) and not is_over(pod) and "running" in container_state(pod)
