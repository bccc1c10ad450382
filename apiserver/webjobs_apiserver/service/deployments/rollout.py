"""The jobs of a deployment: all of them change, or none.

What the API server would refuse is found out before the first write, by dry runs. A write that fails all the same takes
the ones before it back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Literal, TypeVar

from webjobs import times
from webjobs.model import JobType
from webjobs.model.site.site_content import SiteContent
from webjobs.objects import Object
from webjobs.store import FAILURES, ObjectStore, packages
from webjobs.store.job_files import Change
from webjobs.store.packages import Manifest, PackageError
from webjobs_apiserver.errors import BadRequest, ServiceError, Unavailable
from webjobs_apiserver.service.deployments.job_files import change_of, same_files
from webjobs_apiserver.service.deployments.records import DeployedJob, Line, Place, State, key_of
from webjobs_apiserver.service.files.writing import Decide, Writing
from webjobs_apiserver.service.jobs import Job, Jobs
from webjobs_apiserver.service.site_contents import SiteContents
from webjobs_apiserver.sites import Site
from webjobs_kube.backoff import Backoff
from webjobs_kube.errors import ApiError, Invalid

log = logging.getLogger(__name__)

T = TypeVar("T")
_PATIENCE = timedelta(minutes=2)
"""Time for which a write is tried again while the API server or the store does not answer."""

Sleep = Callable[[float], Awaitable[None]]
Check = Callable[[], None]
"""A function that raises Lost when this process may not go on."""


class Lost(Exception):
    """A deployment that this process may not go on with: another one may have it by now."""


@dataclass
class Progress:
    """How far a rollout is; it is filled while it goes on."""

    text: str = ""
    """What is being done, for people."""
    lines: list[Line] = field(default_factory=list)
    """Lines for the log of the deployment."""
    uids: dict[str, str] = field(default_factory=dict)
    """UIDs of the WebJobs of the jobs, by the jobs' identity."""

    def say(self, message: str, *, now: datetime, type_: Literal[0, 1, 2] = 0) -> None:
        """Add a line for the log. ``type_``: Kudu's kind of it, as in ``Line``."""
        self.lines.append(Line(time=times.rfc3339(now), message=message, type=type_))


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A job of a deployment, and what becomes of its files."""

    job: DeployedJob
    """The job."""
    decide: Decide
    """Function that returns the change for the files as they are."""


@dataclass(frozen=True, kw_only=True)
class _Before:
    """A job as it was before its write."""

    job_type: JobType
    name: str
    spec: Object | None
    """None: there was none."""


class Rollout:
    """Changes of the jobs of a site by a deployment."""

    def __init__(
        self,
        store: ObjectStore,
        *,
        jobs: Jobs,
        writing: Writing,
        contents: SiteContents,
        clock: Callable[[], datetime],
        sleep: Sleep,
    ) -> None:
        self._store = store
        self._contents = contents
        self._jobs = jobs
        self._writing = writing
        self._clock = clock
        self._sleep = sleep

    async def plan(
        self,
        site: Site,
        state: State,
        jobs: Sequence[DeployedJob],
        *,
        content: SiteContent | None,
        clean: bool,
    ) -> list[Planned]:
        """Return what becomes of each job, once the API server would take all of it. Nothing changes.

        Raises BadRequest, which names the job, when one can't be written, and Unavailable when the content can't.
        """
        found = []
        if content:
            await self._contents.put(site, content, dry_run=True)
        for job in jobs:
            decide = await self._decide(site, state, job, clean=clean)
            with _named(job):
                await self._writing.change(site, job.job_type, job.name, decide, dry_run=True)
            found.append(Planned(job=job, decide=decide))
        return found

    async def carry_out(
        self,
        site: Site,
        state: State,
        plan: Sequence[Planned],
        *,
        content: SiteContent | None,
        clean: bool,
        progress: Progress,
        may_go_on: Check,
    ) -> None:
        """Put the site's content in force and write all jobs, then remove jobs of earlier deployments that are gone.

        ``content``: None: it stays as it is. ``may_go_on`` is called before each write. It can be repeated. What a
        write raises comes through, when all that was written before it is as it was.
        """
        before = await self._again(partial(self._contents.read, site)) if content else None
        done: list[_Before] = []
        try:
            # Content first: a new job that wants it would begin without it, and be started anew.
            if content:
                may_go_on()
                await self._again(partial(self._put_content, site, content, progress=progress))
            for number, one in enumerate(plan):
                may_go_on()
                progress.text = f"Deploying {number + 1} of {len(plan)} jobs"
                await self._again(partial(self._put, site, one, progress=progress, done=done))
        except Lost:
            raise  # whoever goes on with it knows all of it
        except Exception:
            await self._undo(site, done)
            if content:
                await self._undo_content(site, before or content.model_copy(update={"files": 0, "size": 0}))
            raise
        kept = {one.job.key for one in plan}
        for key, place in sorted(state.places.items()):
            if key not in kept:
                may_go_on()
                await self._again(partial(self._remove, site, place, progress=progress))
        if clean:
            for other in await self._jobs.list(site, scriptless=True):
                may_go_on()
                if key_of(other.webjob.spec.type, other.name) not in kept:
                    await self._again(partial(self._delete, site, other, progress=progress))

    async def _put(self, site: Site, planned: Planned, *, progress: Progress, done: list[_Before]) -> None:
        job = planned.job
        there = await self._jobs.find(site, job.job_type, job.name, scriptless=True, fresh=True)
        before = deepcopy(there.raw["spec"]) if there else None
        done.append(_Before(job_type=job.job_type, name=job.name, spec=before))
        with _named(job):
            saved = await self._writing.change(site, job.job_type, job.name, planned.decide)
        word = "created" if before is None else "unchanged" if saved.raw["spec"] == before else "updated"
        progress.say(f"{job.job_type}/{job.name}: {word}", now=self._clock())
        if not saved.webjob.has_program:
            progress.say(f"{job.job_type}/{job.name}: there is no script that can run", now=self._clock(), type_=1)
        progress.uids[job.key] = saved.webjob.metadata.uid

    async def _put_content(self, site: Site, content: SiteContent, *, progress: Progress) -> None:
        before = await self._contents.read(site)
        is_new = not await self._has_same_files(site, before, content)
        if is_new:
            await self._contents.put(site, content)
        if content.files or before:
            word = "unchanged" if not is_new else "updated" if content.files else "removed"
            text = f"content of the site: {word} ({content.files} files, {content.size} bytes)"
            progress.say(text, now=self._clock())

    async def _has_same_files(self, site: Site, before: SiteContent | None, content: SiteContent) -> bool:
        """Return whether the content in force differs from another in times of files at most: builds set them anew."""
        if before is None or (before.size, before.files) != (content.size, content.files):
            return before is None and not content.files
        try:
            there, wanted = [await self._manifest(site, one.digest) for one in (before, content)]
        except PackageError:
            return False  # what is in force is lost
        return same_files(there, wanted)

    async def _decide(self, site: Site, state: State, job: DeployedJob, *, clean: bool) -> Decide:
        wanted = await self._manifest(site, job.package)
        place = state.places.get(job.key)
        earlier = await self._paths(site, place) if place else frozenset()
        return partial(change_of, wanted=wanted, earlier=earlier, clean=clean)

    async def _remove(self, site: Site, place: Place, *, progress: Progress) -> None:
        """Remove what deployments put into a job; with its last file goes the job."""
        name = f"{place.job_type}/{place.name}"
        job = await self._jobs.find(site, place.job_type, place.name, scriptless=True, fresh=True)
        if job is None:
            return
        package = job.webjob.spec.package
        if package is None or (place.uid and job.webjob.metadata.uid != place.uid):
            progress.say(f"{name}: stays, as it was made otherwise since", now=self._clock(), type_=1)
            return
        earlier, there = await self._paths(site, place), await self._manifest(site, package.digest)
        if set(there.files) <= earlier:
            await self._delete(site, job, progress=progress)
            return
        gone = frozenset(earlier & set(there.files))
        await self._writing.change(site, place.job_type, place.name, lambda _: Change(deletes=gone))
        progress.say(f"{name}: its files are removed, others stay", now=self._clock(), type_=1)

    async def _delete(self, site: Site, job: Job, *, progress: Progress) -> None:
        await self._jobs.delete(site, job.webjob.spec.type, job.name)
        progress.say(f"{job.webjob.spec.type}/{job.name}: removed", now=self._clock())

    async def _undo(self, site: Site, done: Iterable[_Before]) -> None:
        """Put jobs back as they were; one that can't be put back is left to the next deployment."""
        for one in reversed(list(done)):
            try:
                if one.spec is None:
                    await self._jobs.delete(site, one.job_type, one.name)
                else:
                    await self._jobs.save(site, one.job_type, one.name, partial(_put_back, wanted=one.spec))
            except (ServiceError, ApiError, *FAILURES) as error:
                log.warning("%s/%s of %s is not as it was: %s", one.job_type, one.name, site.namespace, error)

    async def _undo_content(self, site: Site, before: SiteContent) -> None:
        """Put the content back in force that was it before; files 0: there was none."""
        try:
            await self._contents.put(site, before)
        except (ServiceError, ApiError) as error:
            log.warning("the content of %s is not as it was: %s", site.namespace, error)

    async def _again(self, call: Callable[[], Awaitable[T]]) -> T:
        """Return what a call returns; it is made again for a while when something behind the shim does not answer."""
        pauses, end = Backoff(0.5, 10), self._clock() + _PATIENCE
        while True:
            try:
                return await call()
            except (ApiError, Unavailable, *FAILURES) as error:
                if (isinstance(error, ApiError) and error.is_refusal) or self._clock() > end:
                    raise
                await self._sleep(pauses.next())

    async def _manifest(self, site: Site, digest: str) -> Manifest:
        return await asyncio.to_thread(packages.read_manifest, self._store, namespace=site.namespace, digest=digest)

    async def _paths(self, site: Site, place: Place) -> frozenset[str]:
        """Return the paths of the files that deployments put into a job, as far as that is still known."""
        found: set[str] = set()
        for digest in place.packages:
            try:
                found.update((await self._manifest(site, digest)).files)
            except PackageError as error:
                log.warning("files of an earlier deployment of %s are not known: %s", site.namespace, error)
        return frozenset(found)


@contextmanager
def _named(job: DeployedJob) -> Iterator[None]:
    """Raise a refusal of a job as BadRequest that names it; what may pass comes through."""
    try:
        yield
    except Unavailable:
        raise
    except (ServiceError, Invalid) as error:
        raise BadRequest(f"{job.job_type}/{job.name}: {error.message}") from error


def _put_back(spec: Object, *, wanted: Object) -> None:
    spec.clear()
    spec.update(deepcopy(wanted))
