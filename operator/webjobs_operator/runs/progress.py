"""Runs that go on: the state of Jobs and pods carried over into their records, the log stored before an end is told."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from cachetools import FIFOCache
from obstore.exceptions import BaseError

from webjobs import times
from webjobs.logs.kudu_lines import Output
from webjobs.model import LABEL_WEBJOB, WebJobRun
from webjobs.objects import Object
from webjobs.pods import container_state, has_ended, is_alive, is_finished, newest_pod, unprepared_since
from webjobs.runs import runs
from webjobs.store import ObjectStore
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import ApiError, NotFound
from webjobs_kube.logs import run_output
from webjobs_kube.logs.pod_logs import PodLogs
from webjobs_operator import metrics
from webjobs_operator.attach.connections import Session, given
from webjobs_operator.context import armed_jobs
from webjobs_operator.context.conditions import Wanted, update
from webjobs_operator.context.facts import Facts
from webjobs_operator.context.obstacles import UNPREPARED, is_suspended, recorded
from webjobs_operator.logs import run_archive
from webjobs_operator.logs.run_follower import RunFollowers
from webjobs_operator.runs import outcome
from webjobs_operator.runs.early_ends import call_off
from webjobs_operator.runs.end import RunEnd
from webjobs_operator.runs.refusals import Refusals
from webjobs_operator.runs.writes import RunWrites
from webjobs_operator.warm import plan
from webjobs_operator.warm.pool import WarmPool
from webjobs_operator.warm.promotion import SHORT, Promotion

log = logging.getLogger(__name__)

_CHECKED = 10_000


class RunProgress:
    """Carries the state of Jobs and pods over into the runs that were started."""

    def __init__(
        self,
        *,
        kube: KubeClient,
        refusals: Refusals,
        store: ObjectStore,
        writes: RunWrites,
        ends: RunEnd,
        pod_logs: PodLogs,
        followers: RunFollowers,
        warm_pool: WarmPool,
        promotion: Promotion,
    ) -> None:
        self._kube = kube
        self._refusals = refusals
        self._store = store
        self._writes = writes
        self._ends = ends
        self._logs = pod_logs
        self._followers = followers
        self._warm_pool = warm_pool
        self._promotion = promotion
        self._checked: FIFOCache[str, None] = FIFOCache(_CHECKED)
        """UIDs of the runs whose log was compared with the kubelet's."""

    async def carry_over(self, facts: Facts) -> list[datetime]:
        """Look at every run that was started, and record what became of it; return when to look again."""
        due: list[datetime] = []
        for run in facts.active:
            job = facts.job_of(run)
            if job and armed_jobs.is_armed(job):
                if armed_jobs.is_anothers(job, run, facts.pods):
                    await self._warm_pool.put_back(run)
                    continue
                due += await self._warm_pool.go_on(facts, run, job)
            due += await self._one(facts, run, job=job)
        for run, job in self._unchecked(facts):
            pods = facts.pods_of(run)
            if outcome.contradiction(run, pods):
                due += await self._one(facts, run, job=job)
            elif pods and all(map(has_ended, pods)):
                due += await self._check(facts, run, pods=pods)
        return due

    def _unchecked(self, facts: Facts) -> list[tuple[WebJobRun, Object]]:
        """Return the ended warm runs whose log was not compared with the kubelet's, with their Jobs."""
        armed = {name: job for name, job in facts.jobs.items() if armed_jobs.is_armed(job)}
        found = [(run, armed.get(run.status.job_name or "")) for run in facts.runs.values()] if armed else []
        return [(run, job) for run, job in found if job and run.ended and run.metadata.uid not in self._checked]

    async def _one(self, facts: Facts, run: WebJobRun, *, job: Object | None) -> list[datetime]:
        """Record what became of one run."""
        pods, armed = await self._pods(facts, run, job), job if armed_jobs.is_armed(job) else None
        if armed and armed_jobs.is_staying(armed) and plan.ran_nothing(pods):
            if run.spec.cancel:
                await self._ends.carry_out(facts, [call_off(run)])
            else:
                await self._warm_pool.put_back(run)
            await self._writes.delete_object(facts.key, "Job", armed)
            return []
        # What one pod said is not all when there were others before it.
        session = self._warm_pool.session(pods) if armed and len(pods) == 1 else None
        refusal, due = await self._refusal(facts, job, pods=pods)
        found = _heard(run, session, job=armed, pods=pods) or await self._outcome(
            run, job, pods=pods, now=facts.now, refusal=refusal
        )
        if any(map(armed_jobs.is_armed, pods)):
            found = replace(found, process_start=None)  # the pod was up before the run began
        status, known = _status(run, found, job=job, now=facts.now), run.status.to_wire()
        if found.end:
            ended = run.model_copy(update={"status": run.status.model_validate(known | status)})
            try:
                lines = await self._output(facts, run, session, pods=pods, ended=found.end)
                status |= await run_archive.archive(lines, store=self._store, webjob=facts.webjob, run=ended, pods=pods)
            except run_archive.NotArchived as error:
                # The end is told once its log is safe; other runs and the schedule don't wait for it.
                log.warning("log of run %s/%s is not safe yet: %s", facts.key[0], run.metadata.name, error)
                return [facts.now + _patience(facts.now - found.end)]
        else:
            due += self._follow(facts, run, session, pods=pods)
            looks = [since + UNPREPARED for pod in pods if (since := unprepared_since(pod))]
            due += [look for look in looks if look > facts.now]
        patch = {key: value for key, value in status.items() if known.get(key) != value}
        if patch:
            await self._writes.patch_run(run, {"status": patch})
        if found.end:
            metrics.RUNS_ENDED.labels(*facts.key, found.state).inc()
        elif armed:
            due += await self._promotion.adopt(facts, run, armed)
            due += await self._promotion.enlarge(facts, run, pods)
        if found.state == "Failed":
            message = f"Run {runs.run_id(run)} failed. {found.message or ''}".strip()
            await self._writes.tell(facts, "RunFailed", message)
        return due

    async def _refusal(
        self, facts: Facts, job: Object | None, *, pods: Sequence[Object]
    ) -> tuple[str | None, list[datetime]]:
        """Return why a Job without a pod can't make one, and when that is to be looked at again."""
        if job is None or pods or is_finished(job) or is_suspended(job) or not armed_jobs.is_staying(job):
            return None, []
        begun = times.parse_time(job.get("status", {}).get("startTime") or job["metadata"]["creationTimestamp"])
        refusal, again = await self._refusals.ask(job, since=begun, now=facts.now)
        return refusal, [again]

    async def _pods(self, facts: Facts, run: WebJobRun, job: Object | None) -> list[Object]:
        """Return the pods of a run.

        Watches of different kinds are not in step: of a Job that is known to have ended, pods that were not heard of
        yet are asked for. The log would be stored without what they wrote.
        """
        known = facts.pods_of(run)
        if job is None or not outcome.lacks_pods(job, known):
            return known
        listed = await self._kube.list("Pod", facts.key[0], selector=f"{LABEL_WEBJOB}={facts.key[1]}")
        return armed_jobs.RunPods(listed).of(run)

    async def _outcome(
        self, run: WebJobRun, job: Object | None, *, pods: Sequence[Object], now: datetime, refusal: str | None
    ) -> outcome.Outcome:
        """Return how a run stands, as its Job and its pods say it.

        Watches of different kinds are not in step: where a pod was killed, the Job is asked for, as it may be
        suspended since.
        """
        pod = newest_pod(pods)
        if job and pod and not is_alive(pod) and outcome.is_killed(pod) and not is_finished(job):
            with contextlib.suppress(NotFound):
                there = await self._kube.get("Job", job["metadata"]["namespace"], job["metadata"]["name"])
                job = there if there["metadata"]["uid"] == job["metadata"]["uid"] else job
        return outcome.outcome(run, job=job, pods=pods, now=now, refusal=refusal)

    async def _check(self, facts: Facts, run: WebJobRun, *, pods: Sequence[Object]) -> list[datetime]:
        """Compare the stored log of a warm run with the kubelet's: what a connection heard may lack the last lines."""
        if run.status.state == "Success":
            try:
                whole = [line async for line in run_output.of_pods(self._logs, pods)]
                stored = await run_archive.lines_of(self._store, run)
                if len(whole) > stored:
                    session = self._warm_pool.session(pods)
                    lines = given([session.hearing().tell(line) for line in whole] if session else whole)
                    await run_archive.archive(lines, store=self._store, webjob=facts.webjob, run=run, pods=pods)
            except (ApiError, run_archive.NotArchived, BaseError, OSError) as error:
                log.warning("log of run %s/%s was not compared yet: %s", facts.key[0], run.metadata.name, error)
                return [facts.now + SHORT]
        self._checked[run.metadata.uid] = None
        return []

    async def _output(
        self, facts: Facts, run: WebJobRun, session: Session | None, *, pods: Sequence[Object], ended: datetime
    ) -> AsyncIterator[Output]:
        """Return all that a run wrote: as its connection heard it, where that is all, else as the kubelet has it."""
        key = run_archive.log_key(run)
        if session and session.lines is not None:
            await self._followers.drop(key)
            return given(session.lines)
        await self._followers.finish(key)
        return run_archive.output(run, pod_logs=self._logs, store=self._store, pods=pods, ended=ended, now=facts.now)

    def _follow(
        self, facts: Facts, run: WebJobRun, session: Session | None, *, pods: Sequence[Object]
    ) -> list[datetime]:
        """Follow the log of a run, unless its connection brings it; return when that is not enough any more."""
        key, hearing = run_archive.log_key(run), session.hearing() if session else None
        if session and session.whole:
            later = times.parse_time(run.status.process_start_time) + SHORT
            if later > facts.now:
                return [later]
        for pod in pods:
            if "running" in container_state(pod):
                meta = pod["metadata"]
                self._followers.follow(
                    meta["uid"], namespace=meta["namespace"], pod=meta["name"], log_key=key, hearing=hearing
                )
        return []


def _heard(
    run: WebJobRun, session: Session | None, *, job: Object | None, pods: Sequence[Object]
) -> outcome.Outcome | None:
    if session is None or job is None or session.lines is None:
        return None
    return outcome.warm_outcome(run, code=session.code, over=session.over, job=job, pods=pods)


def _patience(since_end: timedelta) -> timedelta:
    """Return how long a log is not tried again: the longer it can't be read, the longer."""
    return min(max(since_end / 4, timedelta(seconds=1)), timedelta(minutes=1))


def _status(run: WebJobRun, found: outcome.Outcome, *, job: Object | None, now: datetime) -> Object:
    status: Object = {"state": found.state}
    wanted: list[Wanted] = []
    if found.process_start:
        status["processStartTime"] = times.rfc3339(found.process_start, micro=False)
    if found.message:
        status["message"] = found.message
    elif found.obstacle:
        status["message"] = found.obstacle.message
        wanted.append(found.obstacle.condition())
        if found.state == "Initializing":
            status["processStartTime"] = None  # what began ended with a suspension, and begins anew
    elif job and armed_jobs.is_staying(job) and recorded(run):
        status["message"] = None  # nothing keeps it back any more; while its Job goes, that is why
    if found.exit_code is not None:
        status["exitCode"] = found.exit_code
    if found.end:
        # Kubelets tell whole seconds, run ids are finer: an end is never before its beginning.
        status["endTime"] = times.rfc3339(max(found.end, runs.start_time(run)))
        good = found.state == "Success"
        wanted.append(
            Wanted(
                type="Complete" if good else "Failed",
                status=True,
                reason=found.state,
                message=found.message
                or ("The process ended with exit code 0." if good else "The run did not succeed."),
            )
        )
    if wanted or "message" in status:
        status["conditions"] = update(run.status.conditions, wanted, generation=run.metadata.generation, now=now)
    return status
