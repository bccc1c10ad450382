"""Moves older runs into the store, and removes from it what is beyond the history limit; beside the passes.

A pass says what is due (``retention.places``), after the status of the WebJob says that there may be runs in the store.
Here a run is written to the store first, and only then its WebJobRun goes. Whoever dies in between leaves it in both;
readers show it once, and the next pass does the rest. What the store holds is listed once, when a run moves or the
limit changes, and remembered after that: at rest the store is not asked.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from cachetools import FIFOCache

from webjobs import model
from webjobs.model import WebJob, WebJobRun
from webjobs.runs import runs
from webjobs.store import ObjectStore, stored_run
from webjobs.store import run_records as stored_history
from webjobs_kube.backoff import Backoff
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import Conflict, NotFound
from webjobs_kube.tasks import cancelled
from webjobs_operator.cluster.cache import Cache, Key
from webjobs_operator.runs import retention
from webjobs_operator.runs.retention import Places, Trimmed

log = logging.getLogger(__name__)

BATCH = 50
"""Runs that are moved, and removed, before other jobs get their turn."""
_JOBS_AT_ONCE = 4
_BATCH_SECONDS = 120.0
_RETRY_SECONDS = 1.0
_LONGEST_RETRY_SECONDS = 60.0
_MOVED = 10_000


@dataclass(frozen=True, kw_only=True)
class _Todo:
    webjob: WebJob
    places: Places


@dataclass
class _Known:
    """What is known, and to be done, of one WebJob's runs in the store."""

    todo: _Todo | None = None
    ends: str | None = None
    """All runs up to this id are to be removed: their WebJob is gone."""
    stored: list[int] | None = None
    """Ids of what is in the store, oldest first, as numbers, which are smaller; None: not known."""
    trimmed: Trimmed | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class StoredRuns:
    """The runs of all WebJobs on their way into the store.

    ``add`` makes a WebJob due.
    """

    def __init__(
        self,
        *,
        kube: KubeClient,
        cache: Cache,
        store: ObjectStore,
        add: Callable[[Key], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._store = store
        self._add = add
        self._clock = clock
        self._room = asyncio.Semaphore(_JOBS_AT_ONCE)
        self._known: dict[Key, _Known] = {}
        self._moved: FIFOCache[str, None] = FIFOCache(_MOVED)
        """UIDs of the WebJobRuns that were deleted here because they are in the store."""

    # What passes and handlers call

    def status(self, webjob: WebJob, there: Places) -> model.StoredRuns | None:
        """Return what the status of a WebJob is to say of its runs in the store. ``there``: where its runs belong."""
        own = self._known.get(_key(webjob))
        return retention.stored_status(webjob.status.stored_runs, there, own.trimmed if own else None)

    def tend(self, webjob: WebJob, there: Places) -> None:
        """Take notice of the runs that are to move, or to go. The status must have been written before."""
        said = webjob.status.stored_runs
        if said is None or (not there.store and said.limit == retention.limit_of(webjob)):
            return
        own = self._known.setdefault(_key(webjob), _Known())
        own.todo, own.trimmed = _Todo(webjob=webjob, places=there), None
        self._start(_key(webjob), own)

    def drop(self, key: Key) -> None:
        """Remove what is stored of a WebJob that is gone."""
        own = self._known.setdefault(key, _Known())
        own.todo = own.stored = own.trimmed = None
        # A WebJob that is made anew under the name may have runs soon; they are newer.
        own.ends = runs.run_id_at(self._clock())
        self._start(key, own)

    async def keeps(self, run: WebJobRun) -> bool:
        """Return whether a WebJobRun that was deleted goes on as a run in the store, so that its log must stay.

        Raises what the store raises.
        """
        if run.metadata.uid in self._moved:
            return True
        webjob = self._cache.webjob((run.metadata.namespace, run.spec.web_job_name))
        said, run_id = webjob.status.stored_runs if webjob else None, runs.run_id(run)
        if said is None or run_id > said.newest:
            return False
        return await self._stored_uid(run) == run.metadata.uid  # moved by an operator that died, if so

    async def idle(self) -> None:
        """Wait until no move or removal is under way."""
        while tasks := [own.task for own in self._known.values() if own.task]:
            await asyncio.gather(*tasks)

    async def close(self) -> None:
        """End all moves and removals. What was not done will be due again."""
        await cancelled(own.task for own in self._known.values() if own.task)

    # What goes on beside

    def _start(self, key: Key, own: _Known) -> None:
        if own.task is None or own.task.done():
            own.task = asyncio.create_task(self._run(key, own))

    async def _run(self, key: Key, own: _Known) -> None:
        backoff = Backoff(_RETRY_SECONDS, _LONGEST_RETRY_SECONDS)
        while own.todo or own.ends:
            try:
                async with self._room, asyncio.timeout(_BATCH_SECONDS):
                    await (self._remove_all(key, own) if own.ends else self._batch(key, own))
                backoff.reset()
            except Exception as error:
                own.stored, seconds = None, backoff.next()
                log.warning("old runs of %s/%s stay where they are, next try in %.0f s: %s", *key, seconds, error)
                await asyncio.sleep(seconds)
        own.task = None
        if not own.stored and own.trimmed is None:
            del self._known[key]

    async def _remove_all(self, key: Key, own: _Known) -> None:
        """Remove what a WebJob that is gone has left in the store, a part at a time."""
        ends = own.ends or ""
        found = [one for one in await self._listed(key) if one <= ends]
        await stored_history.delete(self._store, found[: 10 * BATCH], namespace=key[0], webjob=key[1])
        if len(found) <= 10 * BATCH and own.ends == ends:
            own.ends = None

    async def _batch(self, key: Key, own: _Known) -> None:
        todo = own.todo
        if todo is None or not self._is_there(todo.webjob):
            own.todo = None
            return
        if own.stored is None:
            own.stored = [int(one) for one in await self._listed(key)]
        due = [run for run in todo.places.store if self._is_due(run)]
        for run in due[:BATCH]:
            if await self._move(run, owner=todo.webjob.metadata.uid) and int(runs.run_id(run)) not in own.stored:
                insort(own.stored, int(runs.run_id(run)))
        over = max(len(own.stored) - todo.places.room, 0)
        oldest = [f"{one:018d}" for one in own.stored[: min(over, BATCH)]]
        if oldest:
            await stored_history.delete(self._store, oldest, namespace=key[0], webjob=key[1])
            del own.stored[: len(oldest)]
        if own.todo is todo and max(len(due), over) <= BATCH:
            self._done(key, own, todo)

    def _done(self, key: Key, own: _Known, todo: _Todo) -> None:
        own.todo = None
        own.trimmed = Trimmed(limit=retention.limit_of(todo.webjob), empty=not own.stored)
        said = todo.webjob.status.stored_runs
        if own.trimmed.empty or said is None or said.limit != own.trimmed.limit:
            self._add(key)  # the status will say so

    async def _move(self, run: WebJobRun, *, owner: str) -> bool:
        """Return whether a run is in the store now, and no WebJobRun any more."""
        meta, run_id = run.metadata, runs.run_id(run)
        where, content = _key_of(run), stored_run.to_json(run, owner=owner)
        new = await stored_history.write(self._store, where, content)
        if not new and await self._stored_uid(run) != meta.uid:  # left by a WebJob that had this name
            await stored_history.replace(self._store, where, content)
        if new and meta.uid not in self._moved and not await self._exists(run):
            # Somebody deleted it just before us, and meant its log, too.
            await stored_history.delete(self._store, [run_id], namespace=meta.namespace, webjob=run.spec.web_job_name)
            return False
        self._moved[meta.uid] = None
        try:
            await self._kube.delete("WebJobRun", meta.namespace, meta.name, uid=meta.uid)
        except (NotFound, Conflict):
            # It was there a moment ago, and HTTP clients repeat a DELETE whose answer was lost: it was ours, then.
            log.debug("WebJobRun %s/%s is gone already", meta.namespace, meta.name)
        self._cache.mark_deleting("WebJobRun", meta.namespace, meta.name, owner=(meta.namespace, run.spec.web_job_name))
        return True

    def _is_there(self, webjob: WebJob) -> bool:
        now = self._cache.webjob(_key(webjob))
        return now is not None and now.metadata.uid == webjob.metadata.uid and not now.metadata.deletion_timestamp

    def _is_due(self, run: WebJobRun) -> bool:
        now = self._cache.runs((run.metadata.namespace, run.spec.web_job_name)).get(run.metadata.name)
        return now is not None and now.metadata.uid == run.metadata.uid and not now.metadata.deletion_timestamp

    async def _listed(self, key: Key) -> list[str]:
        return await stored_history.run_ids(self._store, namespace=key[0], webjob=key[1])

    async def _exists(self, run: WebJobRun) -> bool:
        try:
            there = await self._kube.get("WebJobRun", run.metadata.namespace, run.metadata.name)
        except NotFound:
            return False
        return bool(there["metadata"]["uid"] == run.metadata.uid)

    async def _stored_uid(self, run: WebJobRun) -> str | None:
        """UID of the WebJobRun that is stored under a run's id."""
        content = await stored_history.read(self._store, _key_of(run))
        if content is None:
            return None
        namespace, webjob = run.metadata.namespace, run.spec.web_job_name
        try:
            there, _ = stored_run.of_json(content, namespace=namespace, webjob=webjob, run_id=runs.run_id(run))
        except stored_run.Unreadable:
            return None
        return there.metadata.uid


def _key(webjob: WebJob) -> Key:
    return webjob.metadata.namespace, webjob.metadata.name


def _key_of(run: WebJobRun) -> str:
    return stored_history.key(namespace=run.metadata.namespace, webjob=run.spec.web_job_name, run_id=runs.run_id(run))
