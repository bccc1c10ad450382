"""The schedule of a WebJob: who fires it, when next, and what is due now."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from webjobs import model, runs
from webjobs.model import WebJob, WebJobRun
from webjobs.schedule import Missed, ScheduleError, due, load_zone, parse


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the schedule asks for. All times are UTC; the default is a WebJob without a schedule."""

    text: str | None = None
    """Normal form."""
    problem: str | None = None
    """Why the schedule can't be used."""
    cron: str | None = None
    """Five fields, when a CronJob fires it; else the operator's own timer does."""
    timer_reason: str = ""
    next: datetime | None = None
    fire: datetime | None = None
    """A slot of the operator's timer that is due now."""
    missed: Missed = field(default_factory=Missed)
    """Slots that are too old to run."""

    @property
    def trigger(self) -> str:
        return f"Schedule - {self.text}"


def plan(webjob: WebJob, *, latest: WebJobRun | None, now: datetime) -> Plan:
    """The plan for now; ``latest`` is the newest run of any trigger."""
    written = webjob.schedule
    if written is None:
        return Plan()
    try:
        schedule = parse(written)
        zone: tzinfo = load_zone(webjob.spec.time_zone)
    except ScheduleError as error:
        return Plan(problem=str(error))
    mapping = schedule.as_cron(zone_name=webjob.spec.time_zone, from_year=now.year)
    if webjob.spec.suspend:
        return Plan(text=schedule.normalised, cron=mapping.expression, timer_reason=mapping.reason)
    if mapping.expression:
        return Plan(text=schedule.normalised, cron=mapping.expression, next=schedule.next_after(now, zone=zone))
    seconds = webjob.spec.starting_deadline_seconds or model.DEFAULT_STARTING_DEADLINE_SECONDS
    decision = due(schedule, _planned_from(webjob, latest), now, zone=zone, deadline=timedelta(seconds=seconds))
    return Plan(
        text=schedule.normalised,
        timer_reason=mapping.reason,
        next=schedule.next_after(now, zone=zone),
        fire=decision.slot if decision.fire else None,
        missed=decision.missed,
    )


def _planned_from(webjob: WebJob, latest: WebJobRun | None) -> datetime:
    """Kudu plans from its newest run's start; a slot that was skipped counts as handled too."""
    times = [runs.parse_time(webjob.metadata.creation_timestamp)]
    if latest:
        times.append(runs.start_time(latest))
    if webjob.status.last_schedule_time:
        times.append(runs.parse_time(webjob.status.last_schedule_time))
    return max(times).astimezone(UTC)
