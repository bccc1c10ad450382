"""The writes that end runs before their time, and that let go what is not needed any more.

Which runs end early is decided by ``early_ends.py``, what goes by ``retention.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from webjobs.runs import runs
from webjobs_operator.config import OperatorConfig
from webjobs_operator.context.facts import Facts
from webjobs_operator.runs import retention
from webjobs_operator.runs.early_ends import EarlyEnd, Refuse
from webjobs_operator.runs.retention import Places
from webjobs_operator.runs.writes import RunWrites


class RunEnd:
    """Ends runs before their time, and lets go what is not needed any more."""

    def __init__(self, *, config: OperatorConfig, writes: RunWrites) -> None:
        self._config = config
        self._writes = writes

    async def carry_out(self, facts: Facts, ends: Iterable[EarlyEnd]) -> None:
        """End runs as it was decided."""
        for end in ends:
            if isinstance(end, Refuse):
                await self._refuse(facts, end)
            else:
                message = f"Run {runs.run_id(end.run)} is ended{end.why}."
                await self._writes.tell(facts, end.reason, message)
                await self._writes.delete_object(facts.key, "Job", end.job)

    async def _refuse(self, facts: Facts, end: Refuse) -> None:
        await self._writes.adopt(facts.webjob, end.run)
        await self._writes.finish(end.run, state=end.state, reason=end.reason, message=end.message, now=facts.now)
        if end.state == "Skipped":
            await self._writes.tell_skip(facts, f"Run {end.run.metadata.name} was skipped. {end.message}")

    async def clean_up(self, facts: Facts, places: Places) -> list[datetime]:
        """Delete runs beyond the history limit, and Jobs whose log is safe; return when the next Job goes."""
        for run in places.gone:
            await self._writes.delete(facts.key, "WebJobRun", run.metadata)
        gone, following = retention.finished_jobs(
            facts.jobs, facts.runs, retention=self._config.job_retention, now=facts.now
        )
        for job in gone:
            await self._writes.delete_object(facts.key, "Job", job)
        return [following] if following else []
