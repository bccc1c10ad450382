"""Plans of the schedules of a WebJob: who fires them, when next, and what is due now. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from heapq import merge

from webjobs.model import WebJob, WebJobRun, WebJobSchedule
from webjobs.runs import runs
from webjobs.schedules import CronMapping, Missed, ScheduleError, Zoned, due, load_zone, parse, times_after
from webjobs.schedules.webjob_schedule import jitter, planned_from, times_of, timetable_of
from webjobs.times import not_to_come, parse_time


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The plan of one schedule for now: what is to be done for it.

    All times are UTC; the default is the plan of a WebJob without a schedule.
    """

    text: str | None = None
    """The schedule in its normal form; None without a usable schedule."""
    says: str = ""
    """The schedule in English, with its zone."""
    problem: str | None = None
    """Why the schedule can't be used; None when it can."""
    cron: str | None = None
    """Five-field expression when a CronJob fires the schedule; None: the operator's own timer does."""
    timer_reason: str = ""
    """Why no CronJob fires the schedule; empty when one does."""
    since: datetime | None = None
    """When the schedule that a CronJob fires came into force, once that is recorded: a Job for an earlier slot is not
    wanted."""
    next: datetime | None = None
    """Next slot of the schedule; None when there is none or the schedule is suspended."""
    fire: datetime | None = None
    """Slot of the operator's timer that is due now."""
    overdue: datetime | None = None
    """Newest slot of the CronJob that is due, and of which nothing is known yet."""
    given_up: datetime | None = None
    """When it is too late for the overdue slot."""
    missed: Missed = field(default_factory=Missed)
    """Slots that are too old to run."""

    @property
    def trigger(self) -> str:
        """What started a run of the schedule, in Kudu's words."""
        return f"Schedule - {self.text}"

    @property
    def handled(self) -> datetime | None:
        """Newest slot that the plan deals with."""
        return self.fire or self.missed.latest


def plan(webjob: WebJob, *, known: Collection[WebJobRun], now: datetime) -> Plan:
    """Return the plan for now of the schedule that a WebJob has itself.

    ``known``: the runs of the WebJob.
    """
    written = webjob.schedule
    if written is None:
        return Plan()
    try:
        schedule = parse(written)
        zone = load_zone(webjob.spec.time_zone)
    except ScheduleError as error:
        return Plan(problem=str(error))
    mapping = schedule.as_cron(zone_name=webjob.spec.time_zone, from_year=now.year)
    if mapping.expression and webjob.queue:
        mapping = CronMapping(
            None, reason=f"its Jobs are in the queue {webjob.queue} of Kueue, which resumes them itself"
        )
    if webjob.spec.suspend:
        return Plan(text=schedule.normalised, cron=mapping.expression, timer_reason=mapping.reason)
    says = f"{schedule.description}, {webjob.spec.time_zone or 'UTC'}"
    timetable, own = Zoned(schedule, zone), [run for run in known if run.spec.schedule_name is None]
    recorded = _recorded_since(webjob, text=schedule.normalised, now=now)
    if mapping.expression:
        handled = _cron_handled(webjob, own, since=recorded or now, now=now)
        first, deadline = timetable.next_after(handled), webjob.starting_deadline
        decision = due(timetable, handled, now, deadline=deadline)
        return Plan(
            text=schedule.normalised,
            says=says,
            cron=mapping.expression,
            since=recorded,
            next=timetable.next_after(now),
            overdue=decision.slot if decision.fire else None,
            given_up=first + deadline if decision.fire and first else None,
            missed=decision.missed,
        )
    handled = _planned_from(webjob, own, recorded=recorded, now=now)
    decision = due(timetable, handled, now, deadline=webjob.starting_deadline)
    return Plan(
        text=schedule.normalised,
        says=says,
        timer_reason=mapping.reason,
        next=timetable.next_after(now),
        fire=decision.slot if decision.fire else None,
        missed=decision.missed,
    )


def newest_of(schedule: WebJobSchedule, known: Iterable[WebJobRun], *, now: datetime) -> WebJobRun | None:
    """Return the run of the latest slot among the runs that a WebJobSchedule made; None when it made none.

    A run of a slot to come was made by somebody else.
    """
    own = [run for run in known if run.spec.schedule_name == schedule.metadata.name and run.spec.schedule_time]
    made = [run for run in own if not_to_come([parse_time(run.spec.schedule_time)], now=now)]
    return max(made, key=lambda run: parse_time(run.spec.schedule_time), default=None)


def plan_further(schedule: WebJobSchedule, *, webjob: WebJob, newest: WebJobRun | None, now: datetime) -> Plan:
    """Return the plan for now of a WebJobSchedule, which the operator's timer fires.

    ``newest``: the newest of the runs that it made.
    """
    zone = webjob.spec.time_zone
    try:
        timetable = timetable_of(schedule, zone=zone)
    except ScheduleError as error:
        return Plan(problem=str(error))
    text = says = str(timetable)
    if isinstance(timetable, Zoned):
        says = f"{timetable.schedule.description}, {schedule.spec.time_zone or zone or 'UTC'}"
    if schedule.spec.suspend or webjob.spec.suspend:
        return Plan(text=text)
    shift = jitter(schedule)
    last = planned_from(schedule, timetable, now=now, newest=newest)
    decision = due(timetable, last, now - shift, deadline=webjob.starting_deadline)
    return Plan(
        text=text,
        says=says,
        next=next(times_of(schedule, zone=zone, after=now, newest=newest), None),
        fire=decision.slot if decision.fire else None,
        missed=decision.missed,
    )


def upcoming(
    webjob: WebJob, schedules: Iterable[WebJobSchedule], *, after: datetime
) -> Iterator[tuple[datetime, WebJobSchedule | None]]:
    """Yield the times of all schedules of a WebJob in their order, each with its WebJobSchedule; None: its own.

    ``webjob``: under the settings of its site (``webjobs.model.effective_spec``); one that is suspended has no times.
    ``schedules``: its WebJobSchedules; suspended ones have no times. Raises ScheduleError for one that can't be read.
    """
    if webjob.spec.suspend:
        return
    zone = webjob.spec.time_zone
    sources: list[Iterator[tuple[datetime, WebJobSchedule | None]]] = []
    if webjob.schedule:
        own = times_after(Zoned(parse(webjob.schedule), load_zone(zone)), after)
        sources.append((when, None) for when in own)
    for schedule in schedules:
        if not schedule.spec.suspend:
            sources.append(_of(schedule, zone=zone, after=after))
    yield from merge(*sources, key=lambda one: one[0])


def _of(schedule: WebJobSchedule, *, zone: str | None, after: datetime) -> Iterator[tuple[datetime, WebJobSchedule]]:
    for when in times_of(schedule, zone=zone, after=after):
        yield when, schedule


def _recorded_since(webjob: WebJob, *, text: str, now: datetime) -> datetime | None:
    """Return when the WebJob's own schedule came into force: was set, changed or resumed; None: no pass has said so.

    What was due before that is not made up for, as on App Service.
    """
    since = webjob.status.schedule_since if webjob.status.schedule == text else None
    return max(not_to_come([parse_time(since)], now=now), default=None) if since else None


def _cron_handled(webjob: WebJob, own: Iterable[WebJobRun], *, since: datetime, now: datetime) -> datetime:
    """Return the moment up to which the slots of a CronJob are dealt with, or belong to another schedule."""
    texts = [webjob.status.last_schedule_time, *(run.spec.schedule_time for run in own)]
    return max([since, *not_to_come((parse_time(one) for one in texts if one), now=now)])


def _planned_from(webjob: WebJob, own: Iterable[WebJobRun], *, recorded: datetime | None, now: datetime) -> datetime:
    """Return the moment from which the next slot is planned.

    Kudu plans from its newest run's start; a slot that was skipped counts as handled too. A schedule that a WebJob was
    created with is planned from its creation on, any other that is not in force yet from now on.
    """
    seen = webjob.status.observed_generation is not None or webjob.metadata.generation > 1
    known = [recorded or (now if seen else parse_time(webjob.metadata.creation_timestamp))]
    known += not_to_come((runs.start_time(run) for run in own if run.status.state != "Skipped"), now=now)
    if webjob.status.last_schedule_time:
        known += not_to_come([parse_time(webjob.status.last_schedule_time)], now=now)
    return max(known).astimezone(UTC)
