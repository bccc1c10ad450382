"""Runs of triggered jobs: start one (``run_lock.py`` at most one at a time), and read the history."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from webjobs import times
from webjobs.model import ANNOTATION_CANCELLED_BY, ANNOTATION_REQUESTED_BY, LABEL_WEBJOB, WebJobRun
from webjobs.objects import Object
from webjobs.runs import runs
from webjobs.runs.manifest import owned_run
from webjobs_apiserver.errors import BadRequest, Busy, Missing, Refused, ServiceError, Stopped, Unavailable
from webjobs_apiserver.service.app_settings import AppSettings
from webjobs_apiserver.service.jobs import TRIES, UNSETTLED, Job, Jobs
from webjobs_apiserver.service.run_lock import RunLock
from webjobs_apiserver.service.stored_runs import StoredRuns
from webjobs_apiserver.sites import Site
from webjobs_apiserver.watching.watch import Feed
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import Conflict, NotFound

_INCURABLE = frozenset({"WindowsOnly", "UnknownScript", "NoRuntime", "InvalidSettings", "TooLargeForWindows"})
"""Reasons of a false Ready with which each run fails: no such run keeps another from its turn."""
_SHORT = timedelta(seconds=3)
"""Age up to which the end of an active run is waited for, of a job whose runs begin and end within moments."""
_PATIENCE = timedelta(seconds=3)
_LOOK_SECONDS = 0.005
_RUN_ID_STEP = timedelta(microseconds=100)
_TRIGGER_LENGTH = 1024
_ARGUMENTS_LENGTH = 65536


class Runs:
    """Operations on the WebJobRuns of a site."""

    def __init__(
        self,
        kube: KubeClient,
        *,
        feed: Feed,
        jobs: Jobs,
        stored: StoredRuns,
        queued: int,
        clock: Callable[[], datetime],
    ) -> None:
        self._kube = kube
        self._feed = feed
        self._jobs = jobs
        self._stored = stored
        self._queued = queued
        self._clock = clock
        self._settings = AppSettings(kube)
        self._lock = RunLock(kube, feed=feed, clock=clock)

    async def latest(self, site: Site) -> Mapping[str, WebJobRun]:
        """Return the newest run of every job of the site, by the object name of the job."""
        if known := self._feed.known(site.namespace):
            return known.latest()
        newest: dict[str, tuple[str, Object]] = {}
        for raw in await self._kube.list("WebJobRun", site.namespace):
            status, job = raw.get("status", {}), raw["spec"]["webJobName"]
            if status.get("state") == "Skipped":
                continue
            # There can be fifty of them a job: only the one that counts becomes a model.
            run_id = runs.run_id_of_object(raw)
            if job not in newest or run_id > newest[job][0]:
                newest[job] = (run_id, raw)
        return {job: WebJobRun.parse(raw) for job, (_, raw) in newest.items()}

    async def latest_of(self, site: Site, job: Job) -> WebJobRun | None:
        """Return the newest run of a job; None when it has none."""
        if known := self._feed.known(site.namespace):
            return known.latest().get(job.object_name)
        found = await self._of_job(site, job)
        return found[0] if found else None

    async def of_job(self, site: Site, job: Job) -> list[WebJobRun]:
        """Return all runs of a job that are WebJobRuns, newest first, without those that were skipped."""
        if known := self._feed.known(site.namespace):
            return known.runs(job.object_name)
        return await self._of_job(site, job)

    async def _of_job(self, site: Site, job: Job) -> list[WebJobRun]:
        selector = f"{LABEL_WEBJOB}={job.object_name}"
        known = [WebJobRun.parse(raw) for raw in await self._kube.list("WebJobRun", site.namespace, selector=selector)]
        return sorted((run for run in known if run.status.state != "Skipped"), key=runs.run_id, reverse=True)

    async def history(self, site: Site, name: str) -> tuple[Job, list[WebJobRun]]:
        """Return a job and its runs that are WebJobRuns, newest first; those of ``older`` come after them.

        Raises Missing when there is no such job, and for a job that has neither run nor a schedule
        (docs/kudu-contract.md, section 1.4).
        """
        job = await self._jobs.get(site, "triggered", name)
        found = await self.of_job(site, job)
        if not found and job.webjob.schedule is None and job.webjob.status.stored_runs is None:
            raise Missing
        return job, found

    async def older(self, site: Site, job: Job, known: Sequence[WebJobRun]) -> list[WebJobRun]:
        """Return the runs of a job that are in the store only, newest first.

        ``known``: its WebJobRuns, looked up before. In this order, because a run is stored before its WebJobRun goes.
        Raises what the store raises.
        """
        return await self._stored.all(site, job, besides={runs.run_id(run) for run in known})

    async def older_ids(self, site: Site, job: Job, known: Collection[str]) -> list[str]:
        """Return the ids of the runs of a job that are in the store only, newest first; nothing but a listing is read.

        ``known``: ids of its WebJobRuns, looked up before. Raises what the store raises.
        """
        return await self._stored.ids(site, job, besides=known)

    async def older_of(self, site: Site, job: Job, ids: Sequence[str]) -> list[WebJobRun]:
        """Return the runs of a job with some of ``older_ids``, in their order. Raises what the store raises."""
        return await self._stored.some(site, job, ids)

    async def get(self, site: Site, name: str, run_id: str) -> tuple[Job, WebJobRun]:
        """Return a job and one run of it.

        Raises Missing when one of them is not there.
        """
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
        """Return what the API server has that can be the run."""
        named = runs.object_name(webjob=job.object_name, run_id=run_id)
        try:
            return [WebJobRun.parse(await self._kube.get("WebJobRun", site.namespace, named))]
        except NotFound:
            return await self._of_job(site, job)  # made by somebody else, under a name of their own

    async def start(self, site: Site, name: str, *, arguments: str | None, trigger: str, by: str) -> tuple[Job, str]:
        """Start a run; return the job and the run's id, under which it can be read at once.

        ``by``: who asks for it; the run says so in an annotation.
        Raises Missing, Stopped (the whole site is), Busy (the job takes one run at a time) and BadRequest. A job that
        can't run here (run.cmd, say) is accepted as by Kudu; its run fails, and its log says what to do.
        """
        if arguments and ("\0" in arguments or len(arguments) > _ARGUMENTS_LENGTH):
            raise BadRequest(f"The arguments must have at most {_ARGUMENTS_LENGTH} characters and no NUL among them.")
        began = self._clock()
        while True:
            try:
                return await self._start(site, name, arguments=arguments, trigger=trigger, by=by)
            except Busy:
                if not await self._ends_soon(site, name, before=began + _PATIENCE):
                    raise

    async def _ends_soon(self, site: Site, name: str, *, before: datetime) -> bool:
        """Wait a moment for the end of a run that has just begun, of a job with pods that wait for runs.

        Such runs are over within moments: a client that starts two in a row, as with Kudu, is not told of the first.
        """
        while self._clock() < before and (known := self._feed.known(site.namespace)):
            webjob = (await self._jobs.get(site, "triggered", name)).webjob
            active = webjob.status.active_run
            if webjob.status.warm_ready is None:
                return False
            run = known.run_named(active.name) if active else None
            if active is None or (run and run.ended):
                return True
            # A run that is not known is on its way to us, or to its end: asking at once again would tell nothing new.
            if self._clock() - (runs.start_time(run) if run else times.parse_time(active.since)) > _SHORT:
                return False
            await asyncio.sleep(_LOOK_SECONDS)
        return False

    async def _start(self, site: Site, name: str, *, arguments: str | None, trigger: str, by: str) -> tuple[Job, str]:
        fresh = self._feed.known(site.namespace) is None
        for attempt in range(TRIES):
            now = self._clock()
            run_id = runs.run_id_at(now + attempt * _RUN_ID_STEP)
            try:
                job = await self._jobs.get(site, "triggered", name, fresh=fresh)
                settings = await self._settings.effective(site)
                if settings.stopped:
                    raise Stopped
                manifest = owned_run(
                    job.webjob,
                    name=runs.object_name(webjob=job.object_name, run_id=run_id),
                    annotations={ANNOTATION_REQUESTED_BY: by} if by else None,
                    trigger=trigger[:_TRIGGER_LENGTH],
                    arguments=arguments or None,
                )
                policy = job.webjob.spec.concurrency_policy or settings.concurrency_policy or "Forbid"
                if policy == "Forbid" and not _is_incurable(job):
                    await self._lock.create_locked(site, job, manifest, now=now, fresh=fresh)
                else:  # the operator decides what becomes of it
                    if policy == "Queue":
                        await self._check_queue(site, job)
                    await self._lock.create(site, manifest)
            except Conflict:  # AlreadyExists among them: another run has this id
                fresh = True
                continue
            except ServiceError:
                if fresh:
                    raise
                fresh = True  # from memory no client is refused: the news that it has seen may not be here yet
                continue
            return job, run_id
        raise Unavailable(UNSETTLED)

    async def _check_queue(self, site: Site, job: Job) -> None:
        """Raise Refused when as many runs of a job wait as may.

        That is 409, as for a job that takes one run at a time: every client of Kudu's API knows it, and none sends the
        run again by itself, as some do after a 429 or 503.
        """
        waiting = sum(run.status.state is None for run in await self.of_job(site, job))
        if waiting >= self._queued:
            raise Refused(
                f"{waiting} runs of the job wait for their turn, and no more may (apiserver.limits.queuedRuns of the "
                "chart). Try again when some have ended."
            )

    async def cancel(self, site: Site, name: str, run_id: str, *, by: str) -> None:
        """Ask for the end of a run.

        ``by``: who asks for it; the run says so in an annotation. Raises Missing when there is none, Refused when it
        has ended.
        """
        _, run = await self.get(site, name, run_id)
        if run.ended:
            raise Refused(f"Run {run_id} has ended already: {run.status.state}.")
        if not run.spec.cancel:
            try:
                patch: Object = {"spec": {"cancel": True}}
                if by:
                    patch["metadata"] = {"annotations": {ANNOTATION_CANCELLED_BY: by}}
                self._feed.observe(await self._kube.patch("WebJobRun", site.namespace, run.metadata.name, patch))
            except NotFound:
                raise Missing from None


def _is_incurable(job: Job) -> bool:
    webjob = job.webjob
    return any(
        one.type == "Ready" and one.reason in _INCURABLE and one.observed_generation == webjob.metadata.generation
        for one in webjob.status.conditions
    )
