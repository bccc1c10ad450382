"""The instances of a continuous job: their states, and what is to be done about one. Pure.

The states are those of docs/kudu-contract.md, section 6.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from webjobs.logs.restarts import restart_at
from webjobs.objects import ObjectView
from webjobs.pods import by_age, container_state, container_status, is_over
from webjobs_operator.manifests.children import SINGLETON_GATE

_SLACK = timedelta(seconds=2)
"""Time in which Kubernetes may start a container by itself before its pod is replaced."""


@dataclass(frozen=True, kw_only=True)
class Restart:
    """A process that has ended and is to start again."""

    at: datetime
    """When the process is to start again."""
    held_back: bool
    """True when Kubernetes' back-off may hold the process back, and not the container's own shell."""

    def replace_at(self) -> datetime | None:
        """Return when the pod is to be replaced, unless the process has started by then; else None.

        None when nothing but the container's own shell holds the process back. A new pod has no back-off.
        """
        return self.at + _SLACK if self.held_back else None


def restart(pod: ObjectView, *, delay: int | None) -> Restart | None:
    """Return the restart that an instance waits for, or the last one that it waited for; None when there was none.

    ``delay``: seconds after a short life; None: by Kubernetes' back-off alone. A process that lived for two minutes
    starts again at once.
    """
    if delay is None or pod["metadata"].get("deletionTimestamp"):
        return None
    state = container_state(pod)
    ended = state.get("terminated") or (container_status(pod).get("lastState") or {}).get("terminated")
    if not ended:
        return None
    return Restart(at=restart_at(ended, delay=delay), held_back="running" not in state)


def status(pod: ObjectView, *, delay: int | None = None, now: datetime) -> str:
    """Return the state of one instance, in Kudu's words.

    ``Success`` is what Kudu shows for a moment after exit code 0; after any other exit it goes on to PendingRestart.
    """
    if pod["metadata"].get("deletionTimestamp"):
        return "Stopping"
    if is_gated(pod):
        return "InactiveInstance"
    state = container_state(pod)
    if "running" in state:
        coming = restart(pod, delay=delay)
        return "PendingRestart" if coming and now < coming.at else "Running"
    if "terminated" in state:
        return "Success" if state["terminated"].get("exitCode") == 0 else "PendingRestart"
    if state.get("waiting", {}).get("reason") == "CrashLoopBackOff":
        return "PendingRestart"
    return "Starting" if state else "Initializing"


def of_all(instances: Sequence[str]) -> str:
    """Return one word for the states of all instances of a job that is meant to run."""
    order = ("Running", "Success", "PendingRestart", "Stopping", "Starting", "InactiveInstance")
    return next((word for word in order if word in instances), "Initializing")


def is_gated(pod: ObjectView) -> bool:
    """Return whether an instance of a singleton waits until it may start."""
    return any(gate["name"] == SINGLETON_GATE for gate in pod["spec"].get("schedulingGates") or [])


def admissible(pods: Sequence[ObjectView], *, singleton: bool) -> list[ObjectView]:
    """Return the waiting instances that may start, of all that there are.

    Of a singleton it is the oldest one, and only while no process of another can be alive: a pod that is being deleted
    counts until it is gone, for its node may just not answer.
    """
    there = [pod for pod in pods if not is_over(pod)]
    waiting = [pod for pod in there if is_gated(pod) and not pod["metadata"].get("deletionTimestamp")]
    if not singleton:
        return waiting
    if not all(is_gated(pod) for pod in there):
        return []
    return by_age(waiting)[:1]
