"""Older runs, which are in the store and no WebJobRuns any more.

A job's status says whether there are any, so that most jobs cost no call of the store. What is stored of a run never
changes, but it may go: a list asks the store what is there, and reads what is not in its (bounded) memory.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Collection, Sequence

from webjobs.model import WebJobRun
from webjobs.store import ObjectStore, run_records, stored_run
from webjobs_apiserver.sites import Site
from webjobs_apiserver.watching.job import Job

log = logging.getLogger(__name__)

_REMEMBERED_BYTES = 2**25
"""Most bytes of runs that are remembered: some hundred thousand runs."""
_OVERHEAD_BYTES = 300
"""Bytes of each remembered run, beside its text."""
_AT_ONCE = 32
"""Reads of the store at once."""
_PART = 200
"""Runs that are read before other requests get their turn."""


class StoredRuns:
    """Reads of the stored runs of all sites. Every method raises what the store raises."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        # An LRUCache would count sizes in a dictionary more, a third of what it costs to remember a run.
        self._remembered: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def ids(self, site: Site, job: Job, *, besides: Collection[str] = ()) -> list[str]:
        """Return the ids of what can be the stored runs of a job, newest first, without those in ``besides``.

        A log whose run was lost is among them: a listing of folders is several times quicker than one of files.
        """
        said = job.webjob.status.stored_runs
        if said is None:
            return []
        found = await run_records.candidates(self._store, namespace=site.namespace, webjob=job.object_name)
        return [run_id for run_id in reversed(found) if run_id <= said.newest and run_id not in besides]

    async def all(self, site: Site, job: Job, *, besides: Collection[str] = ()) -> list[WebJobRun]:
        """Return the stored runs of a job, newest first, without those in ``besides``."""
        return await self.some(site, job, await self.ids(site, job, besides=besides))

    async def some(self, site: Site, job: Job, ids: Sequence[str]) -> list[WebJobRun]:
        """Return the stored runs of a job with some ids, in their order, without those that are not there."""
        found: list[WebJobRun | None] = []
        for begin in range(0, len(ids), _PART):
            some = ids[begin : begin + _PART]
            remembered = {run_id: run for run_id in some if (run := self._recall(site, job, run_id))}
            others = [run_id for run_id in some if run_id not in remembered]
            read = await asyncio.gather(*(self._read(site, job, run_id) for run_id in others))
            known = remembered | dict(zip(others, read, strict=True))
            found += [known[run_id] for run_id in some]
            await asyncio.sleep(0)  # others get their turn
        return [run for run in found if run]

    async def get(self, site: Site, job: Job, run_id: str) -> WebJobRun | None:
        """Return one stored run with its arguments, by an id that can be one; None when it is not there."""
        said = job.webjob.status.stored_runs
        if said is None or run_id > said.newest:
            return None
        return await self._read(site, job, run_id, whole=True)  # what is remembered may have been trimmed since

    def _recall(self, site: Site, job: Job, run_id: str) -> WebJobRun | None:
        key = _key(site, job, run_id)
        if (content := self._remembered.get(key)) is None:
            return None
        self._remembered.move_to_end(key)
        return _parsed(site, job, run_id, content)

    async def _read(self, site: Site, job: Job, run_id: str, *, whole: bool = False) -> WebJobRun | None:
        key = _key(site, job, run_id)
        async with self._room:
            stored = await run_records.read(self._store, key)
        if stored is None:
            return None  # it went between two looks
        try:
            content = stored_run.slim(stored)
            run = _parsed(site, job, run_id, stored if whole else content)
        except stored_run.Unreadable as error:
            log.warning("%s is no run: %s", key, error)  # as in Kudu, it is not shown
            return None
        if run:
            self._remember(key, content)
        return run

    def _remember(self, key: str, content: bytes) -> None:
        self._forget(key)
        self._remembered[key] = content
        self._bytes += len(content) + _OVERHEAD_BYTES
        while self._bytes > _REMEMBERED_BYTES:
            self._forget(next(iter(self._remembered)))

    def _forget(self, key: str) -> None:
        if (content := self._remembered.pop(key, None)) is not None:
            self._bytes -= len(content) + _OVERHEAD_BYTES


def _key(site: Site, job: Job, run_id: str) -> str:
    return run_records.key(namespace=site.namespace, webjob=job.object_name, run_id=run_id)


def _parsed(site: Site, job: Job, run_id: str, content: bytes) -> WebJobRun | None:
    """Return a stored run; None for a run of an earlier WebJob of that name."""
    run, owner = stored_run.of_json(content, namespace=site.namespace, webjob=job.object_name, run_id=run_id)
    return run if owner == job.webjob.metadata.uid else None
