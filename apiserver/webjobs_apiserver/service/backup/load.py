"""The restore of a backup into a site, from a stream, in one pass.

A WebJob is created first, with an annotation by which the operator leaves it alone until all of its history is there:
nothing fires, runs or is collected meanwhile. Every write is one of something that is not there yet, so a restore that
died is repeated, and what is there already stays as it is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import obstore

from webjobs import times
from webjobs.constants import STATUS_FILE
from webjobs.model import ANNOTATION_RESTORING, WebJob
from webjobs.objects import Object
from webjobs.store import ObjectStore, guard
from webjobs.store import run_logs as stored_logs
from webjobs_apiserver.errors import BadRequest, Refused, TooLarge
from webjobs_apiserver.service.app_settings import AppSettings
from webjobs_apiserver.service.backup import objects, places, rewrite, site_objects, tar
from webjobs_apiserver.service.backup.places import Place, StoredFile
from webjobs_apiserver.service.backup.tar import Entry
from webjobs_apiserver.service.hooks.hooks import Hooks
from webjobs_apiserver.sites import Site
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import AlreadyExists, Invalid, NotFound

_HOLD = timedelta(minutes=5)
"""How long collections of packages are held off at a time."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a restore did."""

    restored: Counter[str] = field(default_factory=Counter)
    """How many objects of each kind, and files of the store, were made."""
    kept: Counter[str] = field(default_factory=Counter)
    """How many were there already, and stay as they are."""
    notes: list[str] = field(default_factory=list)
    """Sentences about what was left out, and why."""


class Load:
    """Restores backups into sites."""

    def __init__(
        self,
        kube: KubeClient,
        *,
        store: ObjectStore,
        settings: AppSettings,
        hooks: Hooks,
        clock: Callable[[], datetime],
    ) -> None:
        self._kube = kube
        self._store = store
        self._sites = site_objects.SiteObjects(kube, settings=settings, hooks=hooks)
        self._clock = clock

    async def restore(self, site: Site, body: AsyncIterator[bytes], *, dry_run: bool) -> Report:
        """Restore a backup; return what was done, or would be.

        Raises BadRequest and TooLarge for what is no backup, Refused when WebJobs of its names are there and differ.
        """
        work = _Restore(self._kube, self._store, self._sites, site, clock=self._clock, dry_run=dry_run)
        async with AsyncExitStack() as held:
            work.held = held
            stage, count = -1, 0
            async for entry in tar.entries(body):
                place, count = places.place(entry.name), count + 1
                if place.stage < stage or (stage == -1) != (place.stage == 0) or count > places.MOST_FILES:
                    raise BadRequest(f"{entry.name[:200]!r} is not where a backup has it: {places.HEAD} comes first.")
                if place.stage > 1 >= stage:
                    await work.begin()
                stage = place.stage
                await work.take(place, entry)
            if stage < 0:
                raise BadRequest("The backup is empty.")
            if stage < 2:  # it has nothing but WebJobs
                await work.begin()
        await work.finish()
        return work.report


class _Restore:
    """One restore."""

    def __init__(
        self,
        kube: KubeClient,
        store: ObjectStore,
        sites: site_objects.SiteObjects,
        site: Site,
        *,
        clock: Callable[[], datetime],
        dry_run: bool,
    ) -> None:
        self._kube = kube
        self._store = store
        self._sites = sites
        self._site = site
        self._clock = clock
        self._dry_run = dry_run
        self.report = Report()
        self.held = AsyncExitStack()
        self._held_since: datetime | None = None
        self._wanted: dict[str, tuple[Object, Object]] = {}
        """Manifests and statuses of the WebJobs, by name."""
        self._bytes = 0
        self._webjobs: dict[str, WebJob] = {}
        """The WebJobs as they are there."""
        self._newest: dict[str, str] = {}
        """Ids of the newest runs that are in the store only, by WebJob."""

    async def take(self, place: Place, entry: Entry) -> None:
        """Restore one file of the backup."""
        if place.file:
            await self._stored(place.file, entry)
            return
        content = await entry.read(limit=places.OBJECT_BYTES)
        try:
            body = json.loads(content)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            raise BadRequest(f"{entry.name} of the backup is no JSON object.")
        match place.kind:
            case "":
                if body.get("format") != places.FORMAT:
                    raise BadRequest(f"The backup has format {body.get('format')!r}: here {places.FORMAT} is known.")
            case "WebJob":
                self._hold(place.name, body, size=len(content))
            case "WebJobRun":
                await self._run(place.name, body)
            case "WebJobSchedule":
                await self._schedule(place.name, body)
            case _:
                note = await self._sites.restore(self._site, place.name, body, dry_run=self._dry_run)
                if note:
                    self.report.notes.append(note)

    def _hold(self, name: str, body: Object, *, size: int) -> None:
        self._bytes += size
        if len(self._wanted) >= places.MOST_WEBJOBS or self._bytes > places.HELD_BYTES:
            raise TooLarge("The backup has too many WebJobs.")
        manifest = objects.restored("WebJob", body, name=name, namespace=self._site.namespace)
        self._wanted[name] = manifest, objects.status_of("WebJob", body)

    # WebJobs

    async def begin(self) -> None:
        """Create the WebJobs, or take those that are there, once it is sure that none of them is another one."""
        there = {name: await self._there("WebJob", name) for name in self._wanted}
        others = [name for name, (manifest, _) in self._wanted.items() if _differs(there[name], manifest)]
        if others:
            raise Refused(
                f"WebJobs of the backup are there and differ: {', '.join(others[:20])}. Nothing was restored. Delete "
                "them, or restore into another namespace."
            )
        for name, (manifest, _) in self._wanted.items():
            known = there[name]
            (self.report.kept if known else self.report.restored)["WebJob"] += 1
            if self._dry_run:
                self._webjobs[name] = WebJob.parse(known or manifest | {"metadata": manifest["metadata"] | {"uid": ""}})
                continue
            note = {ANNOTATION_RESTORING: times.rfc3339(self._clock())}
            if known is None:
                meta = manifest["metadata"]
                marked = meta | {"annotations": meta.get("annotations", {}) | note}
                known = await self._create(manifest | {"metadata": marked})
            else:
                patch = {"metadata": {"annotations": note}}
                known = await self._kube.patch("WebJob", self._site.namespace, name, patch)
            self._webjobs[name] = WebJob.parse(known)

    async def finish(self) -> None:
        """Write what the statuses of the WebJobs say of their history, and let the operator begin."""
        for name, webjob in {} if self._dry_run else self._webjobs.items():
            known = webjob.status.to_wire()
            status = {key: value for key, value in self._wanted[name][1].items() if key not in known}
            newest = max(self._newest.get(name, ""), known.get("storedRuns", {}).get("newest", ""))
            if newest:
                status["storedRuns"] = {"newest": newest}
            await self._write_status("WebJob", name, status)
            done = {"metadata": {"annotations": {ANNOTATION_RESTORING: None}}}
            await self._kube.patch("WebJob", self._site.namespace, name, done)

    # Runs and schedules

    async def _run(self, name: str, body: Object) -> None:
        logged = await self._logs(body, objects.run_id_of(name))
        manifest, status = objects.restored_run(body, name=name, webjobs=self._webjobs, logged=logged)
        there = await self._there("WebJobRun", name)
        self._count("WebJobRun", there)
        if self._dry_run or (there and not objects.awaits_status(there)):
            return
        if there is None:
            await self._create(manifest)
        await self._write_status("WebJobRun", name, status)

    async def _logs(self, body: Object, run_id: str) -> tuple[str | None, str | None]:
        spec = body.get("spec")
        webjob = spec.get("webJobName") if isinstance(spec, dict) else None
        if webjob not in self._webjobs:
            return None, None
        key = stored_logs.run_log_key(namespace=self._site.namespace, webjob=webjob, run_id=run_id)
        errors = stored_logs.error_log_key(key)
        found = [one if await stored_logs.head(self._store, one) else None for one in (key, errors)]
        return found[0], found[1]

    async def _schedule(self, name: str, body: Object) -> None:
        manifest = objects.restored("WebJobSchedule", body, name=name, namespace=self._site.namespace)
        if manifest["spec"].get("webJobName") not in self._webjobs:
            self.report.notes.append(f"WebJobSchedule {name} is left out: its WebJob is not in the backup.")
            return
        there = await self._there("WebJobSchedule", name)
        self._count("WebJobSchedule", there)
        if self._dry_run or (there and (there.get("status") or {}).get("observedGeneration")):
            return
        if there is None:
            await self._create(manifest)
        await self._write_status("WebJobSchedule", name, objects.status_of("WebJobSchedule", body))

    # The store

    async def _stored(self, file: StoredFile, entry: Entry) -> None:
        if file.webjob and file.webjob not in self._webjobs:
            raise BadRequest(f"{entry.name[:200]!r} is of a WebJob that is not in the backup.")
        if file.webjob and file.run_id and file.name == STATUS_FILE:
            self._newest[file.webjob] = max(self._newest.get(file.webjob, ""), file.run_id)
        key = f"{self._site.namespace}/{file.key}"
        there = await stored_logs.head(self._store, key)
        (self.report.kept if there else self.report.restored)["file"] += 1
        if there or self._dry_run:
            return
        if file.name in (STATUS_FILE, places.JOURNAL):
            content = await entry.read(limit=places.OBJECT_BYTES)
            owner = self._webjobs[file.webjob or ""].metadata.uid
            await obstore.put_async(self._store, key, rewrite.owned(file, content, uid=owner))
            return
        if not file.webjob:
            await self._hold_off_collections()
        digest = sha256()

        async def pieces() -> AsyncIterator[bytes]:
            async for piece in entry.content:
                digest.update(piece)
                yield piece

        await obstore.put_async(self._store, key, pieces() if entry.size else b"")
        if file.blob and digest.hexdigest() != file.blob:
            await obstore.delete_async(self._store, key)
            raise BadRequest(f"{entry.name} of the backup is not what its name says: the backup is damaged.")

    async def _hold_off_collections(self) -> None:
        """Keep packages from being collected that are here before what lists them."""
        now = self._clock()
        if self._held_since is None or now - self._held_since > _HOLD:
            await self.held.aclose()
            await self.held.enter_async_context(guard.uploading(self._store, namespace=self._site.namespace))
            self._held_since = now

    # The API server

    def _count(self, kind: str, there: Any) -> None:
        (self.report.kept if there else self.report.restored)[kind] += 1

    async def _there(self, kind: str, name: str) -> Object | None:
        try:
            return await self._kube.get(kind, self._site.namespace, name)
        except NotFound:
            return None

    async def _create(self, manifest: Object) -> Object:
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        try:
            return await self._kube.create(manifest)
        except AlreadyExists:
            raise Refused(f"The {kind} {name} was made by somebody else just now: repeat the restore.") from None
        except Invalid as error:
            raise BadRequest(f"The {kind} {name} of the backup is refused: {error.message}"[:1000]) from None

    async def _write_status(self, kind: str, name: str, status: Object) -> None:
        if not status:
            return
        try:
            await self._kube.patch(kind, self._site.namespace, name, {"status": status}, subresource="status")
        except NotFound:
            return  # somebody deleted it
        except Invalid as error:
            raise BadRequest(f"The status of {kind} {name} of the backup is refused: {error.message}"[:1000]) from None


def _differs(there: Object | None, manifest: Object) -> bool:
    """Return whether an object that is there is another one than that of the backup, or is on its way out."""
    if there is None:
        return False
    return there["spec"] != manifest["spec"] or bool(there["metadata"].get("deletionTimestamp"))
