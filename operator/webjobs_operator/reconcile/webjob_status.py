"""The status of a WebJob, recomputed from what is observed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from webjobs.logs.restarts import own_delay
from webjobs.model import LABEL_WEBJOB, Condition, StoredRuns, WebJob, WebJobRun, WebJobStatus
from webjobs.objects import ObjectView
from webjobs.pods import container_state, instance_id, is_over
from webjobs.runs import runs
from webjobs.schedules.plan import Plan
from webjobs.store import scheduler_logs
from webjobs.times import not_to_come, parse_time, rfc3339
from webjobs_operator.context.conditions import Wanted, update
from webjobs_operator.context.facts import Facts
from webjobs_operator.context.obstacles import Obstacle, of_deployment, of_pods, recorded
from webjobs_operator.continuous import instances
from webjobs_operator.manifests.program import Unrunnable
from webjobs_operator.reconcile import program_status
from webjobs_operator.reconcile.findings import Findings

Status = dict[str, Any]


UNREADABLE = "Unreadable"
"""Reason of the condition ``Settings`` of a settings.job that can't be read."""
SUSPENDED = "The schedule rests: by spec.suspend, or by WEBJOBS_STOPPED or WEBJOBS_DISABLE_SCHEDULE of the site."


def compute(facts: Facts, found: Findings, *, ready: int = 0, stored: StoredRuns | None = None) -> Status:
    """Return the whole status of a WebJob on the wire, after a pass.

    ``ready``: pods that wait for a run; ``stored``: what there is to say of runs in the store.
    """
    webjob = facts.webjob
    if webjob.spec.type == "continuous":
        status, conditions = _continuous(facts, found)
    else:
        status, conditions = _triggered(facts, found)
        if found.warmth.condition:
            conditions.append(found.warmth.condition)
        if found.warmth.armed:
            status["warmReady"] = ready
        if stored:
            status["storedRuns"] = stored.to_wire()
    if webjob.settings_error:
        conditions.append(Wanted(type="Settings", status=False, reason=UNREADABLE, message=unreadable(webjob)))
    if missing := program_status.dependencies(found.readiness.program):
        conditions.append(missing)
    if told := program_status.of_program(found.readiness.program):
        status["program"] = told.to_wire()
    generation = webjob.metadata.generation
    return status | {
        "observedGeneration": generation,
        "conditions": update(webjob.status.conditions, conditions, generation=generation, now=facts.now),
    }


def news(webjob: WebJob, wanted: Status) -> Condition | None:
    """Return the problem of a new status when a person should hear of it: the one before had another reason.

    ``webjob``: with the status before.
    """
    problem = WebJobStatus.model_validate(wanted).problem
    known = webjob.status.problem
    return problem if problem and (known is None or known.reason != problem.reason) else None


def is_unreadable_news(webjob: WebJob) -> bool:
    """Return whether a settings.job can't be read and the status does not say so yet."""
    told = any(one.reason == UNREADABLE for one in webjob.status.conditions)
    return webjob.settings_error is not None and not told


def unreadable(webjob: WebJob) -> str:
    """Return what is to be told of a settings.job that can't be read."""
    return f"{webjob.settings_error} Nothing of it counts. Mend it and upload the job again, or put its settings."


def resumes(facts: Facts, plan: Plan) -> bool:
    """Return whether this pass lets a CronJob go on that rested, or changes its schedule, and no status says so yet."""
    cron_job = facts.objects["CronJob"].get(facts.key[1])
    return bool(cron_job and plan.cron and plan.next and plan.since is None)


def in_force(plan: Plan, *, now: datetime) -> Status:
    """Return the part of a status that says since when a schedule is in force."""
    return {"schedule": plan.text, "scheduleSince": rfc3339(now)}


def _problem(problem: Unrunnable) -> Wanted:
    return Wanted(type="Ready", status=False, reason=problem.reason, message=problem.message)


def _triggered(facts: Facts, found: Findings) -> tuple[Status, list[Wanted]]:
    webjob, now, plan, holder = facts.webjob, facts.now, found.plan, found.holder
    problem, handled = found.readiness.problem, found.handled
    further = [turn.plan for turn in found.turns]
    latest = _latest_run(webjob, known=facts.runs, holder=holder)
    status: Status = {}
    if latest:
        status["latestRun"] = latest
    if holder:
        before = webjob.status.active_run
        since = before.since if before and before.name == holder else rfc3339(now)
        status["activeRun"] = {"name": holder, "since": since}
    if webjob.status.skipped_runs or found.skipped:
        status["skippedRuns"] = (webjob.status.skipped_runs or 0) + found.skipped
    conditions = [_problem(problem) if problem else _ready(facts, found)]
    state = "Idle"
    if plan.problem:
        conditions.append(Wanted(type="Scheduled", status=False, reason="InvalidSchedule", message=plan.problem))
    elif plan.text:
        status["schedule"] = plan.text
        if plan.next:
            told = webjob.status.schedule_since if webjob.status.schedule == plan.text else None
            status["scheduleSince"] = told if told and not_to_come([parse_time(told)], now=now) else rfc3339(now)
        recorded_last = [parse_time(one) for one in (webjob.status.last_schedule_time,) if one]
        if last := [*not_to_come(recorded_last, now=now), *([handled] if handled else [])]:
            status["lastScheduleTime"] = rfc3339(max(last), micro=False)
        conditions.append(_scheduled(webjob, plan))
        state = "Suspended" if webjob.spec.suspend else "Scheduled"
    if plan.text or plan.problem or further or webjob.status.scheduler_log_path:
        status["schedulerLogPath"] = scheduler_logs.key(
            namespace=webjob.metadata.namespace, webjob=webjob.metadata.name
        )
    times = [one.next for one in (plan, *further) if one.next]
    if times:
        status["nextRunTime"] = rfc3339(min(times), micro=False)
        state = "Scheduled"
    if problem or plan.problem:
        state = "Error"
    elif latest and latest["state"] == "Running":
        state = "Running"
    return status | {"state": state}, conditions


def _ready(facts: Facts, found: Findings) -> Wanted:
    """Return the condition of a job that has a program: something may keep its runs from beginning."""
    obstacle = next(filter(None, map(recorded, (*facts.not_started, *facts.active))), None)
    if obstacle is None and found.slot_refused:
        text = f"The Job of a slot was refused: {found.slot_refused}"[:1024]
        obstacle = Obstacle(reason="JobRefused", message=text)
    if obstacle:
        return Wanted(type="Ready", status=False, reason=obstacle.reason, message=obstacle.message)
    return Wanted(type="Ready", status=True, reason="Runnable", message="The job can run.")


def _scheduled(webjob: WebJob, plan: Plan) -> Wanted:
    if webjob.spec.suspend:
        return Wanted(type="Scheduled", status=False, reason="Suspended", message=SUSPENDED)
    if plan.next is None:
        return Wanted(
            type="Scheduled", status=False, reason="NeverFires", message="No time matches the schedule: change it."
        )
    if plan.cron:
        return Wanted(
            type="Scheduled", status=True, reason="CronJob", message=f"{plan.says}: by a CronJob, as {plan.cron!r}."
        )
    return Wanted(
        type="Scheduled",
        status=True,
        reason="OperatorTimer",
        message=f"{plan.says}: by the operator, because a CronJob can't: {plan.timer_reason}.",
    )


def _latest_run(webjob: WebJob, *, known: Mapping[str, WebJobRun], holder: str | None) -> Status | None:
    recorded = webjob.status.latest_run
    if recorded and holder == recorded.name and holder not in known:
        # The REST shim wrote it with the lock; the run itself is still on its way to us.
        return recorded.to_wire()
    newest = runs.newest(list(known.values()))
    if newest is None:
        return None
    latest: Status = {
        "name": newest.metadata.name,
        "runId": runs.run_id(newest),
        "state": newest.status.state or "Initializing",
        "startTime": rfc3339(runs.start_time(newest)),
        "trigger": runs.trigger(newest),
    }
    if newest.status.end_time:
        latest["endTime"] = newest.status.end_time
    return latest


def _continuous(facts: Facts, found: Findings) -> tuple[Status, list[Wanted]]:
    webjob, pods, now, problem = facts.webjob, facts.pods, facts.now, found.readiness.problem
    deployment = facts.objects["Deployment"].get(webjob.metadata.name)
    live = sorted((pod for pod in pods if not is_over(pod)), key=lambda pod: pod["metadata"]["name"])
    by_id = {instance_id(pod["metadata"]["uid"]): pod for pod in live}
    delay = own_delay(webjob)
    listed = [
        {"id": instance, "pod": pod["metadata"]["name"], "status": instances.status(pod, delay=delay, now=now)}
        for instance, pod in by_id.items()
    ]
    observed = (deployment or {}).get("status", {})
    ready = observed.get("readyReplicas", 0)
    status: Status = {
        "selector": f"{LABEL_WEBJOB}={webjob.metadata.name}",
        "replicas": observed.get("replicas", 0),
        "readyReplicas": ready,
        "instances": listed[:200],
    }
    wanted = webjob.instances
    if problem:
        return status | {"state": "Error"}, [_problem(problem)]
    if wanted == 0:
        reason = "Stopped" if webjob.spec.stopped else "ScaledToZero"
        state = "Stopping" if live else "Stopped"
        return status | {"state": state}, [
            Wanted(type="Ready", status=False, reason=reason, message="No instance is meant to run.")
        ]
    current = deployment and deployment["metadata"].get("generation") == observed.get("observedGeneration")
    state = instances.of_all([instance["status"] for instance in listed])
    if current and observed.get("updatedReplicas", 0) >= wanted and observed.get("availableReplicas", 0) >= wanted:
        # Instances of before do the work while new ones can't begin.
        outdated = observed.get("replicas", 0) > observed.get("updatedReplicas", 0)
        if not (outdated and _obstacle(facts, deployment)):
            return status | {"state": state}, [
                Wanted(type="Ready", status=True, reason="Running", message=f"{ready} of {wanted} instances run.")
            ]
    return status | {"state": state}, [_progress(facts, deployment, ready=ready, wanted=wanted)]


def _obstacle(facts: Facts, deployment: ObjectView | None) -> Obstacle | None:
    waiting = [pod for pod in facts.pods if not instances.is_gated(pod)]
    return of_pods(waiting, now=facts.now) or of_deployment(deployment)


def _progress(facts: Facts, deployment: ObjectView | None, *, ready: int, wanted: int) -> Wanted:
    """Return the condition of a continuous job of which too few instances run."""
    pods, text = facts.pods, f"{ready} of {wanted} instances run."
    if any(instances.is_gated(pod) for pod in pods):
        for other in (pod for pod in pods if not is_over(pod) and not instances.is_gated(pod)):
            where = f"pod {other['metadata']['name']} on node {other['spec'].get('nodeName')}"
            text = f"{text} A new one waits until {where} has ended, or the node is known to be gone."
            return Wanted(type="Ready", status=False, reason="Progressing", message=text)
    if obstacle := _obstacle(facts, deployment):
        message = f"{text} {obstacle.message}"[:1024]
        return Wanted(type="Ready", status=False, reason=obstacle.reason, message=message)
    for pod in pods:
        held = container_state(pod).get("waiting", {})
        if held.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
            text = f"{text} {held['reason']}: {held.get('message', '')}".rstrip(": ")[:1024]
            break
    return Wanted(type="Ready", status=False, reason="Progressing", message=text)


def changes(current: Mapping[str, Any], wanted: Status) -> Status:
    """Return the merge patch from one status to another; empty when they are equal."""
    patch: Status = {key: value for key, value in wanted.items() if current.get(key) != value}
    for key, value in patch.items():
        before = current.get(key)
        if isinstance(value, dict) and isinstance(before, Mapping):
            patch[key] = value | {gone: None for gone in before if gone not in value}
    return patch | {key: None for key in current if key not in wanted}
