"""The early ends of runs (refused, cancelled, given up, replaced), and what goes when a run has ended.

How a run ends that had its process to the end is told by ``progress.py``.
"""

from __future__ import annotations

from datetime import datetime

from webjobs import times
from webjobs.model import RunState, WebJobRun
from webjobs.runs import runs
from webjobs_operator.cluster.cache import Cache
from webjobs_operator.config import OperatorConfig
from webjobs_operator.context.reconcile_context import Pass
from webjobs_operator.runs import outcome, retention
from webjobs_operator.runs.writes import RunWrites

BUSY = "Another run of the job was active, and its concurrencyPolicy does not allow two."


class RunEnd:
    """Ends runs before their time, and lets go what is not needed any more."""

    def __init__(self, *, cache: Cache, config: OperatorConfig, writes: RunWrites) -> None:
        self._cache = cache
        self._config = config
        self._writes = writes

    async def refuse(self, this: Pass, run: WebJobRun) -> None:
        """Refuse a run that may not start because another is active."""
        await self._writes.adopt(this, run)
        await self._writes.finish(run, state="Skipped", reason="AlreadyRunning", message=BUSY, now=this.now)
        await self._writes.skip(this, f"Run {run.metadata.name} was skipped. {BUSY}")

    async def refuse_all(self, this: Pass, message: str, *, state: RunState = "Failed") -> None:
        """End every run that has not started."""
        for run in self._cache.runs(this.key).values():
            if run.status.state is None and not run.metadata.deletion_timestamp:
                await self._writes.adopt(this, run)
                await self._writes.finish(run, state=state, reason="CannotRun", message=message, now=this.now)

    async def end(self, this: Pass, run: WebJobRun, *, reason: str, why: str) -> None:
        """End an active run by deleting its Job; the run is over once its pod is."""
        job = self._cache.get("Job", this.key, run.status.job_name or run.metadata.name)
        if job and not job["metadata"].get("deletionTimestamp"):
            await self._writes.tell(this, reason, f"Run {runs.run_id(run)} is ended{why}.")
            await self._writes.delete_object(this, "Job", job)

    async def cancel(self, this: Pass) -> None:
        """End the runs that somebody cancelled."""
        for run in self._cache.runs(this.key).values():
            if not run.spec.cancel or run.ended or run.metadata.deletion_timestamp:
                continue
            if run.status.state is None:
                await self._writes.adopt(this, run)
                await self.call_off(run, now=this.now)
            else:
                await self.end(this, run, reason="RunCancelled", why=", as it was cancelled")

    async def give_up(self, this: Pass) -> None:
        """End the runs whose containers can't be made, as their image can't be pulled, when their time is over."""
        for run in self._cache.runs(this.key).values():
            job = self._cache.get("Job", this.key, run.status.job_name or run.metadata.name)
            if job is None or not outcome.never_began(run) or not outcome.is_setup_failure(run.status.message):
                continue
            begun = job.get("status", {}).get("startTime") or job["metadata"]["creationTimestamp"]
            over = times.parse_time(begun) + this.webjob.starting_deadline
            if over > this.now:
                this.due.append(over)
            else:
                await self.end(this, run, reason="RunGivenUp", why=f", as it could not begin. {run.status.message}")

    async def call_off(self, run: WebJobRun, *, now: datetime) -> None:
        """Record the end of a run that was cancelled before it began."""
        message = "It was cancelled before it began."
        await self._writes.finish(run, state="Aborted", reason="Cancelled", message=message, now=now)

    async def clean_up(self, this: Pass) -> None:
        """Delete runs beyond the history limit, and Jobs whose log is safe."""
        known = self._cache.runs(this.key)
        for run in retention.places(this.webjob, known, objects=self._config.history_objects).gone:
            await self._writes.delete(this, "WebJobRun", run.metadata)
        gone, following = retention.finished_jobs(
            self._cache.of("Job", this.key), known, retention=self._config.job_retention, now=this.now
        )
        for job in gone:
            await self._writes.delete_object(this, "Job", job)
        if following:
            this.due.append(following)
