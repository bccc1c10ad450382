"""Firing of slots: each slot of a schedule that is due becomes one run's record or one recorded skip.

What becomes of a slot is decided by ``slot_outcome.py``, on the facts as the slot before it left them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from webjobs import times
from webjobs.logs import scheduler_lines
from webjobs.logs.scheduler_lines import Line
from webjobs.model import SlotOutcome, WebJobRun, WebJobSchedule
from webjobs.objects import Object
from webjobs.runs import runs
from webjobs.schedules import load_zone, webjob_schedule
from webjobs.schedules.plan import Plan
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import AlreadyExists, Conflict
from webjobs_operator import metrics
from webjobs_operator.cluster.cache import Cache
from webjobs_operator.context.facts import Facts, FactsReader
from webjobs_operator.manifests import children
from webjobs_operator.manifests.children import SlotOrigin
from webjobs_operator.runs.early_ends import BUSY
from webjobs_operator.runs.writes import RunWrites
from webjobs_operator.schedules import live_schedule, slot_outcome
from webjobs_operator.schedules.scheduler_log import SchedulerLog
from webjobs_operator.schedules.slot_outcome import HasRun, Skip, of_schedule, slot_time


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One WebJobSchedule in a pass."""

    schedule: WebJobSchedule
    plan: Plan = field(default_factory=Plan)
    newest: WebJobRun | None = None
    """The newest of the runs that the WebJobSchedule made."""
    outcome: SlotOutcome | None = None
    """What became of the slot that was due; None: no slot was due."""


@dataclass(frozen=True, kw_only=True)
class SlotsTaken:
    """What became of the slots that were due."""

    turns: Sequence[Turn] = ()
    """The WebJobSchedules, each with what became of its slot."""
    taken: datetime | None = None
    """The newest slot of the WebJob's own schedule that came by its CronJob, or was skipped before it came."""
    unwanted: Sequence[Object] = ()
    """Jobs of slots that do not run. They go once the status says that their slots were dealt with."""
    skipped: int = 0
    """Slots that were skipped."""
    lines: Sequence[Line] = ()
    """Lines for job_scheduler.log, once the pass is through."""


class Firing:
    """The maker of runs from the slots that are due."""

    def __init__(
        self, *, kube: KubeClient, cache: Cache, writes: RunWrites, log: SchedulerLog, clock: Callable[[], datetime]
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._writes = writes
        self._log = log
        self._clock = clock

    async def take(self, read: FactsReader, *, plan: Plan, turns: Sequence[Turn], refusal: str | None) -> SlotsTaken:
        """Make a run or a recorded skip of everything that is due.

        Of the CronJob, of the WebJob's own schedule, of its WebJobSchedules. ``refusal``: why the WebJob can't run.
        """
        found = await self._take_cron_jobs(read, plan, refusal=refusal)
        skipped = found.skipped
        if plan.fire:
            skipped += await self._run(read, plan.fire, SlotOrigin(plan=plan), refusal=refusal) is None
        lines = await self._tell_missed(read(), plan, zone_name=read().webjob.spec.time_zone)
        after = []
        for turn in turns:
            schedule = turn.schedule
            if turn.plan.fire:
                await self._be_sure(turn)
                origin = SlotOrigin(plan=turn.plan, schedule=schedule)
                run = await self._run(read, turn.plan.fire, origin, refusal=refusal)
                skipped += run is None
                turn = replace(turn, outcome="Started" if run else "Skipped", newest=run or turn.newest)
            elif turn.plan.missed.count:
                turn = replace(turn, outcome="Missed")
                zone_name = schedule.spec.time_zone
                lines += await self._tell_missed(read(), turn.plan, zone_name=zone_name, name=schedule.metadata.name)
            after.append(turn)
        return replace(found, turns=after, skipped=skipped, lines=lines)

    async def _be_sure(self, turn: Turn) -> None:
        """Raise Conflict unless a WebJobSchedule is as this pass knows it.

        A client that was told that a schedule rests or goes must not see it fire, however late the watch is.
        """
        if not await live_schedule.is_there(self._kube, self._cache, turn.schedule):
            raise Conflict(
                409, "Conflict", f"WebJobSchedule {turn.schedule.metadata.name} is gone since this pass began"
            )

    async def _take_cron_jobs(self, read: FactsReader, plan: Plan, *, refusal: str | None) -> SlotsTaken:
        """Take the Jobs that a CronJob made: of several that waited, the latest stands for all."""
        jobs = slot_outcome.cron_slots(read().jobs)
        taken: datetime | None = None
        unwanted: list[Object] = []
        skipped = 0

        def is_handled(slot: datetime) -> bool:
            facts = read()
            last = times.not_to_come([times.parse_time(facts.webjob.status.last_schedule_time)], now=facts.now)
            return slot <= max(one for one in (*last, plan.handled, plan.since, taken, times.EPOCH) if one)

        for job in jobs:
            slot, known = slot_time(job), read().runs
            name = runs.object_name(webjob=read().key[1], run_id=next(slot_outcome.run_ids(slot)))
            if name in known and not known[name].ended:
                continue  # it will be admitted
            if name in known or job is not jobs[-1] or is_handled(slot):
                unwanted.append(job)
            elif not await self._run(
                read, slot, SlotOrigin(plan=plan, cron_job_name=job["metadata"]["name"]), refusal=refusal
            ):
                unwanted.append(job)
                skipped += 1
            taken = max(slot, taken or slot)
        overdue = plan.overdue
        # While a Job of an earlier slot is active, the CronJob makes none: the skip is ours to record, in time.
        if overdue and not is_handled(overdue) and slot_outcome.why_not(read(), refusal=refusal) == BUSY:
            await self._skip(read(), overdue, SlotOrigin(plan=plan), why=BUSY)
            skipped += 1
            taken = overdue
        return SlotsTaken(taken=taken, unwanted=unwanted, skipped=skipped)

    async def _run(
        self, read: FactsReader, slot: datetime, origin: SlotOrigin, *, refusal: str | None
    ) -> WebJobRun | None:
        """Return the slot's run; None when it is skipped.

        A name that turns out to be another's is not tried again, and there are so many names: this comes to an end.
        """
        taken: dict[str, WebJobRun] = {}
        while True:
            facts = read()
            found = slot_outcome.outcome(facts, slot, origin, refusal=refusal, taken=taken)
            if isinstance(found, HasRun):
                return found.run
            if isinstance(found, Skip):
                await self._skip(facts, slot, origin, why=found.why)
                return None
            manifest = children.scheduled_run(facts.webjob, name=found.name, slot=slot, origin=origin)
            try:
                made = await self._kube.create(manifest)
                self._tell_invoked(facts, slot, origin)
            except AlreadyExists:
                made = await self._kube.get("WebJobRun", facts.key[0], found.name)
            self._cache.observe("WebJobRun", made)
            taken[found.name] = WebJobRun.parse(made)

    async def _skip(self, facts: Facts, slot: datetime, origin: SlotOrigin, *, why: str) -> None:
        text = f"The run of {slot:%Y-%m-%d %H:%M:%S} UTC{of_schedule(origin.name)} was skipped. {why}"
        await self._writes.tell_skip(facts, text)

    def _tell_invoked(self, facts: Facts, slot: datetime, origin: SlotOrigin) -> None:
        if origin.cron_job_name is None:
            shift = webjob_schedule.jitter(origin.schedule) if origin.schedule else timedelta()
            metrics.SKEW.observe(max((self._clock() - slot - shift).total_seconds(), 0.0))
        lines = [scheduler_lines.invoked(facts.now)]
        if origin.plan.next:
            lines.append(scheduler_lines.next_one(facts.now, origin.plan.next))
        self._log.add(facts.key, *(scheduler_lines.about(line, origin.name) for line in lines))

    async def _tell_missed(
        self, facts: Facts, plan: Plan, *, zone_name: str | None, name: str | None = None
    ) -> list[Line]:
        """Tell of missed slots as a metric and an Event; return the line to log once the pass is through."""
        count, latest = plan.missed.count, plan.missed.latest
        if latest is None:
            return []
        metrics.SLOTS_MISSED.labels(*facts.key).inc(count)
        text = f"Missed {count} schedules{of_schedule(name)}, most recent at {latest:%Y-%m-%d %H:%M:%S} UTC."
        await self._writes.tell(facts, "MissedSchedule", text)
        line = scheduler_lines.missed(facts.now, count=count, latest=latest, zone=load_zone(zone_name))
        return [scheduler_lines.about(line, name)]
