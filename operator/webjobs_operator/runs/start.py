"""The start of runs: a pod that waits for one, a Job of its own, or the Job that a CronJob made.

Every step can be repeated: names are deterministic, and AlreadyExists is looked into instead of trusted.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from webjobs import times
from webjobs.model import WebJob, WebJobRun
from webjobs.objects import Object
from webjobs.runs import runs
from webjobs.runs.manifest import is_owned
from webjobs.times import EPOCH
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import AlreadyExists, Forbidden, Invalid, NotFound
from webjobs_operator.cluster.cache import Cache
from webjobs_operator.config import OperatorConfig
from webjobs_operator.context import armed_jobs
from webjobs_operator.context.conditions import update
from webjobs_operator.context.facts import Facts, FactsReader
from webjobs_operator.context.obstacles import Obstacle, recorded
from webjobs_operator.manifests import children
from webjobs_operator.manifests.program import Program
from webjobs_operator.runs.writes import RunWrites
from webjobs_operator.warm.plan import Offers, Warmth
from webjobs_operator.warm.pool import WarmPool

REFUSED = "The Job was refused:"
"""Begin of the message of a run whose Job the API server does not take."""
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=1)


class RunStart:
    """Starts runs, and records the start."""

    def __init__(
        self, *, kube: KubeClient, cache: Cache, config: OperatorConfig, writes: RunWrites, warm_pool: WarmPool
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._config = config
        self._writes = writes
        self._warm_pool = warm_pool
        self._cold: set[str] = set()
        """UIDs of the runs for which a Job was asked for: it may be there, even where that seemed to fail."""

    async def start_all(
        self, read: FactsReader, due_runs: Sequence[WebJobRun], *, program: Program, warmth: Warmth
    ) -> list[datetime]:
        """Start runs in their order; return when those are looked at again that wait for a pod."""
        offers, due = Offers(read().derived(warmth.pool)), []
        for run in due_runs:
            until = await self.start(read, run, program=program, offers=offers)
            if until:
                due.append(until)
        return due

    async def start(self, read: FactsReader, run: WebJobRun, *, program: Program, offers: Offers) -> datetime | None:
        """Give a run a pod that waits for one, or make its Job (or admit its CronJob's), and record that.

        Returns when it is tried again: a pod is about to wait, or the Job was refused for now; None: it is not.
        """
        await self._writes.adopt(read().webjob, run)
        facts = read()
        run = facts.runs.get(run.metadata.name, run)  # as it is since then
        slot = facts.jobs.get(run.spec.cron_job_name) if run.spec.cron_job_name else None
        if run.metadata.uid not in self._cold and not (slot and armed_jobs.run_of(slot)):
            taken, until = await self._warm_pool.take(facts, run, offers)
            if taken == "taken" and slot:
                await self._writes.delete_object(facts.key, "Job", slot)
            if taken != "no":
                return until
        self._cold.add(run.metadata.uid)
        outdated = slot is not None and _lacks_package(facts, slot)
        try:
            job = await self._job_for(facts, run, program=program, new=outdated)
        except Forbidden as error:
            return await self._refused(facts, run, error)
        if job is not None:
            self._cache.observe("Job", job)
            await self._has_job(run, job)
            if slot and outdated:
                await self._writes.delete_object(facts.key, "Job", slot)
        return None

    async def _job_for(self, facts: Facts, run: WebJobRun, *, program: Program, new: bool) -> Object | None:
        """Admit the Job that a CronJob made for a run, or make one (``new``: in any case); None when the run ended."""
        if run.spec.cron_job_name and not new and run.metadata.name not in facts.jobs:
            job = await self._admit(run, run.spec.cron_job_name)
            if job is None:
                message = "The Job that the CronJob made for this run is gone."
                await self._writes.finish(run, state="Aborted", reason="JobGone", message=message, now=facts.now)
            return job
        try:
            return await self._create_job(facts.webjob, run, program)
        except Invalid as error:
            text = f"{REFUSED} {error.message}"
            await self._writes.finish(run, state="Failed", reason="JobRefused", message=text[:1024], now=facts.now)
            return None

    async def _refused(self, facts: Facts, run: WebJobRun, error: Forbidden) -> datetime | None:
        """Record that a quota or a policy refused the Job of a run; return when it is tried again.

        It may pass, so the run waits for it as long as a slot may be late, and fails then; None: it has failed.
        """
        text = f"{REFUSED} {error.message}"[:1024]
        lock = facts.webjob.status.active_run
        # A run that was queued waits from its turn on.
        turn = times.parse_time(lock.since) if lock and lock.name == run.metadata.name else EPOCH
        begun = max(runs.start_time(run), turn)
        over = begun + facts.webjob.starting_deadline
        if over <= facts.now:
            await self._writes.finish(run, state="Failed", reason="JobRefused", message=text, now=facts.now)
            return None
        obstacle = Obstacle(reason="JobRefused", message=text)
        if recorded(run) != obstacle:
            meta, known = run.metadata, run.status.conditions
            conditions = update(known, [obstacle.condition()], generation=meta.generation, now=facts.now)
            await self._writes.patch_run(run, {"status": {"message": text, "conditions": conditions}})
        pause = min(max((facts.now - begun) / 4, _FIRST_PAUSE), _LONGEST_PAUSE)
        return min(facts.now + pause, over)

    async def recover(self, read: FactsReader) -> None:
        """Record the Jobs that were made or admitted by an operator that died before it could say so.

        Before anything is decided: who is cancelled or refused now may have begun.
        """
        facts = read()
        # Orphans of a WebJob that had this name among them: only a run's own Job, by its UID, says that it has begun.
        for run in facts.unrecorded:
            owners = {owner.uid for owner in run.metadata.owner_references}
            if owners and facts.webjob.metadata.uid not in owners:
                continue  # it goes with the WebJob that had this name
            job = await self._job_of(read, run)
            if job:
                await self._writes.adopt(facts.webjob, run)
                await self._has_job(run, job)

    async def _job_of(self, read: FactsReader, run: WebJobRun) -> Object | None:
        for name in filter(None, (run.metadata.name, run.spec.cron_job_name)):
            if run.metadata.uid in self._cold:
                with contextlib.suppress(NotFound):
                    self._cache.observe("Job", await self._kube.get("Job", run.metadata.namespace, name))
            facts = read()
            job = facts.jobs.get(name)
            if job and (is_owned(job, run.metadata.uid) or (armed_jobs.run_of(job) and not _lacks_package(facts, job))):
                return job
        return None

    async def _has_job(self, run: WebJobRun, job: Object) -> None:
        status = {
            "state": "Initializing",
            "runId": runs.run_id(run),
            "startTime": times.rfc3339(runs.start_time(run)),
            "jobName": job["metadata"]["name"],
            "jobUID": job["metadata"]["uid"],
            "message": None,  # it may have waited for a quota
            "conditions": None,
        }
        await self._writes.patch_run(run, {"status": status})
        self._cold.discard(run.metadata.uid)

    async def _create_job(self, webjob: WebJob, run: WebJobRun, program: Program) -> Object:
        manifest = children.job(webjob, run, program=program, config=self._config)
        try:
            return await self._kube.create(manifest)
        except AlreadyExists:
            there = await self._kube.get("Job", run.metadata.namespace, run.metadata.name)
            if is_owned(there, run.metadata.uid):
                return there  # an earlier pass made it, and did not hear of it
            raise Invalid(409, "NameTaken", f"there is a Job {run.metadata.name} of somebody else") from None

    async def _admit(self, run: WebJobRun, job_name: str) -> Object | None:
        try:
            return await self._kube.patch(
                "Job", run.metadata.namespace, job_name, children.admission_patch(runs.run_id(run))
            )
        except NotFound:
            return None


def _lacks_package(facts: Facts, job: Object) -> bool:
    """Return whether a Job is of a package that is gone: its CronJob made it before it knew of the next one.

    We did not know of the Job when the package went. It can never begin; a Job of our own takes its place.
    """
    maps = facts.objects["ConfigMap"]
    kept = {name for name, body in maps.items() if not body["metadata"].get("deletionTimestamp")}
    volumes = job["spec"]["template"].get("spec", {}).get("volumes", [])
    return any(
        one["name"] == "package" and "configMap" in one and one["configMap"]["name"] not in kept for one in volumes
    )
