"""Kudu's states (contract, section 6) from Jobs, pods and their conditions. Pure.

Terminal truth is the Job's condition. Without retries the container's end is the same truth, seconds earlier.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from webjobs.model import LABEL_RUN, RunState, WebJobRun
from webjobs.runs import parse_time
from webjobs_operator.manifests.pod import CONTAINER

Object = Mapping[str, Any]

_SETUP_FAILURES = {
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run stands."""

    state: RunState
    process_start: datetime | None = None
    end: datetime | None = None
    exit_code: int | None = None
    message: str | None = None
    pod: str | None = None
    """Pod whose log counts."""


def newest_pod(pods: Sequence[Object]) -> Object | None:
    """The pod of the last attempt."""
    return max(pods, key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]), default=None)


def is_over(pod: Object) -> bool:
    """Whether no process of the pod runs any more."""
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def is_finished(job: Object) -> bool:
    """Whether a Job has ended; other conditions (Suspended, FailureTarget) come before that."""
    return _condition(job, "Complete") is not None or _condition(job, "Failed") is not None


def has_stray(pods: Sequence[Object], *, run_ids: Collection[str]) -> bool:
    """Whether a process goes on whose run is gone. ``run_ids``: of the runs that are there."""
    labels = (pod["metadata"].get("labels", {}) for pod in pods if is_alive(pod))
    return any(LABEL_RUN in label and label[LABEL_RUN] not in run_ids for label in labels)


def is_alive(pod: Object) -> bool:
    """Whether the job's process may still run; the phase of a pod follows seconds after its container's end."""
    return not is_over(pod) and "terminated" not in container_state(pod)


def container_state(pod: Object, container: str = CONTAINER) -> dict[str, Any]:
    """``state`` of the job's container: one of waiting, running, terminated; empty before the kubelet said."""
    for status in pod.get("status", {}).get("containerStatuses", []):
        if status["name"] == container:
            state: dict[str, Any] = status.get("state", {})
            return state
    return {}


def _condition(job: Object, kind: str) -> Object | None:
    for condition in job.get("status", {}).get("conditions", []):
        if condition["type"] == kind and condition["status"] == "True":
            found: Object = condition
            return found
    return None


def outcome(run: WebJobRun, *, job: Object | None, pods: Sequence[Object], now: datetime) -> Outcome:
    """The state of a run that was started."""
    pod = newest_pod(pods)
    if job is None:
        if any(is_alive(one) for one in pods):  # still on its way out
            return Outcome(state=run.status.state or "Initializing", pod=_name(pod))
        if pod is None or _was_killed(pod):
            found = _ended(pod, job_message=None, now=now) if pod else Outcome(state="Aborted", end=now)
            why = "It was cancelled." if run.spec.cancel else "The Job of the run was deleted before it ended."
            return replace(found, state="Aborted", message=why)
        return _ended(pod, job_message=None, now=now)
    # FailureTarget comes first, Failed when the pods are gone: a deadline is known before it kills.
    failed = _condition(job, "Failed") or _condition(job, "FailureTarget")
    if failed or _condition(job, "Complete"):
        if pod is None:
            ended = parse_time(
                (failed or job["status"]).get("lastTransitionTime") or job["status"].get("completionTime")
            )
            if failed:
                return Outcome(state="Failed", end=ended, message=failed.get("message"))
            return Outcome(state="Success", end=ended, exit_code=0)
        if failed and is_alive(pod):
            return Outcome(state=run.status.state or "Initializing", pod=_name(pod), process_start=_started(pod))
        return _ended(pod, job_message=failed.get("message") if failed else None, now=now)
    if pod is None:
        return Outcome(state="Initializing")
    attempts = (job["spec"].get("backoffLimit") or 0) + 1
    if attempts == 1 and (is_over(pod) or "terminated" in container_state(pod)):
        return _ended(pod, job_message=None, now=now)
    started = _started(pod)
    if started:
        return Outcome(state="Running", process_start=started, pod=_name(pod))
    return Outcome(
        state=run.status.state if run.status.state == "Running" else "Initializing",
        message=_waiting_message(pod),
        pod=_name(pod),
    )


def _name(pod: Object | None) -> str | None:
    return pod["metadata"]["name"] if pod else None


def _was_killed(pod: Object) -> bool:
    """Whether the process ended because its pod was deleted, and not by itself before that."""
    deleted = pod["metadata"].get("deletionTimestamp")
    finished = container_state(pod).get("terminated", {}).get("finishedAt")
    if not deleted or not finished:
        return bool(deleted)
    grace = timedelta(seconds=pod["metadata"].get("deletionGracePeriodSeconds") or 0)
    return parse_time(finished) >= parse_time(deleted) - grace


def _started(pod: Object) -> datetime | None:
    state = container_state(pod)
    since = state.get("running", {}).get("startedAt") or state.get("terminated", {}).get("startedAt")
    return parse_time(since) if since else None


def _waiting_message(pod: Object) -> str | None:
    waiting = container_state(pod).get("waiting", {})
    if waiting.get("reason") in _SETUP_FAILURES:
        return f"{waiting['reason']}: {waiting.get('message', '')}".rstrip(": ")[:1024]
    for init in pod.get("status", {}).get("initContainerStatuses", []):
        state = init.get("state", {}).get("terminated") or init.get("lastState", {}).get("terminated")
        if state and state.get("exitCode"):
            return f"Fetching the package failed (container {init['name']}, exit code {state['exitCode']})."
    for condition in pod.get("status", {}).get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return str(condition.get("message", ""))[:1024] or None
    return None


def _ended(pod: Object, *, job_message: str | None, now: datetime) -> Outcome:
    terminated = container_state(pod).get("terminated")
    # The container says it before the phase does, which waits until the kubelet has cleaned up.
    success = terminated["exitCode"] == 0 if terminated else pod.get("status", {}).get("phase") == "Succeeded"
    if not terminated:  # evicted, or failed in its init container
        text = job_message or _waiting_message(pod) or pod["status"].get("message") or pod["status"].get("reason")
        return Outcome(
            state="Success" if success else "Failed", end=now, message=None if success else text, pod=_name(pod)
        )
    code = terminated.get("exitCode")
    reason = terminated.get("reason")
    message = None
    if not success:
        message = (
            job_message if job_message and "BackoffLimit" not in job_message and "backoff" not in job_message else None
        )
        if message is None:
            message = f"The process ended with exit code {code}" + (
                f" ({reason})." if reason not in (None, "Error", "Completed") else "."
            )
    return Outcome(
        state="Success" if success else "Failed",
        process_start=parse_time(terminated["startedAt"]) if terminated.get("startedAt") else None,
        end=parse_time(terminated.get("finishedAt")) if terminated.get("finishedAt") else now,
        exit_code=code,
        message=message,
        pod=_name(pod),
    )


def instance_status(pod: Object) -> str:
    """The state of one instance of a continuous job.

    ``Success`` is what Kudu shows for a moment after exit code 0; after any other exit it goes on to PendingRestart.
    """
    if pod["metadata"].get("deletionTimestamp"):
        return "Stopping"
    state = container_state(pod)
    if "running" in state:
        return "Running"
    if "terminated" in state:
        return "Success" if state["terminated"].get("exitCode") == 0 else "PendingRestart"
    if state.get("waiting", {}).get("reason") == "CrashLoopBackOff":
        return "PendingRestart"
    return "Starting" if state else "Initializing"


def worker_state(instances: Sequence[str]) -> str:
    """One word for all instances of a continuous job that is meant to run."""
    order = ("Running", "Success", "PendingRestart", "Stopping", "Starting")
    return next((word for word in order if word in instances), "Initializing")
