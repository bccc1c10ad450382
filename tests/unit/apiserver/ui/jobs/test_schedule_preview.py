"""What is told of a schedule before it is saved."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from webjobs_apiserver.ui.jobs.schedule_preview import TIMES, preview

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("schedule", "zone", "warnings"),
    [
        ("0 */5 * * * *", None, []),
        ("0 0 9-17 * * MON-FRI", None, []),
        ("0 5-50/9 * * * *", None, []),
        ("0 5/15 * * * *", None, []),
        ("0 30 6 1 */3 *", None, []),
        ("0 */50 * * * *", None, ["*/50 in the minute field is minute 0, 50, and then 0 again: the last step is 10"]),
        ("*/7 * * * * *", None, ["second 0, 7 ... 56, and then 0 again: the last step is 4 and not 7"]),
        ("0 0 */5 * * *", None, ["hour 0, 5, 10, 15, 20, and then 0 again"]),
        ("0 0 0 * JAN/5 *", None, ["JAN/5 in the month field is month 1, 6, 11, and then 1 again"]),
        ("0 0 0 * * MON/2", None, ["weekday 1, 3, 5, and then 1 again: the last step is 3"]),
        ("0 0 0 */2 * *", None, ["counts from day 1 of each month"]),
        ("0 */70 * * * *", None, ["is only minute 0: the step is larger than the field"]),
        ("0 5,*/40 * * * *", None, ["*/40 in the minute field"]),
        ("0 0 0 13 * FRI", None, ["Day and weekday must both fit"]),
        ("0 0 0 30 2 *", None, ["It never comes"]),
        ("0 0 12 * * *", BERLIN, []),
        (
            "0 30 2 * * *",
            BERLIN,
            [
                "On 2026-03-29 the clocks in Europe/Berlin skip 02:00 to 03:00: 02:30:00 does not exist, and runs at "
                "03:30:00 instead.",
                "On 2026-10-25 the clocks in Europe/Berlin show 02:00 to 03:00 twice: 02:30:00 runs once, the second",
            ],
        ),
        ("0 */5 * * * *", BERLIN, ["02:00 to 03:00 twice: nothing runs the first time"]),
        ("0 30 2 * 6 *", BERLIN, []),
        ("0 15 2 * * *", "Australia/Lord_Howe", ["skip 02:00 to 02:30"]),
    ],
)
def test_warnings(schedule: str, zone: str | None, warnings: list[str]) -> None:
    found = preview(schedule, zone=zone, now=NOW)
    assert not found.problem
    assert len(found.warnings) == len(warnings), found.warnings
    for said, part in zip(found.warnings, warnings, strict=True):
        assert part in said


@pytest.mark.parametrize(
    ("schedule", "zone", "problem"),
    [
        ("*/5 * * * *", None, "put '0 ' in front of a five-field cron expression"),
        ("0 61 * * * *", None, "minute: '61' is out of range"),
        ("0 0 0 L * *", None, "day: "),
        ("0 */5 * * * *", "Europe/Berln", "did you mean 'Europe/Berlin'?"),
        ("0 */5 * * * *", "\u202eevil", "is unknown"),
    ],
)
def test_problems_are_those_of_the_parser(schedule: str, zone: str | None, problem: str) -> None:
    found = preview(schedule, zone=zone, now=NOW)
    assert problem in found.problem
    assert (found.told, found.times, found.warnings) == ("", (), ())


def test_times_are_in_the_zone_and_in_utc() -> None:
    found = preview("0 30 2 * * *", zone="W. Europe Standard Time", now=datetime(2026, 3, 27, 12, tzinfo=UTC))
    assert (len(found.times), found.told) == (TIMES, "every day at 02:30")
    shown = [(f"{one.local:%d %H:%M %Z}", f"{one.utc:%d %H:%M}") for one in found.times[:3]]
    assert shown == [("28 02:30 CET", "28 01:30"), ("29 03:30 CEST", "29 01:30"), ("30 02:30 CEST", "30 00:30")]


def test_no_schedule_is_no_problem() -> None:
    found = preview("  ", zone=None, now=NOW)
    assert (found.schedule, found.problem, found.times, found.zone) == ("", "", (), "UTC")
