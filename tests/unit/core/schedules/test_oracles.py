"""The whole grammar against oracles that do not share a line with it.

The expressions are drawn together with the values that each element means by docs/kudu-contract.md, section 7.1, so
that parsing is under test as well: names by any prefix, swapped ranges, steps of 0 and 1, steps after one value, day
AND weekday. What should fire is found by looking at each second. croniter is the third opinion where the two grammars
agree.
"""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.unit.core.schedules.test_properties import CHANGES, RANGES, SECOND
from webjobs.schedules import Missed, ScheduleError, parse

bounded = settings(max_examples=150, database=None)
Sets = tuple[frozenset[int], ...]
_MONTHS = "January February March April May June July August September October November December"
_WEEKDAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday"
MONTHS, WEEKDAYS = _MONTHS.split(), _WEEKDAYS.split()
# How many letters tell a name from all names before it: Ju is June, so July needs three.
SHORTEST = {4: (1, 1, 1, 1, 3, 2, 3, 2, 1, 1, 1, 1), 5: (1, 1, 1, 1, 2, 1, 2)}


def values_of(moment: datetime) -> tuple[int, ...]:
    """The six values of a local time, second first."""
    return (moment.second, moment.minute, moment.hour, moment.day, moment.month, moment.isoweekday() % 7)


def matches(at: datetime, sets: Sets) -> bool:
    """Whether all six fields hold a local time's values; written out because millions are asked."""
    return (
        at.second in sets[0]
        and at.minute in sets[1]
        and at.hour in sets[2]
        and at.day in sets[3]
        and at.month in sets[4]
        and at.isoweekday() % 7 in sets[5]
    )


@st.composite
def spelled(draw: st.DrawFn, index: int, value: int) -> str:
    """One value as a number or as a prefix of its name, in any case."""
    names = {4: MONTHS, 5: WEEKDAYS}.get(index)
    if names is None or draw(st.booleans()):
        return draw(st.sampled_from([str(value), f"0{value}"]))
    at = value - RANGES[index][0]
    text = names[at][: draw(st.integers(SHORTEST[index][at], len(names[at])))]
    return draw(st.sampled_from([text, text.lower(), text.upper()]))


@st.composite
def elements(draw: st.DrawFn, index: int, near: int) -> tuple[str, frozenset[int]]:
    """An element and the values that it means. As a rule one of its ends is ``near``."""
    low, high = RANGES[index]
    first = draw(st.sampled_from([near, near, draw(st.integers(low, high))]))
    last, step = draw(st.integers(low, high)), draw(st.integers(0, high + 5))
    one, other = draw(spelled(index, first)), draw(spelled(index, last))
    between = range(min(first, last), max(first, last) + 1)
    to_the_end = range(first, first + 1) if step == 1 else range(first, high + 1)
    every = max(step, 1)
    return draw(
        st.sampled_from(
            [
                ("*", frozenset(range(low, high + 1))),
                (f"*/{step}", frozenset(range(low, high + 1)[::every])),
                (one, frozenset([first])),
                (f"{one}-{other}", frozenset(between)),
                (f"{one}-{other}/{step}", frozenset(between[::every])),
                (f"{one}/{step}", frozenset(to_the_end[::every])),
            ]
        )
    )


@st.composite
def expressions(draw: st.DrawFn, near: datetime) -> tuple[str, Sets]:
    """An expression and its sets by docs/kudu-contract.md, section 7.1; it tends to fire around a local time."""
    texts, sets = [], []
    for index, value in enumerate(values_of(near)):
        drawn = draw(st.lists(elements(index, value), min_size=1, max_size=3))
        texts.append(",".join(text for text, _ in drawn))
        sets.append(frozenset[int]().union(*(values for _, values in drawn)))
    return " ".join(texts), tuple(sets)


@st.composite
def near_midnight(draw: st.DrawFn) -> datetime:
    """A UTC time around the beginning of a day: any day, a month's first, a year's first, or one beside 29 February."""
    any_day = st.datetimes(datetime(2000, 1, 1), datetime(2039, 12, 31))
    day = draw(
        st.one_of(
            any_day,
            any_day.map(lambda when: when.replace(day=1)),
            any_day.map(lambda when: when.replace(month=1, day=1)),
            st.sampled_from([datetime(year, *date) for year in (2023, 2024, 2100) for date in ((2, 28), (3, 1))]),
        )
    )
    minutes = draw(st.integers(-90, 90))
    return day.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC) + timedelta(minutes=minutes)


def check(text: str, zone: ZoneInfo, start: datetime, end: datetime, oracle: list[datetime]) -> None:
    """All searches agree with the instants in (start, end] that an oracle found."""
    schedule = parse(text)
    assert list(takewhile(lambda at: at <= end, schedule.occurrences(start, zone=zone))) == oracle
    for before, at in pairwise([start, *oracle[:50]]):
        assert schedule.next_after(before, zone=zone) == at
        assert schedule.previous_at_or_before(at, zone=zone) == at
        previous = schedule.previous_at_or_before(at - SECOND, zone=zone)
        assert previous == before or (before == start and (previous is None or previous <= start))
    following = schedule.next_after(oracle[-1] if oracle else start, zone=zone)
    assert following is None or following > end
    latest = oracle[-1] if oracle else None
    for limit in (1, 7, 100):
        missed = Missed(min(len(oracle), limit), latest, capped=len(oracle) > limit)
        assert schedule.missed_between(start, end, zone=zone, limit=limit) == missed


@bounded
@given(st.data())
def test_every_second_of_three_hours(data: st.DataObject) -> None:
    start = data.draw(near_midnight())
    text, sets = data.draw(expressions(start + timedelta(minutes=data.draw(st.integers(0, 150)))))
    hours = 3
    oracle = [at for n in range(1, hours * 3600 + 1) if matches(at := start + n * SECOND, sets)]
    check(text, ZoneInfo("UTC"), start, start + timedelta(hours=hours), oracle)


@bounded
@given(st.data())
def test_the_sets_of_an_expression_are_those_of_the_contract(data: st.DataObject) -> None:
    text, sets = data.draw(expressions(data.draw(near_midnight())))
    held = [{at for at in range(60) if mask >> at & 1} for mask in parse(text).slots.sets]
    assert held == [set(values) for values in sets]


# Of those whose offset changes by two hours at most; the rest has an oracle by minutes among the properties.
SHORT_CHANGES = [change for change in CHANGES if change[0] not in ("Pacific/Apia", "Pacific/Kiritimati")]


@settings(bounded, max_examples=60)
@given(st.sampled_from(SHORT_CHANGES), st.data())
def test_every_second_around_a_clock_change(change: tuple[str, datetime], data: st.DataObject) -> None:
    """Each local second on its own: it fires at its standard offset, and two that fall together fire once."""
    zone, middle = ZoneInfo(change[0]), change[1].replace(tzinfo=UTC)
    local = (middle + timedelta(minutes=data.draw(st.integers(-150, 150)))).astimezone(zone)
    text, sets = data.draw(expressions(local))
    first = (middle - timedelta(hours=4)).astimezone(zone).replace(tzinfo=None)
    seconds = (first + n * SECOND for n in range(8 * 3600 + 1))
    fires = {
        max(at.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        for at in seconds
        if matches(at, sets)
    }
    start, end = middle - timedelta(hours=2), middle + timedelta(hours=2)
    check(text, zone, start, end, sorted(at for at in fires if start < at <= end))


@st.composite
def common_fields(draw: st.DrawFn, index: int) -> str:
    """A field that croniter reads as NCrontab does: no swapped range, no a/1, no step beyond the end."""
    low, high = RANGES[index]
    first, last = sorted((draw(st.integers(low, high)), draw(st.integers(low, high))))
    step = draw(st.integers(2, max(high - low, 2)))
    one, other = str(first), str(last)
    if (names := {4: MONTHS, 5: WEEKDAYS}.get(index)) and draw(st.booleans()):
        one, other = names[first - low][:3].upper(), names[last - low][:3].lower()
    forms = ["*", f"*/{step}", one, f"{one}/{step}"]
    if first < last:
        forms += [f"{one}-{other}", f"{one}-{other}/{min(step, last - first)}"]
    return ",".join(draw(st.lists(st.sampled_from(forms), min_size=1, max_size=3)))


@bounded
@given(*(common_fields(index) for index in range(6)), st.booleans(), near_midnight())
def test_against_croniter_on_the_common_grammar(
    second: str, minute: str, hour: str, day: str, month: str, weekday: str, by_weekday: bool, start: datetime
) -> None:
    # With both day fields restricted croniter takes either.
    text = f"{second} {minute} {hour} {'*' if by_weekday else day} {month} {weekday if by_weekday else '*'}"
    schedule = parse(text)
    assume(schedule.next_after(start) is not None)
    other = croniter(text, start, second_at_beginning=True, max_years_between_matches=100)
    expected = [other.get_next(datetime) for _ in range(8)]
    assert list(islice(schedule.occurrences(start), 8)) == expected
    for number in (1, 3, 8):
        end = expected[number - 1]
        assert schedule.missed_between(start, end) == Missed(number, end)
        assert schedule.missed_between(start, end - SECOND).count == number - 1
    back = croniter(text, expected[-1], second_at_beginning=True, max_years_between_matches=100)
    for at in reversed(expected[:-1]):
        assert back.get_prev(datetime) == at
        assert schedule.previous_at_or_before(expected[expected.index(at) + 1] - SECOND) == at


@bounded
@given(st.sampled_from(CHANGES), st.timedeltas(timedelta(days=-2), timedelta(days=2)), st.data())
def test_occurrences_in_a_row_are_those_asked_for_one_by_one(
    change: tuple[str, datetime], away: timedelta, data: st.DataObject
) -> None:
    zone, start = ZoneInfo(change[0]), change[1].replace(tzinfo=UTC) + away
    text, _ = data.draw(expressions(change[1].replace(tzinfo=UTC).astimezone(zone)))
    schedule, when = parse(text), start
    for at in islice(schedule.occurrences(start, zone=zone), 200):
        found = schedule.next_after(when, zone=zone)
        assert found == at
        assert found.tzinfo is UTC
        when = at


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("0 0 20-4 * * *", "0 0 4-20 * * *"),
        ("0 0 0 * * FRI-MON", "0 0 0 * * MON-FRI"),
        ("0 0 0 * DEC-FEB *", "0 0 0 * 2-12 *"),
        ("0 0 0 * * SAT-SUN", "0 0 0 * * *"),
        ("0 5/1 * * * *", "0 5 * * * *"),
        ("0 0 0 1/1 * *", "0 0 0 1 * *"),
        ("0 */0 * * * *", "0 * * * * *"),
        ("0 0 */5 * * *", "0 0 0,5,10,15,20 * * *"),
        ("0 0 0 */10 * *", "0 0 0 1,11,21,31 * *"),
        ("0 0 1 * M *", "0 0 1 * MARCH *"),
        ("0 0 1 * J *", "0 0 1 * JAN *"),
        ("0 0 1 * * T", "0 0 1 * * TUE"),
    ],
)
def test_traps_that_are_no_errors(text: str, same: str) -> None:
    assert parse(text) == parse(same)


@pytest.mark.parametrize("index", range(6))
@pytest.mark.parametrize("bad", ["?", "L", "W", "LW", "1#1", "60", "-1", "1-", "*/", "1,", "x", "5L", "15W"])
def test_what_is_not_accepted_is_told_of_its_field(index: int, bad: str) -> None:
    name = ("second", "minute", "hour", "day", "month", "weekday")[index]
    if (name, bad) == ("weekday", "W"):  # a prefix of Wednesday
        assert parse("0 0 0 * * W") == parse("0 0 0 * * 3")
        return
    tokens = ["0", "0", "0", "*", "*", "*"]
    tokens[index] = bad
    with pytest.raises(ScheduleError) as caught:
        parse(" ".join(tokens))
    assert caught.value.field == name
    assert str(caught.value).startswith(f"{name}: ")
