"""Slots: the local times that the six sets of a schedule name in the calendar, without any time zone.

A slot is a naive local datetime with whole seconds. Day of month AND weekday must both match (NCrontab; other crons
take either). The search runs in years 2 to 9998, so that a UTC offset can be applied to any answer.
"""

from __future__ import annotations

from calendar import isleap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

from webjobs.schedules.grammar import FIELDS, HOUR, MINUTE, SECOND, format_field, last_bit, next_bit

FIRST_YEAR = 2
"""First year in which slots are looked for."""
LAST_YEAR = 9998
"""Last year in which slots are looked for."""

_LONGEST_MONTH = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_FIVE_WEEKS = sum(1 << (7 * week) for week in range(5))


@dataclass(frozen=True, slots=True)
class Slots:
    """The six sets of a schedule; bit n of each stands for value n (weekday 0 is Sunday)."""

    second: int
    minute: int
    hour: int
    day: int
    month: int
    weekday: int

    @property
    def sets(self) -> tuple[int, ...]:
        """The six sets in the order of the fields, second first."""
        return (self.second, self.minute, self.hour, self.day, self.month, self.weekday)

    @property
    def normalised(self) -> str:
        """The six fields of the schedule as text, rebuilt from the sets."""
        return " ".join(format_field(kind, values) for kind, values in zip(FIELDS, self.sets, strict=True))

    @property
    def is_empty(self) -> bool:
        """True when no calendar has a day that the sets name, as in 30 February."""
        return all(
            last_bit(self.day, longest) < 1
            for month, longest in enumerate(_LONGEST_MONTH)
            if month and self.month >> month & 1
        )

    def at_or_after(self, when: datetime) -> datetime | None:
        """Return the first slot at or after a naive local time with whole seconds; None when none is left.

        The search ends with the year 9998.
        """
        same_day = self._has_day(when)
        if same_day and (found := self._time_from(when.hour, when.minute, when.second)) is not None:
            return datetime.combine(when, found)
        day = self._date_from(when, days=1 if same_day else 0)
        return None if day is None else datetime.combine(day, self._first_time)

    def at_or_before(self, when: datetime) -> datetime | None:
        """Return the last slot at or before a naive local time with whole seconds; None when there is none.

        The search ends with the year 2.
        """
        same_day = self._has_day(when)
        if same_day and (found := self._time_until(when.hour, when.minute, when.second)) is not None:
            return datetime.combine(when, found)
        day = self._date_until(when, days=1 if same_day else 0)
        return None if day is None else datetime.combine(day, self._last_time)

    def later_that_day(self, when: datetime) -> Iterator[datetime]:
        """Yield the slots after a slot on its own day, in order.

        They have the tzinfo of ``when``, whatever it means.
        """
        year, month, day, zone = when.year, when.month, when.day, when.tzinfo
        same_hour = True
        for hour in _members(self.hour, when.hour):
            for minute in _members(self.minute, when.minute if same_hour else 0):
                same_minute = same_hour and minute == when.minute
                for second in _members(self.second, when.second + 1 if same_minute else 0):
                    yield datetime(year, month, day, hour, minute, second, 0, zone)
            same_hour = False

    def _has_day(self, when: date) -> bool:
        """Return whether a day has slots.

        Asked first: for most schedules the next slot is on the same day, and no month needs to be looked at.
        """
        return bool(
            self.day >> when.day & self.month >> when.month & self.weekday >> when.isoweekday() % 7 & 1
            and FIRST_YEAR <= when.year <= LAST_YEAR
        )

    @property
    def _first_time(self) -> time:
        return time(next_bit(self.hour, 0), next_bit(self.minute, 0), next_bit(self.second, 0))

    @property
    def _last_time(self) -> time:
        return time(
            last_bit(self.hour, HOUR.high), last_bit(self.minute, MINUTE.high), last_bit(self.second, SECOND.high)
        )

    def _time_from(self, hour: int, minute: int, second: int) -> time | None:
        if self.hour >> hour & 1:
            if self.minute >> minute & 1 and (same := next_bit(self.second, second)) >= 0:
                return time(hour, minute, same)
            if (later := next_bit(self.minute, minute + 1)) >= 0:
                return time(hour, later, next_bit(self.second, 0))
        if (later := next_bit(self.hour, hour + 1)) >= 0:
            return time(later, next_bit(self.minute, 0), next_bit(self.second, 0))
        return None

    def _time_until(self, hour: int, minute: int, second: int) -> time | None:
        if self.hour >> hour & 1:
            if self.minute >> minute & 1 and (same := last_bit(self.second, second)) >= 0:
                return time(hour, minute, same)
            if (earlier := last_bit(self.minute, minute - 1)) >= 0:
                return time(hour, earlier, last_bit(self.second, SECOND.high))
        if (earlier := last_bit(self.hour, hour - 1)) >= 0:
            return time(earlier, last_bit(self.minute, MINUTE.high), last_bit(self.second, SECOND.high))
        return None

    # Both date searches step by month and take a month's days as one set, so that the rarest schedule
    # (29 February on one weekday, up to 40 years apart) costs 40 steps.

    def _date_from(self, start: date, *, days: int = 0) -> date | None:
        if self.is_empty:
            return None
        year, month, day = start.year, start.month, start.day + days
        if year < FIRST_YEAR:
            year, month, day = FIRST_YEAR, 1, 1
        while year <= LAST_YEAR:
            later = next_bit(self.month, month)
            if later < 0:
                year, month, day = year + 1, 1, 1
                continue
            if later > month:
                month, day = later, 1
            found = next_bit(self._days(year, month), day)
            if found > 0:
                return date(year, month, found)
            month, day = month + 1, 1
        return None

    def _date_until(self, end: date, *, days: int = 0) -> date | None:
        if self.is_empty:
            return None
        year, month, day = end.year, end.month, end.day - days
        if year > LAST_YEAR:
            year, month, day = LAST_YEAR, 12, 31
        while year >= FIRST_YEAR:
            earlier = last_bit(self.month, month)
            if earlier < 1:
                year, month, day = year - 1, 12, 31
                continue
            if earlier < month:
                month, day = earlier, 31
            found = last_bit(self._days(year, month), day)
            if found > 0:
                return date(year, month, found)
            month, day = month - 1, 31
        return None

    def _days(self, year: int, month: int) -> int:
        """Return the days of one month on which both day fields agree, as a set."""
        first = date(year, month, 1).isoweekday() % 7
        length = 28 if month == 2 and not isleap(year) else _LONGEST_MONTH[month]
        week = (self.weekday >> first | self.weekday << (7 - first)) & 0b1111111
        return week * _FIVE_WEEKS << 1 & self.day & ((2 << length) - 2)


def _members(values: int, start: int) -> list[int]:
    return [at for at in range(start, values.bit_length()) if values >> at & 1]
