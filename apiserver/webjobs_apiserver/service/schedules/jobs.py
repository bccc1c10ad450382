"""Scheduled jobs of a site by number, and the timings and stacks that they are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from webjobs.model import WebJobSchedule
from webjobs_apiserver.errors import Missing, Unavailable
from webjobs_apiserver.service.app_settings import AppSettings
from webjobs_apiserver.service.jobs import Jobs
from webjobs_apiserver.service.schedules import manifest
from webjobs_apiserver.service.schedules.manifest import Seen
from webjobs_apiserver.service.schedules.registry import Entry, NoStack, Registry, Timing
from webjobs_apiserver.service.schedules.sync import TRIES, UNSETTLED, Following, Wanted
from webjobs_apiserver.sites import Site
from webjobs_apiserver.watching import job as jobs_by_object
from webjobs_apiserver.watching.job import Job
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import Conflict, NotFound


@dataclass(frozen=True, kw_only=True)
class Scheduled:
    """A scheduled job as clients see it."""

    id: int
    """Number of the job."""
    name: str | None
    """Name of the job, unique in the site; None: it has none."""
    stack: int
    """Number of the triggered WebJob that runs."""
    timing: int
    """Number of the job's timing."""
    active: bool
    """True when the job is switched on."""
    queued: bool
    """True when the job will be deleted at its next run instead of running."""
    next_run: datetime | None
    """When the job runs next; None when it is off, or when the schedules of its WebJob don't fire."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A triggered WebJob by number, and the jobs that run it."""

    id: int
    """Number of the stack."""
    job: Job
    """The triggered WebJob."""
    users: Sequence[int]
    """Numbers of the scheduled jobs that run the stack."""


@dataclass(frozen=True, kw_only=True)
class _View:
    """The registry of a site, and the objects that follow it."""

    registry: Registry
    objects: Mapping[int, Seen]
    runnable: frozenset[str]
    """Object names of the WebJobs whose schedules fire."""

    def job(self, identifier: int, *, now: datetime) -> Scheduled:
        """Return one job as clients see it.

        Raises Missing when there is none.
        """
        if identifier not in self.objects:
            raise Missing(f"There is no Job {identifier}.")
        entry, one = self.registry.jobs[identifier], self.objects[identifier]
        fires = one.queued or one.schedule.spec.web_job_name in self.runnable
        return Scheduled(
            id=identifier,
            name=entry.name,
            stack=entry.stack,
            timing=entry.timing,
            active=one.active,
            queued=one.queued,
            next_run=one.next_run(now=now) if fires else None,
        )


class ScheduledJobs:
    """Operations on the scheduled jobs of a site, their timings and stacks.

    ApiError of the API server passes through.
    """

    def __init__(self, kube: KubeClient, *, jobs: Jobs, settings: AppSettings, clock: Callable[[], datetime]) -> None:
        self._kube = kube
        self._jobs = jobs
        self._settings = settings
        self._clock = clock
        self._following = Following(kube, clock=clock)

    async def of_webjobs(self, site: Site) -> dict[str, list[WebJobSchedule]]:
        """Return the WebJobSchedules of a site by the object name of their WebJob, whoever has made them."""
        found: dict[str, list[WebJobSchedule]] = {}
        for raw in await self._kube.list("WebJobSchedule", site.namespace):
            with suppress(ValidationError):  # stored before its CRD became stricter
                schedule = WebJobSchedule.parse(raw)
                found.setdefault(schedule.spec.web_job_name, []).append(schedule)
        return found

    # Jobs

    async def list(self, site: Site) -> list[Scheduled]:
        """Return all scheduled jobs, by id."""
        view = await self._view(site)
        return [view.job(number, now=self._clock()) for number in sorted(view.objects)]

    async def get(self, site: Site, identifier: int) -> Scheduled:
        """Return one scheduled job.

        Raises Missing when there is none.
        """
        return (await self._view(site)).job(identifier, now=self._clock())

    async def named(self, site: Site, name: str) -> Scheduled:
        """Return one scheduled job by its name.

        Raises Missing when none has it.
        """
        for job in await self.list(site):
            if job.name == name:
                return job
        raise Missing("There is no Job of that name.")

    async def create(self, site: Site, *, name: str | None, stack: int, timing: int, enabled: bool) -> int:
        """Create a scheduled job; return its id.

        Raises NoStack, NoTiming, NameTaken.
        """
        await self._check_stack(site, stack)
        entry = Entry(name=name, stack=stack, timing=timing, enabled=enabled)

        def edit(registry: Registry) -> Wanted:
            return Wanted.of(registry, registry.add_job(entry.model_copy(), now=self._clock()))

        wanted = await self._following.change(site, edit)
        # From here on the job is there: if this process dies now, whoever asks next finishes the work.
        await self._following.follow(site, wanted, None)
        return wanted.id

    async def change(self, site: Site, identifier: int, changes: Mapping[str, Any]) -> Scheduled:
        """Change the given fields of a scheduled job: ``name``, ``stack``, ``timing``, ``enabled``.

        Raises Missing, NoStack, NoTiming, NameTaken. A job that is queued for deletion goes at once when it is switched
        off.
        """
        view = await self._view(site)
        before = view.job(identifier, now=self._clock())
        if "stack" in changes:
            await self._check_stack(site, changes["stack"])
        revision = view.registry.jobs[identifier].revision
        ends = before.queued and changes.get("enabled") is False

        def edit(registry: Registry) -> Entry:
            entry, wanted = registry.jobs.get(identifier), dict(changes)
            if entry and entry.revision == revision:
                # A one-time job has switched itself off, and kubectl can suspend: what clients see is what stays.
                wanted = {"enabled": before.active} | wanted
            target = registry.model_copy(deep=True) if ends else registry
            return target.change_job(identifier, wanted, now=self._clock())

        entry = await self._following.change(site, edit)
        if not ends:
            return await self.get(site, identifier)
        await self._following.delete(site, view.objects[identifier])
        return Scheduled(
            id=identifier,
            name=entry.name,
            stack=entry.stack,
            timing=entry.timing,
            active=False,
            queued=True,
            next_run=None,
        )

    async def delete(self, site: Site, identifier: int) -> bool:
        """Delete a scheduled job; return whether it is only queued.

        A job that is on and has a next run is deleted at that time, any other now. Raises Missing.
        """
        for _ in range(TRIES):
            view = await self._view(site)
            job, one = view.job(identifier, now=self._clock()), view.objects[identifier]
            if job.queued:
                return True
            if job.next_run is None:
                await self._following.delete(site, one)
                return False
            try:
                patch = manifest.queue(one, end=job.next_run)
                await self._kube.patch("WebJobSchedule", site.namespace, one.name, patch)
            except (Conflict, NotFound):
                continue
            return True
        raise Unavailable(UNSETTLED)

    # Timings

    async def timings(self, site: Site) -> dict[int, Timing]:
        """Return all timings, by id."""
        return dict(sorted((await self._following.read(site)).timings.items()))

    async def timing(self, site: Site, identifier: int) -> Timing:
        """Return one timing.

        Raises Missing when there is none.
        """
        return (await self._following.read(site)).timing(identifier)

    async def add_timing(self, site: Site, timing: Timing) -> int:
        """Store a new timing; return its id."""
        return await self._following.change(site, lambda registry: registry.add_timing(timing.model_copy()))

    async def change_timing(self, site: Site, identifier: int, edit: Callable[[Timing], Timing]) -> Timing:
        """Change a timing that no job uses.

        Raises Missing, InUse, and what ``edit`` raises.
        """

        def put(registry: Registry) -> Timing:
            registry.timings[identifier] = edit(registry.free(identifier))
            return registry.timings[identifier]

        return await self._following.change(site, put)

    async def drop_timing(self, site: Site, identifier: int) -> None:
        """Delete a timing that no job uses.

        Raises Missing, InUse.
        """

        def drop(registry: Registry) -> None:
            registry.free(identifier)
            del registry.timings[identifier]

        await self._following.change(site, drop)

    # Stacks

    async def stacks(self, site: Site) -> Sequence[Stack]:
        """Return all triggered WebJobs as stacks, by id.

        A WebJob gets its id when it is first asked for.
        """
        found = {job.object_name: job for job in await self._jobs.list(site, "triggered")}
        registry = await self._following.read(site)
        if missing := sorted(name for name in found if registry.stack_id(name) is None):
            await self._following.change(site, lambda registry: registry.name_stacks(missing))
            registry = await self._following.read(site)
        users: dict[int, Sequence[int]] = {}
        for number, entry in sorted(registry.jobs.items()):
            users[entry.stack] = [*users.get(entry.stack, []), number]
        ids = {registry.stack_id(name) or 0: job for name, job in found.items()}
        return [Stack(id=number, job=ids[number], users=users.get(number, [])) for number in sorted(ids)]

    async def _check_stack(self, site: Site, identifier: int) -> None:
        """Raise NoStack unless a stack is there now, by a direct read."""
        name = (await self._following.read(site)).stack_name(identifier)
        job = None
        if name:
            with suppress(NotFound):
                job = jobs_by_object.of(await self._kube.get("WebJob", site.namespace, name))
        if job is None or job.deleting or job.webjob.spec.type != "triggered":
            raise NoStack(f"There is no Stack {identifier}.")

    async def _view(self, site: Site) -> _View:
        registry, objects = await self._following.look(site)
        names: Sequence[str] = ()
        settings = await self._settings.effective(site)
        if not (settings.stopped or settings.schedules_disabled):
            jobs = await self._jobs.list(site, "triggered")
            names = [job.object_name for job in jobs if not job.webjob.spec.suspend]
        return _View(registry=registry, objects=objects, runnable=frozenset(names))
