"""NCRONTAB's grammar: one field's text to a set of values and back.

A set is an int whose bit n stands for value n, so that "the next value from n on" is arithmetic, not a loop.

Source: NCrontab 2.0. An element is ``*``, ``*/n``, ``a``, ``a-b``, ``a-b/n`` or ``a/n`` (a to the field's end), a field
is a comma list of elements. Months and weekdays may be any prefix of the English name in any case; the first name that
fits wins (``M`` is March, ``J`` January, ``T`` Tuesday).
"""

from __future__ import annotations

import re
from typing import NamedTuple

FIELD_NAMES = "second minute hour day month weekday"
"""Names of the six fields in their order, for messages."""

_MONTHS = "January February March April May June July August September October November December"
_WEEKDAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday"
_MACROS = {
    "@yearly": "0 0 0 1 1 *",
    "@annually": "0 0 0 1 1 *",
    "@monthly": "0 0 0 1 * *",
    "@weekly": "0 0 0 * * 0",
    "@daily": "0 0 0 * * *",
    "@midnight": "0 0 0 * * *",
    "@hourly": "0 0 * * * *",
}
_TIMESPAN = re.compile(r"(\d+\.)?\d+(:\d+){1,2}(\.\d+)?", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


class ScheduleError(ValueError):
    """A schedule that can't run.

    The text names the field and says what to do. ``field`` is second, minute, hour, day, month or weekday; None when
    the expression as a whole (or the time zone) is wrong.
    """

    def __init__(self, reason: str, *, field: str | None = None) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field


class FieldKind(NamedTuple):
    """One of the six fields of an expression: its name, first and last value, and the names of its values."""

    name: str
    """Name of the field, such as ``minute``."""
    low: int
    """First value of the field."""
    high: int
    """Last value of the field."""
    names: tuple[str, ...] = ()
    """English names of the values in order; empty: the field knows numbers only."""

    @property
    def full(self) -> int:
        """The set of all values of the field, which is what ``*`` means."""
        return (2 << self.high) - (1 << self.low)


FIELDS = (
    FieldKind("second", 0, 59),
    FieldKind("minute", 0, 59),
    FieldKind("hour", 0, 23),
    FieldKind("day", 1, 31),
    FieldKind("month", 1, 12, tuple(_MONTHS.split())),
    FieldKind("weekday", 0, 6, tuple(_WEEKDAYS.split())),
)
"""The six fields of an expression in their order."""
SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY = FIELDS


def next_bit(values: int, start: int) -> int:
    """Return the smallest member of a set that is >= start; -1 when there is none."""
    rest = values >> start
    return start + (rest & -rest).bit_length() - 1 if rest else -1


def last_bit(values: int, end: int) -> int:
    """Return the largest member of a set that is <= end; -1 when there is none (also for a negative end)."""
    return (values & ((1 << (end + 1)) - 1)).bit_length() - 1


def parse_expression(text: str) -> tuple[int, ...]:
    """Return the six sets of an expression, second first.

    Raises ScheduleError.
    """
    stripped = text.strip()
    if stripped.startswith("@"):
        instead = _MACROS.get(stripped.lower())
        raise ScheduleError(
            f"{quoted(stripped)} is not supported: "
            + (f"write '{instead}'" if instead else f"write six fields ({FIELD_NAMES})")
        )
    tokens = text.split()
    if tokens != [token for token in text.split(" ") if token]:
        raise ScheduleError("only spaces may stand between the fields: replace the tab or line break by a space")
    if len(tokens) != len(FIELDS):
        if _TIMESPAN.fullmatch(stripped):
            raise ScheduleError(
                f"{quoted(stripped)} is a TimeSpan, which only the WebJobs SDK's TimerTrigger understands: "
                "write six fields, such as '0 */5 * * * *' for every five minutes"
            )
        hint = {
            5: ": put '0 ' in front of a five-field cron expression",
            7: ": leave the year out",
        }.get(len(tokens), "")
        raise ScheduleError(f"6 fields are needed ({FIELD_NAMES}), got {len(tokens)}{hint}")
    return tuple(parse_field(kind, token) for kind, token in zip(FIELDS, tokens, strict=True))


def parse_field(kind: FieldKind, text: str) -> int:
    """Return the set of one field's text, which holds no spaces.

    Raises ScheduleError that names the field.
    """
    if text == "*":
        return kind.full
    values = 0
    for element in text.split(","):
        if not element:
            raise ScheduleError(f"{quoted(text)} has an empty element: remove the comma too many", field=kind.name)
        values |= _parse_element(kind, element)
    return values


def format_field(kind: FieldKind, values: int) -> str:
    """Return a set as text: ``*`` for the full one, runs of two or more as ``a-b``, the rest as numbers."""
    if values == kind.full:
        return "*"
    parts = []
    first = next_bit(values, kind.low)
    while first >= 0:
        last = next_bit(~values, first) - 1
        parts.append(str(first) if first == last else f"{first}-{last}")
        first = next_bit(values, last + 1)
    return ",".join(parts)


def _parse_element(kind: FieldKind, element: str) -> int:
    if element == "*":
        return kind.full
    body, slash, step_text = element.partition("/")
    step: int | None = None
    if slash:
        if not _NUMBER.fullmatch(step_text):
            raise ScheduleError(
                f"the step {quoted(step_text)} in {quoted(element)} is not a number: write one after the '/'",
                field=kind.name,
            )
        step = int(step_text)
    first_text, dash, last_text = body.partition("-")
    if body == "*":
        first, last = kind.low, kind.high
    elif dash and first_text:
        # NCrontab swaps a reversed range instead of wrapping it: FRI-MON is Monday to Friday.
        first, last = sorted((_parse_value(kind, first_text), _parse_value(kind, last_text)))
    else:
        first = last = _parse_value(kind, body)
        # NCrontab 2.0 takes the step 1 of a single value for "no step".
        if step is not None and step != 1:
            last = kind.high
    if not step or step == 1:
        return (2 << last) - (1 << first)
    values = 0
    for value in range(first, last + 1, step):
        values |= 1 << value
    return values


def _parse_value(kind: FieldKind, text: str) -> int:
    if text and text[0] in "0123456789":
        if not text.isascii() or not text.isdigit():
            raise ScheduleError(f"{quoted(text)} is not a number {kind.low}-{kind.high}{_hint(text)}", field=kind.name)
        value = int(text) if _NUMBER.fullmatch(text) else kind.high + 1
        if not kind.low <= value <= kind.high:
            hint = ""
            if kind is WEEKDAY and value == 7:
                hint = ": use 0 or SUN for Sunday"
            elif kind is HOUR and value == 24:
                hint = ": use 0 for midnight"
            raise ScheduleError(f"{quoted(text)} is out of range {kind.low}-{kind.high}{hint}", field=kind.name)
        return value
    if text:
        for index, name in enumerate(kind.names):
            if name.lower().startswith(text.lower()):
                return kind.low + index
    expected = f"a number {kind.low}-{kind.high}"
    if kind.names:
        expected += f" or the English name of a {kind.name}, such as {kind.names[0][:3].upper()}"
    raise ScheduleError(f"{quoted(text)} is not {expected}{_hint(text)}", field=kind.name)


def _hint(text: str) -> str:
    if "?" in text:
        return ": write * instead of ?"
    if "#" in text:
        return ": # (nth weekday) is not supported, write day 1-7 and weekday MON for the first Monday"
    if re.search(r"L|W", text, re.IGNORECASE):
        return ": L (last) and W (working day) are not supported, name the days"
    return ""


def quoted(text: str) -> str:
    """Return a user's text for a message: short, and with control characters visible."""
    return repr(text if len(text) <= 40 else text[:37] + "...")
