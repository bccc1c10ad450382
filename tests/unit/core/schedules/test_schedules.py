"""Schedules without clock changes: grammar, normal form, Kudu's and NCrontab's own vectors, catch-up, the calendar."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from webjobs.schedules import Missed, ScheduleError, due, parse

NEW_YEAR = datetime(2015, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    """An ISO text as an aware UTC datetime."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "normalised"),
    [
        ("0 */15 * * * *", "0 0,15,30,45 * * * *"),
        ("0 0 20-4 * * *", "0 0 4-20 * * *"),
        ("0 0 12 * * FRI-MON", "0 0 12 * * 1-5"),
        ("0 5/15 * * * *", "0 5,20,35,50 * * * *"),
        ("0 5/1 * * * *", "0 5 * * * *"),
        ("0 5/0 * * * *", "0 5-59 * * * *"),
        ("0 0 1 * M *", "0 0 1 * 3 *"),
        ("0 0 1 * J *", "0 0 1 * 1 *"),
        ("0 0 1 * JU *", "0 0 1 * 6 *"),
        ("0 0 1 * A *", "0 0 1 * 4 *"),
        ("0 0 1 * * T", "0 0 1 * * 2"),
        ("0 0 1 * * s", "0 0 1 * * 0"),
        ("0 0 1 * * W", "0 0 1 * * 3"),
        ("0 0 1 * december Thursday", "0 0 1 * 12 4"),
        ("0 0 */5 * * *", "0 0 0,5,10,15,20 * * *"),
        ("0 0 0 */10 * *", "0 0 0 1,11,21,31 * *"),
        ("*/0 */0 */0 */0 */0 */0", "* * * * * *"),
        ("*/1 * * * * *", "* * * * * *"),
        ("0-59 0-59 0-23 1-31 1-12 0-6", "* * * * * *"),
        ("*/90 * * * * *", "0 * * * * *"),
        ("59/7 * * * * *", "59 * * * * *"),
        ("0 1,2,3,7,9,10 * * * *", "0 1-3,7,9-10 * * * *"),
        ("0 3,1-2,2 * * * *", "0 1-3 * * * *"),
        ("0 10-30/10,5 * * * *", "0 5,10,20,30 * * * *"),
        ("0 30-10/10 * * * *", "0 10,20,30 * * * *"),
        ("0 0 0 * * MON/2", "0 0 0 * * 1,3,5"),
        ("0 0 0 * * MON-FRI/2", "0 0 0 * * 1,3,5"),
        ("0 0 0 * JAN,MAR *", "0 0 0 * 1,3 *"),
        ("  00   007 * * * * ", "0 7 * * * *"),
    ],
)
def test_normalised_text(text: str, normalised: str) -> None:
    schedule = parse(text)
    assert schedule.normalised == str(schedule) == normalised
    assert parse(normalised) == schedule


@pytest.mark.parametrize(
    ("text", "field", "says"),
    [
        ("", None, "6 fields are needed"),
        ("0 0 * * *", None, "got 5: put '0 ' in front of a five-field cron expression"),
        ("0 0 0 * * * 2027", None, "got 7: leave the year out"),
        ("0", None, "got 1"),
        ("00:05:00", None, "TimeSpan"),
        ("1.00:00:00", None, "TimeSpan"),
        ("@hourly", None, "write '0 0 * * * *'"),
        ("@Daily", None, "write '0 0 0 * * *'"),
        ("@every 5m", None, "write six fields"),
        ("0\t0 0 * * *", None, "only spaces"),
        ("0 0 0 * * *\n", None, "only spaces"),
        ("60 * * * * *", "second", "'60' is out of range 0-59"),
        ("-1 * * * * *", "second", "'-1' is not a number 0-59"),
        ("* 5-60 * * * *", "minute", "'60' is out of range 0-59"),
        ("* five * * * *", "minute", "'five' is not a number 0-59"),
        ("* 1,,2 * * * *", "minute", "remove the comma"),
        ("* ,1 * * * *", "minute", "remove the comma"),
        ("* 1, * * * *", "minute", "remove the comma"),
        ("0 0 25 * * *", "hour", "'25' is out of range 0-23"),
        ("0 0 24 * * *", "hour", "use 0 for midnight"),
        ("0 0 1- * * *", "hour", "'' is not a number 0-23"),
        ("0 0 1-2-3 * * *", "hour", "'2-3' is not a number 0-23"),
        ("0 0 */ * * *", "hour", "the step '' in '*/' is not a number"),
        ("0 0 */x * * *", "hour", "the step 'x'"),
        ("0 0 */-2 * * *", "hour", "the step '-2'"),
        ("0 0 /2 * * *", "hour", "'' is not a number 0-23"),
        ("0 0 *-3 * * *", "hour", "'*' is not a number 0-23"),
        ("0 0 ** * * *", "hour", "'**' is not a number 0-23"),
        ("0 0 5x * * *", "hour", "'5x' is not a number 0-23"),
        ("0 0 1\u0661 * * *", "hour", "is not a number 0-23"),
        ("0 0 99999999999999999999 * * *", "hour", "out of range 0-23"),
        ("0 0 0 0 * *", "day", "'0' is out of range 1-31"),
        ("0 0 0 32 * *", "day", "'32' is out of range 1-31"),
        ("0 0 0 ? * *", "day", "write * instead of ?"),
        ("0 0 0 L * *", "day", "L (last)"),
        ("0 0 0 15W * *", "day", "W (working day)"),
        ("0 0 0 * 13 *", "month", "'13' is out of range 1-12"),
        ("0 0 0 * MAI *", "month", "'MAI' is not a number 1-12 or the English name of a month"),
        ("0 0 0 * * 7", "weekday", "use 0 or SUN for Sunday"),
        ("0 0 0 * * 1-7", "weekday", "use 0 or SUN for Sunday"),
        ("0 0 0 * * 8", "weekday", "'8' is out of range 0-6"),
        ("0 0 1 * * J", "weekday", "'J' is not a number 0-6 or the English name of a weekday"),
        ("0 0 0 * * ?", "weekday", "write * instead of ?"),
        ("0 0 0 * * MON#1", "weekday", "write day 1-7 and weekday MON"),
        ("0 0 0 * * 5L", "weekday", "L (last)"),
    ],
)
def test_errors_name_the_field_and_what_to_do(text: str, field: str | None, says: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        parse(text)
    assert caught.value.field == field
    assert says in str(caught.value)
    assert str(caught.value).startswith(f"{field}: ") or field is None


def test_an_error_quotes_a_long_text_shortened() -> None:
    with pytest.raises(ScheduleError) as caught:
        parse("0 0 " + "x" * 5000 + " * * *")
    assert len(str(caught.value)) < 200


# Kudu's own unit tests: now is 2015-01-01 00:00:00; expression, last run, ignore missed, expected wait.
KUDU = [
    ("10 * * * * *", "2015-01-01T00:00:00", False, timedelta(seconds=10)),
    ("0 1 * * * *", "2015-01-01T00:00:00", False, timedelta(minutes=1)),
    ("5 1 * * * *", "2015-01-01T00:00:00", False, timedelta(minutes=1, seconds=5)),
    ("0 0 2 * * *", "2015-01-01T00:00:00", False, timedelta(hours=2)),
    ("* * * 3 * *", "2015-01-01T00:00:00", False, timedelta(days=2)),
    ("* * * * 2 *", "2015-01-01T00:00:00", False, timedelta(days=31)),
    ("* * * * 3 *", "2015-01-01T00:00:00", False, timedelta(days=59)),
    ("* * * * 4 *", "2015-01-01T00:00:00", False, timedelta(days=90)),
    ("10 * * * * *", "2014-01-01T00:00:00", False, timedelta(seconds=10)),
    ("0 */5 * * * *", "2014-12-31T23:00:00", False, timedelta(minutes=5)),
    ("0 */2 * * * *", "2014-12-31T23:57:00", False, timedelta()),
    ("0 */2 * * * *", "2014-12-31T23:49:00", False, timedelta()),
    ("0 */2 * * * *", "2014-12-31T23:47:00", False, timedelta(minutes=2)),
    ("0 */2 * * * *", "2014-12-31T23:47:00", True, timedelta()),
    ("10 * * * * *", "2015-01-01T00:00:00", True, timedelta(seconds=10)),
]


@pytest.mark.parametrize(("text", "last", "ignore_missed", "wait"), KUDU)
def test_due_waits_as_in_kudus_unit_tests(text: str, last: str, ignore_missed: bool, wait: timedelta) -> None:
    decision = due(parse(text), at(last), NEW_YEAR, ignore_missed=ignore_missed)
    assert decision.wait == wait
    assert decision.fire is (wait == timedelta())


def test_due_without_a_run_plans_from_now() -> None:
    decision = due(parse("0 0 * * * *"), None, NEW_YEAR)
    assert (decision.slot, decision.wait) == (at("2015-01-01T01:00"), timedelta(hours=1))
    assert not decision.fire


def test_due_fires_at_the_very_time_of_a_slot() -> None:
    decision = due(parse("0 0 * * * *"), at("2014-12-31T23:30"), NEW_YEAR)
    assert (decision.fire, decision.slot, decision.covered) == (True, NEW_YEAR, 0)


def test_due_makes_up_for_several_slots_with_one_run() -> None:
    decision = due(parse("0 */2 * * * *"), at("2014-12-31T23:49"), NEW_YEAR)
    assert (decision.fire, decision.slot, decision.covered) == (True, NEW_YEAR, 5)
    assert decision.missed == Missed()


def test_due_reports_what_it_gives_up() -> None:
    decision = due(parse("0 */30 * * * *"), at("2014-12-31T20:10"), at("2014-12-31T22:11"))
    assert decision.missed == Missed(4, at("2014-12-31T22:00"))
    assert (decision.slot, decision.wait) == (at("2014-12-31T22:30"), timedelta(minutes=19))


def test_due_keeps_the_deadline_it_is_given() -> None:
    schedule, last = parse("0 0 * * * *"), at("2015-01-01T00:30")
    assert due(schedule, last, at("2015-01-01T01:05"), deadline=timedelta(minutes=5)).fire
    assert not due(schedule, last, at("2015-01-01T01:05:01"), deadline=timedelta(minutes=5)).fire


def test_due_never_again() -> None:
    decision = due(parse("0 0 0 31 2 *"), NEW_YEAR, NEW_YEAR)
    assert (decision.slot, decision.wait, decision.fire) == (None, None, False)


@pytest.mark.parametrize(
    ("text", "start", "expected"),
    [
        # Next after 2024-02-28 23:30:15.
        *(
            (text, "2024-02-28T23:30:15", expected)
            for text, expected in [
                ("0 */2 * * * *", "2024-02-28T23:32:00"),
                ("0 0 0 29 2 *", "2024-02-29T00:00:00"),
                ("0 0 9-17 * * MON-FRI", "2024-02-29T09:00:00"),
                ("0 0 0 */10 * *", "2024-03-01T00:00:00"),
                ("0 30 9 * JAN,MAR *", "2024-03-01T09:30:00"),
                ("0 0 */5 * * *", "2024-02-29T00:00:00"),
                ("0 0 0 1-7 * MON", "2024-03-04T00:00:00"),
                ("0 0 20-4 * * *", "2024-02-29T04:00:00"),
                ("*/10 * * * * *", "2024-02-28T23:30:20"),
                ("0 5/15 * * * *", "2024-02-28T23:35:00"),
                ("0 0 12 * * FRI-MON", "2024-02-29T12:00:00"),
                ("0 5/1 * * * *", "2024-02-29T00:05:00"),
                ("0 0 1 * M *", "2024-03-01T01:00:00"),
            ]
        ),
        # Both day fields must match.
        ("0 45 16 1 * Mon", "2003-01-01T12:00:00", "2003-09-01T16:45:00"),
        ("0 45 16 1 * Mon", "2003-09-01T16:45:00", "2003-12-01T16:45:00"),
        # Where NCrontab 2.0 does not go back to the first second: the corrected results.
        ("* 55 * * * *", "2021-02-24T09:50:35", "2021-02-24T09:55:00"),
        ("*/10 */5 * * * *", "2021-01-01T00:01:30", "2021-01-01T00:05:00"),
        ("* * 10 * * *", "2021-02-24T09:50:35", "2021-02-24T10:00:00"),
        ("*/10 0 * * * *", "2021-01-01T00:30:15", "2021-01-01T01:00:00"),
        ("0,30 0 9 * * *", "2021-01-01T08:10:10", "2021-01-01T09:00:00"),
        # Fractions of a second.
        ("* * * * * *", "2021-01-01T00:00:00.999999", "2021-01-01T00:00:01"),
        ("0 0 * * * *", "2021-01-01T00:59:59.999999", "2021-01-01T01:00:00"),
        # Ends of months and years, leap days.
        ("59 59 23 31 12 *", "2021-12-31T23:59:58", "2021-12-31T23:59:59"),
        ("59 59 23 31 12 *", "2021-12-31T23:59:59", "2022-12-31T23:59:59"),
        ("0 0 0 31 * *", "2021-01-31T00:00:00", "2021-03-31T00:00:00"),
        ("0 0 0 30 * *", "2021-01-30T00:00:00", "2021-03-30T00:00:00"),
        ("0 0 0 29 * *", "2024-01-29T00:00:00", "2024-02-29T00:00:00"),
        ("0 0 0 29-31 * *", "2023-01-31T00:00:00", "2023-03-29T00:00:00"),
        ("0 0 0 29 2 *", "2096-02-29T00:00:00", "2104-02-29T00:00:00"),
        ("0 0 0 29 2 MON", "2072-02-29T00:00:00", "2112-02-29T00:00:00"),
    ],
)
def test_next_after(text: str, start: str, expected: str) -> None:
    schedule = parse(text)
    assert schedule.next_after(at(start)) == at(expected)
    assert schedule.previous_at_or_before(at(expected)) == at(expected)
    before = schedule.previous_at_or_before(at(expected) - timedelta(seconds=1))
    assert before is not None
    assert before <= at(start)


@pytest.mark.parametrize("text", ["0 0 0 31 2 *", "0 0 0 30-31 2 MON", "0 0 0 31 2,4,6,9,11 *"])
def test_a_day_that_no_calendar_has_never_comes(text: str) -> None:
    schedule = parse(text)
    assert schedule.next_after(NEW_YEAR) is None
    assert schedule.previous_at_or_before(NEW_YEAR) is None
    assert schedule.missed_between(at("1970-01-01"), NEW_YEAR) == Missed()


def test_the_search_ends_where_datetime_does() -> None:
    schedule = parse("0 0 0 1 1 *")
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert schedule.next_after(first) == datetime(2, 1, 1, tzinfo=UTC)
    assert schedule.previous_at_or_before(first) is None
    assert schedule.previous_at_or_before(last) == datetime(9998, 1, 1, tzinfo=UTC)
    assert schedule.next_after(datetime(9998, 6, 1, tzinfo=UTC)) is None


def test_times_come_back_in_utc_whatever_zone_they_came_in() -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    found = parse("0 0 12 * * *").next_after(datetime(2024, 1, 1, 17, 29, tzinfo=east))
    assert found == at("2024-01-01T12:00")
    assert found.tzinfo is UTC
    assert parse("0 0 12 * * *").next_after(at("2024-01-01"), zone=east) == at("2024-01-01T06:30")


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        parse("* * * * * *").next_after(datetime(2024, 1, 1))


@pytest.mark.parametrize(
    ("text", "last", "now", "missed"),
    [
        ("0 0 * * * *", "2024-01-01T00:00", "2024-01-01T00:59:59", Missed()),
        ("0 0 * * * *", "2024-01-01T00:00", "2024-01-01T01:00", Missed(1, at("2024-01-01T01:00"))),
        ("0 0 * * * *", "2024-01-01T00:30", "2024-01-01T05:30", Missed(5, at("2024-01-01T05:00"))),
        ("0 0 * * * *", "2024-01-01T05:30", "2024-01-01T00:30", Missed()),
        ("* * * * * *", "2023-01-01T00:00", "2024-01-01T00:00", Missed(100, at("2024-01-01T00:00"), capped=True)),
        ("0 0 0 29 2 *", "1999-12-31T00:00", "2024-12-31T00:00", Missed(7, at("2024-02-29T00:00"))),
        ("0 */3 * * * *", "2024-01-01T00:00", "2024-01-01T05:00", Missed(100, at("2024-01-01T05:00"))),
        ("0 */3 * * * *", "2024-01-01T00:00", "2024-01-01T05:03", Missed(100, at("2024-01-01T05:03"), capped=True)),
    ],
)
def test_missed_between(text: str, last: str, now: str, missed: Missed) -> None:
    assert parse(text).missed_between(at(last), at(now)) == missed


def test_missed_between_counts_up_to_the_limit_given() -> None:
    missed = parse("* * * * * *").missed_between(at("2024-01-01"), at("2024-01-02"), limit=3)
    assert missed == Missed(3, at("2024-01-02"), capped=True)
