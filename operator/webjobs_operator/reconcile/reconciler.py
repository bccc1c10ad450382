"""One level-based pass over a WebJob: what is observed -> what should be -> the writes in between.

Order of the writes, so that dying after any of them loses nothing: the lock before the Job that it guards, the
record of a run before its Job, the log before the end of its run is told, the end before the Job goes, what the
status says of the store before a run moves there.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from webjobs import times
from webjobs.constants import SITE_STOPPED
from webjobs.model import WebJob, WebJobRun, WebJobSchedule
from webjobs.model.effective_spec import under
from webjobs.runs import runs
from webjobs.schedules import plan as scheduling
from webjobs.store import ObjectStore
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import Conflict, NotFound
from webjobs_kube.logs.pod_logs import PodLogs
from webjobs_operator import metrics
from webjobs_operator.attach.connections import Sessions
from webjobs_operator.cluster.cache import Cache, Key
from webjobs_operator.config import OperatorConfig
from webjobs_operator.context.reconcile_context import Pass, Turn
from webjobs_operator.continuous.instance_pods import InstancePods
from webjobs_operator.logs.run_follower import RunFollowers
from webjobs_operator.reconcile import schedule_status, webjob_status
from webjobs_operator.runs import concurrency, outcome
from webjobs_operator.runs.end import RunEnd
from webjobs_operator.runs.offload import StoredRuns
from webjobs_operator.runs.progress import RunProgress
from webjobs_operator.runs.start import RunStart
from webjobs_operator.runs.writes import RunWrites
from webjobs_operator.schedules import scheduler_log
from webjobs_operator.schedules.expiry import Expiry
from webjobs_operator.schedules.firing import Firing
from webjobs_operator.schedules.scheduler_log import SchedulerLog
from webjobs_operator.warm.pool import WarmPool
from webjobs_operator.warm.promotion import Promotion
from webjobs_operator.workloads.workloads import Workloads

UNKNOWN_WEBJOB_GRACE = timedelta(seconds=10)
"""How long a run waits for its WebJob: both may be applied together, and the run be seen first."""


class Reconciler:
    """Makes passes over WebJobs. A call with a key gives the seconds until the key is due again, or None."""

    def __init__(
        self,
        *,
        kube: KubeClient,
        cache: Cache,
        store: ObjectStore,
        config: OperatorConfig,
        clock: Callable[[], datetime],
        log: SchedulerLog,
        pod_logs: PodLogs,
        followers: RunFollowers,
        stored_runs: StoredRuns,
        sessions: Sessions,
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._clock = clock
        self._stored = stored_runs
        self._warm_pool = WarmPool(kube=kube, cache=cache, config=config, sessions=sessions)
        self._writes = RunWrites(kube=kube, cache=cache)
        self._starts = RunStart(kube=kube, cache=cache, config=config, writes=self._writes, warm_pool=self._warm_pool)
        self._ends = RunEnd(cache=cache, config=config, writes=self._writes)
        self._progress = RunProgress(
            promotion=Promotion(kube=kube, cache=cache),
            cache=cache,
            store=store,
            writes=self._writes,
            ends=self._ends,
            pod_logs=pod_logs,
            followers=followers,
            warm_pool=self._warm_pool,
        )
        self._log = log
        self._workloads = Workloads(kube=kube, cache=cache, store=store, config=config, writes=self._writes)
        self._instance_pods = InstancePods(kube=kube, cache=cache, writes=self._writes)
        self._firing = Firing(kube=kube, cache=cache, writes=self._writes, log=log)
        self._expiry = Expiry(kube=kube, cache=cache)

    async def __call__(self, key: Key) -> float | None:
        webjob = self._cache.webjob(key)
        if webjob is None:
            return await self._without_webjob(key)
        if webjob.metadata.deletion_timestamp:
            return None
        try:
            with metrics.PASS_SECONDS.time():
                return await self._pass(key, webjob)
        except Conflict:
            # The REST shim (or an edit) was faster: look again with what is there now.
            try:
                self._cache.observe("WebJob", await self._kube.get("WebJob", *key))
            except NotFound:
                return None
            return 0.0

    async def _pass(self, key: Key, webjob: WebJob) -> float | None:
        site = self._cache.site(key[0])
        webjob = under(webjob, site)
        this = Pass(webjob=webjob, key=key, now=self._clock(), clock=self._clock, site=site)
        known = list(self._cache.runs(key).values())
        # When does it run next, and is a slot due now?
        if webjob.spec.type == "triggered":
            this.plan = scheduling.plan(webjob, known=known, now=this.now)
            this.lines += scheduler_log.changed(webjob.status, this.plan, written=webjob.schedule, now=this.now)
        # WebJobSchedules whose end has come go before they can fire.
        this.due += await self._expiry.carry_out(key, now=this.now)
        this.turns = self._turns(key, webjob, known, now=this.now)
        # ConfigMap, claim, Deployment or CronJob as the spec asks for them.
        await self._workloads.ensure(this)
        # What becomes of its runs, or of its instances; the status comes last.
        if webjob.spec.type == "triggered":
            await self._triggered(this)
        else:
            await self._instance_pods.tend(this)
            await self._ends.refuse_all(this, "A continuous WebJob has no runs: start and stop it by spec.stopped.")
            await self._write_status(this, holder=None)
        for turn in this.turns:
            await self._write_schedule(turn, webjob=webjob, now=this.now)
        self._log.add(key, *this.lines)
        return _delay(this.due, now=self._clock())  # a pass takes its time

    def _turns(self, key: Key, webjob: WebJob, known: list[WebJobRun], *, now: datetime) -> list[Turn]:
        turns = []
        for schedule in self._cache.schedules(key):
            turn = Turn(schedule=schedule, newest=scheduling.newest_of(schedule, known))
            if webjob.spec.type == "triggered":
                turn.plan = scheduling.plan_further(schedule, webjob=webjob, newest=turn.newest, now=now)
            turns.append(turn)
        return turns

    # Runs of a triggered WebJob

    async def _triggered(self, this: Pass) -> None:
        # Which pods wait for a run, and may a run of this pass take one?
        self._warm_pool.look(this)
        # Jobs that an operator made and died before it could say so: their runs have begun.
        await self._starts.recover(this)
        # What Jobs and pods say of the runs that go on; the log is stored before an end is told.
        await self._progress.carry_over(this)
        # Runs that somebody cancelled, and those that can't begin and have waited long enough.
        await self._ends.cancel(this)
        await self._ends.give_up(this)
        # A job that can't run refuses what has not begun.
        if this.refusal or this.site.stopped:
            await self._ends.refuse_all(this, this.refusal or SITE_STOPPED)
        # Slots that are due become runs, or are skipped or missed.
        await self._firing.take(this)
        for turn in this.turns:
            if turn.outcome in ("Skipped", "Missed"):
                # Before the WebJob's count: a pass that dies in between must not decide on the slot once more.
                await self._write_schedule(turn, webjob=this.webjob, now=this.now)
        # Who has the lock, who may start, who is refused?
        await self._find_holder(this)
        known = self._cache.runs(this.key)
        pods = list(self._cache.of("Pod", this.key).values())
        lingering = outcome.has_stray(pods, run_ids={runs.run_id(run) for run in known.values()})
        decision = concurrency.decide(this.webjob, known, now=this.now, lingering=lingering)
        if decision.refuse or decision.replace:
            await self._be_current(this)
        for run in decision.refuse:
            await self._ends.refuse(this, run)
        for run in decision.replace:
            await self._ends.end(this, run, reason="RunReplaced", why=" for a newer one")
        # The lock is written before the Job that it guards.
        before = this.webjob.status.active_run
        if decision.start and decision.holder and (before is None or before.name != decision.holder):
            await self._write_status(this, holder=decision.holder)
        program = this.program
        for run in decision.start:
            if program and not this.problem:
                await self._starts.start(this, run, program=program)
        # A run that has just begun in a pod that waited has the machine for itself: what can wait is put off.
        this.held = self._warm_pool.hold(this)
        if not (this.held and _may_wait(this)):
            await self._write_status(this, holder=decision.holder)
        if decision.holder and decision.holder not in self._cache.runs(this.key):
            this.due.append(this.now + runs.LOCK_GRACE)
        # Pods for the next runs, Jobs of slots that do not run, and what is not needed any more.
        await self._warm_pool.tend(this)
        for job in this.unwanted:
            await self._writes.delete_object(this, "Job", job)
        await self._ends.clean_up(this)
        # Older runs move into the store, beside the passes.
        self._stored.tend(this.webjob, self._cache.runs(this.key))
        # When is there something to do again?
        plans = [this.plan, *(turn.plan for turn in this.turns)]
        this.due += [when for plan in plans for when in (plan.next, plan.given_up) if when]

    async def _find_holder(self, this: Pass) -> None:
        """Look for the run of a lock before the lock counts as void: the watch of runs may only be late."""
        active = this.webjob.status.active_run
        if active is None or active.name in self._cache.runs(this.key):
            return
        if this.now - times.parse_time(active.since) >= runs.LOCK_GRACE:
            try:
                self._cache.observe("WebJobRun", await self._kube.get("WebJobRun", this.key[0], active.name))
            except NotFound:
                return

    async def _be_current(self, this: Pass) -> None:
        """Raise Conflict unless the WebJob is as this pass knows it.

        The REST shim takes the lock before it creates a run. Watches of different kinds are not in step, and a run
        that we see while we don't see its lock yet would be refused, though a client was told 202.
        """
        try:
            there = await self._kube.get("WebJob", *this.key)
        except NotFound:
            there = None
        if there is None or there["metadata"]["resourceVersion"] != this.webjob.metadata.resource_version:
            raise Conflict(409, "Conflict", f"WebJob {this.key[1]} has changed since this pass began")

    async def _write_status(self, this: Pass, *, holder: str | None) -> None:
        """Write the status of the WebJob: at most one write, and none when nothing differs.

        Raises Conflict when somebody else wrote in between.
        """
        webjob, known = this.webjob, self._cache.runs(this.key)
        observed = webjob_status.Observed(
            runs=known,
            pods=list(self._cache.of("Pod", this.key).values()),
            deployment=self._cache.get("Deployment", this.key, webjob.metadata.name),
            stored=self._stored.status(webjob, known),
        )
        wanted = webjob_status.compute(this, observed, holder=holder)
        patch = webjob_status.changes(webjob.status.to_wire(), wanted)
        if not patch:
            return
        body = {"metadata": {"resourceVersion": webjob.metadata.resource_version}, "status": patch}
        answer = await self._kube.patch("WebJob", *this.key, body, subresource="status")
        self._cache.observe("WebJob", answer)
        this.webjob = under(WebJob.parse(answer), this.site)
        this.skipped = 0

    async def _write_schedule(self, turn: Turn, *, webjob: WebJob | None, now: datetime) -> None:
        """Write the status of a WebJobSchedule: at most one write, and none when nothing differs."""
        meta = turn.schedule.metadata
        wanted = schedule_status.compute(turn, webjob=webjob, now=now)
        patch = webjob_status.changes(turn.schedule.status.to_wire(), wanted)
        if not patch:
            return
        body = {"metadata": {"resourceVersion": meta.resource_version}, "status": patch}
        try:
            answer = await self._kube.patch("WebJobSchedule", meta.namespace, meta.name, body, subresource="status")
        except NotFound:
            return  # deleted meanwhile
        except Conflict:
            self._cache.observe("WebJobSchedule", await self._kube.get("WebJobSchedule", meta.namespace, meta.name))
            raise
        self._cache.observe("WebJobSchedule", answer)
        turn.schedule, turn.outcome = WebJobSchedule.parse(answer), None

    async def _without_webjob(self, key: Key) -> float | None:
        """Fail the runs that name a WebJob which is not there, after a moment, with a message that says so."""
        now = self._clock()
        self._warm_pool.forget(key)
        due = await self._expiry.carry_out(key, now=now)
        for schedule in self._cache.schedules(key):
            await self._write_schedule(Turn(schedule=schedule), webjob=None, now=now)
        for run in self._cache.runs(key).values():
            if run.ended or run.metadata.deletion_timestamp or run.metadata.owner_references:
                continue  # owned ones are being collected with their WebJob
            patience = times.parse_time(run.metadata.creation_timestamp) + UNKNOWN_WEBJOB_GRACE
            if patience > now:
                due.append(patience)
                continue
            message = f"There is no WebJob {key[1]} in namespace {key[0]}: create it, then create the run anew."
            await self._writes.finish(run, state="Failed", reason="WebJobNotFound", message=message, now=now)
        return _delay(due, now=now)


def _may_wait(this: Pass) -> bool:
    """Return whether nothing would be lost with a pass: it dealt with no slot, and refused nothing."""
    return not (this.skipped or this.handled or any(turn.outcome for turn in this.turns))


def _delay(due: list[datetime], *, now: datetime) -> float | None:
    if not due:
        return None
    # Hardly ever early: a timer that fires a moment before its slot finds nothing to do, and waits once more.
    return max((min(due) - now).total_seconds(), 0.0) + 0.001
