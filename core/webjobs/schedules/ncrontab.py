"""Schedules: parsing, the next and the previous occurrence in a time zone, missed occurrences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from itertools import islice, takewhile

from webjobs.schedules.clock import DAY, SECOND, stretch_at
from webjobs.schedules.cron import CronMapping, cron_mapping
from webjobs.schedules.describe import describe
from webjobs.schedules.grammar import parse_expression
from webjobs.schedules.slots import FIRST_YEAR, LAST_YEAR, Slots

_FIRST = datetime(FIRST_YEAR, 1, 1)
_LAST = datetime(LAST_YEAR, 12, 31, 23, 59, 59)

_OFFSET_SPAN = 2 * DAY
"""Time that is farther than two UTC offsets can be apart."""


@dataclass(frozen=True, slots=True)
class Missed:
    """Occurrences that nobody ran: how many, and the newest."""

    count: int = 0
    """Number of missed occurrences, up to the limit of the count."""
    latest: datetime | None = None
    """Newest missed occurrence (UTC), right even when the count is capped; None when there is none."""
    capped: bool = False
    """True when there are more missed occurrences than ``count``."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A parsed schedule. Two schedules are equal when they fire at the same times in every zone's local time.

    **Clock changes.** A slot is a local time that the six fields name. Each slot fires once (Kudu):

    * a local time that a change skips is read with the standard offset, the smaller of the two at the change, and so
      fires late by the change's length: ``0 30 2 * * *`` at 03:30 on the day when 02:00 becomes 03:00. Where a regular
      slot falls on the same instant (``0 59 * * * *``: 02:59 read as 03:59, and 03:59), the two are one occurrence;
    * a local time that a change doubles is read with the standard offset too, which is the second pass. During the
      first pass nothing fires: ``0 0 * * * *`` waits two hours there.

    Occurrences are therefore one ordered set of instants per zone, the same from wherever the search starts. Kudu
    itself searches on from its latest run's local time, and can lose skipped slots that way: of ``0 0,30 2 * * *`` it
    runs the first (at 03:00), finds itself after 02:30 and drops the second, which fires here at 03:30.
    """

    slots: Slots
    """The six sets of the schedule's fields."""

    @property
    def normalised(self) -> str:
        """Text of the schedule rebuilt from its sets: six fields, numbers only, as Kudu shows it."""
        return self.slots.normalised

    @property
    def description(self) -> str:
        """The schedule in English, such as ``at 02:30 on Monday through Friday``; as exact as the normal form."""
        return describe(self.slots)

    def __str__(self) -> str:
        return self.normalised

    def next_after(self, when: datetime, *, zone: tzinfo = UTC) -> datetime | None:
        """Return the first occurrence strictly after an aware datetime, in UTC; None when there is none.

        The search ends with the year 9998. ``zone`` is the zone of the schedule's local time: a ZoneInfo or
        datetime.timezone (any hashable tzinfo will do). The docstring of ``Schedule`` describes what happens at clock
        changes. Raises ValueError for a naive ``when``.
        """
        cursor = max(_naive_utc(when) + SECOND, _FIRST)
        while cursor <= _LAST:
            stretch = stretch_at(zone, cursor)
            if not stretch.offsets:
                cursor = stretch.end
                continue
            found = None
            for offset in stretch.offsets:
                slot = self.slots.at_or_after(cursor + offset)
                if slot is not None and (found is None or slot - offset < found):
                    found = slot - offset
            if found is None or found < stretch.end:
                return found and found.replace(tzinfo=UTC)
            # Another stretch has another offset, but no slot can come up earlier by more than that.
            cursor = max(stretch.end, found - _OFFSET_SPAN)
        return None

    def occurrences(self, when: datetime, *, zone: tzinfo = UTC) -> Iterator[datetime]:
        """Yield all occurrences strictly after an aware datetime, in UTC and in order.

        They are what ``next_after`` gives again and again. Between clock changes the rest of a day is read off the
        sets, which is several times as quick for schedules that fire often.
        """
        at = self.next_after(when, zone=zone)
        while at is not None:
            yield at
            stretch = stretch_at(zone, at.replace(tzinfo=None))
            if len(stretch.offsets) == 1:
                (offset,) = stretch.offsets
                end = stretch.end.replace(tzinfo=UTC)
                # Local times in UTC's clothes, so that taking the offset off gives the instant.
                for slot in self.slots.later_that_day(at + offset):
                    later = slot - offset
                    if later >= end:
                        break
                    at = later
                    yield at
            at = self.next_after(at, zone=zone)

    def previous_at_or_before(self, when: datetime, *, zone: tzinfo = UTC) -> datetime | None:
        """Return the last occurrence at or before an aware datetime, in UTC; None when there is none.

        The mirror image of ``next_after``: both see the same occurrences. The search ends with the year 2.
        """
        cursor = min(_naive_utc(when), _LAST)
        while cursor >= _FIRST:
            stretch = stretch_at(zone, cursor)
            if not stretch.offsets:
                cursor = stretch.start - SECOND
                continue
            found = None
            for offset in stretch.offsets:
                slot = self.slots.at_or_before(cursor + offset)
                if slot is not None and (found is None or slot - offset > found):
                    found = slot - offset
            if found is None or found >= stretch.start:
                return found and found.replace(tzinfo=UTC)
            cursor = min(stretch.start - SECOND, found + _OFFSET_SPAN)
        return None

    def missed_between(self, last: datetime, now: datetime, *, zone: tzinfo = UTC, limit: int = 100) -> Missed:
        """Return the occurrences in (last, now], counted up to ``limit``.

        The newest is exact however many there are.
        """
        latest = self.previous_at_or_before(now, zone=zone)
        if latest is None or latest <= last:
            return Missed()
        found = takewhile(lambda at: at <= latest, self.occurrences(last, zone=zone))
        count = sum(1 for _ in islice(found, limit + 1))
        return Missed(min(count, limit), latest, capped=count > limit)

    def as_cron(self, *, zone_name: str | None, from_year: int | None = None) -> CronMapping:
        """Return the CronJob that fires at exactly the schedule's times, or the reason why there is none.

        ``zone_name`` is an IANA or Windows name, None for UTC. The CronJob's ``timeZone`` has to be the IANA name
        (``iana_name``), and Etc/UTC for None, or it runs in the controller's zone. In a zone with clock changes, the
        ten years after ``from_year`` (this year when it is not given) must be alike.
        """
        year = datetime.now(UTC).year if from_year is None else from_year
        return cron_mapping(self.slots, zone_name=zone_name, from_year=year)


def parse(text: str) -> Schedule:
    """Read a six-field NCRONTAB expression (second minute hour day month weekday).

    Raises ScheduleError.
    """
    return Schedule(Slots(*parse_expression(text)))


def _naive_utc(when: datetime) -> datetime:
    if when.tzinfo is not UTC:
        if when.utcoffset() is None:
            raise ValueError("a time without a zone was given: pass an aware datetime")
        when = when.astimezone(UTC)
    return when.replace(microsecond=0, tzinfo=None)
