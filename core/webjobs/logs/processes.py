"""The processes that a job's container ran one after another, as far as its pod still knows of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from webjobs import pods
from webjobs.times import EPOCH, parse_time

Pod = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Process:
    """One process of the job's container, from its start to its end."""

    id: str
    """First twelve digits of the container's id; ``#`` and the restart count when the kubelet gives no id."""
    started: datetime
    """When the process started."""
    ended: datetime | None = None
    """When the process ended; None while it runs."""
    exit_code: int | None = None
    """Exit code of the process; None while it runs."""
    previous: bool = False
    """True when the log API knows the process as the previous container."""
    terminated: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)
    """``terminated`` of the container's state, which is what Kubernetes says of the end; None while it runs."""


def processes(pod: Pod) -> list[Process]:
    """Return the processes of the job's container that a pod still knows of, oldest first: two at most."""
    status = pods.container_status(pod)
    state, count = status.get("state") or {}, int(status.get("restartCount") or 0)
    now = state.get("running") or state.get("terminated")
    found = []
    if before := (status.get("lastState") or {}).get("terminated"):
        # While a container waits for its restart, the count is still that of the last one.
        number = count if now is None else count - 1
        found.append(_ended(before, _short(before.get("containerID")) or f"#{number}", previous=True))
    if now is not None:
        own = _short(now.get("containerID") or status.get("containerID")) or f"#{count}"
        if found and found[-1].id == own:
            found.pop()
        if "running" in state:
            found.append(Process(id=own, started=parse_time(now.get("startedAt"))))
        else:
            found.append(_ended(now, own))
    return found


def _short(container_id: str | None) -> str:
    """Return the first twelve digits of ``containerd://0123...``; empty without an id."""
    return (container_id or "").rpartition("://")[2][:12]


def _ended(state: Mapping[str, Any], name: str, *, previous: bool = False) -> Process:
    started, ended = parse_time(state.get("startedAt")), parse_time(state.get("finishedAt"))
    # A process that could not be started has no time of its start.
    begun = started if started > EPOCH else ended
    return Process(
        id=name, started=begun, ended=ended, exit_code=state.get("exitCode"), previous=previous, terminated=state
    )


def reads(pod: Pod, *, previous: bool) -> str | None:
    """Return the id of the process whose log the API gives now, by the kubelet's rule.

    ``previous``: as in a request for a log. None: no process is known whose log it is.
    """
    known = processes(pod)
    if previous:
        return next((process.id for process in known if process.previous), None)
    return known[-1].id if known else None
