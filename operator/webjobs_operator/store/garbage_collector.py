"""Removes packages that no WebJob refers to any more, now and then, beside all else that the operator does; and logs
and old runs of WebJobs whose end no operator saw.

Each round asks the API server and the store anew: what a cache or an earlier round believed deletes nothing. In most
rounds nothing is due, and then nothing is written. What is due is looked up once more with uploads kept out
(``webjobs.store.guard``) before it is deleted: manifests first, so that no manifest is there without its blobs.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import obstore

from webjobs.store import FAILURES, ObjectStore, continuous_journal, garbage, guard, run_records
from webjobs.store.garbage import Marks, Stored
from webjobs.store.packages import PackageError, blob_key, manifest_key, read_manifest
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import ApiError, NotFound
from webjobs_operator.cluster.cache import selector_of

log = logging.getLogger(__name__)

LIMIT = 1000
"""Manifests, and blobs, that one round deletes in a namespace."""
RUN_FILES = 30_000
"""Of deleted WebJobs, that one round deletes in a namespace."""
_RUNS_SECONDS = 600.0
_AT_ONCE = 100
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_HEX = re.compile(r"[0-9a-f]{64}")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_USERS = ("WebJob", "Deployment", "CronJob", "Job", "Pod")
"""Kinds that refer to packages; all but the first in the arguments of the container that fetches one."""


@dataclass(frozen=True, kw_only=True)
class _Look:
    """What one look at a namespace has found."""

    packages: garbage.Packages
    blobs: frozenset[str]
    marks: Marks
    """As they are stored."""

    @property
    def due(self) -> bool:
        return bool(self.packages.due or self.blobs)


class Collector:
    """``grace``: how long a package stays that nobody refers to."""

    def __init__(
        self,
        *,
        kube: KubeClient,
        store: ObjectStore,
        namespaces: Sequence[str],
        grace: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._kube = kube
        self._store = store
        self._namespaces = namespaces
        self._grace = grace
        self._clock = clock

    async def run(self, period: timedelta) -> None:
        """Rounds until cancelled, the first after one period: an operator that has just started has other work."""
        while True:
            await asyncio.sleep(period.total_seconds())
            await self.round()

    async def round(self) -> None:
        """Every namespace that has something in the store and is ours; a failure ends only that namespace's turn."""
        try:
            namespaces = (await obstore.list_with_delimiter_async(self._store))["common_prefixes"]
        except FAILURES as error:
            log.warning("unreferenced packages were not looked for: %s", error)
            return
        for namespace in map(str, namespaces):
            if not _NAMESPACE.fullmatch(namespace) or (self._namespaces and namespace not in self._namespaces):
                continue
            try:
                await self.collect(namespace)
                await self.collect_logs(namespace)
                await self.collect_runs(namespace)
            except (ApiError, *FAILURES) as error:
                log.warning("garbage of %s was not collected: %s", namespace, error)

    async def collect(self, namespace: str) -> None:
        """One namespace. Raises ApiError and what the store raises; every deletion before that stands."""
        known: dict[str, frozenset[str]] = {}
        look = await self._look(namespace, known)
        if look.due:
            end = time.monotonic() + guard.COLLECTION_LIMIT.total_seconds()
            async with guard.collecting(self._store, namespace=namespace) as alone:
                if not alone:
                    log.info("packages of %s are collected another time: an upload goes on", namespace)
                    return
                look = await self._look(namespace, known)
                manifests = [manifest_key(namespace=namespace, digest=one) for one in look.packages.due]
                blobs = [blob_key(namespace=namespace, digest=one) for one in look.blobs]
                await self._delete(manifests, end=end)
                await self._delete(blobs, end=end)
            log.info("namespace %s: %d packages and %d blobs collected", namespace, len(manifests), len(blobs))
        if look.packages.marks != look.marks:
            await obstore.put_async(self._store, _marks_key(namespace), garbage.marks_to_json(look.packages.marks))

    async def collect_logs(self, namespace: str) -> None:
        """Logs of continuous WebJobs that were deleted while no operator was there. Raises what ``collect`` does."""
        logged = await continuous_journal.webjobs(self._store, namespace=namespace)
        # Listed after the logs: what is not there now is gone, and not yet to come.
        there = {body["metadata"]["name"] for body in await self._kube.list("WebJob", namespace)} if logged else set()
        for webjob in logged:
            if webjob not in there:
                await continuous_journal.delete(self._store, namespace=namespace, webjob=webjob)
                log.info("the log of deleted WebJob %s/%s is removed", namespace, webjob)

    async def collect_runs(self, namespace: str) -> None:
        """Runs, with their logs, of triggered WebJobs that were deleted while no operator was there."""
        folders = await run_records.folders(self._store, namespace=namespace)
        there = {body["metadata"]["name"] for body in await self._kube.list("WebJob", namespace)} if folders else set()
        for webjob in folders:
            if webjob in there:
                continue
            files = await run_records.run_files(self._store, namespace=namespace, webjob=webjob, limit=RUN_FILES)
            # Looked up after the listing: what was listed is not of a WebJob that is made anew now.
            if files and await self._is_gone(namespace, webjob):
                await self._delete(files, end=time.monotonic() + _RUNS_SECONDS)
                log.info("%d files of runs of deleted WebJob %s/%s are removed", len(files), namespace, webjob)

    async def _is_gone(self, namespace: str, webjob: str) -> bool:
        try:
            await self._kube.get("WebJob", namespace, webjob)
        except NotFound:
            return True
        return False

    async def _look(self, namespace: str, known: dict[str, frozenset[str]]) -> _Look:
        """``known``: blobs of manifests that were read before, by digest."""
        marks = await self._marks(namespace)
        manifests = await self._stored(f"{namespace}/packages", suffix=".json")
        referenced = await self._referenced(namespace)
        now = self._clock()
        decision = garbage.packages(
            manifests, referenced=referenced, marks=marks, now=now, grace=self._grace, limit=LIMIT
        )
        orphans: frozenset[str] = frozenset()
        listed = await self._listed(namespace, {one.digest for one in manifests} - decision.due, known)
        if listed is not None:
            blobs = await self._stored(f"{namespace}/blobs")
            orphans = garbage.blobs(blobs, listed=listed, now=now, grace=self._grace, limit=LIMIT)
        return _Look(packages=decision, blobs=orphans, marks=marks)

    async def _marks(self, namespace: str) -> Marks:
        try:
            found = await obstore.get_async(self._store, _marks_key(namespace))
            return garbage.marks_of_json(bytes(await found.bytes_async()))
        except FileNotFoundError:
            return {}

    async def _stored(self, folder: str, *, suffix: str = "") -> list[Stored]:
        found = []
        async for batch in obstore.list(self._store, folder):
            for one in batch:
                digest = one["path"].rpartition("/")[2].removesuffix(suffix)
                if _HEX.fullmatch(digest):
                    found.append(Stored(digest=digest, modified=one["last_modified"]))
        return found

    async def _referenced(self, namespace: str) -> set[str]:
        """Digests that anything in the namespace names, wherever."""
        found: set[str] = set()
        for kind in _USERS:
            for body in await self._kube.list(kind, namespace, selector=selector_of(kind)):
                found.update(_DIGEST.findall(json.dumps(body)))
        return found

    async def _listed(
        self, namespace: str, manifests: Iterable[str], known: dict[str, frozenset[str]]
    ) -> set[str] | None:
        """Digests of the blobs that these manifests list; None when one can't be read, for it may list any."""
        found: set[str] = set()
        for digest in manifests:
            if digest not in known:
                try:
                    manifest = await asyncio.to_thread(
                        read_manifest, self._store, namespace=namespace, digest=f"sha256:{digest}"
                    )
                except PackageError as error:
                    log.warning("blobs of %s are not collected: %s", namespace, error)
                    return None
                known[digest] = frozenset(file.sha256 for file in manifest.files.values())
            found |= known[digest]
        return found

    async def _delete(self, keys: list[str], *, end: float) -> None:
        """Stops, with TimeoutError, where uploads would not wait any longer."""
        for begin in range(0, len(keys), _AT_ONCE):
            if time.monotonic() > end:
                raise TimeoutError("the rest is for the next round")
            try:
                await obstore.delete_async(self._store, keys[begin : begin + _AT_ONCE])
            except FileNotFoundError:
                continue


def _marks_key(namespace: str) -> str:
    return f"{namespace}/guard/unreferenced.json"
