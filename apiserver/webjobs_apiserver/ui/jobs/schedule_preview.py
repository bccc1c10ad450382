"""What a person should know of a schedule before it is saved: its words, its next times, and its surprises. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice

from webjobs.schedules import Schedule, ScheduleError, Zoned, load_zone, parse, times_after
from webjobs.schedules.clock import ClockChange, clock_changes
from webjobs.schedules.grammar import DAY, FIELDS, WEEKDAY, FieldKind, next_bit

TIMES = 10
"""Next times that are shown."""
_AHEAD = timedelta(days=366)
"""Time for which clock changes are looked at."""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A time at which a schedule fires."""

    utc: datetime
    """The time in UTC."""
    local: datetime
    """The time in the zone of the schedule."""


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A schedule in a zone, as a person should see it."""

    schedule: str
    """The schedule as written; empty: there is none."""
    zone: str
    """Name of the zone as written; ``UTC`` when nobody says one."""
    told: str = ""
    """The schedule in English; empty when it can't be read."""
    problem: str = ""
    """Why schedule or zone can't be used; empty when they can."""
    times: tuple[Moment, ...] = ()
    """The next times."""
    warnings: tuple[str, ...] = ()
    """Sentences on what may surprise."""


def preview(schedule: str, *, zone: str | None, now: datetime, warns: bool = True) -> Preview:
    """Return what a person should know of a schedule, as written, in a zone; None: UTC.

    ``warns``: with warnings, which can take a while: they are of all times within a clock change.
    """
    name = zone or "UTC"
    if not schedule.strip():
        return Preview(schedule="", zone=name)
    try:
        parsed, place = parse(schedule), load_zone(zone)
    except ScheduleError as error:
        return Preview(schedule=schedule, zone=name, problem=str(error))
    found = islice(times_after(Zoned(parsed, place), now), TIMES)
    return Preview(
        schedule=schedule,
        zone=name,
        told=parsed.description,
        times=tuple(Moment(utc=when, local=when.astimezone(place)) for when in found),
        warnings=tuple(_warnings(schedule, parsed, place=place, name=name, now=now)) if warns else (),
    )


def _warnings(text: str, schedule: Schedule, *, place: tzinfo, name: str, now: datetime) -> Iterator[str]:
    slots = schedule.slots
    if slots.is_empty:
        yield "It never comes: no month of it has such a day."
        return
    if slots.day != DAY.full and slots.weekday != WEEKDAY.full:
        yield (
            "Day and weekday must both fit: it fires on days that meet both, unlike crontab, which takes either. "
            "Write * in one of them to leave it open."
        )
    for kind, field in zip(FIELDS, text.split(), strict=True):
        for element in field.split(","):
            if said := _uneven(kind, element):
                yield said
    for change in _changes(place, now):
        if said := _at_change(schedule, change, name=name):
            yield said


def _uneven(kind: FieldKind, element: str) -> str:
    """Return what is uneven about a step that goes to the end of its field; empty when nothing is."""
    body, slash, text = element.partition("/")
    step = int(text) if slash else 0
    if step < 2 or "-" in body:
        return ""
    first = kind.low if body == "*" else next_bit(_set_of(kind, body), kind.low)
    values = list(range(first, kind.high + 1, step))
    if len(values) == 1:
        return f"{element} in the {kind.name} field is only {kind.name} {first}: the step is larger than the field."
    if kind is DAY:
        return f"{element} in the day field counts from day {first} of each month: the step over its end is shorter."
    rest = kind.high - kind.low + 1 - (values[-1] - first)
    if rest == step:
        return ""
    shown = ", ".join(map(str, values)) if len(values) <= 5 else f"{values[0]}, {values[1]} ... {values[-1]}"
    return (
        f"{element} in the {kind.name} field is {kind.name} {shown}, and then {first} again: "
        f"the last step is {rest} and not {step}."
    )


def _set_of(kind: FieldKind, body: str) -> int:
    place = FIELDS.index(kind)
    fields = ["*"] * len(FIELDS)
    fields[place] = body
    return parse(" ".join(fields)).slots.sets[place]


def _changes(place: tzinfo, now: datetime) -> Iterator[ClockChange]:
    begin = now.astimezone(UTC).replace(tzinfo=None)
    for year in (begin.year, begin.year + 1):
        for change in clock_changes(place, year):
            if begin < change.at <= begin + _AHEAD:
                yield change


def _at_change(schedule: Schedule, change: ClockChange, *, name: str) -> str:
    """Return what a clock change does to a schedule; empty when nothing that shows."""
    slots, length = schedule.slots, change.length
    found = _slots_within(schedule, change)
    said = f"On {change.local_start:%Y-%m-%d} the clocks in {name}"
    hours = f"{change.local_start:%H:%M} to {change.local_end:%H:%M}"
    if change.before < change.after:
        # Where the later time is one of the schedule's own, the two are one run.
        late = next((one for one in found if slots.at_or_after(one + length) != one + length), None)
        if late is None:
            return ""
        return f"{said} skip {hours}: {late:%H:%M:%S} does not exist, and runs at {late + length:%H:%M:%S} instead."
    match list(islice(found, 2)):
        case []:
            return ""
        case [only]:
            return f"{said} show {hours} twice: {only:%H:%M:%S} runs once, the second time."
    return f"{said} show {hours} twice: nothing runs the first time, and all of it the second time."


def _slots_within(schedule: Schedule, change: ClockChange) -> Iterator[datetime]:
    """Yield the local times of a schedule that a clock change skips or doubles."""
    at = schedule.slots.at_or_after(change.local_start)
    while at is not None and at < change.local_end:
        yield at
        at = schedule.slots.at_or_after(at + timedelta(seconds=1))
