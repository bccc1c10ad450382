"""Firing of slots: each slot of a schedule that is due becomes one run's record or one recorded skip.

A run is called by its slot, so that a pass that is repeated, or a second operator, finds the run there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from webjobs import times
from webjobs.logs import scheduler_lines
from webjobs.model import LABEL_RUN, WebJobRun, WebJobSchedule
from webjobs.runs import runs
from webjobs.schedules import load_zone, webjob_schedule
from webjobs.schedules.plan import Plan
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import AlreadyExists, Conflict
from webjobs_operator import metrics
from webjobs_operator.cluster.cache import Cache
from webjobs_operator.context.reconcile_context import Pass, Turn
from webjobs_operator.manifests import children
from webjobs_operator.runs.concurrency import holder
from webjobs_operator.runs.end import BUSY
from webjobs_operator.runs.writes import RunWrites
from webjobs_operator.schedules import live_schedule
from webjobs_operator.schedules.scheduler_log import SchedulerLog

_CRON_SLOT = "batch.kubernetes.io/cronjob-scheduled-timestamp"
_TRIES = 100
"""Names that are tried for one slot: each is taken by another schedule with a chance of 1 in 10,000."""


def is_slot(job: Mapping[str, Any]) -> bool:
    """Return whether a Job was made by a CronJob and waits to be admitted."""
    owners = job["metadata"].get("ownerReferences", [])
    return (
        job["spec"].get("suspend") is True
        and not job["metadata"].get("deletionTimestamp")
        and any(o["kind"] == "CronJob" and o.get("controller") for o in owners)
    )


def slot_time(job: Mapping[str, Any]) -> datetime:
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


class Firing:
    """The maker of runs from the slots that are due."""

    def __init__(self, *, kube: KubeClient, cache: Cache, writes: RunWrites, log: SchedulerLog) -> None:
        self._kube = kube
        self._cache = cache
        self._writes = writes
        self._log = log

    async def take(self, this: Pass) -> None:
        """Make a run or a recorded skip of everything that is due.

        Of the CronJob, of the WebJob's own schedule, of its WebJobSchedules.
        """
        await self._take_cron_jobs(this)
        if this.plan.fire:
            await self._run(this, this.plan.fire, children.SlotOrigin(plan=this.plan))
        if this.plan.missed.count:
            await self._tell_missed(this, this.plan, zone_name=this.webjob.spec.time_zone)
        for turn in this.turns:
            if turn.plan.fire:
                await self._be_sure(turn)
                run = await self._run(this, turn.plan.fire, children.SlotOrigin(plan=turn.plan, schedule=turn.schedule))
                turn.outcome = "Started" if run else "Skipped"
                turn.newest = run or turn.newest
            elif turn.plan.missed.count:
                turn.outcome = "Missed"
                await self._tell_missed(
                    this, turn.plan, zone_name=turn.schedule.spec.time_zone, name=turn.schedule.metadata.name
                )

    async def _be_sure(self, turn: Turn) -> None:
        """Raise Conflict unless a WebJobSchedule is as this pass knows it.

        A client that was told that a schedule rests or goes must not see it fire, however late the watch is.
        """
        if not await live_schedule.is_there(self._kube, self._cache, turn.schedule):
            raise Conflict(
                409, "Conflict", f"WebJobSchedule {turn.schedule.metadata.name} is gone since this pass began"
            )

    async def _take_cron_jobs(self, this: Pass) -> None:
        """Take the Jobs that a CronJob made: of several that waited, the latest stands for all."""
        jobs = [job for job in self._cache.of("Job", this.key).values() if is_slot(job)]
        jobs = sorted((job for job in jobs if LABEL_RUN not in job["metadata"].get("labels", {})), key=slot_time)
        for job in jobs:
            slot, known = slot_time(job), self._cache.runs(this.key)
            name = runs.object_name(webjob=this.key[1], run_id=next(run_ids(slot)))
            if name in known and not known[name].ended:
                continue  # it will be admitted
            origin = children.SlotOrigin(plan=this.plan, cron_job_name=job["metadata"]["name"])
            over = name in known or job is not jobs[-1] or self._is_handled(this, slot)
            if over or not await self._run(this, slot, origin):
                this.unwanted.append(job)  # goes once the status says that the slot was dealt with
            this.taken = max(slot, this.taken or slot)
        overdue = this.plan.overdue
        # While a Job of an earlier slot is active, the CronJob makes none: the skip is ours to record, in time.
        if overdue and not self._is_handled(this, overdue) and self._why_not(this, self._cache.runs(this.key)) == BUSY:
            await self._skip(this, overdue, children.SlotOrigin(plan=this.plan), why=BUSY)
            this.taken = overdue

    def _is_handled(self, this: Pass, slot: datetime) -> bool:
        last = times.parse_time(this.webjob.status.last_schedule_time)
        return slot <= max(last, this.handled or last)

    async def _run(self, this: Pass, slot: datetime, origin: children.SlotOrigin) -> WebJobRun | None:
        """Return the slot's run; None when it is skipped."""
        known = self._cache.runs(this.key)
        for run_id in run_ids(slot, origin.schedule):
            name = runs.object_name(webjob=this.key[1], run_id=run_id)
            if name not in known:
                if why := self._why_not(this, known):
                    await self._skip(this, slot, origin, why=why)
                    return None
                manifest = children.scheduled_run(this.webjob, name=name, slot=slot, origin=origin)
                try:
                    found = await self._kube.create(manifest)
                    self._tell_invoked(this, slot, origin)
                except AlreadyExists:
                    found = await self._kube.get("WebJobRun", this.key[0], name)
                self._cache.observe("WebJobRun", found)
                known[name] = WebJobRun.parse(found)
            if known[name].spec.schedule_name == origin.name:
                return known[name]
        raise RuntimeError(f"no name is free for the run of {slot}{_by(origin.name)}")

    def _why_not(self, this: Pass, known: Mapping[str, WebJobRun]) -> str | None:
        """Return why a slot is skipped; None when it is not."""
        if this.refusal:
            return this.refusal
        if this.webjob.concurrency != "Forbid":
            return None
        waiting = any(run.status.state is None for run in known.values())
        return BUSY if waiting or holder(this.webjob, known, now=this.now) else None

    async def _skip(self, this: Pass, slot: datetime, origin: children.SlotOrigin, *, why: str) -> None:
        await self._writes.skip(this, f"The run of {slot:%Y-%m-%d %H:%M:%S} UTC{_by(origin.name)} was skipped. {why}")

    def _tell_invoked(self, this: Pass, slot: datetime, origin: children.SlotOrigin) -> None:
        if origin.cron_job_name is None:
            shift = webjob_schedule.jitter(origin.schedule) if origin.schedule else timedelta()
            metrics.SKEW.observe(max((this.clock() - slot - shift).total_seconds(), 0.0))
        lines = [scheduler_lines.invoked(this.now)]
        if origin.plan.next:
            lines.append(scheduler_lines.next_one(this.now, origin.plan.next))
        self._log.add(this.key, *(scheduler_lines.about(line, origin.name) for line in lines))

    async def _tell_missed(self, this: Pass, plan: Plan, *, zone_name: str | None, name: str | None = None) -> None:
        count, latest = plan.missed.count, plan.missed.latest
        if latest is None:
            return
        metrics.SLOTS_MISSED.labels(*this.key).inc(count)
        line = scheduler_lines.missed(this.now, count=count, latest=latest, zone=load_zone(zone_name))
        this.lines.append(scheduler_lines.about(line, name))
        text = f"Missed {count} schedules{_by(name)}, most recent at {latest:%Y-%m-%d %H:%M:%S} UTC."
        await self._writes.tell(this, "MissedSchedule", text)


def _by(schedule_name: str | None) -> str:
    return f" of WebJobSchedule {schedule_name}" if schedule_name else ""
