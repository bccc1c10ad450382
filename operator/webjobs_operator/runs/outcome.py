"""Kudu's states (docs/kudu-contract.md, section 6) from Jobs, pods and their conditions. Pure.

Terminal truth is the Job's condition. Without retries the container's end is the same truth, seconds earlier.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from webjobs.model import RunState, WebJobRun
from webjobs.objects import ObjectView
from webjobs.pods import asked_to_end, container_state, has_ended, is_alive, is_finished, job_condition, newest_pod
from webjobs.times import parse_time
from webjobs_operator.context.armed_jobs import is_staying
from webjobs_operator.context.obstacles import Obstacle, is_suspended, of_job, of_pod, recorded


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a run stands."""

    state: RunState
    process_start: datetime | None = None
    end: datetime | None = None
    exit_code: int | None = None
    message: str | None = None
    obstacle: Obstacle | None = None
    """What keeps the process from beginning."""
    pod: str | None = None
    """Name of the pod whose log counts."""


def lacks_pods(job: ObjectView, pods: Sequence[ObjectView]) -> bool:
    """Return whether a Job that has ended had more pods than are known."""
    status = job.get("status") or {}
    return is_finished(job) and len(pods) < max(1, (status.get("succeeded") or 0) + (status.get("failed") or 0))


def outcome(
    run: WebJobRun, *, job: ObjectView | None, pods: Sequence[ObjectView], now: datetime, refusal: str | None = None
) -> Outcome:
    """Return the state of a run that was started.

    ``refusal``: why the Job can't make its pod, as the API server said it.
    """
    pod = newest_pod(pods)
    if job is None:
        if any(is_alive(one) for one in pods):  # still on its way out
            return Outcome(state=run.status.state or "Initializing", pod=_name(pod))
        kept_back = recorded(run)
        if not run.spec.cancel and never_began(run) and kept_back and kept_back.ends:
            text = kept_back.message.rstrip(".")[:1000]
            return Outcome(state="Failed", end=now, message=f"{text}. It never began.", pod=_name(pod))
        if pod is None or is_killed(pod):
            found = _ended(pod, job_message=None, now=now) if pod else Outcome(state="Aborted", end=now)
            why = "It was cancelled." if run.spec.cancel else "The Job of the run was deleted before it ended."
            return replace(found, state="Aborted", message=why)
        return _ended(pod, job_message=None, now=now)
    # FailureTarget comes first, Failed when the pods are gone: a deadline is known before it kills.
    failed = job_condition(job, "Failed") or job_condition(job, "FailureTarget")
    if failed or job_condition(job, "Complete"):
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
    attempts = (job["spec"].get("backoffLimit") or 0) + 1
    over = pod is not None and not is_alive(pod)
    set_aside = pod is not None and over and is_suspensions(pod, job)
    # A success is final whatever attempts are left: a sidecar that never ends must not hold the lock.
    if pod and over and not set_aside and (attempts == 1 or _succeeded(pod)):
        return _ended(pod, job_message=None, now=now)
    if pod is None or set_aside or (over and is_suspended(job)):
        return Outcome(state="Initializing", obstacle=of_job(job, refusal=refusal), pod=_name(pod))
    started = _started(pod)
    if started:
        return Outcome(state="Running", process_start=started, pod=_name(pod))
    return Outcome(
        state=run.status.state if run.status.state == "Running" else "Initializing",
        obstacle=of_pod(pod, now=now),
        pod=_name(pod),
    )


_KILLED = (128 + 9, 128 + 15)
"""Exit codes of a process that KILL or TERM ended."""


def is_suspensions(pod: ObjectView, job: ObjectView) -> bool:
    """Return whether a pod was killed because its Job was suspended: another pod follows when the Job goes on.

    A Job that goes on has a new start time, and the pod is older than that.
    """
    begun = job.get("status", {}).get("startTime")
    before = begun is not None and parse_time(pod["metadata"]["creationTimestamp"]) < parse_time(begun)
    return is_killed(pod) and (is_suspended(job) or before)


def _succeeded(pod: ObjectView) -> bool:
    return has_ended(pod) and container_state(pod)["terminated"].get("exitCode") == 0 and not is_killed(pod)


def _name(pod: ObjectView | None) -> str | None:
    return pod["metadata"]["name"] if pod else None


def is_killed(pod: ObjectView) -> bool:
    """Return whether a pod's process ended (or will end) because the pod was deleted, and not by itself before that."""
    asked, terminated = asked_to_end(pod), container_state(pod).get("terminated", {})
    if asked is None or not terminated.get("finishedAt"):
        return asked is not None
    if not pod["metadata"].get("deletionGracePeriodSeconds") and terminated.get("exitCode") in _KILLED:
        return True  # the time of the first delete was not seen
    return parse_time(terminated["finishedAt"]) >= asked


def _started(pod: ObjectView) -> datetime | None:
    state = container_state(pod)
    since = state.get("running", {}).get("startedAt") or state.get("terminated", {}).get("startedAt")
    return parse_time(since) if since else None


def never_began(run: WebJobRun) -> bool:
    """Return whether no process of a run is known of."""
    return run.status.state in (None, "Initializing") and run.status.process_start_time is None


def _ended(pod: ObjectView, *, job_message: str | None, now: datetime) -> Outcome:
    terminated = container_state(pod).get("terminated")
    # The container says it before the phase does, which waits until the kubelet has cleaned up.
    success = terminated["exitCode"] == 0 if terminated else pod.get("status", {}).get("phase") == "Succeeded"
    if not terminated:  # evicted, or failed in its init container
        obstacle = of_pod(pod, now=now)
        text = job_message or _taken_away(pod) or (obstacle.message if obstacle else None) or _pod_message(pod)
        return Outcome(
            state="Success" if success else "Failed", end=now, message=None if success else text, pod=_name(pod)
        )
    return Outcome(
        state="Success" if success else "Failed",
        process_start=parse_time(terminated["startedAt"]) if terminated.get("startedAt") else None,
        end=parse_time(terminated.get("finishedAt")) if terminated.get("finishedAt") else now,
        exit_code=terminated.get("exitCode"),
        message=None if success else _failure(pod, terminated, job_message=job_message),
        pod=_name(pod),
    )


_REASONS = {
    "OOMKilled": "it needed more memory than its limit (OOMKilled): raise resources, or memory in settings.job",
    "ContainerCannotRun": "the container can't run",
    "StartError": "the container could not be started",
    "ContainerStatusUnknown": "its node lost track of it",
    "Unknown": "its node lost track of it, as when it dies",
}


def _failure(pod: ObjectView, terminated: Mapping[str, Any], *, job_message: str | None) -> str:
    """Why a process that ended did not succeed."""
    if job_message and "backoff" not in job_message.lower():  # that one only counts attempts
        return job_message
    text, reason = f"The process ended with exit code {terminated.get('exitCode')}", terminated.get("reason")
    if taken := _taken_away(pod):
        return f"{text}. {taken}"
    if reason in (None, "Error", "Completed"):
        return f"{text}."
    said = _REASONS.get(reason)
    detail = str(terminated.get("message") or "") if reason != "OOMKilled" else ""
    return (f"{text}: {said}. {detail}" if said else f"{text} ({reason}). {detail}").strip()[:1024]


_DISRUPTIONS = {
    "EvictionByEvictionAPI": "Its pod was evicted, as when a node is drained",
    "DeletionByTaintManager": "Its pod was deleted because its node got a taint, as when it does not answer",
    "DeletionByPodGC": "Its pod was deleted because its node is gone",
    "PreemptionByScheduler": "Its pod made room for one of a higher priority",
    "TerminationByKubelet": "Its node ended the pod",
}


def _taken_away(pod: ObjectView) -> str | None:
    """Why Kubernetes took a pod away; None when it did not."""
    for condition in pod.get("status", {}).get("conditions", []):
        if condition["type"] == "DisruptionTarget" and condition["status"] == "True":
            said = _DISRUPTIONS.get(condition.get("reason", ""), "Its pod was taken away")
            detail = _pod_message(pod) if condition.get("reason") == "TerminationByKubelet" else None
            return f"{said}: {detail or condition.get('message') or condition.get('reason')}"[:1000].rstrip(".") + "."
    return None


def _pod_message(pod: ObjectView) -> str | None:
    status = pod.get("status", {})
    found = status.get("message") or status.get("reason")
    return str(found) if found else None


def warm_outcome(
    run: WebJobRun, *, code: int | None, over: datetime | None, job: ObjectView, pods: Sequence[ObjectView]
) -> Outcome | None:
    """Return the end of a run as the connection to its pod tells it, seconds before the pod's status does.

    Only what is beyond doubt: a success of what nobody is ending. Why something failed is known by the pod alone.
    """
    if code != 0 or over is None or run.spec.cancel or not is_staying(job):
        return None
    pod = newest_pod(pods)
    if pod is None or not is_staying(pod) or _exited_badly(pod):
        return None
    return Outcome(state="Success", end=over, exit_code=0, pod=pod["metadata"]["name"])


def contradiction(run: WebJobRun, pods: Sequence[ObjectView]) -> bool:
    """Return whether a run that was told a success is none: its pod says so, and counts."""
    pod = newest_pod(pods)
    return run.status.state == "Success" and pod is not None and _exited_badly(pod)


def _exited_badly(pod: ObjectView) -> bool:
    """Return whether the job's container ended with another exit code than 0."""
    return bool(container_state(pod).get("terminated", {}).get("exitCode"))
