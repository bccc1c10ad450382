"""Runs and schedules that name a WebJob which is not there.

It may be on its way: both may be applied together, and the run be seen first. Or it was deleted and its runs were kept
(``kubectl delete --cascade=orphan``): what goes on then goes on to its end.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from webjobs import times
from webjobs.model import Metadata, WebJob, WebJobSpec
from webjobs_operator.cluster.cache import Cache, Key
from webjobs_operator.context.facts import Facts, FactsReader
from webjobs_operator.reconcile.status_writer import StatusWriter
from webjobs_operator.runs.history import RunHistory
from webjobs_operator.runs.progress import RunProgress
from webjobs_operator.runs.writes import RunWrites
from webjobs_operator.schedules.firing import Turn

UNKNOWN_WEBJOB_GRACE = timedelta(seconds=10)
"""How long a run waits for its WebJob."""


class WithoutWebJob:
    """Looks after the runs and schedules of a WebJob that is not there."""

    def __init__(
        self, *, cache: Cache, writes: RunWrites, status: StatusWriter, history: RunHistory, progress: RunProgress
    ) -> None:
        self._cache = cache
        self._writes = writes
        self._status = status
        self._history = history
        self._progress = progress

    async def tend(self, key: Key, *, now: datetime) -> list[datetime]:
        """Fail the runs that wait for it in vain, and follow those that go on; return when to look again."""
        for schedule in self._cache.schedules(key):
            await self._status.schedule(Turn(schedule=schedule), webjob=None, now=now)
        facts = self._facts(key, now=now)
        if not facts.runs:
            return []
        due = await self._history.settle(facts)
        due += await self._progress.carry_over(facts)
        for run in facts.not_started:
            patience = times.parse_time(run.metadata.creation_timestamp) + UNKNOWN_WEBJOB_GRACE
            if patience > now:
                due.append(patience)
                continue
            message = f"There is no WebJob {key[1]} in namespace {key[0]}: create it, then create the run anew."
            await self._writes.disown(run)
            await self._writes.finish(run, state="Failed", reason="WebJobNotFound", message=message, now=now)
        return due

    def _facts(self, key: Key, *, now: datetime) -> Facts:
        """Return what is known, for a WebJob that nobody is, without the runs that are being collected with theirs."""
        nobody = WebJob(metadata=Metadata(namespace=key[0], name=key[1]), spec=WebJobSpec(type="triggered"))
        facts = FactsReader(self._cache, key, nobody, now=now)()
        kept = {name: run for name, run in facts.runs.items() if not run.metadata.owner_references}
        return replace(facts, runs=kept, _derived={})
