"""The writer of a continuous job's log, which stores what the readers of its pods tell, in the order of time.

What the store says counts: where it holds another position than a reader left, after another operator wrote or somebody
removed the log, the reader begins anew from the stored position.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from webjobs.logs import continuous_lines
from webjobs.logs.continuous_lines import Entry
from webjobs.logs.continuous_story import About, Position
from webjobs.model import WebJob
from webjobs.store import ObjectStore, continuous_journal
from webjobs_kube.backoff import Backoff
from webjobs_kube.tasks import cancelled
from webjobs_operator.cluster.cache import Key
from webjobs_operator.logs.continuous_reader import PodReader, Sources

log = logging.getLogger(__name__)

FLUSH_SECONDS = 4.0
"""Seconds from a line to its way into the store."""
SOON_SECONDS = 0.2
"""Seconds from the news that a process or pod has ended to their way into the store."""
PENDING_BYTES = 2**16
"""Bytes of a job's lines that wait for the store at most; then they are written at once, and the reading waits."""
_STORE_SECONDS = 60.0
_RETRY_SECONDS = 1.0
_LONGEST_RETRY_SECONDS = 30.0
_CLOSE_SECONDS = 10.0

Pods = Mapping[str, Mapping[str, Any]]
"""Pods of a job by UID."""


class JobWriter:
    """The writer of the log of one continuous WebJob."""

    def __init__(
        self,
        key: Key,
        webjob: WebJob,
        *,
        store: ObjectStore,
        room: asyncio.Semaphore,
        sources: Sources,
        after: asyncio.Task[None] | None,
    ) -> None:
        self.owner = webjob.metadata.uid
        self._key = key
        self._store = store
        self._store_room = room
        self._sources = sources
        self._about = About.of(webjob)
        self._cap = 0
        self._pods: Pods = {}
        self._loaded = False
        self._readers: dict[str, tuple[PodReader, asyncio.Task[None]]] = {}
        self._positions: dict[str, Position] = {}
        """Positions of the pods as they are stored, by UID."""
        self._pending: dict[str, list[Entry]] = {}
        self._bytes = 0
        self._space = asyncio.Event()
        self._due = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._task = asyncio.create_task(self._run(after))

    # What passes and readers call

    def observe(self, webjob: WebJob, pods: Pods, *, cap: int) -> None:
        """Take in the job and its pods as they are now."""
        self._about, self._pods, self._cap = About.of(webjob), pods, cap
        if self._loaded:
            self._sync(self._positions)

    def add(self, uid: str, entry: Entry) -> None:
        """Take in the next entry of a pod's story."""
        self._pending.setdefault(uid, []).append(entry)
        self._bytes += len(entry.text)
        if self._bytes >= PENDING_BYTES:
            self._space.clear()
            self._due.set()
        else:
            self._flush_in(SOON_SECONDS if entry.after.stage in ("down", "waiting", "stopped") else FLUSH_SECONDS)

    async def room(self) -> None:
        """Wait until more may be added."""
        await self._space.wait()

    def _flush_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is None or self._timer.when() > loop.time() + seconds:
            if self._timer:
                self._timer.cancel()
            self._timer = loop.call_later(seconds, self._due.set)

    # Readers

    def _sync(self, stored: Mapping[str, Position]) -> None:
        """Start a reader for each pod whose story is not all told; bring news to the readers that are there."""
        for uid, (reader, _) in self._readers.items():
            reader.news(self._pods.get(uid), about=self._about, cap=self._cap)
        for uid in {*self._pods, *stored} - self._readers.keys():
            position = stored.get(uid, Position())
            if position.stage != "stopped":
                self._start(uid, position)

    def _start(self, uid: str, position: Position) -> None:
        reader = PodReader(
            uid,
            self._pods.get(uid),
            position=position,
            about=self._about,
            cap=self._cap,
            sink=self,
            sources=self._sources,
        )
        task = asyncio.create_task(reader.run())
        task.add_done_callback(partial(self._ended, uid))
        self._readers[uid] = reader, task

    def _ended(self, uid: str, task: asyncio.Task[None]) -> None:
        if task.cancelled() or not (error := task.exception()):
            return
        log.error("a log of %s/%s is read anew in a while", *self._key, exc_info=error)
        asyncio.get_running_loop().call_later(_LONGEST_RETRY_SECONDS, self._again, uid, task)

    def _again(self, uid: str, task: asyncio.Task[None]) -> None:
        if self._readers.get(uid, (None, None))[1] is task and not self._task.done():
            waiting = self._pending.get(uid)
            self._start(uid, waiting[-1].after if waiting else self._positions.get(uid, Position()))

    # The store

    async def _run(self, after: asyncio.Task[None] | None) -> None:
        if after:
            await asyncio.wait([after])
        await self._tried(self._load)
        while True:
            await self._due.wait()
            await self.flush()

    async def _load(self) -> None:
        self._positions = dict((await self._journal()).positions)
        self._loaded = True
        self._space.set()
        self._sync(self._positions)

    async def flush(self) -> None:
        """Store what waits.

        When the store fails, the lines stay in memory, and the reading waits.
        """
        self._due.clear()
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._pending:
            await self._tried(self._write)

    async def _tried(self, work: Callable[[], Awaitable[None]]) -> None:
        """Repeat work until the store does it."""
        backoff = Backoff(_RETRY_SECONDS, _LONGEST_RETRY_SECONDS)
        while True:
            try:
                async with self._store_room, asyncio.timeout(_STORE_SECONDS):
                    return await work()
            except Exception as error:
                seconds = backoff.next()
                if not isinstance(error, continuous_journal.Changed):  # somebody else writes too
                    log.warning("log of %s/%s is not stored, next try in %.0f s: %s", *self._key, seconds, error)
            await asyncio.sleep(seconds)

    async def _journal(self) -> continuous_journal.Journal:
        return await continuous_journal.read(self._store, namespace=self._key[0], webjob=self._key[1], owner=self.owner)

    async def _write(self) -> None:
        """Store all that waits by one write."""
        journal = await self._journal()
        pending = {uid: list(entries) for uid, entries in self._pending.items()}
        new: dict[str, Sequence[Entry]] = {}
        for uid, entries in list(pending.items()):
            stored = journal.positions.get(uid, Position())
            own = continuous_lines.kept(stored, self._positions.get(uid, Position()), entries)
            if own is None:
                log.warning("the log of %s/%s was changed by others, a pod's is read anew", *self._key)
                await self._begin_anew(uid, stored)
                del pending[uid]
            elif own:
                new[uid] = own
        if new:
            journal = await continuous_journal.append(
                self._store,
                journal,
                namespace=self._key[0],
                webjob=self._key[1],
                text=continuous_lines.merged(new.values()),
                positions={uid: entries[-1].after for uid, entries in new.items()},
                there=self._pods.keys(),
            )
        self._positions = dict(journal.positions)
        self._written({uid: len(entries) for uid, entries in pending.items()})

    def _written(self, counts: Mapping[str, int]) -> None:
        for uid, count in counts.items():
            self._bytes -= sum(len(entry.text) for entry in self._pending[uid][:count])
            del self._pending[uid][:count]
            if not self._pending[uid]:
                del self._pending[uid]
            if uid in self._readers and self._readers[uid][1].done() and uid not in self._pending:
                del self._readers[uid]
        if self._bytes < PENDING_BYTES:
            self._space.set()

    async def _begin_anew(self, uid: str, stored: Position) -> None:
        if uid in self._readers:
            _, task = self._readers.pop(uid)
            await cancelled([task])
        self._bytes -= sum(len(entry.text) for entry in self._pending.pop(uid))
        if stored.stage != "stopped" and not self._task.done():
            self._start(uid, stored)

    # The end

    async def cancel(self) -> None:
        """End the readers and the writer; discard what is not stored."""
        await cancelled([self._task, *(task for _, task in self._readers.values())])
        if self._timer:
            self._timer.cancel()

    async def close(self) -> None:
        """End the readers and the writer once what waits is stored; give up after a while."""
        await self.cancel()
        if self._pending:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self.flush()
