"""``job_log.txt`` of continuous jobs, stored as their pods write it; beside the passes, which never wait for it.

Every pod has a reader (``continuous_reader.py``). Every WebJob has one writer (``continuous_writer.py``), which puts
what its readers tell into the store (``webjobs.store.continuous_journal``).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from webjobs.model.effective_spec import under
from webjobs.pods import is_of_webjob
from webjobs.store import ObjectStore, continuous_journal
from webjobs_kube.backoff import Backoff
from webjobs_kube.client import KubeClient
from webjobs_kube.logs.pod_logs import PodLogs
from webjobs_kube.tasks import cancelled
from webjobs_operator.attach.stderr import Attach
from webjobs_operator.cluster.cache import Cache, Key
from webjobs_operator.logs.continuous_reader import FOLLOWED, Sources
from webjobs_operator.logs.continuous_writer import JobWriter

log = logging.getLogger(__name__)

_STORE_SECONDS = 60.0
_RETRY_SECONDS = 1.0
_LONGEST_RETRY_SECONDS = 30.0
_AT_ONCE = 16
"""Writes and reads of the store at once."""
_TRIES = 8


class ContinuousLogs:
    """The writers of the logs of all continuous jobs."""

    def __init__(
        self,
        *,
        kube: KubeClient,
        pod_logs: PodLogs,
        cache: Cache,
        store: ObjectStore,
        clock: Callable[[], datetime],
        attach: Attach | None = None,
    ) -> None:
        self._cache = cache
        self._store = store
        self._sources = Sources(
            kube=kube, pod_logs=pod_logs, followed=asyncio.Semaphore(FOLLOWED), clock=clock, attach=attach
        )
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._writers: dict[Key, JobWriter] = {}
        self._deletions: dict[Key, asyncio.Task[None]] = {}

    def observe(self, key: Key) -> None:
        """Take in a WebJob and its pods as the cache has them; start what is to go on beside the passes."""
        webjob = self._cache.webjob(key)
        writer = self._writers.get(key)
        if writer and (webjob is None or webjob.metadata.uid != writer.owner):
            self._drop(key, self._writers.pop(key))
            writer = None
        if webjob is None or webjob.spec.type != "continuous" or webjob.metadata.deletion_timestamp:
            return
        site = self._cache.site(key[0])
        webjob = under(webjob, site)
        if writer is None:
            writer = JobWriter(
                key, webjob, store=self._store, room=self._room, sources=self._sources, after=self._deletions.get(key)
            )
            self._writers[key] = writer
        known = self._cache.of("Pod", key).values()
        pods = {pod["metadata"]["uid"]: pod for pod in known if is_of_webjob(pod, key[1])}
        writer.observe(webjob, pods, cap=site.continuous_log_lines)

    def _drop(self, key: Key, writer: JobWriter) -> None:
        """End the writer of a WebJob that is gone, and delete its log."""
        before = self._deletions.get(key)
        task = asyncio.create_task(self._delete(key, writer, before))
        self._deletions[key] = task
        task.add_done_callback(lambda _: self._deletions.pop(key) if self._deletions.get(key) is task else None)

    async def _delete(self, key: Key, writer: JobWriter, before: asyncio.Task[None] | None) -> None:
        if before:
            await asyncio.wait([before])
        await writer.cancel()
        backoff = Backoff(_RETRY_SECONDS, _LONGEST_RETRY_SECONDS)
        for _ in range(_TRIES):
            try:
                async with self._room, asyncio.timeout(_STORE_SECONDS):
                    await continuous_journal.delete(self._store, namespace=key[0], webjob=key[1])
                return
            except Exception as error:
                log.warning("log of deleted WebJob %s/%s is still there: %s", *key, error)
                await asyncio.sleep(backoff.next())

    async def close(self) -> None:
        """Store what waits, and end all writers and deletions."""
        known, self._writers = self._writers, {}
        await asyncio.gather(*(writer.close() for writer in known.values()), return_exceptions=True)
        await cancelled(self._deletions.values())
