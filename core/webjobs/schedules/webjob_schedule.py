"""The timetable of a WebJobSchedule, the shift that belongs to it, and its end. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256

from webjobs import times
from webjobs.model import WebJobRun, WebJobSchedule
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


def planned_from(schedule: WebJobSchedule, timetable: Timetable, *, newest: WebJobRun | None = None) -> datetime:
    """Return the newest slot of a WebJobSchedule that was dealt with, without its jitter; else its creation.

    As recorded in its status, or by a run whose recording was lost (``newest``: of the runs that it made).
    """
    texts = [newest.spec.schedule_time if newest else None, schedule.status.last_schedule_time]
    last = max((times.parse_time(text) for text in texts if text), default=None)
    if isinstance(timetable, Once) and (last is None or last < timetable.at):
        # A moment that was past already when it was written is late, not nothing.
        return timetable.at - timedelta(seconds=1)
    return last or times.parse_time(schedule.metadata.creation_timestamp)


def times_of(
    schedule: WebJobSchedule, *, zone: str | None, after: datetime, newest: WebJobRun | None = None
) -> Iterator[datetime]:
    """Yield the times at which a WebJobSchedule makes runs, those after a moment, in UTC. Raises ScheduleError.

    ``newest``: as of ``planned_from``.
    """
    timetable, shift, end = timetable_of(schedule, zone=zone), jitter(schedule), ends(schedule)
    for slot in times_after(timetable, max(after - shift, planned_from(schedule, timetable, newest=newest))):
        if end is not None and slot + shift >= end:
            return
        yield slot + shift


def number_of(schedule: WebJobSchedule) -> int:
    """Return a number that belongs to one WebJobSchedule for ever, and hardly to another."""
    return int.from_bytes(sha256(schedule.metadata.uid.encode()).digest()[:8], "big")
