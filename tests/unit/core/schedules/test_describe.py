"""Schedules in English: each text by hand, and that a text says neither less nor more than the six sets."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.core.schedules.test_properties import RANGES, expressions
from webjobs.schedules import parse
from webjobs.schedules.grammar import FIELD_NAMES
from webjobs.schedules.slots import Slots

TABLE = [
    ("*/10 * * * * *", "every 10 seconds"),
    ("* * * * * *", "every second"),
    ("0 * * * * *", "every minute"),
    ("0 */5 * * * *", "every 5 minutes"),
    ("0 0 * * * *", "every hour"),
    ("0 0 */2 * * *", "every 2 hours"),
    ("0 30 */2 * * *", "at minute 30 of every 2nd hour"),
    ("10 * * * * *", "at second 10 of every minute"),
    ("10,40 * * * * *", "at seconds 10 and 40 of every minute"),
    ("0 5 * * * *", "at minute 5 of every hour"),
    ("5 5 * * * *", "at second 5 of minute 5 of every hour"),
    ("0 5,35 * * * *", "at minutes 5 and 35 of every hour"),
    ("0 30 2 * * MON-FRI", "at 02:30 on Monday through Friday"),
    ("0 0 0 1-7 * MON", "at 00:00 on days 1 through 7 when they are Monday"),
    ("0 0 0 29 2 *", "at 00:00 on day 29 of February"),
    ("0 0 0 31 2 *", "at 00:00 on day 31 of February, which never comes"),
    ("0 0 9-17 * * MON-FRI", "every hour from 09:00 through 17:00 on Monday through Friday"),
    ("0 30 9-17 * * *", "every hour from 09:30 through 17:30"),
    ("0 */15 9-17 * * MON-FRI", "every 15 minutes of hours 9 through 17 on Monday through Friday"),
    ("* 55 * * * *", "every second of minute 55 of every hour"),
    ("*/10 */5 * * * *", "every 10 seconds of every 5th minute of every hour"),
    ("* * 10 * * *", "every second of every minute of hour 10"),
    ("* */5 * * * *", "every second of every 5th minute of every hour"),
    ("10 */5 9-17 * * *", "at second 10 of every 5th minute of hours 9 through 17"),
    ("0 30 9 * JAN,MAR *", "every day at 09:30 in January and March"),
    ("0 0 9,17 * * SUN,SAT", "at 09:00 and 17:00 on Sunday and Saturday"),
    ("0 30 2 * * *", "every day at 02:30"),
    ("30 30 2 * * *", "every day at 02:30:30"),
    ("0 0 0 */10 * *", "at 00:00 on days 1, 11, 21 and 31"),
    ("0 0 0 1 * FRI,MON", "at 00:00 on day 1 when it is Monday or Friday"),
    ("0 1/2 * * * *", "at every 2nd minute from 1 through 59 of every hour"),
    ("0 5/15 * * * *", "at minutes 5, 20, 35 and 50 of every hour"),
    ("*/7 * * * * *", "at every 7th second from 0 through 56 of every minute"),
    ("0 0 1/2 * * *", "at minute 0 of every 2nd hour from 1 through 23"),
    ("0 0 */6 * * *", "every day at 00:00, 06:00, 12:00 and 18:00"),
    ("0 0 1-2,5-9 * * *", "at minute 0 of hours 1, 2 and 5 through 9"),
    ("0 0 0 */2 * *", "at 00:00 on every 2nd day from 1 through 31"),
    ("0 0 0 * 6-8 MON", "at 00:00 on Monday in June through August"),
    ("0,30 0 9 * * *", "every day at 09:00:00 and 09:00:30"),
    ("1 */5 */2 * * *", "at second 1 of every 5th minute of every 2nd hour"),
    ("* * */2 * * *", "every second of every minute of every 2nd hour"),
    ("0 * 9 * * *", "every minute of hour 9"),
    ("0 0 0 13 * FRI", "at 00:00 on day 13 when it is Friday"),
    ("* 0 * * * *", "every second of minute 0 of every hour"),
    ("0 */30 * * * *", "every 30 minutes"),
    ("10 * 9 * * *", "at second 10 of every minute of hour 9"),
    ("0 0 1 * 2-5 *", "every day at 01:00 in February through May"),
]


@pytest.mark.parametrize(("text", "description"), TABLE)
def test_description(text: str, description: str) -> None:
    assert parse(text).description == description


def fields(index: int) -> st.SearchStrategy[int]:
    """Any set of a field that is not empty, as its bits."""
    low, high = RANGES[index]
    return st.integers(1, (2 << (high - low)) - 1).map(lambda bits: bits << low)


slots = st.builds(Slots, *(fields(index) for index in range(len(RANGES))))


@settings(max_examples=300, database=None)
@given(expressions)
def test_any_expression_has_a_description_that_its_spelling_does_not_change(text: str) -> None:
    schedule = parse(text)
    assert schedule.description == parse(schedule.normalised).description
    assert schedule.description.strip() == schedule.description
    assert "  " not in schedule.description


@settings(max_examples=500, database=None)
@given(slots, st.integers(0, 5), st.data())
def test_one_value_more_or_less_is_another_text(one: Slots, index: int, data: st.DataObject) -> None:
    low, high = RANGES[index]
    changed = one.sets[index] ^ 1 << data.draw(st.integers(low, high))
    if changed:
        other = replace(one, **{FIELD_NAMES.split()[index]: changed})
        assert parse(one.normalised).description != parse(other.normalised).description


# Sets that the words could mix up: steps and their beginnings, single values, zero, spans, the full set.
NEAR = (
    ("*", "0", "1", "*/2", "1/2", "0,30", "*/7", "0-2"),
    ("*", "0", "2", "*/2", "1/2", "0,30", "*/30", "*/25", "5,35", "0-54/6", "0-2"),
    ("*", "0", "2", "*/2", "1/2", "9-17", "0,12", "*/7", "9-17/2", "0-2", "0-22"),
    ("*", "1", "1-7", "*/2", "1,31", "31"),
    ("*", "2", "1,3", "*/3"),
    ("*", "0", "1-5", "0,6"),
)


def test_different_schedules_have_different_texts() -> None:
    times, days = [" ".join(texts) for texts in product(*NEAR[:3])], [" ".join(texts) for texts in product(*NEAR[3:])]
    # A text is that of the time, then that of the day: all of each with some of the other.
    pairs = [*product(times, days[::40]), *product(times[::100], days)]
    found: dict[str, str] = {}
    for time, day in pairs:
        schedule = parse(f"{time} {day}")
        assert found.setdefault(schedule.description, schedule.normalised) == schedule.normalised
    assert len(found) == len(set(found.values())) > 3000
