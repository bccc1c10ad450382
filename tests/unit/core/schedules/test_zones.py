"""Schedules in zones with clock changes: which instant each local time gets, and that none is lost or run twice."""

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest

from webjobs.schedules import Missed, parse

LA = "America/Los_Angeles"
BERLIN = "Europe/Berlin"
LORD_HOWE = "Australia/Lord_Howe"
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "start", "wait", "fires"),
    [
        ("0 59 * * * *", "2018-03-11T01:59-08:00", HOUR, "2018-03-11T03:59-07:00"),
        ("0 0 18 * * 5", "2018-03-09T18:00-08:00", 167 * HOUR, "2018-03-16T18:00-07:00"),
        ("0 30 2 * * *", "2018-03-11T00:00-08:00", 2.5 * HOUR, "2018-03-11T03:30-07:00"),
        ("0 0 12 * * *", "2018-11-03T12:00-07:00", 25 * HOUR, "2018-11-04T12:00-08:00"),
        # Two vectors of Kudu's unit tests that a zone with summer time changes by an hour.
        ("* * * * 3 *", "2015-01-01T00:00-08:00", 59 * 24 * HOUR, "2015-03-01T00:00-08:00"),
        ("* * * * 4 *", "2015-01-01T00:00-08:00", (90 * 24 - 1) * HOUR, "2015-04-01T00:00-07:00"),
    ],
)
def test_kudus_table_of_clock_changes(text: str, start: str, wait: timedelta, fires: str) -> None:
    found = parse(text).next_after(datetime.fromisoformat(start), zone=ZoneInfo(LA))
    assert found == datetime.fromisoformat(fires)
    assert found - datetime.fromisoformat(start) == wait


# A start, and the occurrences from it on: local time and offset.
CHANGES = [
    # Los Angeles, 02:00 becomes 03:00: late, once, and merged with regular ones.
    (LA, "0 30 2 * * *", "2026-03-07T03", ["2026-03-08T03:30-07:00", "2026-03-09T02:30-07:00"]),
    (LA, "0 0,30 2 * * *", "2026-03-07T03", ["2026-03-08T03:00-07:00", "2026-03-08T03:30-07:00"]),
    (LA, "0 30 2,3 * * *", "2026-03-07T04", ["2026-03-08T03:30-07:00", "2026-03-09T02:30-07:00"]),
    (LA, "0 30 2,4 * * *", "2026-03-07T05", ["2026-03-08T03:30-07:00", "2026-03-08T04:30-07:00"]),
    (LA, "0 0 * * * *", "2026-03-08T00:30", ["2026-03-08T01:00-08:00", "2026-03-08T03:00-07:00"]),
    # 01:00 to 02:00 comes twice: the second pass fires.
    (LA, "0 30 1 * * *", "2026-10-31T02", ["2026-11-01T01:30-08:00", "2026-11-02T01:30-08:00"]),
    (LA, "0 0 * * * *", "2026-10-31T23:30", ["2026-11-01T00:00-07:00", "2026-11-01T01:00-08:00"]),
    (LA, "0 59 0,1 * * *", "2026-10-31T23:30", ["2026-11-01T00:59-07:00", "2026-11-01T01:59-08:00"]),
    # Berlin, 02:00 becomes 03:00; 03:00 becomes 02:00.
    (BERLIN, "0 30 2 * * *", "2026-03-28T03", ["2026-03-29T03:30+02:00", "2026-03-30T02:30+02:00"]),
    (BERLIN, "0 0 3 * * *", "2026-03-28T04", ["2026-03-29T03:00+02:00", "2026-03-30T03:00+02:00"]),
    (BERLIN, "0 30 2 * * *", "2026-10-24T03", ["2026-10-25T02:30+01:00", "2026-10-26T02:30+01:00"]),
    (BERLIN, "0 0 3 * * SUN", "2026-10-24T03", ["2026-10-25T03:00+01:00", "2026-11-01T03:00+01:00"]),
    # Lord Howe changes by half an hour: 02:00 becomes 02:30; 02:00 becomes 01:30.
    (LORD_HOWE, "0 15 2 * * *", "2026-10-03T03", ["2026-10-04T02:45+11:00", "2026-10-05T02:15+11:00"]),
    (LORD_HOWE, "0 15,40 2 * * *", "2026-10-03T03", ["2026-10-04T02:40+11:00", "2026-10-04T02:45+11:00"]),
    (LORD_HOWE, "0 15,45 2 * * *", "2026-10-03T03", ["2026-10-04T02:45+11:00", "2026-10-05T02:15+11:00"]),
    (LORD_HOWE, "0 45 1 * * *", "2026-04-04T03", ["2026-04-05T01:45+10:30", "2026-04-06T01:45+10:30"]),
    (LORD_HOWE, "0 15,45 1 * * *", "2026-04-04T03", ["2026-04-05T01:15+11:00", "2026-04-05T01:45+10:30"]),
    # Cairo skips midnight: a Friday's 00:30 is run at 01:30.
    ("Africa/Cairo", "0 30 0 * * FRI", "2026-04-23T12", ["2026-04-24T01:30+03:00", "2026-05-01T00:30+03:00"]),
    # Samoa skipped 30 December 2011 whole; its slots came a day later, as one with that day's own.
    ("Pacific/Apia", "0 0 9 30 12 *", "2011-12-01T00", ["2011-12-31T09:00+14:00", "2012-12-30T09:00+14:00"]),
    ("Pacific/Apia", "0 0 9 * * *", "2011-12-29T10", ["2011-12-31T09:00+14:00", "2012-01-01T09:00+14:00"]),
    # Leap days across many changes.
    (BERLIN, "0 0 2 29 2 *", "2024-02-29T02", ["2028-02-29T02:00+01:00", "2032-02-29T02:00+01:00"]),
    (LA, "0 30 2 8 3 SUN", "2021-01-01T00", ["2026-03-08T03:30-07:00", "2037-03-08T03:30-07:00"]),
]


@pytest.mark.parametrize(("zone_name", "text", "start", "expected"), CHANGES)
def test_occurrences_around_a_change(zone_name: str, text: str, start: str, expected: list[str]) -> None:
    zone, schedule = ZoneInfo(zone_name), parse(text)
    when = datetime.fromisoformat(start).replace(tzinfo=zone)
    for text_expected in expected:
        found = schedule.next_after(when, zone=zone)
        assert found is not None
        assert found.astimezone(zone).isoformat() == datetime.fromisoformat(text_expected).isoformat()
        assert schedule.previous_at_or_before(found, zone=zone) == found
        when = found
    last = schedule.previous_at_or_before(when - timedelta(seconds=1), zone=zone)
    assert last == datetime.fromisoformat(expected[0])


def test_searches_that_start_in_the_middle_of_a_change() -> None:
    zone, hourly = ZoneInfo(LA), parse("0 30 * * * *")
    first_pass = datetime.fromisoformat("2026-11-01T01:10-07:00")
    second_pass = datetime.fromisoformat("2026-11-01T01:10-08:00")
    fires = datetime.fromisoformat("2026-11-01T01:30-08:00")
    assert hourly.next_after(first_pass, zone=zone) == fires
    assert hourly.next_after(first_pass + timedelta(minutes=40), zone=zone) == fires
    assert hourly.next_after(second_pass, zone=zone) == fires
    assert hourly.previous_at_or_before(second_pass, zone=zone) == datetime.fromisoformat("2026-11-01T00:30-07:00")
    after_gap = datetime.fromisoformat("2026-03-08T03:10-07:00")
    assert parse("0 30 2 * * *").next_after(after_gap, zone=zone) == after_gap + timedelta(minutes=20)


class NewYearChange(tzinfo):
    """A zone whose clock went back by an hour at 2020-01-01 00:30 UTC: the doubled hour lies across the year's edge."""

    at = datetime(2020, 1, 1, 0, 30)

    def utcoffset(self, when: datetime | None) -> timedelta:
        assert when is not None
        local = when.replace(tzinfo=None, fold=0)
        return timedelta() if local >= self.at + HOUR or (local >= self.at and when.fold) else HOUR

    def dst(self, when: datetime | None) -> None:
        return None

    def tzname(self, when: datetime | None) -> str:
        return "new year"

    def fromutc(self, when: datetime) -> datetime:
        if when.replace(tzinfo=None) < self.at:
            return when + HOUR
        return when.replace(fold=int(when.replace(tzinfo=None) < self.at + HOUR))


def test_a_doubled_hour_across_the_years_edge() -> None:
    zone, schedule = NewYearChange(), parse("0 */10 * * * *")
    before, after = datetime(2019, 12, 31, 23, 20, tzinfo=UTC), datetime(2020, 1, 1, 0, 30, tzinfo=UTC)
    assert schedule.next_after(before - timedelta(minutes=10), zone=zone) == before
    assert schedule.next_after(before, zone=zone) == after
    assert schedule.previous_at_or_before(after - timedelta(seconds=1), zone=zone) == before


def test_missed_runs_are_counted_once_each_over_a_change() -> None:
    zone, hourly = ZoneInfo(BERLIN), parse("0 0 * * * *")
    spring = datetime(2026, 3, 29, 12, tzinfo=zone)
    assert hourly.missed_between(datetime(2026, 3, 28, 12, tzinfo=zone), spring, zone=zone) == Missed(23, spring)
    autumn = datetime(2026, 10, 25, 12, tzinfo=zone)
    assert hourly.missed_between(datetime(2026, 10, 24, 12, tzinfo=zone), autumn, zone=zone) == Missed(24, autumn)
