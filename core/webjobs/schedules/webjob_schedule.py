"""The timetable of a WebJobSchedule, and the shift that belongs to it. Pure."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

from webjobs import times
from webjobs.model import WebJobSchedule
from webjobs.schedules import Once, Period, ScheduleError, Timetable, Zoned, load_zone, parse


def timetable_of(schedule: WebJobSchedule) -> Timetable:
    """Return the timetable of a WebJobSchedule, without its jitter.

    Raises ScheduleError.
    """
    spec = schedule.spec
    if spec.cron:
        return Zoned(parse(spec.cron), load_zone(spec.time_zone))
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


def number_of(schedule: WebJobSchedule) -> int:
    """Return a number that belongs to one WebJobSchedule for ever, and hardly to another."""
    return int.from_bytes(sha256(schedule.metadata.uid.encode()).digest()[:8], "big")
