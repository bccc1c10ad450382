"""Runs of triggered jobs: start one (at most one at a time), and read the history."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from webjobs import runs
from webjobs.model import API_VERSION, LABEL_WEBJOB, WebJobRun
from webjobs_apiserver.appsettings import AppSettings
from webjobs_apiserver.errors import BadRequest, Busy, Missing, Refused, ServiceError, Stopped, Unavailable
from webjobs_apiserver.feed import Feed
from webjobs_apiserver.jobs import TRIES, Job, Jobs
from webjobs_apiserver.sites import Site
from webjobs_apiserver.storedruns import StoredRuns
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import AlreadyExists, ApiError, Conflict, NotFound

log = logging.getLogger(__name__)

Object = dict[str, Any]

_INCURABLE = frozenset({"WindowsOnly", "UnknownScript", "NoRuntime", "InvalidSettings", "TooLargeForWindows"})
"""Reasons of a false Ready with which each run fails: none of them keeps another from its turn."""
_SHORT = timedelta(seconds=2)
"""Age up to which the end of an active run is waited for, of a job whose runs begin and end within moments."""
_PATIENCE = timedelta(seconds=1)
_LOOK_SECONDS = 0.005
_RUN_ID_STEP = timedelta(microseconds=100)
_TRIGGER_LENGTH = 1024
_ARGUMENTS_LENGTH = 65536
_UNSETTLED = "The WebJob is being changed by others at the same time. Try again."


class Runs:
    """Operations on the WebJobRuns of a site."""

    def __init__(
        self, kube: KubeClient, *, feed: Feed, jobs: Jobs, stored: StoredRuns, clock: Callable[[], datetime]
    ) -> None:
        self._kube = kube
        self._feed = feed
        self._jobs = jobs
        self._stored = stored
        self._clock = clock
        self._settings = AppSettings(kube)

    async def latest(self, site: Site) -> Mapping[str, WebJobRun]:
        """The newest run of every job of the site, by the object name of the job."""
        if known := self._feed.known(site.namespace):
            return known.latest()
        newest: dict[str, tuple[str, Object]] = {}
        for raw in await self._kube.list("WebJobRun", site.namespace):
            status, job = raw.get("status", {}), raw["spec"]["webJobName"]
            if status.get("state") == "Skipped":
                continue
            # There can be fifty of them a job: only the one that counts becomes a model.
            run_id = status.get("runId") or runs.run_id(WebJobRun.parse(raw))
            if job not in newest or run_id > newest[job][0]:
                newest[job] = (run_id, raw)
        return {job: WebJobRun.parse(raw) for job, (_, raw) in newest.items()}

    async def latest_of(self, site: Site, job: Job) -> WebJobRun | None:
        """The newest run of a job."""
        if known := self._feed.known(site.namespace):
            return known.latest().get(job.object_name)
        found = await self._of_job(site, job)
        return found[0] if found else None

    async def of_job(self, site: Site, job: Job) -> list[WebJobRun]:
        """All runs of a job that are WebJobRuns, newest first, without those that were skipped."""
        if known := self._feed.known(site.namespace):
            return known.runs(job.object_name)
        return await self._of_job(site, job)

    async def _of_job(self, site: Site, job: Job) -> list[WebJobRun]:
        selector = f"{LABEL_WEBJOB}={job.object_name}"
        known = [WebJobRun.parse(raw) for raw in await self._kube.list("WebJobRun", site.namespace, selector=selector)]
        return sorted((run for run in known if run.status.state != "Skipped"), key=runs.run_id, reverse=True)

    async def history(self, site: Site, name: str) -> tuple[Job, list[WebJobRun]]:
        """A job and its runs that are WebJobRuns, newest first; those of ``older`` come after them.

        Missing when there is no such job, and for a job that has neither run nor a schedule (contract, section 1.4).
        """
        job = await self._jobs.get(site, "triggered", name)
        found = await self.of_job(site, job)
        if not found and job.webjob.schedule is None and job.webjob.status.stored_runs is None:
            raise Missing
        return job, found

    async def older(self, site: Site, job: Job, known: Sequence[WebJobRun]) -> list[WebJobRun]:
        """The runs of a job that are in the store only, newest first. ``known``: its WebJobRuns, looked up before.

        In this order, because a run is stored before its WebJobRun goes. Raises what the store raises.
        """
        return await self._stored.all(site, job, besides={runs.run_id(run) for run in known})

    async def older_ids(self, site: Site, job: Job, known: Collection[str]) -> list[str]:
        """The same of their ids; nothing but the listing is read."""
        return await self._stored.ids(site, job, besides=known)

    async def get(self, site: Site, name: str, run_id: str) -> tuple[Job, WebJobRun]:
        """A job and one run of it; Missing when one of them is not there."""
        job = await self._jobs.get(site, "triggered", name)
        return job, await self._get(site, job, run_id)

    async def _get(self, site: Site, job: Job, run_id: str) -> WebJobRun:
        if runs.time_of_run_id(run_id) is None:
            raise Missing
        known = self._feed.known(site.namespace)
        remembered = known.run(job.object_name, run_id) if known else None
        if known and not remembered and (older := await self._stored.get(site, job, run_id)):
            return older
        # Not there: another replica may have started it just now.
        for run in [remembered] if remembered else await self._read(site, job, run_id):
            if (
                run.spec.web_job_name == job.object_name
                and runs.run_id(run) == run_id
                and run.status.state != "Skipped"
            ):
                return run
        if not known and (older := await self._stored.get(site, job, run_id)):
            return older
        raise Missing

    async def _read(self, site: Site, job: Job, run_id: str) -> list[WebJobRun]:
        """What the API server has that can be the run."""
        named = runs.object_name(webjob=job.object_name, run_id=run_id)
        try:
            return [WebJobRun.parse(await self._kube.get("WebJobRun", site.namespace, named))]
        except NotFound:
            return await self._of_job(site, job)  # made by somebody else, under a name of their own

    async def start(self, site: Site, name: str, *, arguments: str | None, trigger: str) -> tuple[Job, str]:
        """Starts a run; gives the job and the run's id, under which it can be read at once.

        Raises Missing, Stopped (the whole site is), Busy (the job takes one run at a time) and BadRequest. A job
        that can't run here (run.cmd, say) is accepted as by Kudu; its run fails, and its log says what to do.
        """
        if arguments and ("\0" in arguments or len(arguments) > _ARGUMENTS_LENGTH):
            raise BadRequest(f"The arguments must have at most {_ARGUMENTS_LENGTH} characters and no NUL among them.")
        began = self._clock()
        while True:
            try:
                return await self._start(site, name, arguments=arguments, trigger=trigger)
            except Busy:
                if not await self._ends_soon(site, name, before=began + _PATIENCE):
                    raise

    async def _ends_soon(self, site: Site, name: str, *, before: datetime) -> bool:
        """Waits a moment for the end of a run that has just begun, of a job with pods that wait for runs.

        Such runs are over within a tenth of a second: who starts two in a row, as with Kudu, is not told of the first.
        """
        while self._clock() < before and (known := self._feed.known(site.namespace)):
            webjob = (await self._jobs.get(site, "triggered", name)).webjob
            active = webjob.status.active_run
            if webjob.status.warm_ready is None:
                return False
            if active is None or (run := known.run_named(active.name)) is None or run.ended:
                return True
            if self._clock() - runs.start_time(run) > _SHORT:
                return False
            await asyncio.sleep(_LOOK_SECONDS)
        return False

    async def _start(self, site: Site, name: str, *, arguments: str | None, trigger: str) -> tuple[Job, str]:
        fresh = self._feed.known(site.namespace) is None
        for attempt in range(TRIES):
            now = self._clock()
            run_id = runs.run_id_at(now + attempt * _RUN_ID_STEP)
            try:
                job = await self._jobs.get(site, "triggered", name, fresh=fresh)
                settings = await self._settings.effective(site)
                if settings.stopped:
                    raise Stopped
                manifest = _manifest(job, run_id, arguments=arguments, trigger=trigger[:_TRIGGER_LENGTH])
                policy = job.webjob.spec.concurrency_policy or settings.concurrency_policy or "Forbid"
                if policy == "Forbid" and not _is_incurable(job):
                    await self._start_locked(site, job, manifest, now=now, fresh=fresh)
                else:  # the operator decides what becomes of it
                    await self._create(site, manifest)
            except Conflict:  # AlreadyExists among them: another run has this id
                fresh = True
                continue
            except ServiceError:
                if fresh:
                    raise
                fresh = True  # from memory no client is refused: the news that it has seen may not be here yet
                continue
            return job, run_id
        raise Unavailable(_UNSETTLED)

    async def cancel(self, site: Site, name: str, run_id: str) -> None:
        """Asks for the end of a run. Missing when there is none, Refused when it has ended."""
        _, run = await self.get(site, name, run_id)
        if run.ended:
            raise Refused(f"Run {run_id} has ended already: {run.status.state}.")
        if not run.spec.cancel:
            try:
                patch = {"spec": {"cancel": True}}
                self._feed.observe(await self._kube.patch("WebJobRun", site.namespace, run.metadata.name, patch))
            except NotFound:
                raise Missing from None

    async def _create(self, site: Site, manifest: Object) -> None:
        """Also fine when only the answer was lost: a client that is told of a failure would start a second run."""
        try:
            self._feed.observe(await self._kube.create(manifest))
        except AlreadyExists:
            raise
        except ApiError:
            if not await self._is_created(site, manifest):
                raise

    async def _start_locked(self, site: Site, job: Job, manifest: Object, *, now: datetime, fresh: bool) -> None:
        """Takes the lock and creates the run. Conflict: decide again, on the job as it is then."""
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
            await self._create(site, manifest)
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
            "startTime": runs.rfc3339(now),
            "endTime": None,  # the run before it may have left one
            "trigger": trigger,
        }
        await self._patch_status(
            site, job.raw, {"activeRun": {"name": name, "since": runs.rfc3339(now)}, "latestRun": latest}
        )

    async def _patch_status(self, site: Site, raw: Object, status: Object) -> None:
        meta = raw["metadata"]
        patch = {"metadata": {"resourceVersion": meta["resourceVersion"]}, "status": status}
        written = await self._kube.patch("WebJob", site.namespace, meta["name"], patch, subresource="status")
        self._feed.observe(written)

    async def _is_created(self, site: Site, manifest: Object) -> bool:
        """Whether a run whose creation seemed to fail is there after all: only the answer was lost."""
        try:
            await self._kube.get("WebJobRun", site.namespace, manifest["metadata"]["name"])
        except ApiError:
            return False
        return True

    async def _check_lock(self, site: Site, job: Job, manifest: Object) -> None:
        """After writes that took so long that the lock may have counted as void, and be another run's: Busy then."""
        raw, name = await self._kube.get("WebJob", site.namespace, job.object_name), manifest["metadata"]["name"]
        if raw.get("status", {}).get("activeRun", {}).get("name") == name:
            return
        run = WebJobRun.parse(await self._kube.get("WebJobRun", site.namespace, name))
        if run.status.state not in (None, "Skipped"):
            return  # it had its turn all the same
        await self._kube.delete("WebJobRun", site.namespace, name, uid=run.metadata.uid)
        raise Busy

    async def _release(self, site: Site, job: Job, manifest: Object) -> None:
        """Takes the lock back if it is still ours. Best effort: without it the lock ends after its grace."""
        name = manifest["metadata"]["name"]
        before = job.raw.get("status", {}).get("latestRun")
        try:
            for _ in range(TRIES):
                raw = await self._kube.get("WebJob", site.namespace, job.object_name)
                status = raw.get("status", {})
                if status.get("activeRun", {}).get("name") != name:
                    return
                patch: Object = {"activeRun": None}
                if status.get("latestRun", {}).get("name") == name:
                    patch["latestRun"] = dict.fromkeys(status["latestRun"]) | before if before else None
                try:
                    await self._patch_status(site, raw, patch)
                except Conflict:
                    continue
                return
        except ApiError as error:
            log.warning("the lock of WebJob %s/%s stays until its grace ends: %s", site.namespace, name, error)


def _is_incurable(job: Job) -> bool:
    webjob = job.webjob
    return any(
        one.type == "Ready" and one.reason in _INCURABLE and one.observed_generation == webjob.metadata.generation
        for one in webjob.status.conditions
    )


def _manifest(job: Job, run_id: str, *, arguments: str | None, trigger: str) -> Object:
    meta = job.webjob.metadata
    spec = {"webJobName": meta.name, "trigger": trigger}
    if arguments:
        spec["arguments"] = arguments
    owner = {
        "apiVersion": API_VERSION,
        "kind": "WebJob",
        "name": meta.name,
        "uid": meta.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "WebJobRun",
        "metadata": {
            "name": runs.object_name(webjob=meta.name, run_id=run_id),
            "namespace": meta.namespace,
            "labels": {LABEL_WEBJOB: meta.name},
            "ownerReferences": [owner],
        },
        "spec": spec,
    }
