"""Which schedules a CronJob may stand in for, and the reason a person reads where it may not."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from webjobs.schedules import parse

YEAR = 2026
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("text", "zone_name", "expression"),
    [
        ("0 */15 * * * *", None, "0,15,30,45 * * * *"),
        ("0 0 20-4 * * *", None, "0 4-20 * * *"),
        ("0 0 12 * * FRI-MON", "UTC", "0 12 * * 1-5"),
        ("0 30 9 1 JAN,MAR *", "Etc/UTC", "30 9 1 1,3 *"),
        ("0 0 0 29 2 *", None, "0 0 29 2 *"),
        ("0 0 * * * *", "Asia/Kolkata", "0 * * * *"),
        ("0 0 * * * *", "Etc/GMT+5", "0 * * * *"),
        ("0 0 * * * *", "America/Sao_Paulo", "0 * * * *"),
        ("0 0 9 * * MON-FRI", "Europe/Berlin", "0 9 * * 1-5"),
        ("0 59 1 * * *", "Europe/Berlin", "59 1 * * *"),
        ("0 0 3 * * *", "Europe/Berlin", "0 3 * * *"),
        ("0 0 3 * * *", "America/Los_Angeles", "0 3 * * *"),
        # The changes are on Sundays, in spring and autumn.
        ("0 30 2 * * MON-FRI", "America/Los_Angeles", "30 2 * * 1-5"),
        ("0 * * * 1 *", "America/Los_Angeles", "* * * 1 *"),
        ("0 0 9 * * *", "Africa/Cairo", "0 9 * * *"),
        ("0 0 5 * * *", "Pacific/Chatham", "0 5 * * *"),
    ],
)
def test_what_cron_says_exactly(text: str, zone_name: str | None, expression: str) -> None:
    mapping = parse(text).as_cron(zone_name=zone_name, from_year=YEAR)
    assert (mapping.expression, mapping.reason) == (expression, "")


@pytest.mark.parametrize(
    ("text", "zone_name", "reason"),
    [
        ("*/10 * * * * *", None, "needs seconds"),
        ("10 * * * * *", None, "needs seconds"),
        ("* * * * * *", None, "needs seconds"),
        ("0 0 0 1-7 * MON", None, "restricts both day of month and weekday"),
        ("0 0 0 31 2 *", None, "never fires"),
        ("0 0 9 * * *", "Mars Standard Time", "is unknown: did you mean"),
        ("0 30 2 * * *", "America/Los_Angeles", "02:30 may fall into the clock change of 2026-03-08"),
        ("0 30 1 * * *", "America/Los_Angeles", "would fire twice, WebJobs fire once"),
        ("0 30 2 * * SUN", "Europe/Berlin", "skip it, WebJobs fire late"),
        ("0 0 * * * *", "Europe/Berlin", "clock change"),
        ("0 */5 * * * *", "America/Los_Angeles", "clock change"),
        ("0 0 9 * * *", "Australia/Lord_Howe", "not by whole hours"),
        ("0 30 3 * * *", "Pacific/Chatham", "clock change"),
        ("0 0 4 * * *", "Pacific/Chatham", "clock change"),
        ("0 0 9 * * SUN", "Africa/Cairo", "skips midnight"),
        ("0 0 9 1 * *", "America/Havana", "skips midnight"),
    ],
)
def test_what_the_operator_has_to_time(text: str, zone_name: str | None, reason: str) -> None:
    mapping = parse(text).as_cron(zone_name=zone_name, from_year=YEAR)
    assert mapping.expression is None
    assert reason in mapping.reason


def test_the_present_year_is_taken_when_none_is_given() -> None:
    assert parse("0 0 9 * * *").as_cron(zone_name="Europe/Berlin").expression == "0 9 * * *"


# A change of each kind, in UTC.
WINDOWS = [
    ("America/Los_Angeles", datetime(2026, 3, 8, 10, tzinfo=UTC)),
    ("America/Los_Angeles", datetime(2026, 11, 1, 9, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("Pacific/Chatham", datetime(2026, 4, 4, 14, tzinfo=UTC)),
    ("Pacific/Chatham", datetime(2026, 9, 26, 14, tzinfo=UTC)),
    ("Africa/Cairo", datetime(2026, 4, 23, 22, tzinfo=UTC)),
    ("Africa/Casablanca", datetime(2026, 3, 22, 2, tzinfo=UTC)),
]


@settings(max_examples=60, database=None)
@given(
    st.sampled_from(WINDOWS),
    st.sets(st.integers(0, 59), min_size=1, max_size=3),
    st.sets(st.integers(0, 23), min_size=1, max_size=8),
    st.sets(st.integers(0, 6), min_size=1, max_size=7),
)
def test_a_cronjob_fires_when_the_schedule_does(
    window: tuple[str, datetime], minutes: set[int], hours: set[int], weekdays: set[int]
) -> None:
    """Cron by its definition: every real minute whose local time matches, and no other."""
    zone_name, middle = window
    zone = ZoneInfo(zone_name)
    fields = (minutes, hours, weekdays)
    minute_text, hour_text, weekday_text = (",".join(map(str, sorted(values))) for values in fields)
    schedule = parse(f"0 {minute_text} {hour_text} * * {weekday_text}")
    assume(schedule.as_cron(zone_name=zone_name, from_year=YEAR).expression is not None)
    start = middle - timedelta(days=1)
    cron = []
    for step in range(1, 2 * 24 * 60 + 1):
        local = (start + step * MINUTE).astimezone(zone)
        if local.minute in minutes and local.hour in hours and local.isoweekday() % 7 in weekdays:
            cron.append(start + step * MINUTE)
    ours, when = [], schedule.next_after(start, zone=zone)
    while when is not None and when <= start + timedelta(days=2):
        ours.append(when)
        when = schedule.next_after(when, zone=zone)
    assert ours == cron
