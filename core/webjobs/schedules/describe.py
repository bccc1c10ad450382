"""A schedule in English, from its six sets alone: equal sets give equal texts, other sets another text.

Hours, minutes and seconds are told in the shortest form that loses nothing: up to four times of day by the clock,
several hours in a row as a span, anything else field by field. A second (and minute) of 0 goes without saying. "every
2nd hour" counts from the field's first value, which is what NCRONTAB's ``*/2`` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product

from webjobs.schedules.grammar import DAY, HOUR, MINUTE, MONTH, SECOND, WEEKDAY, FieldKind, last_bit, next_bit
from webjobs.schedules.slots import Slots

_MOST_CLOCK_TIMES = 4
_FEWEST_STEPS = 5
"""Fewest evenly spaced values that are told as steps; shorter rows read better one by one."""

_ZERO = 1
"""The set that holds 0 alone."""


def describe(slots: Slots) -> str:
    """Return a schedule in English, as in ``at 02:30 on Monday through Friday``. Never raises."""
    clock = _clock_times(slots)
    text = f"at {_joined(clock)}" if clock else _time(slots)
    if clock and slots.day == DAY.full and slots.weekday == WEEKDAY.full:
        text = f"every day {text}"
    return f"{text}{_day(slots)}, which never comes" if slots.is_empty else f"{text}{_day(slots)}"


def _clock_times(slots: Slots) -> list[str]:
    sets = [_members(kind, values) for kind, values in zip((HOUR, MINUTE, SECOND), slots.sets[2::-1], strict=True)]
    if len(sets[0]) * len(sets[1]) * len(sets[2]) > _MOST_CLOCK_TIMES:
        return []
    return [_clock(*time, seconds=slots.second != _ZERO) for time in product(*sets)]


def _clock(hour: int, minute: int, second: int, *, seconds: bool) -> str:
    return f"{hour:02}:{minute:02}:{second:02}" if seconds else f"{hour:02}:{minute:02}"


def _time(slots: Slots) -> str:
    """Return the time of day when it is not told by the clock.

    The smallest field that says something comes first, then the fields around it.
    """
    second, minute, hour = slots.sets[:3]
    hours, minutes, seconds = _members(HOUR, hour), _members(MINUTE, minute), _members(SECOND, second)
    if second == minute == _ZERO and (every := _every(HOUR, hour)):
        return every
    if len(minutes) == len(seconds) == 1 and hour != HOUR.full and _step(hours) == 1:
        first, last = (_clock(at, minutes[0], seconds[0], seconds=second != _ZERO) for at in (hours[0], hours[-1]))
        return f"every hour from {first} through {last}"
    parts = [(MINUTE, minute), (HOUR, hour)] if second == _ZERO else [(SECOND, second), (MINUTE, minute), (HOUR, hour)]
    kind, values = parts[0]
    text = _every(kind, values) or f"at {_within(kind, values)}"
    around = parts[1:]
    if all(each == of.full for of, each in around):
        # After "every 10 seconds" all of it goes without saying, after "at second 10" all but "of every minute".
        around = [] if text.startswith("every ") else around[:1]
    return "".join([text, *(f" of {_within(of, each)}" for of, each in around)])


def _every(kind: FieldKind, values: int) -> str:
    """Return ``every 10 seconds`` when the values are that far apart for ever; empty when they are not."""
    step = _step(_members(kind, values))
    if values == kind.full:
        return f"every {kind.name}"
    if step > 1 and (kind.high + 1) % step == 0 and values & _ZERO and last_bit(values, kind.high) + step > kind.high:
        return f"every {step} {kind.name}s"
    return ""


def _within(kind: FieldKind, values: int) -> str:
    """Return a field's values as ``minute 5``, ``hours 9 through 17``, ``every 2nd hour`` or ``every minute``."""
    members = _members(kind, values)
    step = _step(members)
    if values == kind.full:
        return f"every {kind.name}"
    if _every(kind, values):
        return f"every {_ordinal(step)} {kind.name}"
    if step > 1 and len(members) >= _FEWEST_STEPS:
        return f"every {_ordinal(step)} {kind.name} from {members[0]} through {members[-1]}"
    return f"{kind.name}{'s' if len(members) > 1 else ''} {_listed(kind, values)}"


def _day(slots: Slots) -> str:
    """Return the days, with a blank in front; empty when it is every day."""
    day, month, weekday = slots.sets[3:]
    months, weekdays = _listed(MONTH, month), _listed(WEEKDAY, weekday, "or" if day != DAY.full else "and")
    if day == DAY.full:
        on = "" if weekday == WEEKDAY.full else f" on {weekdays}"
        return on if month == MONTH.full else f"{on} in {months}"
    on = f" on {_within(DAY, day)}" + ("" if month == MONTH.full else f" of {months}")
    if weekday == WEEKDAY.full:
        return on
    return f"{on} when {'it is' if day & (day - 1) == 0 else 'they are'} {weekdays}"


def _listed(kind: FieldKind, values: int, word: str = "and") -> str:
    """Return the values of a field, three or more in a row as a span."""
    parts: list[str] = []
    first = next_bit(values, kind.low)
    while first >= 0:
        last = next_bit(~values, first) - 1
        names = [kind.names[at - kind.low] if kind.names else str(at) for at in range(first, last + 1)]
        parts += names if len(names) < 3 else [f"{names[0]} through {names[-1]}"]
        first = next_bit(values, last + 1)
    return _joined(parts, word)


def _joined(parts: Sequence[str], word: str = "and") -> str:
    return f" {word} ".join([part for part in (", ".join(parts[:-1]), parts[-1]) if part])


def _members(kind: FieldKind, values: int) -> list[int]:
    return [at for at in range(kind.low, kind.high + 1) if values >> at & 1]


def _step(members: Sequence[int]) -> int:
    """Return how far all neighbours are apart; 0 when that differs, or for fewer than two."""
    gaps = {later - earlier for earlier, later in pairwise(members)}
    return gaps.pop() if len(gaps) == 1 else 0


def _ordinal(number: int) -> str:
    ending = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
