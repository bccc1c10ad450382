"""The timetable of a WebJobSchedule, the shift that belongs to it, and its end. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256

from webjobs import times
from webjobs.model import WebJobRun, WebJobSchedule, condition_of
from webjobs.schedules import Once, Period, ScheduleError, Timetable, Zoned, load_zone, parse, times_after


def timetable_of(schedule: WebJobSchedule, *, zone: str | None) -> Timetable:
    """Return the timetable of a WebJobSchedule, without its jitter.

    ``zone``: that of its WebJob, for a schedule that names none. Raises ScheduleError.
    """
    spec = schedule.spec
    if spec.cron:
        return Zoned(parse(spec.cron), load_zone(spec.time_zone or zone))
    if spec.period_seconds:
        anchor = times.parse_time(spec.start_time or schedule.metadata.creation_timestamp)
        return Period(anchor.replace(microsecond=0), timedelta(seconds=spec.period_seconds))
    if spec.at:
        return Once(times.parse_time(spec.at).replace(microsecond=0))
    raise ScheduleError("one of cron, periodSeconds and at is needed")


def jitter(schedule: WebJobSchedule) -> timedelta:
    """Return the shift of all runs of a WebJobSchedule.

    It is the same for one object for ever, so that the schedule neither drifts nor repeats a slot.
    """
    most = schedule.spec.jitter_seconds or 0
    return timedelta(seconds=number_of(schedule) % (most + 1))


def ends(schedule: WebJobSchedule) -> datetime | None:
    """Return when a WebJobSchedule is deleted, and from when on it makes no run; None: never."""
    return times.parse_time(schedule.spec.delete_at) if schedule.spec.delete_at else None


def in_force_since(schedule: WebJobSchedule, *, now: datetime) -> datetime:
    """Return the moment after which the slots of a WebJobSchedule, without its jitter, can be due.

    It fires since then, as its status says, or since ``now`` when it has just been resumed. What was due while it
    rested is not made up for, as on App Service.
    """
    told = condition_of(schedule.status.conditions, "Scheduled")
    if told is None:  # it is new
        return times.parse_time(schedule.metadata.creation_timestamp)
    since = times.not_to_come([times.parse_time(told.last_transition_time)], now=now) if told.status == "True" else []
    return max(since, default=now) - jitter(schedule)


def planned_from(
    schedule: WebJobSchedule, timetable: Timetable, *, now: datetime, newest: WebJobRun | None = None
) -> datetime:
    """Return the moment from which the next slot of a WebJobSchedule is planned, without its jitter.

    That is the newest slot that was dealt with, as recorded in its status, or by a run whose recording was lost
    (``newest``: of the runs that it made); or since when it fires.
    """
    texts = [newest.spec.schedule_time if newest else None, schedule.status.last_schedule_time]
    last = max(times.not_to_come((times.parse_time(text) for text in texts if text), now=now), default=None)
    if isinstance(timetable, Once) and (last is None or last < timetable.at):
        # A moment that was past already when it was written, or resumed, is late, not nothing.
        return timetable.at - timedelta(seconds=1)
    since = in_force_since(schedule, now=now)
    return max(last, since) if last else since


def times_of(
    schedule: WebJobSchedule, *, zone: str | None, after: datetime, newest: WebJobRun | None = None
) -> Iterator[datetime]:
    """Yield the times at which a WebJobSchedule makes runs, those after a moment, in UTC. Raises ScheduleError.

    ``newest``: as of ``planned_from``.
    """
    timetable, shift, end = timetable_of(schedule, zone=zone), jitter(schedule), ends(schedule)
    planned = planned_from(schedule, timetable, now=after, newest=newest)
    for slot in times_after(timetable, max(after - shift, planned)):
        if end is not None and slot + shift >= end:
            return
        yield slot + shift


def number_of(schedule: WebJobSchedule) -> int:
    """Return a number that belongs to one WebJobSchedule for ever, and hardly to another."""
    return int.from_bytes(sha256(schedule.metadata.uid.encode()).digest()[:8], "big")
