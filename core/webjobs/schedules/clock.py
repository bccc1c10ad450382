"""Clock changes of a time zone, found through the tzinfo interface alone, and the UTC stretches between them.

Times are naive UTC datetimes unless they are called local. Everything is kept per zone and year: a zone's first use in
a year costs some 370 offset look-ups, all later ones none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from itertools import pairwise

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)

_MARGIN = 2 * DAY
"""Time around a year in which changes are looked for, too. No offset is a day or more, so a change this far from a
year's edge can't reach over it."""


@dataclass(frozen=True, slots=True)
class ClockChange:
    """A clock change: the UTC instant at which a zone's offset changes, and the offsets on both sides.

    ``before < after`` leaves a gap of local times (spring), ``before > after`` doubles some (autumn).
    """

    at: datetime
    """UTC instant of the change, naive."""
    before: timedelta
    """The zone's UTC offset before the change."""
    after: timedelta
    """The zone's UTC offset from the change on."""

    @property
    def length(self) -> timedelta:
        """Length of the local time that the change skips or doubles."""
        return abs(self.after - self.before)

    @property
    def local_start(self) -> datetime:
        """First local time that the change skips or doubles."""
        return self.at + min(self.before, self.after)

    @property
    def local_end(self) -> datetime:
        """First local time after the skipped or doubled ones."""
        return self.at + max(self.before, self.after)


@dataclass(frozen=True, slots=True)
class Stretch:
    """UTC instants start <= t < end in which local time t + offset runs its slots, for each of the offsets.

    One offset as a rule. None in the first pass of doubled local times. Two while skipped local times are made up for:
    the offset from before the change serves the skipped times, the new one the regular times.
    """

    start: datetime
    """First UTC instant of the stretch, naive."""
    end: datetime
    """First UTC instant after the stretch, naive."""
    offsets: tuple[timedelta, ...]
    """UTC offsets by which local time runs its slots in the stretch: none, one or two."""


def stretch_at(zone: tzinfo, when: datetime) -> Stretch:
    """Return the stretch of a zone that holds a UTC instant; it never reaches over a year's edge."""
    for stretch in _stretches(zone, when.year):
        if when < stretch.end:
            return stretch
    raise AssertionError("the stretches of a year reach to its end")


@lru_cache(maxsize=2048)
def clock_changes(zone: tzinfo, year: int) -> tuple[ClockChange, ...]:
    """Return the changes of a zone's UTC offset in one UTC year, in order.

    Offsets are compared once a day and the instant is found by halving, to the second; a change that is taken back
    within a day goes unseen.
    """
    return tuple(_find_changes(zone, datetime(year, 1, 1), datetime(year + 1, 1, 1)))


@lru_cache(maxsize=2048)
def _stretches(zone: tzinfo, year: int) -> tuple[Stretch, ...]:
    start, end = datetime(year, 1, 1), datetime(year + 1, 1, 1)
    changes = (
        *_find_changes(zone, start - _MARGIN, start),
        *clock_changes(zone, year),
        *_find_changes(zone, end, end + _MARGIN),
    )
    edges = {start, end}
    for change in changes:
        edges.add(change.at)
        edges.add(change.at + change.length if change.before < change.after else change.at - change.length)
    inside = sorted(edge for edge in edges if start <= edge <= end)
    return tuple(Stretch(left, right, _offsets(zone, changes, left)) for left, right in pairwise(inside))


def _offsets(zone: tzinfo, changes: tuple[ClockChange, ...], when: datetime) -> tuple[timedelta, ...]:
    for change in changes:
        if change.after < change.before and change.at - change.length <= when < change.at:
            return ()
        if change.before < change.after and change.at <= when < change.at + change.length:
            return (change.before, change.after)
    return (_offset(zone, when),)


def _find_changes(zone: tzinfo, start: datetime, end: datetime) -> list[ClockChange]:
    if isinstance(zone, timezone):
        return []
    changes = []
    left, before = start - SECOND, _offset(zone, start - SECOND)
    while left < end - SECOND:
        right = min(left + DAY, end - SECOND)
        after = _offset(zone, right)
        if after != before:
            low, high = left, right
            while high - low > SECOND:
                middle = low + (high - low) // (2 * SECOND) * SECOND
                if _offset(zone, middle) == before:
                    low = middle
                else:
                    high = middle
            changes.append(ClockChange(high, before, _offset(zone, high)))
        left, before = right, after
    return changes


def _offset(zone: tzinfo, when: datetime) -> timedelta:
    return when.replace(tzinfo=UTC).astimezone(zone).utcoffset() or timedelta()
