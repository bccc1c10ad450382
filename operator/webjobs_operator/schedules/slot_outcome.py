"""What becomes of a slot that is due: the run that it has, a new run, or a skip; and which Jobs stand for slots. Pure.

A run is called by its slot, so that a pass that is repeated, or a second operator, finds the run there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from webjobs import times
from webjobs.model import LABEL_RUN, WebJobRun, WebJobSchedule
from webjobs.objects import Object, ObjectView, owners_of
from webjobs.runs import runs
from webjobs.schedules import webjob_schedule
from webjobs_operator.context.facts import Facts
from webjobs_operator.manifests.children import SlotOrigin
from webjobs_operator.runs.concurrency import holder
from webjobs_operator.runs.early_ends import BUSY

_CRON_SLOT = "batch.kubernetes.io/cronjob-scheduled-timestamp"
_TRIES = 100
"""Names that are tried for one slot: each is taken by another schedule with a chance of 1 in 10,000."""


@dataclass(frozen=True, kw_only=True)
class HasRun:
    """The slot has its run already."""

    run: WebJobRun


@dataclass(frozen=True, kw_only=True)
class Run:
    """The slot becomes a run of this name."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Skip:
    """The slot is skipped."""

    why: str


def outcome(
    facts: Facts,
    slot: datetime,
    origin: SlotOrigin,
    *,
    refusal: str | None,
    taken: Mapping[str, WebJobRun] = MappingProxyType({}),
) -> HasRun | Run | Skip:
    """Return what becomes of a slot. ``refusal``: why the WebJob can't run; None: it can.

    ``taken``: runs by name that are there and not among the facts, as those of other WebJobs.
    """
    for run_id in run_ids(slot, origin.schedule):
        name = runs.object_name(webjob=facts.key[1], run_id=run_id)
        known = facts.runs.get(name) or taken.get(name)
        if known is None:
            why = why_not(facts, refusal=refusal)
            return Skip(why=why) if why else Run(name=name)
        if known.spec.web_job_name == facts.key[1] and known.spec.schedule_name == origin.name:
            return HasRun(run=known)
    return Skip(why=f"WebJobRun {name} is there already, and not of this schedule.")


def why_not(facts: Facts, *, refusal: str | None) -> str | None:
    """Return why a slot is skipped; None when it is not."""
    if refusal:
        return refusal
    if facts.webjob.concurrency != "Forbid":
        return None
    waiting = any(runs.waits(run, facts.webjob) for run in facts.runs.values())
    return BUSY if waiting or holder(facts.webjob, facts.runs, now=facts.now) else None


def cron_slots(jobs: Mapping[str, Object]) -> list[Object]:
    """Return the Jobs of CronJobs that stand for slots of which nothing is decided yet, the oldest slot first."""
    slots = [job for job in jobs.values() if is_slot(job) and LABEL_RUN not in job["metadata"].get("labels", {})]
    return sorted(slots, key=slot_time)


def is_slot(job: ObjectView) -> bool:
    """Return whether a Job was made by a CronJob and waits to be admitted."""
    return (
        job["spec"].get("suspend") is True
        and not job["metadata"].get("deletionTimestamp")
        and any(o["kind"] == "CronJob" and o.get("controller") for o in owners_of(job))
    )


def slot_time(job: ObjectView) -> datetime:
    """Return the schedule time that a CronJob's Job stands for."""
    meta = job["metadata"]
    return times.parse_time(meta.get("annotations", {}).get(_CRON_SLOT) or meta["creationTimestamp"])


def run_ids(slot: datetime, schedule: WebJobSchedule | None = None) -> Iterator[str]:
    """Yield run ids for a slot, in the order in which they are tried.

    The WebJob's own schedule has the whole second; a WebJobSchedule has a ten-thousandth of it that follows from its
    UID, so that several schedules can have runs of the same second.
    """
    whole = runs.run_id_at(slot.replace(microsecond=0))
    if schedule is None:
        yield whole
        return
    first = webjob_schedule.number_of(schedule)
    for number in range(_TRIES):
        yield f"{whole[:-4]}{(first + number) % 9999 + 1:04d}"


def of_schedule(schedule_name: str | None) -> str:
    """Return the end of a sentence about a slot that names its WebJobSchedule; empty for the WebJob's own schedule."""
    return f" of WebJobSchedule {schedule_name}" if schedule_name else ""
