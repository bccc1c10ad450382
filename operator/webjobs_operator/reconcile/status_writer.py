"""The writes of the status of WebJobs and WebJobSchedules: at most one each time, and none when nothing differs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from webjobs.model import WebJob, WebJobSchedule
from webjobs.objects import Object
from webjobs.schedules.plan import Plan
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import Conflict, NotFound
from webjobs_operator.cluster.cache import Cache
from webjobs_operator.context.facts import Facts, FactsReader
from webjobs_operator.reconcile import schedule_status, webjob_status
from webjobs_operator.reconcile.findings import Findings
from webjobs_operator.runs import retention
from webjobs_operator.runs.offload import StoredRuns
from webjobs_operator.runs.retention import Places
from webjobs_operator.runs.writes import RunWrites
from webjobs_operator.schedules.firing import Turn


class StatusWriter:
    """Writes what a pass found into the status of its objects.

    ``objects``: ended runs of a job that stay as WebJobRuns.
    """

    def __init__(
        self, *, kube: KubeClient, cache: Cache, writes: RunWrites, stored_runs: StoredRuns, objects: int
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._writes = writes
        self._stored = stored_runs
        self._objects = objects

    def places(self, facts: Facts) -> Places:
        """Return where the ended runs of a WebJob belong."""
        return retention.places(facts.webjob, facts.runs, objects=self._objects)

    async def webjob(self, read: FactsReader, found: Findings) -> Findings:
        """Write the status of a WebJob, if it differs; return the findings without the skips that it counts now.

        Skips always make a difference, so they are counted once. Raises Conflict when somebody else wrote in between.
        """
        facts = read()
        webjob = facts.webjob
        ready = facts.derived(found.warmth.pool).ready
        stored = self._stored.status(webjob, facts.derived(self.places))
        wanted = webjob_status.compute(facts, found, ready=len(ready), stored=stored)
        patch = webjob_status.changes(webjob.status.to_wire(), wanted)
        if patch:
            # Before the status: who dies in between tells it twice, and not never.
            news = webjob_status.news(webjob, wanted)
            if news:
                await self._writes.tell(facts, news.reason, news.message)
            await self._patch(read, patch)
        return replace(found, skipped=0) if found.skipped else found

    async def in_force(self, read: FactsReader, plan: Plan) -> None:
        """Write since when the schedule of a WebJob is in force: now.

        Raises Conflict when somebody else wrote in between.
        """
        await self._patch(read, webjob_status.in_force(plan, now=read().now))

    async def _patch(self, read: FactsReader, status: Object) -> None:
        facts = read()
        body = {"metadata": {"resourceVersion": facts.webjob.metadata.resource_version}, "status": status}
        answer = await self._kube.patch("WebJob", *facts.key, body, subresource="status")
        self._cache.observe("WebJob", answer)
        read.go_on_with(WebJob.parse(answer))

    async def schedule(self, turn: Turn, *, webjob: WebJob | None, now: datetime) -> Turn:
        """Write the status of a WebJobSchedule, if it differs; return its turn as it is after that.

        The outcome of a slot is told once: it is gone from the turn that was written.
        """
        meta = turn.schedule.metadata
        wanted = schedule_status.compute(turn, webjob=webjob, now=now)
        patch = webjob_status.changes(turn.schedule.status.to_wire(), wanted)
        if not patch:
            return turn
        body = {"metadata": {"resourceVersion": meta.resource_version}, "status": patch}
        try:
            answer = await self._kube.patch("WebJobSchedule", meta.namespace, meta.name, body, subresource="status")
        except NotFound:
            return turn  # deleted meanwhile
        except Conflict:
            self._cache.observe("WebJobSchedule", await self._kube.get("WebJobSchedule", meta.namespace, meta.name))
            raise
        self._cache.observe("WebJobSchedule", answer)
        return replace(turn, schedule=WebJobSchedule.parse(answer), outcome=None)
