"""Warm runs: keeps Jobs waiting, gives one to a run, and hears of its end at once.

Order of the writes: who takes whom is written on both sides, by conditional writes, before the pod is told; the pod
takes one line and no other, so that telling it again (after a crash, or a broken connection) starts nothing twice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from webjobs import times
from webjobs.model import LABEL_RUN, Metadata, WebJobRun
from webjobs.model.command_line import split_arguments
from webjobs.objects import Object
from webjobs.pods import is_over, newest_pod
from webjobs.runs import runs
from webjobs_kube.backoff import Backoff
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import AlreadyExists, ApiError, Conflict, NotFound
from webjobs_operator.attach.connections import FORBIDDEN_SECONDS, Session, Sessions
from webjobs_operator.cluster.cache import Cache, Key
from webjobs_operator.cluster.writes import change, remove
from webjobs_operator.config import OperatorConfig
from webjobs_operator.context import armed_jobs
from webjobs_operator.context.conditions import Wanted
from webjobs_operator.context.facts import Facts
from webjobs_operator.context.readiness import Readiness
from webjobs_operator.manifests import children
from webjobs_operator.warm import plan
from webjobs_operator.warm.plan import Offers, Pool, Warmth

log = logging.getLogger(__name__)


Taken = Literal["taken", "soon", "no"]
"""What became of a run that asked for a waiting pod: it has one, will have one in a moment, or starts as usual."""
YOUNG = timedelta(milliseconds=250)
"""Age up to which a run has the machine for itself: most are over by then, and what can wait would only slow them."""
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 300.0
"""Seconds."""


@dataclass(frozen=True)
class _Pause:
    """The pause of a WebJob whose waiting Jobs end without a run, or are refused."""

    backoff: Backoff
    until: datetime


class WarmPool:
    """All writes about Jobs that wait, and the connections to their pods."""

    def __init__(
        self,
        *,
        kube: KubeClient,
        cache: Cache,
        config: OperatorConfig,
        sessions: Sessions,
        clock: Callable[[], datetime],
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._config = config
        self._sessions = sessions
        self._clock = clock
        self._pauses: dict[Key, _Pause] = {}

    def warmth(self, facts: Facts, readiness: Readiness) -> Warmth:
        """Return whether pods are to wait for runs of a WebJob."""
        program, config = readiness.program, self._config
        count = plan.wanted(facts.webjob, program, config.warm)
        if program is None or not count:
            return Warmth()
        obstacle = plan.obstacle(program, config.warm, forbidden=self._sessions.forbidden)
        if obstacle:
            return Warmth(condition=Wanted(type="Warm", status=False, reason=obstacle[0], message=obstacle[1]))
        armed = children.armed_job(facts.webjob, program=program, config=config, app_settings=facts.site.digest)
        text = "Pods are kept waiting, so that a run begins at once."
        return Warmth(
            armed=armed, count=count, condition=Wanted(type="Warm", status=True, reason="Armed", message=text)
        )

    def attend(self, key: Key, pool: Pool) -> None:
        """Connect to the pods that wait, as long as there is room."""
        for one in pool.ready:
            if one.pod and self._sessions.has_room:
                self._sessions.attend(key, one.pod)

    # A run

    async def take(self, facts: Facts, run: WebJobRun, offers: Offers) -> tuple[Taken, datetime | None]:
        """Start a run in a pod that waits, if there is one for it; beside "soon" stands until when it waits for one.

        Raises Conflict: look again.
        """
        try:
            line = _line(run)
        except ValueError as error:
            log.info("run %s/%s starts as usual: %s", run.metadata.namespace, run.metadata.name, error)
            return "no", None
        one = plan.marked_for(run, jobs=facts.jobs, pods=facts.pods) or offers.take(self._can_take)
        if one is None or one.pod is None:
            until = offers.wait()
            return ("soon", until) if until else ("no", None)
        await self._claim(run, one.job, one.pod, now=self._clock())
        await self._sessions.attend(facts.key, one.pod).begin(line)
        return "taken", None

    def _can_take(self, pod: Mapping[str, Any]) -> bool:
        session = self._sessions.get(pod["metadata"]["uid"])
        return session is not None and session.ready

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
            "message": None,  # it may have waited for a quota
            "conditions": None,
        }
        await self._patch_run(run, status)

    async def _mark(self, pod: Any, run: WebJobRun) -> None:
        if armed_jobs.run_of(pod) != runs.run_id(run):
            mark = {"metadata": {"labels": {LABEL_RUN: runs.run_id(run)}}}
            await change(self._kube, self._cache, "Pod", Metadata.model_validate(pod["metadata"]), mark)

    async def go_on(self, facts: Facts, run: WebJobRun, job: Object) -> list[datetime]:
        """Do what may be missing of a run that took a Job: mark the pod (of a further attempt), and send the line.

        Returns when to try again, where the API server refuses the connection.
        """
        due = []
        for pod in armed_jobs.pods_of(job, facts.pods):
            if armed_jobs.is_up(pod) and armed_jobs.run_of(pod) in (None, runs.run_id(run)):
                await self._mark(pod, run)
                if self._sessions.forbidden and self._sessions.get(pod["metadata"]["uid"]) is None:
                    due.append(facts.now + timedelta(seconds=FORBIDDEN_SECONDS))
                    continue  # each refusal makes the job due
                await self._sessions.attend(facts.key, pod).begin(_line(run))
        return due

    def session(self, pods: Sequence[Object]) -> Session | None:
        """Return the connection to the newest of a run's pods."""
        pod = newest_pod(pods)
        return self._sessions.get(pod["metadata"]["uid"]) if pod else None

    async def put_back(self, run: WebJobRun) -> None:
        """Let a run that is known to have begun nowhere wait for its turn again."""
        status = {"state": None, "jobName": None, "jobUID": None, "processStartTime": None}
        status |= {"message": None, "conditions": None}
        await self._patch_run(run, status)
        log.info("run %s/%s waits for its turn again", run.metadata.namespace, run.metadata.name)

    async def _patch_run(self, run: WebJobRun, status: Object) -> None:
        await change(self._kube, self._cache, "WebJobRun", run.metadata, {"status": status}, subresource="status")

    def young(self, facts: Facts) -> list[datetime]:
        """Return when the runs are older that have just begun in pods that waited; none: no run is young."""
        begun = [
            times.parse_time(run.status.process_start_time)
            for run in facts.active
            if run.status.state == "Running" and armed_jobs.is_armed(facts.jobs.get(run.status.job_name or ""))
        ]
        # Runs of a shim whose clock is ahead begin in time to come.
        return [when + YOUNG for when in begun if abs(self._clock() - when) < YOUNG]

    # The Jobs

    def forget(self, key: Key) -> None:
        """Forget a WebJob that is gone."""
        self._sessions.keep(key, ())
        self._pauses.pop(key, None)

    async def tend(self, facts: Facts, warmth: Warmth, pool: Pool, *, create: bool) -> list[datetime]:
        """Make the Jobs that are missing (``create``), and remove those that nobody is to take.

        Returns when to look again.
        """
        if warmth.armed is None and not any(map(armed_jobs.is_armed, facts.jobs.values())):
            self._sessions.keep(facts.key, ())
            return self._ask_again(facts, warmth)
        for job in pool.remove:
            await remove(self._kube, self._cache, "Job", Metadata.model_validate(job["metadata"]), owner=facts.key)
        self._note(facts, pool)
        due = self._ask_again(facts, warmth)
        if warmth.armed and create:
            for name in pool.create:
                due += await self._create(facts, warmth.armed, name)
        if pool.expires:
            due.append(max(pool.expires, facts.now + timedelta(seconds=1)))
        uids = [pod["metadata"]["uid"] for pod in facts.pods if not is_over(pod)]
        self._sessions.keep(facts.key, uids)
        return due

    def _ask_again(self, facts: Facts, warmth: Warmth) -> list[datetime]:
        """Return when to look whether the API server still refuses connections to pods that are to wait."""
        if warmth.condition and warmth.condition.reason == "AttachForbidden":
            return [facts.now + timedelta(seconds=FORBIDDEN_SECONDS)]
        return []

    def _note(self, facts: Facts, pool: Pool) -> None:
        """Note failures: Jobs that end without a run are made ever less often, until one waits in peace."""
        pause = self._pauses.get(facts.key)
        if pool.failed:
            backoff = pause.backoff if pause else Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
            self._pauses[facts.key] = _Pause(backoff, facts.now + timedelta(seconds=backoff.next()))
        elif pool.ready and pause and facts.now >= pause.until:
            del self._pauses[facts.key]

    async def _create(self, facts: Facts, armed: Object, name: str) -> list[datetime]:
        """Make a Job that waits; return when to try again, where it can't be made now."""
        pause = self._pauses.get(facts.key)
        if pause and facts.now < pause.until:
            return [pause.until]
        manifest = armed | {"metadata": armed["metadata"] | {"name": name}}
        try:
            made = await self._kube.create(manifest)
        except AlreadyExists:
            made = await self._kube.get("Job", facts.key[0], name)
        except ApiError as error:
            if not error.is_refusal:
                raise
            # Quotas and policies that refuse it are no reason to do nothing else for the job.
            log.warning("no pod of %s/%s can wait for runs: %s", *facts.key, error)
            later = facts.now + timedelta(seconds=_LONGEST_PAUSE)
            backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE)
            backoff.next()  # the refusal is the first failure
            self._pauses[facts.key] = _Pause(backoff, later)
            return [later]
        self._cache.observe("Job", made)
        return []


def _line(run: WebJobRun) -> bytes:
    return plan.line_of(run, split_arguments(run.spec.arguments))
