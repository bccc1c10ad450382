"""One level-based pass over a WebJob: facts are read, decisions follow from them, and then come the writes.

Order of the writes, so that dying after any of them loses nothing: the lock before the Job that it guards, the
record of a run before its Job, the log before the end of its run is told, the end before the Job goes, what the
status says of the store before a run moves there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from webjobs import times
from webjobs.constants import SITE_STOPPED
from webjobs.logs.scheduler_lines import Line
from webjobs.model import WebJob, WebJobSchedule
from webjobs.runs import runs
from webjobs.schedules import plan as scheduling
from webjobs.schedules.plan import Plan
from webjobs.store import ObjectStore
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import Conflict, NotFound
from webjobs_kube.logs.pod_logs import PodLogs
from webjobs_operator import metrics
from webjobs_operator.attach.connections import Sessions
from webjobs_operator.cluster.cache import Cache, Key
from webjobs_operator.config import OperatorConfig
from webjobs_operator.context.facts import Facts, FactsReader
from webjobs_operator.continuous.instance_pods import InstancePods
from webjobs_operator.logs.run_follower import RunFollowers
from webjobs_operator.reconcile import pass_failures, webjob_status
from webjobs_operator.reconcile.findings import Findings
from webjobs_operator.reconcile.pass_failures import PassFailures
from webjobs_operator.reconcile.status_writer import StatusWriter
from webjobs_operator.reconcile.without_webjob import WithoutWebJob
from webjobs_operator.runs import concurrency, early_ends
from webjobs_operator.runs.end import RunEnd
from webjobs_operator.runs.history import RunHistory
from webjobs_operator.runs.offload import StoredRuns
from webjobs_operator.runs.progress import RunProgress
from webjobs_operator.runs.refusals import Refusals
from webjobs_operator.runs.start import RunStart
from webjobs_operator.runs.writes import RunWrites
from webjobs_operator.schedules import scheduler_log
from webjobs_operator.schedules.expiry import Expiry
from webjobs_operator.schedules.firing import Firing, Turn
from webjobs_operator.schedules.scheduler_log import SchedulerLog
from webjobs_operator.warm.pool import WarmPool
from webjobs_operator.warm.promotion import Promotion
from webjobs_operator.workloads.workloads import Workloads

NO_RUNS = "A continuous WebJob has no runs: start and stop it by spec.stopped."


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
        self._queued = config.queued_runs
        self._failures = PassFailures(kube=kube, cache=cache, clock=clock)
        self._stored = stored_runs
        self._warm_pool = WarmPool(kube=kube, cache=cache, config=config, sessions=sessions, clock=clock)
        self._writes = RunWrites(kube=kube, cache=cache)
        self._refusals = Refusals(kube=kube)
        self._status = StatusWriter(
            kube=kube, cache=cache, writes=self._writes, stored_runs=stored_runs, objects=config.history_objects
        )
        self._starts = RunStart(kube=kube, cache=cache, config=config, writes=self._writes, warm_pool=self._warm_pool)
        self._ends = RunEnd(config=config, writes=self._writes)
        self._history = RunHistory(store=store, writes=self._writes)
        self._progress = RunProgress(
            kube=kube,
            refusals=self._refusals,
            promotion=Promotion(kube=kube, cache=cache),
            store=store,
            writes=self._writes,
            ends=self._ends,
            pod_logs=pod_logs,
            followers=followers,
            warm_pool=self._warm_pool,
        )
        self._orphans = WithoutWebJob(
            cache=cache, writes=self._writes, status=self._status, history=self._history, progress=self._progress
        )
        self._log = log
        self._workloads = Workloads(kube=kube, cache=cache, store=store, config=config, writes=self._writes)
        self._instance_pods = InstancePods(kube=kube, cache=cache, writes=self._writes)
        self._firing = Firing(kube=kube, cache=cache, writes=self._writes, log=log, clock=clock)
        self._expiry = Expiry(kube=kube, cache=cache)

    async def __call__(self, key: Key) -> float | None:
        webjob = self._cache.webjob(key)
        if webjob is None:
            return await self._without_webjob(key)
        if webjob.metadata.deletion_timestamp:
            return None
        try:
            if self._failures.happened(key):
                # A write of that pass may have been done though its answer was lost, and the watch may not have told of
                # it yet: decided on the status of before, a slot that was skipped would become a run, too.
                webjob = await self._read_anew(key)
                if webjob is None:
                    return None
            restoring = pass_failures.restoring(webjob)
            if restoring:  # runs and schedules come one after the other: what is decided on half of them is wrong
                await self._failures.tell(webjob, restoring)
                return None
            with metrics.PASS_SECONDS.time():
                due = await self._pass(key, webjob)
            self._failures.forget(key)
            return due
        except Conflict:
            # The REST shim (or an edit) was faster: look again with what is there now.
            return 0.0 if await self._read_anew(key) else None
        except Exception as error:
            await self._failures.count(key, error)
            raise

    async def _read_anew(self, key: Key) -> WebJob | None:
        """Return a WebJob as the API server has it; None when it is gone."""
        try:
            self._cache.observe("WebJob", await self._kube.get("WebJob", *key))
        except NotFound:
            return None
        return self._cache.webjob(key)

    async def _pass(self, key: Key, webjob: WebJob) -> float | None:
        read = FactsReader(self._cache, key, webjob, now=self._clock())
        facts = read()
        # When does it run next, and is a slot due now?
        plan, lines = _plan(facts)
        # WebJobSchedules whose end has come go before they can fire.
        due = await self._expiry.carry_out(key, now=facts.now)
        turns = _turns(facts, self._cache.schedules(key))
        # A CronJob that goes on makes up for what was due while it rested: since when slots count is written before.
        if webjob_status.resumes(facts, plan):
            await self._status.in_force(read, plan)
        # ConfigMap, claim, Deployment or CronJob as the spec asks for them.
        readiness, again = await self._workloads.ensure(read, plan)
        found = Findings(readiness=readiness, plan=plan, turns=turns)
        # A settings.job that can't be read is told once.
        if webjob_status.is_unreadable_news(facts.webjob):
            await self._writes.tell(facts, webjob_status.UNREADABLE, webjob_status.unreadable(facts.webjob))
        # Runs of before a restore, or of an earlier WebJob of the name, never start.
        again += await self._history.settle(read())
        await self._history.adopt(read())
        # What becomes of its runs, or of its instances; the status comes last.
        if facts.webjob.spec.type == "triggered":
            found, later = await self._triggered(read, found)
        else:
            later = await self._continuous(read, found)
        for turn in found.turns:
            await self._status.schedule(turn, webjob=facts.webjob, now=facts.now)
        self._log.add(key, *lines, *found.lines)
        return _delay([*due, *again, *later], now=self._clock())  # a pass takes its time

    async def _continuous(self, read: FactsReader, found: Findings) -> list[datetime]:
        due = await self._instance_pods.tend(read())
        facts = read()
        await self._ends.carry_out(facts, early_ends.cannot_run(facts, NO_RUNS))
        await self._status.webjob(read, found)
        return due

    # Runs of a triggered WebJob

    async def _triggered(self, read: FactsReader, found: Findings) -> tuple[Findings, list[datetime]]:
        """Bring the runs of a WebJob forward; return what was found, and when to look again.

        ``read()`` before each step that follows a write: it costs nothing while nothing has changed.
        """
        # Which pods wait for a run, and may a run of this pass take one?
        found = replace(found, warmth=self._warm_pool.warmth(read(), found.readiness))
        self._warm_pool.attend(read().key, read().derived(found.warmth.pool))
        # Jobs that an operator made and died before it could say so: their runs have begun.
        await self._starts.recover(read)
        # What Jobs and pods say of the runs that go on; the log is stored before an end is told.
        due = await self._progress.carry_over(read())
        # Who ends early: by somebody's will, for want of an image, or because the job can't run?
        due += await self._end_early(read, found)
        # Slots that are due become runs, or are skipped or missed.
        found = await self._take_slots(read, found)
        found, later = await self._ask_for_slot(read(), found)
        due += later
        # Who has the lock, who may start, who is refused?
        decision, found = await self._decide(read, found)
        # The lock is written before the Job that it guards.
        before = read().webjob.status.active_run
        if decision.start and decision.holder and (before is None or before.name != decision.holder):
            found = await self._status.webjob(read, found)
        if found.readiness.program:
            due += await self._starts.start_all(
                read, decision.start, program=found.readiness.program, warmth=found.warmth
            )
        # A run that has just begun in a pod that waited has the machine for itself: what can wait is put off.
        young = self._warm_pool.young(read())
        if not (young and _may_wait(found)):
            found = await self._status.webjob(read, found)
        # Pods for the next runs, Jobs of slots that do not run, and what is not needed any more.
        facts = read()
        due += await self._warm_pool.tend(facts, found.warmth, facts.derived(found.warmth.pool), create=not young)
        for job in found.unwanted:
            await self._writes.delete_object(facts.key, "Job", job)
        facts = read()
        due += await self._ends.clean_up(facts, facts.derived(self._status.places))
        # Older runs move into the store, beside the passes.
        self._stored.tend(facts.webjob, facts.derived(self._status.places))
        # When is there something to do again?
        if found.holder and found.holder not in facts.runs:
            due.append(facts.now + runs.LOCK_GRACE)
        plans = [found.plan, *(turn.plan for turn in found.turns)]
        return found, [*due, *young, *(when for plan in plans for when in (plan.next, plan.given_up) if when)]

    async def _end_early(self, read: FactsReader, found: Findings) -> list[datetime]:
        """End the runs that were cancelled, that can't begin, or whose job can't run; return when others are due."""
        facts = read()
        await self._ends.carry_out(facts, early_ends.cancelled(facts))
        facts = read()
        ends, due = early_ends.given_up(facts)
        await self._ends.carry_out(facts, ends)
        problem = found.readiness.problem
        if problem and problem.ends:
            facts = read()
            ends, later = early_ends.too_late(facts, problem.message)
            await self._ends.carry_out(facts, ends)
            due += later
        refusal = found.readiness.refusal or (SITE_STOPPED if facts.site.stopped else None)
        if refusal:
            facts = read()
            await self._ends.carry_out(facts, early_ends.cannot_run(facts, refusal))
        return due

    async def _take_slots(self, read: FactsReader, found: Findings) -> Findings:
        slots = await self._firing.take(read, plan=found.plan, turns=found.turns, refusal=found.readiness.refusal)
        turns, facts = list(slots.turns), read()
        for number, turn in enumerate(turns):
            if turn.outcome in ("Skipped", "Missed"):
                # Before the WebJob's count: a pass that dies in between must not decide on the slot once more.
                turns[number] = await self._status.schedule(turn, webjob=facts.webjob, now=facts.now)
        return replace(found, **(vars(slots) | {"turns": turns}))

    async def _ask_for_slot(self, facts: Facts, found: Findings) -> tuple[Findings, list[datetime]]:
        """Find out why the CronJob has made no Job of the slot that is due; return when to ask again."""
        cron_job, slot = facts.objects["CronJob"].get(facts.key[1]), found.plan.overdue
        if cron_job is None or slot is None or (found.taken and found.taken >= slot):
            return found, []
        refusal, again = await self._refusals.ask(cron_job, since=slot, now=facts.now)
        return replace(found, slot_refused=refusal), [again]

    async def _decide(self, read: FactsReader, found: Findings) -> tuple[concurrency.Decision, Findings]:
        """Decide who has the lock and who starts, and end the runs that are refused or give way."""
        await self._find_holder(read())
        facts = read()
        decision = concurrency.decide(
            facts.webjob,
            facts.runs,
            now=facts.now,
            lingering=concurrency.has_stray(facts),
            queued=self._queued,
        )
        if decision.refuse or decision.overflow or decision.replace:
            await self._be_current(facts)
        refused = [*early_ends.busy(decision.refuse), *early_ends.queue_full(decision.overflow)]
        await self._ends.carry_out(facts, refused)
        await self._ends.carry_out(facts, early_ends.replaced(read(), decision.replace))
        return decision, replace(found, holder=decision.holder, skipped=found.skipped + len(refused))

    async def _find_holder(self, facts: Facts) -> None:
        """Look for the run of a lock before the lock counts as void: the watch of runs may only be late."""
        active = facts.webjob.status.active_run
        if active is None or active.name in facts.runs:
            return
        if abs(facts.now - times.parse_time(active.since)) >= runs.LOCK_GRACE:
            try:
                self._cache.observe("WebJobRun", await self._kube.get("WebJobRun", facts.key[0], active.name))
            except NotFound:
                return

    async def _be_current(self, facts: Facts) -> None:
        """Raise Conflict unless the WebJob is as this pass knows it.

        The REST shim takes the lock before it creates a run. Watches of different kinds are not in step, and a run
        that we see while we don't see its lock yet would be refused, though a client was told 202.
        """
        try:
            there = await self._kube.get("WebJob", *facts.key)
        except NotFound:
            there = None
        if there is None or there["metadata"]["resourceVersion"] != facts.webjob.metadata.resource_version:
            raise Conflict(409, "Conflict", f"WebJob {facts.key[1]} has changed since this pass began")

    async def _without_webjob(self, key: Key) -> float | None:
        now = self._clock()
        self._warm_pool.forget(key)
        due = await self._expiry.carry_out(key, now=now)
        return _delay(due + await self._orphans.tend(key, now=now), now=now)


def _plan(facts: Facts) -> tuple[Plan, list[Line]]:
    """Return the plan of a WebJob's own schedule, and what the scheduler's log is to say of it."""
    webjob = facts.webjob
    if webjob.spec.type != "triggered":
        return Plan(), []
    plan = scheduling.plan(webjob, known=facts.runs.values(), now=facts.now)
    return plan, scheduler_log.changed(webjob.status, plan, written=webjob.schedule, now=facts.now)


def _turns(facts: Facts, schedules: Sequence[WebJobSchedule]) -> list[Turn]:
    """Return the WebJobSchedules of a WebJob with their plans; those of a continuous one have none."""
    turns = []
    for schedule in schedules:
        newest = scheduling.newest_of(schedule, facts.runs.values(), now=facts.now)
        plan = Plan()
        if facts.webjob.spec.type == "triggered":
            plan = scheduling.plan_further(schedule, webjob=facts.webjob, newest=newest, now=facts.now)
        turns.append(Turn(schedule=schedule, plan=plan, newest=newest))
    return turns


def _may_wait(found: Findings) -> bool:
    """Return whether nothing would be lost with a pass: it dealt with no slot, and refused nothing."""
    return not (found.skipped or found.handled or any(turn.outcome for turn in found.turns))


def _delay(due: list[datetime], *, now: datetime) -> float | None:
    """Return the seconds until the next time; None when there is none."""
    if not due:
        return None
    # Hardly ever early: a timer that fires a moment before its slot finds nothing to do, and waits once more.
    return max((min(due) - now).total_seconds(), 0.0) + 0.001
