"""The writer of ``job_scheduler.log``, beside the passes: no run waits for the store."""

from __future__ import annotations

import asyncio
import logging
import platform
from datetime import datetime

from webjobs.logs import scheduler_lines
from webjobs.logs.scheduler_lines import Line
from webjobs.model import WebJobStatus, condition_of
from webjobs.schedules.plan import Plan
from webjobs.store import ObjectStore, scheduler_logs
from webjobs_operator.cluster.cache import Key

log = logging.getLogger(__name__)

FLUSH_SECONDS = 1.0
"""Seconds from one write to the next."""
_TIMEOUT_SECONDS = 30
_KEPT = 200
"""Lines of a job that wait for a store that does not answer; then the oldest go."""


class SchedulerLog:
    """The lines of the scheduler's logs of all jobs on their way into the store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._host = platform.node()
        self._pending: dict[Key, list[Line]] = {}
        self._gone: set[Key] = set()

    def add(self, key: Key, *lines: Line) -> None:
        """Take in lines about a WebJob; they are in the store within about a second."""
        if lines:
            self._pending[key] = [*self._pending.get(key, []), *lines][-_KEPT:]

    def drop(self, key: Key) -> None:
        """Delete the log of a WebJob that is gone, with the next write."""
        self._pending.pop(key, None)
        self._gone.add(key)

    async def run(self) -> None:
        """Write until cancelled, and what is left then."""
        try:
            while True:
                await asyncio.sleep(FLUSH_SECONDS)
                await self.flush()
        finally:
            await self.flush()

    async def flush(self) -> None:
        """Write what waits; what the store does not take waits for the next time."""
        gone, self._gone = self._gone, set()
        for key in gone:
            if not await self._tried(scheduler_logs.delete(self._store, namespace=key[0], webjob=key[1]), key):
                self._gone.add(key)
        pending, self._pending = self._pending, {}
        for key, lines in pending.items():
            text = b"".join(scheduler_lines.render(line, host=self._host) for line in lines)
            added = scheduler_logs.append(self._store, namespace=key[0], webjob=key[1], text=text)
            if not await self._tried(added, key) and key not in self._gone:
                self._pending[key] = [*lines, *self._pending.get(key, [])][-_KEPT:]

    async def _tried(self, work: asyncio._CoroutineLike[None], key: Key) -> bool:
        try:
            await asyncio.wait_for(work, _TIMEOUT_SECONDS)
        except Exception:
            log.exception("scheduler log of %s/%s was not written", *key)
            return False
        return True


def changed(before: WebJobStatus, plan: Plan, *, written: str | None, now: datetime) -> list[Line]:
    """Return the lines to log when a WebJob's own schedule came, went or changed. Pure.

    ``before``: the status as the last pass left it; ``written``: the schedule as its author wrote it.
    """
    condition = condition_of(before.conditions, "Scheduled")
    was = before.schedule if condition and condition.status == "True" else None
    lines = []
    if plan.problem and not (condition and condition.message == plan.problem):
        lines.append(scheduler_lines.unreadable(now, schedule=written or "", problem=plan.problem))
    if was and not plan.next:
        lines.append(scheduler_lines.removed(now))
    if plan.text and plan.next and was != plan.text:
        lines.append(scheduler_lines.scheduling(now, schedule=plan.text, following=plan.next))
    return lines
