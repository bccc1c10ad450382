"""What keeps a process from beginning: of a run, or of an instance of a continuous job. Pure.

Each obstacle has a reason of its own, which docs/reasons.md explains. It is the reason of the condition ``Started`` of
the run, of ``Ready`` of the WebJob, and of an Event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from webjobs.model import WebJobRun
from webjobs.model.run import STARTED
from webjobs.objects import ObjectView
from webjobs.pods import END, FETCH, by_age, container_state, is_over, job_condition, unprepared_since
from webjobs_operator.context.conditions import Wanted

UNPREPARED = timedelta(seconds=60)
"""How long a node may work at a pod's volumes and network before that is an obstacle."""
_LONGEST = 1024

_WAITING = {
    "ErrImagePull": "ImagePullFailed",
    "ImagePullBackOff": "ImagePullFailed",
    "InvalidImageName": "ImagePullFailed",
    "ErrImageNeverPull": "ImagePullFailed",
    "ImageInspectError": "ImagePullFailed",
    "RegistryUnavailable": "ImagePullFailed",
    "SignatureValidationFailed": "ImagePullFailed",
    "CreateContainerConfigError": "ContainerRefused",
    "CreateContainerError": "ContainerRefused",
    "PreCreateHookError": "ContainerRefused",
    "PreStartHookError": "ContainerRefused",
    "RunContainerError": "ContainerRefused",
}
"""Reasons of obstacles by the kubelet's reasons of a container that waits."""
_GIVEN_UP = {"PodRefused", "ImagePullFailed", "ContainerRefused", "NodeNotPrepared"}


@dataclass(frozen=True, kw_only=True)
class Obstacle:
    """Something that keeps a process from beginning."""

    reason: str
    """CamelCase word."""
    message: str
    """What is wrong, and what to do where that is known."""

    @property
    def ends(self) -> bool:
        """True when a run fails that is kept back for as long as a slot may be late (startingDeadlineSeconds).

        The others wait without an end: a larger cluster, or whoever suspended the Job, lets them begin.
        """
        return self.reason in _GIVEN_UP

    def condition(self) -> Wanted:
        """Return the condition of a run that is kept back."""
        return Wanted(type=STARTED, status=False, reason=self.reason, message=self.message)


def recorded(run: WebJobRun) -> Obstacle | None:
    """Return what keeps a run from beginning, as its status says; None when nothing does."""
    told = run.status.kept_back
    return Obstacle(reason=told.reason, message=told.message) if told else None


def of_job(job: ObjectView, *, refusal: str | None = None) -> Obstacle | None:
    """Return what keeps a Job from making a pod; None when nothing is known.

    ``refusal``: what the API server said when the Job's controller wanted one.
    """
    if is_suspended(job):
        name = job["metadata"]["name"]
        return Obstacle(
            reason="JobSuspended",
            message=f"Job {name} was suspended by somebody else, as a queue (Kueue) does it. The run goes on when it "
            f'is resumed: by the queue, or by kubectl patch job {name} --patch \'{{"spec":{{"suspend":false}}}}\'.',
        )
    return of_refusal(refusal) if refusal else None


def is_suspended(job: ObjectView) -> bool:
    """Return whether a Job is suspended, or its controller has not yet seen that it goes on."""
    return bool(job["spec"].get("suspend")) or job_condition(job, "Suspended") is not None


def of_refusal(text: str) -> Obstacle:
    """Return the obstacle of a pod that the API server does not take, by its words."""
    return Obstacle(reason="PodRefused", message=f"The pod was refused: {text}"[:_LONGEST])


def of_deployment(deployment: ObjectView | None) -> Obstacle | None:
    """Return what keeps a Deployment from making its pods; None when nothing does."""
    for one in (deployment or {}).get("status", {}).get("conditions", []):
        if one["type"] == "ReplicaFailure" and one["status"] == "True":
            return of_refusal(one.get("message") or one.get("reason") or "")
    return None


def of_pods(pods: Sequence[ObjectView], *, now: datetime) -> Obstacle | None:
    """Return the first obstacle among pods, the oldest one first; None when there is none."""
    found = (of_pod(pod, now=now) for pod in by_age(pods) if not is_over(pod))
    return next((one for one in found if one), None)


def of_pod(pod: ObjectView, *, now: datetime) -> Obstacle | None:
    """Return what keeps a pod's process from beginning; None when nothing is known."""
    return _of_container(pod) or _of_init_containers(pod) or _of_scheduling(pod) or _of_node(pod, now=now)


def _of_container(pod: ObjectView) -> Obstacle | None:
    statuses = pod.get("status", {}).get("initContainerStatuses", [])
    for waiting in (container_state(pod).get("waiting"), *(one.get("state", {}).get("waiting") for one in statuses)):
        word = (waiting or {}).get("reason")
        if waiting and word in _WAITING:
            text = f"{word}: {waiting.get('message') or 'the container can not be made'}"
            return Obstacle(reason=_WAITING[word], message=text[:1000].rstrip(".") + ".")
    return None


def _of_init_containers(pod: ObjectView) -> Obstacle | None:
    for init in pod.get("status", {}).get("initContainerStatuses", []):
        if init["name"] == END:
            continue
        state = init.get("state", {}).get("terminated") or init.get("lastState", {}).get("terminated")
        if state and state.get("exitCode"):
            name, ours = init["name"], init["name"] == FETCH
            what = "Fetching the package" if ours else "An init container of podTemplate"
            return Obstacle(
                reason="PackageNotFetched" if ours else "InitContainerFailed",
                message=f"{what} failed (container {name}, exit code {state['exitCode']}).",
            )
    return None


def _of_scheduling(pod: ObjectView) -> Obstacle | None:
    for condition in pod.get("status", {}).get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            gated = condition.get("reason") == "SchedulingGated"
            message = str(condition.get("message") or "No node takes the pod.")[:_LONGEST]
            return Obstacle(reason="SchedulingGated" if gated else "Unschedulable", message=message)
    return None


def _of_node(pod: ObjectView, *, now: datetime) -> Obstacle | None:
    since = unprepared_since(pod)
    if since is None or now - since < UNPREPARED:
        return None
    return Obstacle(
        reason="NodeNotPrepared",
        message=f"NodeNotPrepared: the node could not prepare the pod in {UNPREPARED.seconds} seconds. A Secret, "
        f"ConfigMap or claim of its volumes may not be there: kubectl describe pod {pod['metadata']['name']} says "
        "which.",
    )
