"""The garbage collector of the store: packages that no WebJob refers to, and what is left of deleted WebJobs.

Now and then, beside all else that the operator does, it removes unreferenced packages, and logs and old runs of WebJobs
whose end no operator saw. Each round asks the API server and the store anew: what a cache or an earlier round believed
deletes nothing. In most rounds nothing is due, and then nothing is written. What is due is looked up once more with
uploads kept out (``webjobs.store.guard``) before it is deleted: manifests first, so that no manifest is there without
its blobs.
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

from webjobs.constants import DEPLOYMENTS
from webjobs.model import WebJobRun
from webjobs.runs.runs import run_id
from webjobs.store import FAILURES, ObjectStore, continuous_journal, garbage, guard, run_records
from webjobs.store.garbage import Marks, Stored
from webjobs.store.packages import PackageError, blob_key, manifest_key, read_manifest
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import ApiError, NotFound
from webjobs_operator.cluster.cache import fields_of, selector_of

log = logging.getLogger(__name__)

LIMIT = 1000
"""Most manifests, and most blobs, that one round deletes in a namespace."""
RUN_FILES = 30_000
"""Most files of runs of each deleted WebJob that one round deletes."""
_RUNS_SECONDS = 600.0
_AT_ONCE = 100
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_HEX = re.compile(r"[0-9a-f]{64}")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_USERS = ("WebJob", "Deployment", "CronJob", "Job", "Pod")
"""Kinds that refer to packages; all but the first in the arguments of the container that fetches one."""


@dataclass(frozen=True, kw_only=True)
class _Look:
    """The findings of one look at a namespace."""

    packages: garbage.Packages
    blobs: frozenset[str]
    marks: Marks
    """Marks as they are stored."""

    @property
    def due(self) -> bool:
        return bool(self.packages.due or self.blobs)


class GarbageCollector:
    """The garbage collector of the store.

    ``grace``: how long a package stays that nobody refers to.
    """

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
        """Collect every ``period`` until cancelled.

        The first round comes after one period: an operator that has just started has other work.
        """
        while True:
            await asyncio.sleep(period.total_seconds())
            await self.round()

    async def round(self) -> None:
        """Collect in every namespace that has something in the store and that the operator watches.

        A failure ends only the turn of its namespace.
        """
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
        """Delete the unreferenced packages of one namespace.

        Raises ApiError and what the store raises; every deletion before that stands.
        """
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
        """Delete the logs of continuous WebJobs that were deleted while no operator was there.

        Raises what ``collect`` raises.
        """
        logged = await continuous_journal.webjobs(self._store, namespace=namespace)
        # Listed after the logs: what is not there now is gone, and not yet to come.
        there = {body["metadata"]["name"] for body in await self._kube.list("WebJob", namespace)} if logged else set()
        for webjob in logged:
            if webjob not in there:
                await continuous_journal.delete(self._store, namespace=namespace, webjob=webjob)
                log.info("the log of deleted WebJob %s/%s is removed", namespace, webjob)

    async def collect_runs(self, namespace: str) -> None:
        """Delete the runs, with their logs, of triggered WebJobs that were deleted while no operator was there.

        Raises what ``collect`` raises.
        """
        folders = await run_records.folders(self._store, namespace=namespace)
        there = {body["metadata"]["name"] for body in await self._kube.list("WebJob", namespace)} if folders else set()
        for webjob in folders:
            if webjob in there:
                continue
            files = await run_records.run_files(self._store, namespace=namespace, webjob=webjob, limit=RUN_FILES)
            kept = await self._kept_runs(namespace, webjob) if files else frozenset()
            folder = run_records.folder(namespace=namespace, webjob=webjob)
            files = [one for one in files if one.removeprefix(f"{folder}/").partition("/")[0] not in kept]
            # Looked up after the listing: what was listed is not of a WebJob that is made anew now.
            if files and await self._is_gone(namespace, webjob):
                await self._delete(files, end=time.monotonic() + _RUNS_SECONDS)
                log.info("%d files of runs of deleted WebJob %s/%s are removed", len(files), namespace, webjob)

    async def _kept_runs(self, namespace: str, webjob: str) -> frozenset[str]:
        """Return the ids of the WebJobRuns that outlived their WebJob, or that a restore made before it."""
        known = map(WebJobRun.parse, await self._kube.list("WebJobRun", namespace))
        return frozenset(run_id(run) for run in known if run.spec.web_job_name == webjob)

    async def _is_gone(self, namespace: str, webjob: str) -> bool:
        try:
            await self._kube.get("WebJob", namespace, webjob)
        except NotFound:
            return True
        return False

    async def _look(self, namespace: str, known: dict[str, frozenset[str]]) -> _Look:
        """Return what is due in a namespace now.

        ``known``: blobs of manifests that were read before, by digest.
        """
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
        """Return the digests that anything in the namespace names, wherever."""
        found: set[str] = set()
        for kind in _USERS:
            for body in await self._kube.list(kind, namespace, selector=selector_of(kind)):
                found.update(_DIGEST.findall(json.dumps(body)))
        # Earlier deployments can be deployed again.
        for body in await self._kube.list("ConfigMap", namespace, fields=f"metadata.name={DEPLOYMENTS}"):
            found.update(_DIGEST.findall(json.dumps(body)))
        # Content in force outlives the record of its deployment: later ones can be of jobs alone.
        for body in await self._kube.list("Secret", namespace, fields=fields_of("Secret")):
            found.update(_DIGEST.findall(json.dumps(body["metadata"])))
        return found

    async def _listed(
        self, namespace: str, manifests: Iterable[str], known: dict[str, frozenset[str]]
    ) -> set[str] | None:
        """Return the digests of the blobs that manifests list; None when one can't be read, for it may list any."""
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
        """Delete keys of the store.

        Raises TimeoutError after ``end``, from when on uploads would wait no longer.
        """
        for begin in range(0, len(keys), _AT_ONCE):
            if time.monotonic() > end:
                raise TimeoutError("the rest is for the next round")
            try:
                await obstore.delete_async(self._store, keys[begin : begin + _AT_ONCE])
            except FileNotFoundError:
                continue


def _marks_key(namespace: str) -> str:
    return f"{namespace}/guard/unreferenced.json"
