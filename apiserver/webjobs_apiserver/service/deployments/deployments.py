"""Deployments of a site: one at a time, by whichever replica of the shim, and to their end.

A deployment goes on after its request's end. When its process dies while jobs change, the process that is asked next
for deployments goes on with it.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import tempfile
import uuid
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import IO

from webjobs import times
from webjobs.store import FAILURES, ObjectStore
from webjobs.store.guard import uploading
from webjobs.store.packages import PackageError
from webjobs_apiserver.config import LimitsConfig
from webjobs_apiserver.errors import BadRequest, ServiceError
from webjobs_apiserver.service.deployments import records, transitions
from webjobs_apiserver.service.deployments.lease import Lease
from webjobs_apiserver.service.deployments.places import ROOT
from webjobs_apiserver.service.deployments.preparation import Preparation, Prepared, known
from webjobs_apiserver.service.deployments.records import Deployment, Line, State
from webjobs_apiserver.service.deployments.records_store import StoredRecords
from webjobs_apiserver.service.deployments.rollout import Lost, Progress, Rollout, Sleep
from webjobs_apiserver.service.files.writing import Writing
from webjobs_apiserver.service.jobs import Jobs
from webjobs_apiserver.service.room import Room
from webjobs_apiserver.service.site_contents import SiteContents
from webjobs_apiserver.service.uploads import receive
from webjobs_apiserver.sites import Site
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import ApiError
from webjobs_kube.tasks import cancelled

log = logging.getLogger(__name__)

ONLY_A_RECORD = "This deployment is a record without files: there is nothing to deploy again."


Prepare = Callable[[Progress], Awaitable[Prepared]]
"""A function that stores what is to be deployed, and returns it."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a client says of a deployment."""

    deployer: str
    """Program that deploys."""
    message: str = ""
    """Text for people."""
    author: str = ""
    """Name of who deploys."""
    author_email: str = ""
    """Address of who deploys."""
    clean: bool = False
    """True: files and jobs that came otherwise go, too."""
    base: str = ROOT
    """Folder of the file tree over which the zip is unpacked."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """The end of a deployment."""

    deployment: Deployment
    """Its record."""
    error: Exception | None = None
    """Why it failed."""


class Deployments:
    """Operations on the deployments of a site."""

    def __init__(
        self,
        kube: KubeClient,
        *,
        store: ObjectStore,
        jobs: Jobs,
        writing: Writing,
        room: Room,
        limits: LimitsConfig,
        clock: Callable[[], datetime],
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._records = StoredRecords(kube)
        contents = SiteContents(kube)
        self._rollout = Rollout(store, jobs=jobs, writing=writing, contents=contents, clock=clock, sleep=sleep)
        self._store = store
        self._preparation = Preparation(store, room=room, limits=limits, clock=clock)
        self._limits = limits
        self._clock = clock
        self._holder = f"{socket.gethostname()}/{uuid.uuid4().hex}"
        self._lease = Lease(self._records, holder=self._holder, clock=clock, sleep=sleep)
        self._tasks: set[asyncio.Task[Ended]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """End what still goes on at the end of the context; another process goes on with it."""
        try:
            yield
        finally:
            await cancelled(self._tasks)

    async def all(self, site: Site) -> State:
        """Return the deployments of a site. One whose process is dead goes on here, or has failed."""
        state = await self._records.read(site)
        if state.pending is None or not state.pending.is_abandoned(self._clock()):
            return state
        mine: Deployment | None = None

        def take(there: State) -> State:
            nonlocal mine
            after, mine = transitions.taken_over(there, holder=self._holder, now=self._clock())
            return after

        state = await self._records.change(site, take)
        if mine:
            self._begin(site, mine, partial(known, mine), file=None)
        return state

    async def deploy(self, site: Site, asked: Asked, *, body: AsyncIterable[bytes], size: int | None) -> Deployment:
        """Begin to deploy a zip; return its record as soon as that is written.

        Raises Refused while another deployment goes on, and TooLarge.
        """
        transitions.check_free(await self._records.read(site), now=self._clock())  # before all of the zip is read
        file = tempfile.TemporaryFile()  # noqa: SIM115  it outlives the request
        try:
            received = await receive(body, size=size, file=file, limit=self._limits.upload_bytes)
            new = self._new(asked)
            await self._records.change(site, lambda state: transitions.begun(state, new, now=self._clock()))
        except BaseException:
            file.close()
            raise
        zip_file = self._preparation.zip_file(file, size=received, base=asked.base)
        self._begin(site, new, partial(self._preparation.store, site, zip_file), file=file)
        return new

    async def again(self, site: Site, identifier: str) -> Deployment:
        """Begin to deploy an earlier deployment once more; return its record.

        Raises Missing, BadRequest for one without files, Refused while another deployment goes on.
        """
        found = (await self.all(site)).get(identifier)
        if not found.jobs:
            raise BadRequest(ONLY_A_RECORD)
        now = times.rfc3339(self._clock())
        line = Line(time=now, message="Deployed again.")
        renewed = {"renewed": now, "received": now, "start": now, "end": None, "holder": self._holder}
        new = found.model_copy(update=renewed | {"status": records.PENDING, "status_text": "", "log": (line,)})
        await self._records.change(site, lambda state: transitions.begun(state, new, now=self._clock()))
        self._begin(site, new, partial(known, found), file=None)
        return new

    async def ended(self, identifier: str) -> Ended:
        """Return the end of a deployment that this process has begun. It goes on when the caller is cancelled."""
        task = next(task for task in self._tasks if task.get_name() == identifier)
        return await asyncio.shield(task)

    async def record(self, site: Site, new: Deployment, *, active: bool) -> Deployment:
        """Keep a client's record of a deployment. Raises Exists when the id is taken, BadRequest."""
        await self._records.change(site, lambda state: transitions.recorded(state, new, active=active))
        return new

    async def delete(self, site: Site, identifier: str) -> None:
        """Delete the record of a deployment. Raises Missing, and Refused for one that is active or goes on."""
        await self._records.change(site, lambda state: transitions.removed(state, identifier))

    def _new(self, asked: Asked) -> Deployment:
        now = times.rfc3339(self._clock())
        return Deployment(
            id=uuid.uuid4().hex,
            deployer=asked.deployer,
            author=asked.author or "N/A",
            author_email=asked.author_email or "N/A",
            message=asked.message,
            received=now,
            start=now,
            renewed=now,
            holder=self._holder,
            clean=asked.clean,
            progress="Looking at the zip",
        )

    def _begin(self, site: Site, mine: Deployment, prepare: Prepare, *, file: IO[bytes] | None) -> None:
        task = asyncio.create_task(self._carried_out(site, mine, prepare, file=file), name=mine.id)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carried_out(self, site: Site, mine: Deployment, prepare: Prepare, *, file: IO[bytes] | None) -> Ended:
        progress = Progress(text=mine.progress)
        try:
            async with self._lease.held(site, mine.id, progress) as may_go_on:
                try:
                    async with uploading(self._store, namespace=site.namespace):
                        prepared = await prepare(progress)
                        await self._roll_out(site, mine, prepared, progress=progress, may_go_on=may_go_on)
                    return Ended(deployment=await self._succeeded(site, mine, progress))
                except Exception as error:
                    log.warning("deployment %s of %s failed: %s", mine.id, site.namespace, type(error).__name__)
                    return Ended(deployment=await self._failed(site, mine, progress, error), error=error)
        finally:
            if file:
                file.close()

    async def _roll_out(
        self,
        site: Site,
        mine: Deployment,
        prepared: Prepared,
        *,
        progress: Progress,
        may_go_on: Callable[[], None],
    ) -> None:
        state = await self._records.read(site)
        plan = await self._rollout.plan(site, state, prepared.jobs, content=prepared.content, clean=mine.clean)
        may_go_on()
        applying = partial(
            transitions.applying, identifier=mine.id, holder=self._holder, jobs=prepared.jobs, content=prepared.content
        )
        state = await self._records.change(site, lambda there: applying(there, now=self._clock()))
        await self._rollout.carry_out(
            site,
            state,
            plan,
            content=prepared.content,
            clean=mine.clean,
            progress=progress,
            may_go_on=may_go_on,
        )

    async def _succeeded(self, site: Site, mine: Deployment, progress: Progress) -> Deployment:
        done = partial(
            transitions.succeeded,
            identifier=mine.id,
            holder=self._holder,
            uids=progress.uids,
            log=tuple(progress.lines),
        )
        state = await self._records.change(site, lambda there: done(there, now=self._clock()))
        return state.get(mine.id)

    async def _failed(self, site: Site, mine: Deployment, progress: Progress, error: Exception) -> Deployment:
        """Record that a deployment has failed; return its record, as far as that can be written."""
        text, lines = text_of(error), tuple(progress.lines)
        if isinstance(error, Lost):  # its record is another process's
            return mine.model_copy(update={"status": records.FAILED, "status_text": text})
        failed = partial(transitions.failed, identifier=mine.id, text=text, holder=self._holder, log=lines)
        try:
            state = await self._records.change(site, lambda there: failed(there, now=self._clock()))
        except (ServiceError, ApiError) as second:
            log.warning("the end of deployment %s of %s is not recorded: %s", mine.id, site.namespace, second)
            return mine.model_copy(update={"status": records.FAILED, "status_text": text})
        return state.get(mine.id)


def text_of(error: Exception) -> str:
    """Return what people are told of a failed deployment; details of what is behind the shim are for the log."""
    match error:
        case Lost():
            return "Another process has taken over the deployment."
        case ServiceError():
            return error.message or "A WebJob was deleted meanwhile."
        case PackageError():
            return f"A file can't be read: {error}."
        case ApiError():
            return f"The Kubernetes API did not do it ({error.reason}). Deploy again later."
        case TimeoutError():
            return "It took too long. Deploy again."
    if isinstance(error, FAILURES):
        return "The store for packages and logs does not answer. Deploy again later."
    log.error("a deployment failed", exc_info=error)
    return "An error has occurred. The log of the REST shim says more."
