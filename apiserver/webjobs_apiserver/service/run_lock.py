"""The creation of runs; for a job that takes one at a time under its lock, ``status.activeRun`` of the WebJob.

The lock is taken by a conditional write before the run is created, so that a 202 never has to be taken back.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from webjobs import times
from webjobs.model import WebJobRun
from webjobs.objects import Object
from webjobs.runs import runs
from webjobs_apiserver.errors import Busy, Missing
from webjobs_apiserver.sites import Site
from webjobs_apiserver.watching.job import Job
from webjobs_apiserver.watching.watch import Feed
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import AlreadyExists, ApiError, Conflict, NotFound
from webjobs_kube.update import update_by_patch

log = logging.getLogger(__name__)


class RunLock:
    """The writes that start a run."""

    def __init__(self, kube: KubeClient, *, feed: Feed, clock: Callable[[], datetime]) -> None:
        self._kube = kube
        self._feed = feed
        self._clock = clock

    async def create(self, site: Site, manifest: Object) -> None:
        """Create a run.

        Also fine when only the answer was lost: a client that is told of a failure would start a second run.
        """
        try:
            self._feed.observe(await self._kube.create(manifest))
        except AlreadyExists:
            raise
        except ApiError:
            if not await self._is_created(site, manifest):
                raise

    async def create_locked(self, site: Site, job: Job, manifest: Object, *, now: datetime, fresh: bool) -> None:
        """Take the lock of a job and create a run.

        Raises Busy when another run holds the lock, Missing when the job is gone, and Conflict when it has changed:
        decide again, on the job as it is then.
        """
        if await self._held(site, job, now=now, fresh=fresh):
            raise Busy
        try:
            await self._lock(site, job, manifest, now=now)
        except Conflict:
            raise
        except NotFound:
            raise Missing from None
        except ApiError:
            await self._release(site, job, manifest)  # the answer may have been lost after the write
            raise
        try:
            await self.create(site, manifest)
        except ApiError:
            await self._release(site, job, manifest)
            raise
        if self._clock() - now > runs.LOCK_GRACE / 2:
            await self._check_lock(site, job, manifest)

    async def _held(self, site: Site, job: Job, *, now: datetime, fresh: bool) -> bool:
        active = job.webjob.status.active_run
        if active is None:
            return False
        known = None if fresh else self._feed.known(site.namespace)
        if known and (run := known.run_named(active.name)):
            return runs.lock_is_held(job.webjob, {active.name: run}, now=now, grace=runs.LOCK_GRACE)
        try:
            holder = {active.name: WebJobRun.parse(await self._kube.get("WebJobRun", site.namespace, active.name))}
        except NotFound:
            holder = {}
        return runs.lock_is_held(job.webjob, holder, now=now, grace=runs.LOCK_GRACE)

    async def _lock(self, site: Site, job: Job, manifest: Object, *, now: datetime) -> None:
        name, trigger = manifest["metadata"]["name"], manifest["spec"]["trigger"]
        latest = {
            "name": name,
            "runId": name[-18:],
            "state": "Initializing",
            "startTime": times.rfc3339(now),
            "endTime": None,  # the run before it may have left one
            "trigger": trigger,
        }
        patch = {
            "metadata": {"resourceVersion": job.raw["metadata"]["resourceVersion"]},
            "status": {"activeRun": {"name": name, "since": times.rfc3339(now)}, "latestRun": latest},
        }
        written = await self._kube.patch("WebJob", site.namespace, job.object_name, patch, subresource="status")
        self._feed.observe(written)

    async def _is_created(self, site: Site, manifest: Object) -> bool:
        """Return whether a run whose creation seemed to fail is there after all: only the answer was lost."""
        try:
            await self._kube.get("WebJobRun", site.namespace, manifest["metadata"]["name"])
        except ApiError:
            return False
        return True

    async def _check_lock(self, site: Site, job: Job, manifest: Object) -> None:
        """Raise Busy when the lock is another run's by now.

        For use after writes that took so long that the lock may have counted as void.
        """
        raw, name = await self._kube.get("WebJob", site.namespace, job.object_name), manifest["metadata"]["name"]
        if raw.get("status", {}).get("activeRun", {}).get("name") == name:
            return
        run = WebJobRun.parse(await self._kube.get("WebJobRun", site.namespace, name))
        if run.status.state not in (None, "Skipped"):
            return  # it had its turn all the same
        await self._kube.delete("WebJobRun", site.namespace, name, uid=run.metadata.uid)
        raise Busy

    async def _release(self, site: Site, job: Job, manifest: Object) -> None:
        """Give the lock back if the run still holds it.

        Best effort: without it the lock ends after its grace.
        """
        name = manifest["metadata"]["name"]
        before = job.raw.get("status", {}).get("latestRun")

        def without(raw: Object) -> Object | None:
            status = raw.get("status", {})
            if status.get("activeRun", {}).get("name") != name:
                return None
            patch: Object = {"activeRun": None}
            if status.get("latestRun", {}).get("name") == name:
                patch["latestRun"] = dict.fromkeys(status["latestRun"]) | before if before else None
            return {"status": patch}

        try:
            written = await update_by_patch(
                self._kube, "WebJob", site.namespace, job.object_name, without, subresource="status"
            )
        except ApiError as error:
            log.warning("the lock of WebJob %s/%s stays until its grace ends: %s", site.namespace, name, error)
        else:
            if written:
                self._feed.observe(written)
