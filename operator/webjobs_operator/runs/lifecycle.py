"""The life of runs: the start, the early ends, the clean-up. What goes on in between is ``progress.py``.

Every step can be repeated: names are deterministic, and AlreadyExists is looked into instead of trusted.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from webjobs import times
from webjobs.model import LABEL_WEBJOB, Metadata, RunState, WebJobRun
from webjobs.runs import runs
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import AlreadyExists, Invalid, NotFound
from webjobs_operator import metrics
from webjobs_operator.cluster.cache import Cache
from webjobs_operator.cluster.events import event, post
from webjobs_operator.cluster.writes import remove
from webjobs_operator.config import OperatorConfig
from webjobs_operator.context import armed_jobs
from webjobs_operator.context.conditions import Wanted, update
from webjobs_operator.context.reconcile_context import Pass
from webjobs_operator.manifests import children
from webjobs_operator.manifests.program import Program
from webjobs_operator.runs import outcome, retention
from webjobs_operator.warm.pool import Arming

log = logging.getLogger(__name__)

Object = dict[str, Any]
BUSY = "Another run of the job was active, and its concurrencyPolicy does not allow two."


class RunKeeper:
    """All writes about runs and their Jobs."""

    def __init__(
        self,
        *,
        kube: KubeClient,
        cache: Cache,
        config: OperatorConfig,
        arming: Arming,
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._config = config
        self._arming = arming
        self._cold: set[str] = set()
        """UIDs of the runs for which a Job was asked for: it may be there, even where that seemed to fail."""

    # Beginning

    async def start(self, this: Pass, run: WebJobRun, *, program: Program) -> None:
        """Gives a run a pod that waits for one, or makes its Job (or admits its CronJob's), and records that."""
        await self._adopt(this, run)
        run = self._cache.runs(this.key).get(run.metadata.name, run)  # as it is since then
        slot = self._cache.get("Job", this.key, run.spec.cron_job_name) if run.spec.cron_job_name else None
        if run.metadata.uid not in self._cold and not (slot and armed_jobs.run_of(slot)):
            taken = await self._arming.take(this, run)
            if taken == "taken" and slot:
                await self.delete_object(this, "Job", slot)
            if taken != "no":
                return
        self._cold.add(run.metadata.uid)
        outdated = slot is not None and self._lacks_package(this, slot)
        if run.spec.cron_job_name and not outdated and not self._cache.get("Job", this.key, run.metadata.name):
            job = await self._admit(run, run.spec.cron_job_name)
            if job is None:
                message = "The Job that the CronJob made for this run is gone."
                await self.finish(run, state="Aborted", reason="JobGone", message=message, now=this.now)
                return
        else:
            try:
                job = await self._create_job(this, run, program)
            except Invalid as error:
                text = f"The Job was refused: {error.message}"
                await self.finish(run, state="Failed", reason="JobRefused", message=text[:1024], now=this.now)
                return
        self._cache.observe("Job", job)
        await self._has_job(run, job)
        if slot and outdated:
            await self.delete_object(this, "Job", slot)

    async def recover(self, this: Pass) -> None:
        """Records the Jobs that were made or admitted by who died before it could say so.

        Before anything is decided: who is cancelled or refused now may have begun.
        """
        for run in list(self._cache.runs(this.key).values()):
            owners = {owner.uid for owner in run.metadata.owner_references}
            if owners and this.webjob.metadata.uid not in owners:
                continue  # it goes with the WebJob that had this name
            if run.status.state is None and not run.metadata.deletion_timestamp:
                job = await self._job_of(this, run)
                if job:
                    await self._adopt(this, run)
                    await self._has_job(run, job)

    async def _job_of(self, this: Pass, run: WebJobRun) -> Object | None:
        for name in filter(None, (run.metadata.name, run.spec.cron_job_name)):
            if run.metadata.uid in self._cold:
                with contextlib.suppress(NotFound):
                    self._cache.observe("Job", await self._kube.get("Job", this.key[0], name))
            job = self._cache.get("Job", this.key, name)
            if job and (_is_owned(job, run) or (armed_jobs.run_of(job) and not self._lacks_package(this, job))):
                return job
        return None

    async def _has_job(self, run: WebJobRun, job: Object) -> None:
        status = {
            "state": "Initializing",
            "runId": runs.run_id(run),
            "startTime": times.rfc3339(runs.start_time(run)),
            "jobName": job["metadata"]["name"],
            "jobUID": job["metadata"]["uid"],
        }
        await self.patch_run(run, {"status": status})
        self._cold.discard(run.metadata.uid)

    def _lacks_package(self, this: Pass, job: Object) -> bool:
        """Whether a Job is of a package that is gone: its CronJob made it before it knew of the next one.

        We did not know of the Job when the package went. It can never begin; a Job of our own takes its place.
        """
        there = self._cache.of("ConfigMap", this.key)
        kept = {name for name, body in there.items() if not body["metadata"].get("deletionTimestamp")}
        volumes = job["spec"]["template"].get("spec", {}).get("volumes", [])
        return any(
            one["name"] == "package" and "configMap" in one and one["configMap"]["name"] not in kept for one in volumes
        )

    async def _adopt(self, this: Pass, run: WebJobRun) -> None:
        """A run from elsewhere goes with its WebJob, and is found by its label."""
        if any(owner.uid == this.webjob.metadata.uid for owner in run.metadata.owner_references):
            return
        owner = children.owner("WebJob", this.webjob.metadata)
        adopted = {"ownerReferences": [owner], "labels": {LABEL_WEBJOB: this.key[1]}}
        await self.patch_run(run, {"metadata": adopted}, subresource=None)

    async def _create_job(self, this: Pass, run: WebJobRun, program: Program) -> Object:
        manifest = children.job(this.webjob, run, program=program, config=self._config)
        try:
            return await self._kube.create(manifest)
        except AlreadyExists:
            there = await self._kube.get("Job", run.metadata.namespace, run.metadata.name)
            if _is_owned(there, run):
                return there  # an earlier pass made it, and did not hear of it
            raise Invalid(409, "NameTaken", f"there is a Job {run.metadata.name} of somebody else") from None

    async def _admit(self, run: WebJobRun, job_name: str) -> Object | None:
        try:
            return await self._kube.patch(
                "Job", run.metadata.namespace, job_name, children.admission_patch(runs.run_id(run))
            )
        except NotFound:
            return None

    async def refuse(self, this: Pass, run: WebJobRun) -> None:
        """A run that may not start because another is active."""
        await self._adopt(this, run)
        await self.finish(run, state="Skipped", reason="AlreadyRunning", message=BUSY, now=this.now)
        await self.skip(this, f"Run {run.metadata.name} was skipped. {BUSY}")

    async def skip(self, this: Pass, message: str) -> None:
        """Records a skip: in the status at the end of the pass, as a metric and as an Event."""
        this.skipped += 1
        metrics.RUNS_SKIPPED.labels(*this.key).inc()
        await self.tell(this, "RunSkipped", message)

    async def refuse_all(self, this: Pass, message: str, *, state: RunState = "Failed") -> None:
        """Ends every run that has not started."""
        for run in self._cache.runs(this.key).values():
            if run.status.state is None and not run.metadata.deletion_timestamp:
                await self._adopt(this, run)
                await self.finish(run, state=state, reason="CannotRun", message=message, now=this.now)

    # Going on

    async def end(self, this: Pass, run: WebJobRun, *, reason: str, why: str) -> None:
        """Ends an active run by deleting its Job; the run is over once its pod is."""
        job = self._cache.get("Job", this.key, run.status.job_name or run.metadata.name)
        if job and not job["metadata"].get("deletionTimestamp"):
            await self.tell(this, reason, f"Run {runs.run_id(run)} is ended{why}.")
            await self.delete_object(this, "Job", job)

    async def cancel(self, this: Pass) -> None:
        """Ends the runs that somebody cancelled."""
        for run in self._cache.runs(this.key).values():
            if not run.spec.cancel or run.ended or run.metadata.deletion_timestamp:
                continue
            if run.status.state is None:
                await self._adopt(this, run)
                await self.call_off(run, now=this.now)
            else:
                await self.end(this, run, reason="RunCancelled", why=", as it was cancelled")

    async def give_up(self, this: Pass) -> None:
        """Ends the runs whose containers can't be made, as their image can't be pulled, when their time is over."""
        for run in self._cache.runs(this.key).values():
            job = self._cache.get("Job", this.key, run.status.job_name or run.metadata.name)
            if job is None or not outcome.never_began(run) or not outcome.is_setup_failure(run.status.message):
                continue
            begun = job.get("status", {}).get("startTime") or job["metadata"]["creationTimestamp"]
            over = times.parse_time(begun) + this.webjob.starting_deadline
            if over > this.now:
                this.due.append(over)
            else:
                await self.end(this, run, reason="RunGivenUp", why=f", as it could not begin. {run.status.message}")

    # Ending

    async def call_off(self, run: WebJobRun, *, now: datetime) -> None:
        """The end of a run that was cancelled before it began."""
        message = "It was cancelled before it began."
        await self.finish(run, state="Aborted", reason="Cancelled", message=message, now=now)

    async def finish(self, run: WebJobRun, *, state: RunState, reason: str, message: str, now: datetime) -> None:
        """The end of a run that never had a process."""
        wanted = [Wanted(type="Failed", status=True, reason=reason, message=message)]
        status = {
            "state": state,
            "runId": runs.run_id(run),
            "startTime": times.rfc3339(runs.start_time(run)),
            "endTime": times.rfc3339(now),
            "message": message,
            "conditions": update(run.status.conditions, wanted, generation=run.metadata.generation, now=now),
        }
        await self.patch_run(run, {"status": status})

    async def clean_up(self, this: Pass) -> None:
        """Lets go what is not needed any more."""
        known = self._cache.runs(this.key)
        for run in retention.places(this.webjob, known, objects=self._config.history_objects).gone:
            await self.delete(this, "WebJobRun", run.metadata)
        gone, following = retention.finished_jobs(
            self._cache.of("Job", this.key), known, retention=self._config.job_retention, now=this.now
        )
        for job in gone:
            await self.delete_object(this, "Job", job)
        if following:
            this.due.append(following)

    async def delete(self, this: Pass, kind: str, metadata: Metadata) -> None:
        """Deletes exactly this object (by UID), what it owns after it; fine when it is gone."""
        await remove(self._kube, self._cache, kind, metadata, owner=this.key)

    async def delete_object(self, this: Pass, kind: str, body: Mapping[str, Any]) -> None:
        """The same for an object as it was observed."""
        await self.delete(this, kind, Metadata.model_validate(body["metadata"]))

    async def patch_run(self, run: WebJobRun, patch: Object, *, subresource: str | None = "status") -> None:
        """A write of a run; fine when it is gone."""
        try:
            answer = await self._kube.patch(
                "WebJobRun", run.metadata.namespace, run.metadata.name, patch, subresource=subresource
            )
        except NotFound:
            return  # deleted meanwhile: there is nothing left to tell
        self._cache.observe("WebJobRun", answer)

    async def tell(self, this: Pass, reason: str, message: str) -> None:
        """A warning about the WebJob, as an Event."""
        webjob = this.webjob.metadata
        await post(self._kube, event("WebJob", webjob, level="Warning", reason=reason, message=message, now=this.now))


def _is_owned(job: Object, run: WebJobRun) -> bool:
    """Whether a Job was made for a run."""
    return any(owner["uid"] == run.metadata.uid for owner in job["metadata"].get("ownerReferences", []))
