"""Kinds of schedules behind one interface, and Kudu's planning rule over them.

NCRONTAB in a zone, a period (anchored, so that it does not drift), and one moment. All times are aware datetimes;
results are UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol

from webjobs.schedules.ncrontab import Missed, Schedule

_NONE = Missed()

CATCH_UP = timedelta(minutes=10)
"""Time by which a run may start late and still count as in time (Kudu)."""


class Timetable(Protocol):
    """Ordered moments at which something fires. A Schedule is a timetable too: in UTC."""

    def next_after(self, when: datetime, /) -> datetime | None:
        """Return the first moment strictly after ``when``; None when there is none."""
        ...

    def missed_between(self, last: datetime, now: datetime, /, *, limit: int = 100) -> Missed:
        """Return the moments in (last, now], counted up to ``limit``."""
        ...


def times_after(timetable: Timetable, after: datetime) -> Iterator[datetime]:
    """Yield the moments of a timetable strictly after a moment, in their order, in UTC; endless for most."""
    when: datetime | None = after
    while when is not None and (when := timetable.next_after(when)) is not None:
        yield when


@dataclass(frozen=True, slots=True)
class Zoned:
    """A schedule in the local time of a zone."""

    schedule: Schedule
    """The parsed expression."""
    zone: tzinfo
    """Zone of the schedule's local time."""

    def __str__(self) -> str:
        return self.schedule.normalised

    def next_after(self, when: datetime) -> datetime | None:
        """Return the first occurrence strictly after ``when``, in UTC; None when there is none."""
        return self.schedule.next_after(when, zone=self.zone)

    def missed_between(self, last: datetime, now: datetime, *, limit: int = 100) -> Missed:
        """Return the occurrences in (last, now], counted up to ``limit``."""
        return self.schedule.missed_between(last, now, zone=self.zone, limit=limit)


@dataclass(frozen=True, slots=True)
class Period:
    """A moment, ``anchor``, and every ``period`` after it, for ever.

    What is late once is not late for good, since all moments are counted from the anchor.
    """

    anchor: datetime
    """First moment of the timetable."""
    period: timedelta
    """Time between two moments, a second or more."""

    def __str__(self) -> str:
        seconds = int(self.period.total_seconds())
        return "every second" if seconds == 1 else f"every {seconds} seconds"

    def next_after(self, when: datetime) -> datetime | None:
        """Return the first moment strictly after ``when``, in UTC; None when it is beyond the year 9999."""
        return self._moment(max(self._count(when), 0))

    def missed_between(self, last: datetime, now: datetime, *, limit: int = 100) -> Missed:
        """Return the moments in (last, now], counted up to ``limit``."""
        before, until = max(self._count(last), 0), max(self._count(now), 0)
        count = until - before
        if count <= 0:
            return Missed()
        return Missed(min(count, limit), self._moment(until - 1), capped=count > limit)

    def _count(self, when: datetime) -> int:
        """Return how many moments there are to ``when``, that moment included."""
        return (when - self.anchor) // self.period + 1

    def _moment(self, number: int) -> datetime | None:
        try:
            return (self.anchor + number * self.period).astimezone(UTC)
        except OverflowError:  # beyond the year 9999
            return None


@dataclass(frozen=True, slots=True)
class Once:
    """One moment, after which nothing fires."""

    at: datetime
    """The moment, an aware datetime."""

    def __str__(self) -> str:
        return f"once at {self.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

    def next_after(self, when: datetime) -> datetime | None:
        """Return the moment in UTC when it is strictly after ``when``; else None."""
        return self.at.astimezone(UTC) if self.at > when else None

    def missed_between(self, last: datetime, now: datetime, *, limit: int = 100) -> Missed:
        """Return the moment when it is in (last, now], as the one that was missed."""
        return Missed(1, self.at.astimezone(UTC)) if last < self.at <= now else Missed()


@dataclass(frozen=True, slots=True)
class Due:
    """What to do now: fire (``wait`` is zero), wait, or nothing ever again (``wait`` and ``slot`` are None)."""

    slot: datetime | None
    """Occurrence that is waited for, or the newest one that the run of now stands for; None: nothing comes any more."""
    wait: timedelta | None
    """Time to wait before the slot; zero: a run is to start now; None: nothing comes any more."""
    missed: Missed = _NONE
    """Occurrences that are given up (worth a warning, as in ``Missed 3 schedules, most recent at ...``); empty when the
    run fires."""
    covered: int = 0
    """Number of older occurrences that the run makes up for as well: Kudu runs once, whatever the number."""

    @property
    def fire(self) -> bool:
        """True when a run is to start now."""
        return self.wait == timedelta()


def due(
    timetable: Timetable,
    last: datetime | None,
    now: datetime,
    *,
    deadline: timedelta = CATCH_UP,
    ignore_missed: bool = False,
    limit: int = 100,
) -> Due:
    """Return what to do now, by Kudu's planning rule.

    ``last`` is the start of the newest run of any trigger (None: no run yet, plan from now). If the first occurrence
    after it lies ahead, wait for that. If it is at most ``deadline`` late (or however late with ``ignore_missed``),
    fire now, once. If it is later than that, give up all occurrences to now (that of now itself, too) and wait for the
    next one. ``limit`` caps the counts.
    """
    first = timetable.next_after(now if last is None else last)
    if first is None or first > now:
        return Due(first, None if first is None else first - now)
    missed = timetable.missed_between(now if last is None else last, now, limit=limit)
    if ignore_missed or first >= now - deadline:
        return Due(missed.latest, timedelta(), covered=max(missed.count - 1, 0))
    following = timetable.next_after(now)
    return Due(following, None if following is None else following - now, missed)
