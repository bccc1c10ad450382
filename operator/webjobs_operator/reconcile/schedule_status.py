"""The status of a WebJobSchedule. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from webjobs import times
from webjobs.model import SlotOutcome, WebJob, WebJobSchedule
from webjobs.schedules.plan import Plan
from webjobs_operator.context.conditions import Wanted, update
from webjobs_operator.reconcile.webjob_status import SUSPENDED
from webjobs_operator.schedules.firing import Turn

Status = dict[str, Any]


def compute(turn: Turn, *, webjob: WebJob | None, now: datetime) -> Status:
    """Return the whole status of a WebJobSchedule on the wire after a pass.

    ``webjob``: None when there is none of the name.
    """
    schedule, plan, before = turn.schedule, turn.plan, turn.schedule.status
    status: Status = {}
    last, outcome = _last(turn)
    if last:
        status["lastScheduleTime"] = last
        status["lastOutcome"] = outcome
    if name := turn.newest.metadata.name if turn.newest else before.last_run_name:
        status["lastRunName"] = name
    if skipped := (before.skipped_runs or 0) + (turn.outcome == "Skipped"):
        status["skippedRuns"] = skipped
    if plan.text:
        status["schedule"] = plan.text
    runnable = webjob is not None and webjob.spec.type == "triggered"
    if plan.next and runnable:
        status["nextRunTime"] = times.rfc3339(plan.next, micro=False)
    conditions = [_scheduled(schedule, webjob, plan)]
    if conditions[0].reason == "Complete":
        conditions.append(
            Wanted(type="Complete", status=True, reason=outcome or "NeverFires", message=_OUTCOMES[outcome])
        )
    generation = schedule.metadata.generation
    return status | {
        "observedGeneration": generation,
        "conditions": update(before.conditions, conditions, generation=generation, now=now),
    }


def _last(turn: Turn) -> tuple[str | None, SlotOutcome | None]:
    """Return the newest slot that was dealt with, and what became of it."""
    if turn.outcome and turn.plan.handled:
        return times.rfc3339(turn.plan.handled, micro=False), turn.outcome
    before, made = turn.schedule.status, turn.newest.spec.schedule_time if turn.newest else None
    if made and times.parse_time(made) > times.parse_time(before.last_schedule_time):
        return made, "Started"  # the pass that made the run did not come to record it
    return before.last_schedule_time, before.last_outcome


_OUTCOMES: dict[SlotOutcome | None, str] = {
    None: "No time matches the schedule: change it.",
    "Started": "Its last run was made.",
    "Skipped": "Its last run was skipped: another run of the job was active.",
    "Missed": "Its time was past for longer than the WebJob's startingDeadlineSeconds when it was seen.",
}


def _scheduled(schedule: WebJobSchedule, webjob: WebJob | None, plan: Plan) -> Wanted:
    def no(reason: str, message: str) -> Wanted:
        return Wanted(type="Scheduled", status=False, reason=reason, message=message)

    name = schedule.spec.web_job_name
    if webjob is None:
        return no("WebJobNotFound", f"There is no WebJob {name} in this namespace: create it.")
    if webjob.spec.type != "triggered":
        return no("NotTriggered", f"WebJob {name} is continuous: only a triggered one has schedules.")
    if plan.problem:
        return no("InvalidSchedule", plan.problem)
    if schedule.spec.suspend:
        return no("Suspended", "The schedule rests: by spec.suspend.")
    if webjob.spec.suspend:
        return no("Suspended", f"WebJob {name} is suspended. {SUSPENDED}")
    if plan.next is None and schedule.spec.delete_at:
        return no("Ending", f"It does not fire any more, and is deleted at {schedule.spec.delete_at}.")
    if plan.next is None:
        return no("Complete", "No time is left at which it would fire.")
    return Wanted(type="Scheduled", status=True, reason="OperatorTimer", message=f"{plan.says}: by the operator.")
