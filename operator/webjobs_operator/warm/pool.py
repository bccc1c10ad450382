"""Warm runs: keeps Jobs waiting, gives one to a run, and hears of its end at once.

Order of the writes: who takes whom is written on both sides, by conditional writes, before the pod is told; the pod
takes one line and no other, so that telling it again (after a crash, or a broken connection) starts nothing twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from webjobs import times
from webjobs.model import LABEL_ARMED, LABEL_RUN, Metadata, WebJobRun, scripts
from webjobs.pods import is_over, newest_pod
from webjobs.runs import runs
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import AlreadyExists, ApiError, Conflict, NotFound
from webjobs_operator.attach.connections import FORBIDDEN_SECONDS, Session, Sessions
from webjobs_operator.cluster.cache import Cache, Key
from webjobs_operator.cluster.writes import change, remove
from webjobs_operator.config import OperatorConfig
from webjobs_operator.context import armed_jobs
from webjobs_operator.context.armed_jobs import Pool, Waiting
from webjobs_operator.context.conditions import Wanted
from webjobs_operator.context.reconcile_context import Pass
from webjobs_operator.manifests import children
from webjobs_operator.warm import plan

log = logging.getLogger(__name__)

Object = dict[str, Any]

Taken = Literal["taken", "soon", "no"]
"""What became of a run that asked for a waiting pod: it has one, will have one in a moment, or starts as usual."""
YOUNG = timedelta(milliseconds=250)
"""Age up to which a run has the machine for itself: most are over by then, and what can wait would only slow them."""
_FIRST_BACK_OFF, _LAST_BACK_OFF = timedelta(seconds=2), timedelta(minutes=5)


@dataclass
class _BackOff:
    """The pause of a WebJob whose waiting Jobs end without a run."""

    failures: int
    until: datetime


class WarmPool:
    """All writes about Jobs that wait, and the connections to their pods."""

    def __init__(self, *, kube: KubeClient, cache: Cache, config: OperatorConfig, sessions: Sessions) -> None:
        self._kube = kube
        self._cache = cache
        self._config = config
        self._sessions = sessions
        self._back_offs: dict[Key, _BackOff] = {}

    def look(self, this: Pass) -> None:
        """Look at the waiting Jobs: what a run of this pass can take, and how warm the job is, as the pass is told."""
        program = None if this.problem else this.program
        if program and plan.wanted(this.webjob, program, self._config.warm):
            obstacle = plan.obstacle(program, self._config.warm, forbidden=self._sessions.forbidden)
            if obstacle is None:
                this.armed = children.armed_job(
                    this.webjob, program=program, config=self._config, app_settings=this.site.digest
                )
                text = "Pods are kept waiting, so that a run begins at once."
                this.warmth = Wanted(type="Warm", status=True, reason="Armed", message=text)
            else:
                if self._sessions.forbidden:
                    this.due.append(this.now + timedelta(seconds=FORBIDDEN_SECONDS))
                this.warmth = Wanted(type="Warm", status=False, reason=obstacle[0], message=obstacle[1])
        this.pool = self._pool(this)
        for one in this.pool.ready:
            if one.pod and self._sessions.has_room:
                self._sessions.attend(this.key, one.pod)

    def _pool(self, this: Pass) -> Pool:
        digest = this.armed["metadata"]["labels"][LABEL_ARMED] if this.armed else None
        return plan.pool(
            this.webjob,
            jobs=self._cache.of("Job", this.key),
            pods=list(self._cache.of("Pod", this.key).values()),
            known=self._cache.runs(this.key).values(),
            digest=digest,
            count=plan.wanted(this.webjob, this.program, self._config.warm) if digest else 0,
            now=this.now,
        )

    # A run

    async def take(self, this: Pass, run: WebJobRun) -> Taken:
        """Start a run in a pod that waits, if there is one for it. Raises Conflict: look again."""
        try:
            line = _line(run)
        except ValueError as error:
            log.info("run %s/%s starts as usual: %s", run.metadata.namespace, run.metadata.name, error)
            return "no"
        one = self._choose(this, run)
        if one is None or one.pod is None:
            return "soon" if self._is_coming(this) else "no"
        await self._claim(run, one.job, one.pod, now=this.clock())
        await self._sessions.attend(this.key, one.pod).begin(line)
        return "taken"

    def _is_coming(self, this: Pass) -> bool:
        """Return whether a pod is about to wait that no other run of this pass waits for: it is there first."""
        if not this.pool.coming:
            return False
        _, until = this.pool.coming.popitem()
        this.due.append(until)
        return True

    def _choose(self, this: Pass, run: WebJobRun) -> Waiting | None:
        jobs = {job["metadata"]["uid"]: job for job in self._cache.of("Job", this.key).values()}
        for pod in self._cache.of("Pod", this.key).values():
            # One that was marked for it by an operator which died then.
            owner = jobs.get(armed_jobs.job_of(pod) or "")
            if (
                owner
                and armed_jobs.is_armed(owner)
                and armed_jobs.run_of(pod) == runs.run_id(run)
                and armed_jobs.is_up(pod)
            ):
                return Waiting(job=owner, pod=pod)
        for one in list(this.pool.ready):
            session = self._sessions.get(one.pod["metadata"]["uid"]) if one.pod else None
            if session and session.ready:
                this.pool.ready.remove(one)
                this.pool.coming.pop(one.job["metadata"]["name"], None)
                return one
        return None

    async def _claim(self, run: WebJobRun, job: Any, pod: Any, *, now: datetime) -> None:
        """Write who takes whom on both sides at once; none is worth anything alone.

        Raises Conflict when one of them is not as we know it.
        """
        done = await asyncio.gather(self._record(run, job, now=now), self._mark(pod, run), return_exceptions=True)
        for error in done:
            if isinstance(error, NotFound):
                raise Conflict(409, "Conflict", f"run {run.metadata.name} or the pod for it is gone") from error
            if isinstance(error, BaseException):
                raise error

    async def _record(self, run: WebJobRun, job: Any, *, now: datetime) -> None:
        status = {
            "state": "Running",
            "runId": runs.run_id(run),
            "startTime": times.rfc3339(runs.start_time(run)),
            "processStartTime": times.rfc3339(max(now, runs.start_time(run))),
            "jobName": job["metadata"]["name"],
            "jobUID": job["metadata"]["uid"],
        }
        await self._patch_run(run, status)

    async def _mark(self, pod: Any, run: WebJobRun) -> None:
        if armed_jobs.run_of(pod) != runs.run_id(run):
            mark = {"metadata": {"labels": {LABEL_RUN: runs.run_id(run)}}}
            await change(self._kube, self._cache, "Pod", Metadata.model_validate(pod["metadata"]), mark)

    async def go_on(self, this: Pass, run: WebJobRun, job: Object) -> None:
        """Do what may be missing of a run that took a Job: mark the pod (of a further attempt), and send the line."""
        for pod in armed_jobs.pods_of(job, list(self._cache.of("Pod", this.key).values())):
            if armed_jobs.is_up(pod) and armed_jobs.run_of(pod) in (None, runs.run_id(run)):
                await self._mark(pod, run)
                if self._sessions.forbidden and self._sessions.get(pod["metadata"]["uid"]) is None:
                    this.due.append(this.now + timedelta(seconds=FORBIDDEN_SECONDS))
                    continue  # each refusal makes the job due
                await self._sessions.attend(this.key, pod).begin(_line(run))

    def session(self, pods: Sequence[Object]) -> Session | None:
        """Return the connection to the newest of a run's pods."""
        pod = newest_pod(pods)
        return self._sessions.get(pod["metadata"]["uid"]) if pod else None

    async def put_back(self, this: Pass, run: WebJobRun) -> None:
        """Let a run that is known to have begun nowhere wait for its turn again."""
        status = {"state": None, "jobName": None, "jobUID": None, "processStartTime": None, "message": None}
        await self._patch_run(run, status)
        log.info("run %s/%s waits for its turn again", this.key[0], run.metadata.name)

    async def _patch_run(self, run: WebJobRun, status: Object) -> None:
        await change(self._kube, self._cache, "WebJobRun", run.metadata, {"status": status}, subresource="status")

    def hold(self, this: Pass) -> bool:
        """Return whether a run has just begun in a pod that waited; the pass comes again when it is older."""
        jobs = self._cache.of("Job", this.key)
        begun = [
            times.parse_time(run.status.process_start_time)
            for run in self._cache.runs(this.key).values()
            if run.status.state == "Running" and armed_jobs.is_armed(jobs.get(run.status.job_name or ""))
        ]
        # Runs of a shim whose clock is ahead begin in time to come.
        young = [when + YOUNG for when in begun if abs(this.clock() - when) < YOUNG]
        this.due += young
        return bool(young)

    # The Jobs

    def forget(self, key: Key) -> None:
        """Forget a WebJob that is gone."""
        self._sessions.keep(key, ())
        self._back_offs.pop(key, None)

    async def tend(self, this: Pass) -> None:
        """Make the Jobs that are missing, and remove those that nobody is to take."""
        if this.armed is None and not any(map(armed_jobs.is_armed, self._cache.of("Job", this.key).values())):
            self._sessions.keep(this.key, ())
            return
        there = self._pool(this)
        for job in there.remove:
            await remove(self._kube, self._cache, "Job", Metadata.model_validate(job["metadata"]), owner=this.key)
        self._note(this, there)
        for name in () if this.held else there.create:
            await self._create(this, name)
        if there.expires:
            this.due.append(max(there.expires, this.now + timedelta(seconds=1)))
        uids = [pod["metadata"]["uid"] for pod in self._cache.of("Pod", this.key).values() if not is_over(pod)]
        self._sessions.keep(this.key, uids)

    def _note(self, this: Pass, there: Pool) -> None:
        """Note failures: Jobs that end without a run are made ever less often, until one waits in peace."""
        back_off = self._back_offs.get(this.key)
        if there.failed:
            failures = back_off.failures + 1 if back_off else 0
            wait = min(_FIRST_BACK_OFF * 2 ** min(failures, 10), _LAST_BACK_OFF)
            self._back_offs[this.key] = _BackOff(failures, this.now + wait)
        elif there.ready and back_off and this.now >= back_off.until:
            del self._back_offs[this.key]

    def _may_create(self, this: Pass) -> bool:
        back_off = self._back_offs.get(this.key)
        if back_off and this.now < back_off.until:
            this.due.append(back_off.until)
            return False
        return True

    async def _create(self, this: Pass, name: str) -> None:
        if this.armed is None or not self._may_create(this):
            return
        manifest = this.armed | {"metadata": this.armed["metadata"] | {"name": name}}
        try:
            made = await self._kube.create(manifest)
        except AlreadyExists:
            made = await self._kube.get("Job", this.key[0], name)
        except ApiError as error:
            if not error.is_refusal:
                raise
            # Quotas and policies that refuse it are no reason to do nothing else for the job.
            log.warning("no pod of %s/%s can wait for runs: %s", *this.key, error)
            self._back_offs[this.key] = _BackOff(0, this.now + _LAST_BACK_OFF)
            this.due.append(this.now + _LAST_BACK_OFF)
            return
        self._cache.observe("Job", made)


def _line(run: WebJobRun) -> bytes:
    return plan.line_of(run, scripts.split_arguments(run.spec.arguments))
