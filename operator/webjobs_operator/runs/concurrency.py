"""One at a time: which runs may start, which wait, which are refused. Pure.

The lock is ``status.activeRun`` of the WebJob, taken by a conditional write. The REST shim takes it before it
creates a run; for runs from elsewhere (kubectl, schedules) the operator does.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from webjobs.model import WebJob, WebJobRun
from webjobs.pods import is_alive
from webjobs.runs import runs
from webjobs.runs.runs import LOCK_GRACE
from webjobs_operator.context import armed_jobs
from webjobs_operator.context.facts import Facts


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What happens to the runs that have not started."""

    holder: str | None = None
    """Run that holds the lock after this decision."""
    start: list[WebJobRun] = field(default_factory=list)
    """Runs whose Job is to be made; under a lock only once the lock is written."""
    refuse: list[WebJobRun] = field(default_factory=list)
    overflow: list[WebJobRun] = field(default_factory=list)
    """Runs for which the queue has no room."""
    replace: list[WebJobRun] = field(default_factory=list)
    """Active runs that give way."""


def holder(webjob: WebJob, known: Mapping[str, WebJobRun], *, now: datetime) -> str | None:
    """Return the object name of the run that holds the lock now; None: nobody does."""
    active = webjob.status.active_run
    if active and runs.lock_is_held(webjob, dict(known), now=now, grace=LOCK_GRACE):
        return active.name
    return None


def decide(
    webjob: WebJob,
    known: Mapping[str, WebJobRun],
    *,
    now: datetime,
    lingering: bool = False,
    queued: int = sys.maxsize,
) -> Decision:
    """Return the decision for all runs of a WebJob, given by object name.

    ``lingering``: a process goes on whose run is gone (somebody deleted it, and its pod has not ended yet).
    ``queued``: most runs that wait behind the one whose turn it is, where they do; later ones are refused.
    """
    waiting = sorted(
        (run for run in known.values() if runs.waits(run, webjob) and not run.metadata.deletion_timestamp),
        key=runs.run_id,
    )
    active = [run for run in known.values() if run.status.state in ("Initializing", "Running")]
    policy = webjob.concurrency
    if policy == "Allow":
        return Decision(start=waiting)
    lock = holder(webjob, known, now=now)
    if lock is None and active:
        # The policy was changed while runs went on, or the status was lost: they still count.
        lock = max(active, key=runs.run_id).metadata.name
    held = known.get(lock) if lock else None
    first: WebJobRun | None
    if held and held.status.state is None:
        first, others = held, [run for run in waiting if run.metadata.name != lock]
    elif lock is None and waiting:
        first, others = (waiting[-1], waiting[:-1]) if policy == "Replace" else (waiting[0], waiting[1:])
        lock = first.metadata.name
    else:
        first, others = None, waiting
    # A run that was accepted while others go on (the policy was another, or the other was deleted) waits for their end.
    start = [first] if first and not active and not lingering else []
    match policy:
        case "Forbid":
            return Decision(holder=lock, start=start, refuse=others)
        case "Queue":
            return Decision(holder=lock, start=start, overflow=others[queued:])
        case _:  # Replace: the newest waits for the end of the active one, older ones give way unstarted
            older = others if first else others[:-1]
            return Decision(holder=lock, start=start, refuse=older, replace=active if first or others else [])


def has_stray(facts: Facts) -> bool:
    """Return whether a process goes on whose run is gone."""
    marks = {mark for pod in facts.pods if is_alive(pod) and (mark := armed_jobs.run_of(pod))}
    return bool(marks) and not marks <= {runs.run_id(run) for run in facts.runs.values()}
