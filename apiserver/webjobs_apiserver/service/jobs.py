"""WebJobs by the names that clients use: find, list, create, change, delete."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from copy import deepcopy
from dataclasses import replace
from datetime import datetime

from webjobs import names
from webjobs.files import package_history
from webjobs.model import API_VERSION, JobType, WebJob
from webjobs.model.limits import Limits
from webjobs.model.runtime_settings import BadSetting
from webjobs.objects import Object
from webjobs.times import utc_now
from webjobs_apiserver.errors import BadRequest, Changed, Missing, Refused, Unavailable
from webjobs_apiserver.sites import Site
from webjobs_apiserver.watching import job as job_module
from webjobs_apiserver.watching.job import Job as Job
from webjobs_apiserver.watching.watch import Feed
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import AlreadyExists, Conflict, NotFound

Edit = Callable[[Object], None]
"""A function that changes a WebJob's raw spec in place."""
Plan = Callable[["Job | None"], Awaitable[Edit]]
"""A function that returns the edit of a job as it is now; it gets None when there is none yet."""

TRIES = 8
"""Rounds of read and conditional write before the shim gives up; each lost round is somebody else's progress."""
UNSETTLED = "The WebJob is being changed by others at the same time. Try again."
_CHANGED = "The WebJob was changed by somebody else meanwhile."
_DELETING = "The WebJob is being deleted. Try again when it is gone."


class Jobs:
    """Operations on the WebJobs of a site."""

    def __init__(
        self,
        kube: KubeClient,
        *,
        feed: Feed,
        limits: Limits | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._kube = kube
        self._feed = feed
        self._limits = limits or Limits()
        self._clock = clock

    async def list(self, site: Site, job_type: JobType | None = None, *, scriptless: bool = False) -> list[Job]:
        """Return all jobs (of a type), triggered ones first, each type by name.

        ``scriptless``: also those whose files hold no script; for Kudu they are folders, not jobs
        (docs/kudu-contract.md, section 1.4).
        """
        if known := self._feed.known(site.namespace):
            found = known.jobs()
        else:
            parsed = (job_module.of(raw) for raw in await self._kube.list("WebJob", site.namespace))
            found = job_module.listed([job for job in parsed if job])
        return [
            job for job in found if job_type in (None, job.webjob.spec.type) and (scriptless or job.webjob.has_program)
        ]

    async def get(
        self, site: Site, job_type: JobType, name: str, *, scriptless: bool = False, fresh: bool = False
    ) -> Job:
        """Return one job.

        ``fresh``: as the API server has it now, for a caller that is about to write. Raises Missing when there is none.
        """
        job = await self.find(site, job_type, name, scriptless=scriptless, fresh=fresh)
        if job is None:
            raise Missing
        return job

    async def find(
        self, site: Site, job_type: JobType, name: str, *, scriptless: bool = False, fresh: bool = False
    ) -> Job | None:
        """Return one job; None when there is none, it is being deleted or (unless ``scriptless``) has no script."""
        job = await self._find(site, job_type, name, fresh=fresh)
        if job is None or job.deleting:
            return None
        return job if scriptless or job.webjob.has_program else None

    async def _find(self, site: Site, job_type: JobType, name: str, *, fresh: bool = True) -> Job | None:
        try:
            names.check(name)
        except names.JobNameError:
            return None
        known = None if fresh else self._feed.known(site.namespace)
        if known and (job := known.job(job_type, name)):
            return job
        for candidate in names.candidates(name, job_type):
            try:
                raw = await self._kube.get("WebJob", site.namespace, candidate)
            except NotFound:
                continue
            if job := self._as_job(raw, job_type, name):
                self._feed.observe(raw)
                return job
        if known:
            return None  # another replica could have made it just now, but only under the names above
        # Made by kubectl with a jobName that has nothing to do with its object name.
        listed = await self._kube.list("WebJob", site.namespace)
        for raw in sorted(listed, key=lambda raw: str(raw["metadata"]["name"])):
            whole = {"apiVersion": API_VERSION, "kind": "WebJob"} | raw  # items of a list come without
            if job := self._as_job(whole, job_type, name):
                return job
        return None

    def _as_job(self, raw: Object, job_type: JobType, name: str) -> Job | None:
        job = job_module.of(raw)
        return replace(job, name=name) if job and job.is_called(name, job_type) else None

    def _written(self, raw: Object, *, name: str) -> Job:
        """Return the job in the answer to a write."""
        self._feed.observe(raw)
        return Job(name=name, webjob=WebJob.parse(raw), raw=raw)

    async def save(self, site: Site, job_type: JobType, name: str, edit: Edit) -> Job:
        """Create a job or change the one that is there, in one write.

        ``edit`` may be called several times. Raises JobNameError, and Invalid when the API server refuses the result.
        """

        async def plan(job: Job | None) -> Edit:
            return edit

        return await self.save_planned(site, job_type, name, plan)

    async def save_planned(self, site: Site, job_type: JobType, name: str, plan: Plan, *, dry_run: bool = False) -> Job:
        """Create or change a job by an edit that depends on the job as it is, in one write.

        ``plan`` may be called several times; what it raises passes through. ``dry_run``: the API server only says
        whether it would take the result. Raises JobNameError, and Invalid when it refuses.
        """
        names.check(name)
        for _ in range(TRIES):
            job = await self._find(site, job_type, name)
            if job and job.deleting:
                raise Refused(_DELETING)
            edit = await plan(job)
            try:
                if job:
                    saved = await self._replace(job, edit, dry_run=dry_run)
                else:
                    saved = await self._create(site, job_type, name, edit, dry_run=dry_run)
            except (Conflict, NotFound):
                continue  # changed, created or deleted since we looked
            return saved
        raise Unavailable(UNSETTLED)

    async def change(self, site: Site, job_type: JobType, name: str, edit: Edit, *, version: str | None = None) -> Job:
        """Change a job that is there.

        ``version``: that the job must have, if it matters. Raises Missing when there is no such job, and Changed when
        it has another version.
        """
        for _ in range(TRIES):
            job = await self.get(site, job_type, name, scriptless=True, fresh=True)
            if version not in (None, job.version):
                raise Changed(_CHANGED, etag=job.version)
            try:
                return await self._replace(job, edit)
            except (Conflict, NotFound):
                continue
        raise Unavailable(UNSETTLED)

    async def go_back(self, site: Site, job_type: JobType, name: str, digest: str) -> Job:
        """Put an earlier package of a job in the place of the one that it has, with the settings of then.

        ``digest``: of the package, or its begin. Raises Missing, and BadRequest when there is no such package.
        """

        async def plan(job: Job | None) -> Edit:
            if job is None:
                raise Missing
            try:
                to = package_history.choose(job.raw, digest)
            except package_history.NothingEarlier as error:
                raise BadRequest(f"There is no going back: {error}") from None
            changed = package_history.go_back(job.raw, to, now=self._clock())["spec"]

            def edit(spec: Object) -> None:
                spec.clear()
                spec.update(changed)

            return edit

        return await self.save_planned(site, job_type, name, plan)

    async def _replace(self, job: Job, edit: Edit, *, dry_run: bool = False) -> Job:
        # A merge patch could not do it: it merges settings key by key, and can't store a null.
        changed = deepcopy(job.raw)
        edit(changed["spec"])
        if changed == job.raw:
            return job
        if changed["spec"].get("settings") != job.raw["spec"].get("settings"):
            self._check_limits(changed)
        package_history.record(job.raw, changed, now=self._clock())
        stored = await self._kube.replace(changed, dry_run=dry_run)
        return job if dry_run else self._written(stored, name=job.name)

    async def _create(self, site: Site, job_type: JobType, name: str, edit: Edit, *, dry_run: bool) -> Job:
        """Create a job under the first object name that is free.

        Raises Conflict when there is none.
        """
        plain, qualified = names.candidates(name, job_type)
        try:
            return await self._create_as(site, job_type, name, object_name=plain, edit=edit, dry_run=dry_run)
        except AlreadyExists:
            there = await self._kube.get("WebJob", site.namespace, plain)
            if self._as_job(there, job_type, name):
                raise  # the same job, made just now by another call
        return await self._create_as(site, job_type, name, object_name=qualified, edit=edit, dry_run=dry_run)

    async def _create_as(
        self, site: Site, job_type: JobType, name: str, *, object_name: str, edit: Edit, dry_run: bool
    ) -> Job:
        spec: Object = {"type": job_type}
        if name != object_name:
            spec["jobName"] = name
        edit(spec)
        manifest = {
            "apiVersion": API_VERSION,
            "kind": "WebJob",
            "metadata": {"name": object_name, "namespace": site.namespace},
            "spec": spec,
        }
        self._check_limits(manifest)
        stored = await self._kube.create(manifest, dry_run=dry_run)
        return Job(name=name, webjob=WebJob.parse(stored), raw=stored) if dry_run else self._written(stored, name=name)

    def _check_limits(self, raw: Object) -> None:
        """Raise BadRequest for settings that ask for what the operator would refuse."""
        try:
            image = WebJob.parse(raw).runtime.image
        except BadSetting:
            return  # the operator's condition says so, as for all that Kudu takes
        if image and (why := self._limits.refusal_of_image(image)):
            raise BadRequest(f"settings.job: {why}")

    async def delete(self, site: Site, job_type: JobType, name: str) -> bool:
        """Delete a job with all that belongs to it; return whether there was one."""
        job = await self.find(site, job_type, name, scriptless=True, fresh=True)
        if job is None:
            return False
        uid = job.webjob.metadata.uid
        try:
            # By uid: a job that was made anew under this name since then is another one.
            await self._kube.delete("WebJob", site.namespace, job.object_name, uid=uid)
        except (NotFound, Conflict):
            return False  # somebody else has just done it
        self._feed.forget("WebJob", site.namespace, name=job.object_name, uid=uid)
        return True

    async def set_stopped(self, site: Site, name: str, *, stopped: bool) -> None:
        """Stop or start a continuous job.

        Raises Missing when there is none.
        """
        job = await self.get(site, "continuous", name, fresh=True)
        if bool(job.webjob.spec.stopped) == stopped:
            return
        try:
            patch = {"spec": {"stopped": stopped}}
            self._feed.observe(await self._kube.patch("WebJob", site.namespace, job.object_name, patch))
        except NotFound:
            raise Missing from None

    async def set_settings(
        self, site: Site, job_type: JobType, name: str, settings: Object, *, version: str | None = None
    ) -> None:
        """Replace a job's settings as a whole.

        ``version`` and what is raised: as with ``change``.
        """

        def edit(spec: Object) -> None:
            spec["settings"] = settings
            if "package" in spec:
                spec["package"].pop("settingsError", None)  # what its file was to say has been said

        await self.change(site, job_type, name, edit, version=version)
