"""Slots of schedules: each due one becomes one run's record or one recorded skip.

A run is called by its slot, so that a pass that is repeated, or a second operator, finds it there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from webjobs import runs
from webjobs.model import LABEL_RUN, WebJobRun, WebJobSchedule
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import AlreadyExists
from webjobs_operator.cache import Cache
from webjobs_operator.concurrency import holder
from webjobs_operator.manifests import children
from webjobs_operator.passes import Pass
from webjobs_operator.runkeeper import BUSY, RunKeeper

_CRON_SLOT = "batch.kubernetes.io/cronjob-scheduled-timestamp"
_TRIES = 100
"""Names that are tried for one slot: each is taken by another schedule with a chance of 1 in 10,000."""


def is_slot(job: Mapping[str, Any]) -> bool:
    """Whether a Job was made by a CronJob and waits to be admitted."""
    owners = job["metadata"].get("ownerReferences", [])
    return (
        job["spec"].get("suspend") is True
        and not job["metadata"].get("deletionTimestamp")
        and any(o["kind"] == "CronJob" and o.get("controller") for o in owners)
    )


def slot_time(job: Mapping[str, Any]) -> datetime:
    """The schedule time that a CronJob's Job stands for."""
    meta = job["metadata"]
    return runs.parse_time(meta.get("annotations", {}).get(_CRON_SLOT) or meta["creationTimestamp"])


def run_ids(slot: datetime, schedule: WebJobSchedule | None = None) -> Iterator[str]:
    """Run ids for a slot, in the order in which they are tried.

    The WebJob's own schedule has the whole second; a WebJobSchedule has a ten-thousandth of it that follows from its
    UID, so that several schedules can have runs of the same second.
    """
    whole = runs.run_id_at(slot.replace(microsecond=0))
    if schedule is None:
        yield whole
        return
    first = int.from_bytes(sha256(schedule.metadata.uid.encode()).digest()[:8], "big")
    for number in range(_TRIES):
        yield f"{whole[:-4]}{(first + number) % 9999 + 1:04d}"


class Slots:
    """Makes runs of slots."""

    def __init__(self, *, kube: KubeClient, cache: Cache, keeper: RunKeeper) -> None:
        self._kube = kube
        self._cache = cache
        self._keeper = keeper

    async def take(self, this: Pass) -> None:
        """Everything that is due: of the CronJob, of the WebJob's own schedule, of its WebJobSchedules."""
        for job in sorted(self._cache.of("Job", this.key).values(), key=slot_time):
            if is_slot(job) and LABEL_RUN not in job["metadata"].get("labels", {}):
                await self._take_cron_job(this, job)
        if this.plan.fire:
            await self._run(this, this.plan.fire, children.SlotOrigin(trigger=this.plan.trigger))
        if this.plan.missed.count:
            await self._tell_missed(this, this.plan.missed.count, this.plan.missed.latest)
        for turn in this.turns:
            if turn.plan.fire:
                origin = children.SlotOrigin(trigger=turn.plan.trigger, schedule=turn.schedule)
                run = await self._run(this, turn.plan.fire, origin)
                turn.outcome = "Started" if run else "Skipped"
                turn.newest = run or turn.newest
            elif turn.plan.missed.count:
                turn.outcome = "Missed"
                await self._tell_missed(this, turn.plan.missed.count, turn.plan.missed.latest, of=turn.schedule)

    async def _take_cron_job(self, this: Pass, job: Mapping[str, Any]) -> None:
        slot, job_name = slot_time(job), job["metadata"]["name"]
        known = self._cache.runs(this.key)
        name = runs.object_name(webjob=this.key[1], run_id=next(run_ids(slot)))
        if name in known and not known[name].ended:
            return
        origin = children.SlotOrigin(trigger=this.plan.trigger, cron_job_name=job_name)
        if name in known or not await self._run(this, slot, origin):
            await self._keeper.delete_object(this, "Job", job)

    async def _run(self, this: Pass, slot: datetime, origin: children.SlotOrigin) -> WebJobRun | None:
        """The slot's run; None when it is skipped."""
        known = self._cache.runs(this.key)
        of = origin.schedule.metadata.name if origin.schedule else None
        for run_id in run_ids(slot, origin.schedule):
            name = runs.object_name(webjob=this.key[1], run_id=run_id)
            if name not in known:
                why = self._why_not(this, known)
                if why:
                    this.skipped += 1
                    text = f"The run of {slot:%Y-%m-%d %H:%M:%S} UTC{_by(origin.schedule)} was skipped. {why}"
                    await self._keeper.tell(this, "RunSkipped", text)
                    return None
                manifest = children.scheduled_run(this.webjob, name=name, slot=slot, origin=origin)
                try:
                    found = await self._kube.create(manifest)
                except AlreadyExists:
                    found = await self._kube.get("WebJobRun", this.key[0], name)
                self._cache.observe("WebJobRun", found)
                known[name] = WebJobRun.parse(found)
            if known[name].spec.schedule_name == of:
                return known[name]
        raise RuntimeError(f"no name is free for the run of {slot}{_by(origin.schedule)}")

    def _why_not(self, this: Pass, known: Mapping[str, WebJobRun]) -> str | None:
        """Why a slot is skipped; None when it is not."""
        if this.problem:
            return this.problem.message
        if this.webjob.concurrency != "Forbid":
            return None
        waiting = any(run.status.state is None for run in known.values())
        return BUSY if waiting or holder(this.webjob, known, now=this.now) else None

    async def _tell_missed(
        self, this: Pass, count: int, latest: datetime | None, *, of: WebJobSchedule | None = None
    ) -> None:
        text = f"Missed {count} schedules{_by(of)}, most recent at {latest:%Y-%m-%d %H:%M:%S} UTC."
        await self._keeper.tell(this, "MissedSchedule", text)


def _by(schedule: WebJobSchedule | None) -> str:
    return f" of WebJobSchedule {schedule.metadata.name}" if schedule else ""
