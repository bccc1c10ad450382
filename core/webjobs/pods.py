"""What the raw pods and Jobs of a WebJob say of their state. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from webjobs.objects import Object, ObjectView, owners_of
from webjobs.times import parse_time

T = TypeVar("T", bound=Mapping[str, Any])

CONTAINER = "job"
"""Name of the container that runs the job, in every pod of a job."""
FETCH = "fetch"
"""Name of the init container that fetches a large package."""
END = "end"
"""Name of the container beside a job that waits for its run: its output is the exit code of the run's script, and
nothing else."""


def container_status(pod: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the entry of ``containerStatuses`` for the job's container; empty before the kubelet wrote one."""
    known: list[Mapping[str, Any]] = ((pod or {}).get("status") or {}).get("containerStatuses") or []
    return next((status for status in known if status.get("name") == CONTAINER), {})


def instance_id(pod_uid: str) -> str:
    """Return six characters that stand for one pod, as Kudu shows the first six of an instance's id."""
    return pod_uid.replace("-", "")[:6] or "000000"


def container_state(pod: ObjectView) -> ObjectView:
    """Return ``state`` of the job's container: waiting, running or terminated; empty before the kubelet wrote it."""
    state: ObjectView = container_status(pod).get("state") or {}
    return state


def job_of(pod: ObjectView) -> str | None:
    """Return the UID of the Job of a pod.

    Its name is not enough: another Job may have it by now, while the pods of the first one are still ending.
    """
    return next((owner["uid"] for owner in owners_of(pod) if owner["kind"] == "Job"), None)


def is_of_webjob(pod: ObjectView, webjob: str) -> bool:
    """Return whether a pod was made for a WebJob (by its object name): by a Job, or by its Deployment.

    Its labels are not enough, as anybody may give a pod any. The name of a ReplicaSet begins with its Deployment's.
    """
    template = (pod["metadata"].get("labels") or {}).get("pod-template-hash")
    return any(
        owner["kind"] == "Job" or (owner["kind"] == "ReplicaSet" and owner["name"] == f"{webjob}-{template}")
        for owner in owners_of(pod)
    )


def by_age(objects: Iterable[T]) -> list[T]:
    """Return raw objects in the order of their creation; those of one second by name."""
    return sorted(objects, key=_age)


def _age(body: Mapping[str, Any]) -> tuple[str, str]:
    return body["metadata"]["creationTimestamp"], body["metadata"]["name"]


def newest_pod(pods: Sequence[ObjectView]) -> ObjectView | None:
    """Return the newest of several pods, which is the pod of the last attempt; None when there is none."""
    return max(pods, key=_age, default=None)


def is_over(pod: ObjectView) -> bool:
    """Return whether no process of a pod runs any more."""
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def has_begun(pod: ObjectView) -> bool:
    """Return whether the job's container is known to run, or to have run."""
    state = container_state(pod)
    return bool((state.get("running") or state.get("terminated") or {}).get("startedAt"))


def has_ended(pod: ObjectView) -> bool:
    """Return whether the job's container is known to have ended; then its log is whole."""
    return "terminated" in container_state(pod)


def is_alive(pod: ObjectView) -> bool:
    """Return whether the job's process may still run.

    Asks the container, too: the phase of a pod follows seconds after its container's end.
    """
    return not is_over(pod) and "terminated" not in container_state(pod)


def asked_to_end(pod: ObjectView) -> datetime | None:
    """Return when somebody deleted a pod, which is before its grace period; None when nobody did.

    The kubelet's own last delete, with a grace period of 0, writes over that time: see ``as_first_asked``.
    """
    deleted = pod["metadata"].get("deletionTimestamp")
    if not deleted:
        return None
    return parse_time(deleted) - timedelta(seconds=pod["metadata"].get("deletionGracePeriodSeconds") or 0)


def as_first_asked(pod: Object, before: Object) -> Object:
    """Return a pod with the time of its first delete, as an earlier version of it has it.

    When its containers have ended, the kubelet deletes the pod once more, without a grace period. The API server then
    sets ``deletionTimestamp`` anew, and what the first delete ended would look as if it had ended by itself.
    """
    meta, first = pod["metadata"], before["metadata"]
    if meta["uid"] != first["uid"] or not first.get("deletionGracePeriodSeconds") or not meta.get("deletionTimestamp"):
        return pod
    if meta.get("deletionGracePeriodSeconds"):
        return pod
    kept = {name: first[name] for name in ("deletionTimestamp", "deletionGracePeriodSeconds")}
    return {**pod, "metadata": {**meta, **kept}}


def unprepared_since(pod: ObjectView) -> datetime | None:
    """Return since when a node prepares the volumes and the network of a pod; None when none does."""
    conditions = {one["type"]: one for one in pod.get("status", {}).get("conditions", [])}
    scheduled, ready = conditions.get("PodScheduled", {}), conditions.get("PodReadyToStartContainers", {})
    if is_over(pod) or scheduled.get("status") != "True" or ready.get("status") != "False":
        return None
    return parse_time(scheduled.get("lastTransitionTime"))


def is_finished(job: ObjectView) -> bool:
    """Return whether a Job has ended.

    Other conditions (Suspended, FailureTarget) come before the end and don't count.
    """
    return job_condition(job, "Complete") is not None or job_condition(job, "Failed") is not None


def job_condition(job: ObjectView, kind: str) -> ObjectView | None:
    """Return the condition of a kind that is true of a Job; None when it is not true or not there."""
    for condition in job.get("status", {}).get("conditions", []):
        if condition["type"] == kind and condition["status"] == "True":
            found: ObjectView = condition
            return found
    return None
