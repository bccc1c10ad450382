"""The decisions about runs that end early: refused, cancelled, given up, replaced. Pure.

How a run ends that had its process to the end is decided by ``outcome.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from webjobs import times
from webjobs.model import RunState, WebJobRun, condition_of
from webjobs.objects import Object
from webjobs.runs import runs
from webjobs_operator.context.facts import Facts
from webjobs_operator.context.obstacles import recorded
from webjobs_operator.runs import outcome

BUSY = "Another run of the job was active, and its concurrencyPolicy does not allow two."

QUEUE_FULL = "As many runs of the job wait for their turn as may (apiserver.limits.queuedRuns of the chart)."


@dataclass(frozen=True, kw_only=True)
class Refuse:
    """End a run that has not started: it never has a process."""

    run: WebJobRun
    state: RunState
    reason: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Kill:
    """End a run that has started, by deleting its Job; the run is over once its pod is."""

    run: WebJobRun
    job: Object
    reason: str
    """Reason of the Event that tells of it."""
    why: str
    """End of the sentence that tells of it."""


EarlyEnd = Refuse | Kill


def busy(refused: Iterable[WebJobRun]) -> list[EarlyEnd]:
    """Return the ends of runs that may not start because another one is active."""
    return [Refuse(run=run, state="Skipped", reason="AlreadyRunning", message=BUSY) for run in refused]


def queue_full(runs: Iterable[WebJobRun]) -> list[EarlyEnd]:
    """Return the ends of runs for which the queue of their WebJob has no room."""
    return [Refuse(run=run, state="Skipped", reason="QueueFull", message=QUEUE_FULL) for run in runs]


def cannot_run(facts: Facts, message: str) -> list[EarlyEnd]:
    """Return the ends of all runs that have not started, as their WebJob can't run."""
    return [Refuse(run=run, state="Failed", reason="CannotRun", message=message) for run in facts.not_started]


def too_late(facts: Facts, message: str) -> tuple[list[EarlyEnd], list[datetime]]:
    """Return the ends of runs that waited long enough for what keeps their WebJob from running.

    Beside them stand the times at which others have.
    """
    ready = condition_of(facts.webjob.status.conditions, "Ready")
    since = times.parse_time(ready.last_transition_time) if ready and ready.status == "False" else facts.now
    over = {
        run.metadata.name: max(runs.start_time(run), since) + facts.webjob.starting_deadline
        for run in facts.not_started
    }
    late = [run for run in facts.not_started if over[run.metadata.name] <= facts.now]
    ends: list[EarlyEnd] = [Refuse(run=run, state="Failed", reason="CannotRun", message=message) for run in late]
    return ends, [when for when in over.values() if when > facts.now]


def call_off(run: WebJobRun) -> Refuse:
    """Return the end of a run that was cancelled before it began."""
    return Refuse(run=run, state="Aborted", reason="Cancelled", message="It was cancelled before it began.")


def cancelled(facts: Facts) -> list[EarlyEnd]:
    """Return the ends of the runs that somebody cancelled."""
    asked = [run for run in (*facts.not_started, *facts.active) if run.spec.cancel]
    ends: list[EarlyEnd] = [call_off(run) for run in asked if run.status.state is None]
    started = [run for run in asked if run.status.state is not None and not run.metadata.deletion_timestamp]
    return ends + _kill(facts, started, reason="RunCancelled", why=", as it was cancelled")


def replaced(facts: Facts, older: Iterable[WebJobRun]) -> list[EarlyEnd]:
    """Return the ends of active runs that give way to a newer one."""
    return _kill(facts, older, reason="RunReplaced", why=" for a newer one")


def given_up(facts: Facts) -> tuple[list[EarlyEnd], list[datetime]]:
    """Return the ends of runs that something has kept from beginning until their time was over.

    Beside them stand the times at which that of others is over.
    """
    ends: list[EarlyEnd] = []
    due: list[datetime] = []
    for run in facts.active:
        job, obstacle = facts.job_of(run), recorded(run)
        if job is None or not outcome.never_began(run) or obstacle is None or not obstacle.ends:
            continue
        begun = job.get("status", {}).get("startTime") or job["metadata"]["creationTimestamp"]
        over = times.parse_time(begun) + facts.webjob.starting_deadline
        if over > facts.now:
            due.append(over)
        else:
            why = f", as it could not begin. {obstacle.message}"
            ends += _kill(facts, [run], reason="RunGivenUp", why=why)
    return ends, due


def _kill(facts: Facts, started: Iterable[WebJobRun], *, reason: str, why: str) -> list[EarlyEnd]:
    """Return the ends of the runs whose Jobs nobody deletes yet."""
    jobs = [(run, facts.job_of(run)) for run in started]
    return [
        Kill(run=run, job=job, reason=reason, why=why)
        for run, job in jobs
        if job and not job["metadata"].get("deletionTimestamp")
    ]
