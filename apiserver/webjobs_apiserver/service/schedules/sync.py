"""The registry of a site and the WebJobSchedules that follow it.

The registry is written first and says what a job is to be; its WebJobSchedule follows. Whoever finds one that does not
follow (the process between the two writes died) finishes the work: so nothing is ever taken back, and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Self, TypeVar

from webjobs_apiserver.errors import Unavailable
from webjobs_apiserver.service.schedules import manifest
from webjobs_apiserver.service.schedules.manifest import Seen
from webjobs_apiserver.service.schedules.registry import Entry, InUse, NameTaken, Registry, Timing
from webjobs_apiserver.service.schedules.registry_store import StoredRegistry
from webjobs_apiserver.sites import Site
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import AlreadyExists, Conflict, NotFound

TRIES = 40
"""Looks at registry and objects before the shim gives up."""
UNSETTLED = "The Job is being changed by others at the same time. Try again."
"""Message to a client when the objects don't come to follow the registry."""
_PATIENCE = 4
"""Looks in which the objects may be ahead of the registry."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A scheduled job as the registry wants it."""

    id: int
    """Id of the job."""
    entry: Entry
    """Entry of the job in the registry."""
    timing: Timing
    """Timing of the job."""
    webjob: str
    """Object name of the WebJob that runs."""

    @classmethod
    def of(cls, registry: Registry, identifier: int) -> Self:
        """Return what a registry says of one job.

        Raises Unavailable when its timing or stack is not there, after an edit by hand.
        """
        entry = registry.jobs[identifier]
        timing, webjob = registry.timings.get(entry.timing), registry.stack_name(entry.stack)
        if timing is None or webjob is None:  # somebody edited it by hand
            raise Unavailable(f"Job {identifier} refers to a Schedule or Stack that is not there.")
        return cls(id=identifier, entry=entry, timing=timing, webjob=webjob)


class Following:
    """The registry of a site and the WebJobSchedules that follow it.

    ApiError of the API server passes through.
    """

    def __init__(self, kube: KubeClient, *, clock: Callable[[], datetime]) -> None:
        self._kube = kube
        self._clock = clock
        self._stored = StoredRegistry(kube)

    async def read(self, site: Site) -> Registry:
        """Return the registry alone."""
        return await self._stored.read(site)

    async def change(self, site: Site, edit: Callable[[Registry], T]) -> T:
        """Change the registry; return what ``edit`` returns.

        A job that is gone already holds neither name nor timing: for them it is looked at once more.
        """
        try:
            return await self._stored.change(site, edit)
        except (NameTaken, InUse):
            await self.look(site)  # a job that is gone already holds neither name nor timing
            return await self._stored.change(site, edit)

    async def delete(self, site: Site, one: Seen) -> None:
        """Delete a job, its object first.

        An entry whose object is gone is no job, but an object without entry would go on firing.
        """
        with suppress(NotFound, Conflict):
            await self._kube.delete("WebJobSchedule", site.namespace, one.name, uid=one.uid)
        await self._stored.change(site, lambda registry: registry.drop_job(one.identifier, uid=one.uid))

    async def look(self, site: Site) -> tuple[Registry, dict[int, Seen]]:
        """Return the registry and the objects of its jobs by id, once all of these follow it."""
        for number in range(TRIES):
            # The registry first: an object that it knows was made before, and if it is not listed it is gone.
            registry = await self._stored.read(site)
            listed = await self._kube.list("WebJobSchedule", site.namespace, selector=manifest.LABEL_JOB)
            there = {one.identifier: one for one in map(manifest.seen, listed) if one}
            if await self._finish(site, registry, there, patient=number < _PATIENCE):
                continue
            if gone := {n: entry.uid for n, entry in registry.jobs.items() if n not in there}:
                await self._stored.change(site, partial(_drop, gone))
            return registry, {n: there[n] for n in registry.jobs if n in there}
        raise Unavailable(UNSETTLED)

    async def _finish(self, site: Site, registry: Registry, there: Mapping[int, Seen], *, patient: bool) -> bool:
        """Do what others have left undone.

        Return whether there was anything, or the registry was read too early.
        """
        found = False
        for number, entry in registry.jobs.items():
            one = there.get(number)
            if one is None and entry.uid is not None:
                continue
            if one and one.uid == entry.uid and one.revision == entry.revision:
                continue
            if one and one.uid == entry.uid and one.revision > entry.revision:
                found = found or patient  # but the ConfigMap can be an old one that somebody restored
                continue
            found = True
            await self.follow(site, Wanted.of(registry, number), one)
        return found

    async def follow(self, site: Site, wanted: Wanted, one: Seen | None) -> None:
        """Make a job's object what the registry says, and note in the registry that it was seen."""
        made = False
        if one is None:
            one, made = await self._made(site, wanted)
        elif one.revision < wanted.entry.revision:
            patch = manifest.patch(one, wanted.entry, timing=wanted.timing, webjob=wanted.webjob, now=self._clock())
            try:
                await self._kube.patch("WebJobSchedule", site.namespace, one.name, patch)
            except (Conflict, NotFound):
                return  # somebody else was faster
        uid = one.uid
        if uid == wanted.entry.uid:
            return

        def note(registry: Registry) -> bool:
            entry = registry.jobs.get(wanted.id)
            if entry is None or (made and entry.uid not in (None, uid)):
                return False
            entry.uid = uid
            return True

        if not await self._stored.change(site, note) and made:
            # While this call slept, others made the job, and it was deleted since: ids never come back.
            with suppress(NotFound, Conflict):
                await self._kube.delete("WebJobSchedule", site.namespace, one.name, uid=uid)

    async def _made(self, site: Site, wanted: Wanted) -> tuple[Seen, bool]:
        """Return the object of a new job, and whether it was made by this call."""
        body = manifest.new(
            wanted.id, wanted.entry, namespace=site.namespace, timing=wanted.timing, webjob=wanted.webjob
        )
        made = True
        try:
            raw = await self._kube.create(body)
        except AlreadyExists:
            raw, made = await self._kube.get("WebJobSchedule", site.namespace, body["metadata"]["name"]), False
        one = manifest.seen(raw)
        if one is None or one.identifier != wanted.id:
            # Somebody has one of this name: this id can't be used.
            await self._stored.change(site, partial(_drop, {wanted.id: None}))
            raise Unavailable(f"WebJobSchedule {body['metadata']['name']} is in the way. Try again.")
        return one, made


def _drop(gone: Mapping[int, str | None], registry: Registry) -> None:
    for identifier, uid in gone.items():
        registry.drop_job(identifier, uid=uid)
