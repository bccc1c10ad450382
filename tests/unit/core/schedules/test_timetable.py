"""Periods and single moments, and Kudu's rule over every kind of schedule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webjobs.schedules import Missed, Once, Period, Timetable, Zoned, due, parse

START = datetime(2026, 1, 1, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


@given(
    anchor=st.integers(-200, 200),
    period=st.integers(1, 50),
    last=st.integers(-300, 300),
    length=st.integers(0, 300),
    limit=st.integers(1, 20),
)
def test_periods_against_counting(anchor: int, period: int, last: int, length: int, limit: int) -> None:
    table = Period(after(anchor), timedelta(seconds=period))
    moments = [after(second) for second in range(anchor, 1000, period)]
    inside = [moment for moment in moments if after(last) < moment <= after(last + length)]
    assert table.next_after(after(last)) == next(moment for moment in moments if moment > after(last))
    assert table.missed_between(after(last), after(last + length), limit=limit) == Missed(
        min(len(inside), limit), inside[-1] if inside else None, capped=len(inside) > limit
    )


def test_a_period_does_not_drift() -> None:
    """Seven minutes do not divide the hour: cron can't say it."""
    table, found = Period(START, timedelta(minutes=7)), START
    for number in range(1, 10_000):
        following = table.next_after(found + timedelta(milliseconds=number % 900))  # late by something, each time
        assert following == START + number * timedelta(minutes=7)
        found = following


def test_a_period_ends_with_the_calendar() -> None:
    table = Period(datetime(9999, 12, 31, 23, 59, tzinfo=UTC), timedelta(hours=1))
    assert table.next_after(START) == datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
    assert table.next_after(datetime(9999, 12, 31, 23, 59, 30, tzinfo=UTC)) is None


def test_a_moment() -> None:
    table = Once(datetime(2026, 1, 1, 2, tzinfo=ZoneInfo("Europe/Berlin")))
    moment = datetime(2026, 1, 1, 1, tzinfo=UTC)
    second = timedelta(seconds=1)
    assert (table.next_after(moment - second), table.next_after(moment)) == (moment, None)
    assert table.missed_between(moment - second, moment) == Missed(1, moment)
    assert table.missed_between(moment, moment + second) == Missed()
    assert table.missed_between(moment - 2 * second, moment - second) == Missed()


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (Zoned(parse("0 */30 * * * MON"), UTC), "0 0,30 * * * 1"),
        (Period(START, timedelta(seconds=90)), "every 90 seconds"),
        (Period(START, timedelta(seconds=1)), "every second"),
        (Once(START), "once at 2026-01-01T00:00:00Z"),
    ],
)
def test_texts(table: Timetable, text: str) -> None:
    assert str(table) == text


PERIOD = Period(START, timedelta(seconds=60))
ONCE = Once(after(60))


@pytest.mark.parametrize(
    ("table", "last", "now", "slot", "fires", "missed"),
    [
        (PERIOD, 0, 59, 60, False, 0),
        (PERIOD, 0, 60, 60, True, 0),
        (PERIOD, 0, 61, 60, True, 0),
        (PERIOD, 0, 659, 600, True, 0),  # the latest only
        (PERIOD, 0, 660, 660, True, 0),  # ten minutes after the first
        (PERIOD, 0, 661, 720, False, 11),
        (ONCE, 59, 59, 60, False, 0),
        (ONCE, 59, 660, 60, True, 0),
        (ONCE, 59, 661, None, False, 1),
        (ONCE, 60, 61, None, False, 0),
    ],
)
def test_kudus_rule(table: Timetable, last: int, now: int, slot: int | None, fires: bool, missed: int) -> None:
    found = due(table, after(last), after(now))
    assert (found.slot, found.fire, found.missed.count) == (None if slot is None else after(slot), fires, missed)
