"""Runs that a restore created anew, or that an earlier WebJob of the name left: they are history, and never start.

A run says in its metadata which WebJob it was made for (``runs.is_of_another``). Whoever restores a run may restore its
status as well, which comes after the run itself; what has no end by then gets one here: that of its stored log, if
there is one. Runs that have no owner any more become the WebJob's, so that they go with it.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from webjobs import times
from webjobs.logs import kudu_lines
from webjobs.logs.kudu_lines import End
from webjobs.model import WebJobRun
from webjobs.objects import Object
from webjobs.runs import runs
from webjobs.store import FAILURES, ObjectStore
from webjobs.store import run_logs as stored_logs
from webjobs_operator.context.conditions import Wanted, update
from webjobs_operator.context.facts import Facts
from webjobs_operator.logs.run_archive import log_key
from webjobs_operator.runs.writes import RunWrites

log = logging.getLogger(__name__)

GRACE = timedelta(seconds=60)
"""How long the status of a run that was created anew is waited for: whoever restores it writes that a moment later."""
AGAIN = timedelta(seconds=10)
"""Time after which a store that does not answer is asked again."""
_NO_END = "It was made for an earlier WebJob of this name, as before a restore, and no status or log tells its end."
_OF_LOG = "It was made for an earlier WebJob of this name, as before a restore. Its log tells how it ended."


def without_end(facts: Facts) -> list[WebJobRun]:
    """Return the runs that are history and say no end.

    Those that say that they go on among them, where nothing is left of what they went on with.
    """
    there = (run for run in facts.runs.values() if not run.ended and not run.metadata.deletion_timestamp)
    history = [run for run in there if runs.is_of_another(run, facts.webjob)]
    return [run for run in history if run.status.state is None or not (facts.job_of(run) or facts.pods_of(run))]


def orphans(facts: Facts) -> list[WebJobRun]:
    """Return the runs that have begun, whatever became of them, and belong to nobody."""
    there = (run for run in facts.runs.values() if run.status.state is not None and not run.metadata.owner_references)
    return [run for run in there if not run.metadata.deletion_timestamp]


def status_of(run: WebJobRun, end: End | None, *, logged: bool, errors: bool, now: datetime) -> Object:
    """Return the status of a run of which only the log was restored, or not even that."""
    state = end.state if end else "Aborted"
    message = _NO_END if end is None else end.message
    if end and end.exit_code:
        message = f"The process ended with exit code {end.exit_code}."
    good, key = state == "Success", log_key(run)
    wanted = Wanted(type="Complete" if good else "Failed", status=True, reason="Restored", message=message or _OF_LOG)
    status = {
        "state": state,
        "runId": runs.run_id(run),
        "startTime": times.rfc3339(runs.start_time(run)),
        # The log tells whole seconds, run ids are finer. When one ended of which nothing is told, it was over by now.
        "endTime": times.rfc3339(max(end.when, runs.start_time(run)) if end else now),
        "exitCode": end.exit_code if end else None,
        "message": message,
        "logPath": key if logged else None,
        "errorLogPath": stored_logs.error_log_key(key) if errors else None,
        "conditions": update(run.status.conditions, [wanted], generation=run.metadata.generation, now=now),
    }
    return {name: value for name, value in status.items() if value is not None}


class RunHistory:
    """Ends the runs that are history and say no end, and takes those that belong to nobody."""

    def __init__(self, *, store: ObjectStore, writes: RunWrites) -> None:
        self._store = store
        self._writes = writes

    async def settle(self, facts: Facts) -> list[datetime]:
        """Give each run that is history its end; return when others are due."""
        due: list[datetime] = []
        for run in without_end(facts):
            patience = times.parse_time(run.metadata.creation_timestamp) + GRACE
            if patience > facts.now and run.status.state is None:
                due.append(patience)
                continue
            try:
                status = await self._status(run, now=facts.now)
            except FAILURES as error:
                log.warning("run %s/%s has no end yet: %s", run.metadata.namespace, run.metadata.name, error)
                due.append(facts.now + AGAIN)
                continue
            if status:
                await self._writes.patch_run(run, {"status": status})
        return due

    async def adopt(self, facts: Facts) -> None:
        """Make the runs that belong to nobody the WebJob's."""
        for run in orphans(facts):
            await self._writes.adopt(facts.webjob, run)

    async def _status(self, run: WebJobRun, *, now: datetime) -> Object | None:
        """Return the status that a run gets; None for one that went on and whose log is not stored to its end."""
        key = log_key(run)
        there = await stored_logs.head(self._store, key)
        errors = await stored_logs.head(self._store, stored_logs.error_log_key(key)) if there else None
        end = await self._end(key, there[0]) if there else None
        if end is None and run.status.state is not None:
            return None  # what is stored in parts becomes its log, as for any run whose Job is gone
        return status_of(run, end, logged=there is not None, errors=errors is not None, now=now)

    async def _end(self, key: str, size: int) -> End | None:
        begin = max(size - kudu_lines.TAIL_BYTES, 0)
        found = await stored_logs.read(self._store, key, span=(begin, size)) if size else None
        if found is None:
            return None
        return kudu_lines.end_of(b"".join([piece async for piece in found[1]]), whole=begin == 0)
