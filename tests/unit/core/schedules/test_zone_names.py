"""Names of zones: IANA's and Windows', and what a person reads about an unknown one."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tzlocal.windows_tz import win_tz

from webjobs.model.base import TIME_ZONE
from webjobs.schedules import ScheduleError, iana_name, load_zone, parse


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("UTC", "UTC"),
        ("Etc/GMT+12", "Etc/GMT+12"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("w. europe standard time", "Europe/Berlin"),
        ("W. EUROPE STANDARD TIME", "Europe/Berlin"),
        ("Pacific Standard Time", "America/Los_Angeles"),
        ("Pacific Standard Time (Mexico)", "America/Tijuana"),
        ("US Mountain Standard Time", "America/Phoenix"),
        ("GMT Standard Time", "Europe/London"),
        ("Lord Howe Standard Time", "Australia/Lord_Howe"),
        ("Russia Time Zone 11", "Asia/Kamchatka"),
        ("Dateline Standard Time", "Etc/GMT+12"),
        ("UTC-11", "Etc/GMT+11"),
        ("utc+13", "Etc/GMT-13"),
        ("utc", "Etc/UTC"),
    ],
)
def test_a_name_of_either_kind(text: str, name: str) -> None:
    assert iana_name(text) == name
    assert load_zone(text) == ZoneInfo(name)


def test_every_windows_name_has_a_zone_and_may_stand_in_a_manifest() -> None:
    assert len(win_tz) > 130
    for windows, iana in win_tz.items():
        assert re.search(TIME_ZONE, windows)
        assert len(windows) <= 64
        assert load_zone(windows) == load_zone(windows.upper())
        assert load_zone(windows).utcoffset(datetime(2026, 1, 1)) == ZoneInfo(iana).utcoffset(datetime(2026, 1, 1))


@pytest.mark.parametrize(("text", "hours"), [("UTC-11", -11), ("UTC+12", 12), ("Dateline Standard Time", -12)])
def test_fixed_zones_have_the_sign_that_windows_shows(text: str, hours: int) -> None:
    """IANA's Etc zones have the other sign: Etc/GMT+11 is eleven hours behind."""
    assert load_zone(text).utcoffset(datetime(2026, 7, 1)) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("Europe/Berln", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("W Europe Standard Time", "W. Europe Standard Time"),
        ("Pacific Standart Time", "Pacific Standard Time"),
        ("America/LosAngeles", "America/Los_Angeles"),
        # Windows keeps these names for old settings; no zone of today has their rules.
        ("Kamchatka Standard Time", None),
        ("Mid-Atlantic Standard Time", None),
    ],
)
def test_an_unknown_zone_comes_with_the_nearest_known(text: str, nearest: str | None) -> None:
    with pytest.raises(ScheduleError) as caught:
        load_zone(text)
    assert caught.value.field is None
    assert repr(text) in str(caught.value)
    assert "did you mean" in str(caught.value)
    if nearest:
        assert f"did you mean {nearest!r}?" in str(caught.value)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "America", "/etc", "a\0b", "x" * 5000, "é" * 20])
def test_an_unknown_zone_has_one_error(name: str) -> None:
    with pytest.raises(ScheduleError, match="IANA name such as Europe/Berlin or UTC, or a Windows name") as caught:
        load_zone(name)
    assert caught.value.field is None
    assert len(str(caught.value)) < 250


def test_no_zone_is_utc() -> None:
    assert load_zone(None) is UTC


def test_a_windows_name_means_the_same_times_and_the_same_cronjob() -> None:
    daily, before = parse("0 0 3 * * *"), datetime(2026, 3, 28, 12, tzinfo=UTC)
    found = daily.next_after(before, zone=load_zone("W. Europe Standard Time"))
    assert found == datetime(2026, 3, 29, 1, tzinfo=UTC)
    for zone_name in ("W. Europe Standard Time", "Europe/Berlin"):
        assert daily.as_cron(zone_name=zone_name, from_year=2026).expression == "0 3 * * *"
    mapping = parse("0 30 2 * * *").as_cron(zone_name="W. Europe Standard Time", from_year=2026)
    assert "the clock change of 2026-03-29 in W. Europe Standard Time" in mapping.reason
