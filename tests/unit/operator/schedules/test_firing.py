"""Schedules through the operator's own planning and passes, with a clock that tests move: years in a second."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fakes.cluster import KEY, World, cron_job_slot
from tests.fakes.objects import run, run_async, run_body, webjob, webjob_body
from tests.unit.core.model.test_effective_spec import settings
from webjobs.runs.runs import object_name, run_id_at
from webjobs.schedules import parse
from webjobs.schedules.plan import plan
from webjobs.times import parse_time
from webjobs_kube.errors import Unreachable

FIRST_MONDAY = "0 0 0 1-7 * MON"
START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2028, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
# Written down by hand from a calendar.
FIRST_MONDAYS = [
    datetime(year, month, day, tzinfo=UTC)
    for year, days in {
        2026: (5, 2, 2, 6, 4, 1, 6, 3, 7, 5, 2, 7),
        2027: (4, 1, 1, 5, 3, 7, 5, 2, 6, 4, 1, 6),
    }.items()
    for month, day in enumerate(days, 1)
]


def days() -> Iterator[datetime]:
    """Each midnight of the two years after the WebJob was made."""
    for number in range(1, (END - START).days):
        yield START + number * DAY


def test_the_plan_fires_on_the_first_monday_and_on_no_other_day() -> None:
    """Each midnight on its own, with a run of the evening before as the newest."""
    fired = []
    for now in days():
        latest = run(object_name(webjob="job", run_id=run_id_at(now - timedelta(hours=3))))
        found = plan(webjob({"schedule": FIRST_MONDAY}), known=[latest], now=now)
        assert found.cron is None
        assert "both day of month and weekday" in found.timer_reason
        assert found.missed.count == 0
        if found.fire:
            assert found.fire == now
            fired.append(now)
        # A moment before, the same slot is what is waited for.
        before = plan(webjob({"schedule": FIRST_MONDAY}), known=[latest], now=now - timedelta(seconds=1))
        assert (before.next == now) is (found.fire == now)
        assert before.fire is None
    assert fired == FIRST_MONDAYS


@pytest.mark.parametrize("poked", [False, True], ids=["by-its-own-timer", "and-at-each-midnight"])
def test_passes_run_the_first_monday_once(poked: bool) -> None:
    """Two years of passes, at the times the operator itself asks for; ``poked``: at each midnight as well."""
    world = World(webjob_body({"schedule": FIRST_MONDAY}))
    world.now = START + timedelta(seconds=30)
    started: list[tuple[datetime, str]] = []
    midnights = list(days()) if poked else []
    while world.now < END:
        writes = len(world.kube.writes)
        world.settle()
        created = [call for call in world.kube.writes[writes:] if (call.verb, call.kind) == ("create", "Job")]
        started += [(world.now.replace(second=0, microsecond=0), str(call.name)) for call in created]
        if created:
            world.start_processes()
            world.settle()
            world.end_processes()
            world.settle()
        assert world.due is not None
        wake = world.now + timedelta(seconds=world.due)
        midnights = [midnight for midnight in midnights if midnight > world.now]
        world.now = min([wake, *midnights[:1]])
    assert [at for at, _ in started] == FIRST_MONDAYS
    assert len({name for _, name in started}) == len(FIRST_MONDAYS)
    finished = world.kube.of_kind("WebJobRun")
    assert {one["status"]["state"] for one in finished} == {"Success"}
    assert [parse_time(one["spec"]["scheduleTime"]) for one in finished] == FIRST_MONDAYS
    status = world.one("WebJob")["status"]
    assert "skippedRuns" not in status
    assert "MissedSchedule" not in world.events()
    assert not world.kube.of_kind("CronJob")


@pytest.mark.parametrize(
    ("late", "state"),
    [
        (timedelta(seconds=600), "fired"),
        (timedelta(seconds=601), "missed"),
        (timedelta(days=40), "missed"),
    ],
)
def test_a_clock_that_jumps_over_the_slot(late: timedelta, state: str) -> None:
    """The operator, or the machine's clock, was away from before a slot until ``late`` after it."""
    world = World(webjob_body({"schedule": FIRST_MONDAY}))
    world.now = START + DAY
    world.settle()
    world.now = FIRST_MONDAYS[0] + late
    world.settle()
    slots = [one["spec"]["scheduleTime"] for one in world.kube.of_kind("WebJobRun")]
    assert slots == (["2026-01-05T00:00:00Z"] if state == "fired" else [])
    messages = [one["message"] for one in world.kube.of_kind("Event") if one["reason"] == "MissedSchedule"]
    count = 0 if state == "fired" else 2 if late > timedelta(days=28) else 1
    latest = FIRST_MONDAYS[1 if count == 2 else 0]
    assert messages == ([f"Missed {count} schedules, most recent at {latest:%Y-%m-%d} 00:00:00 UTC."] if count else [])
    world.settle()
    assert len(world.kube.of_kind("Event")) == len(messages)


def test_a_clock_that_is_set_back_runs_no_slot_again() -> None:
    world = World(webjob_body({"schedule": FIRST_MONDAY}))
    world.now = FIRST_MONDAYS[0]
    world.settle()
    world.start_processes()
    world.settle()
    world.end_processes()
    world.settle()
    for back in (timedelta(minutes=5), timedelta(hours=1), timedelta()):
        world.now = FIRST_MONDAYS[0] - back
        world.settle()
    world.now = FIRST_MONDAYS[0] + timedelta(minutes=9)
    world.settle()
    assert len(world.kube.of_kind("WebJobRun")) == 1


@pytest.mark.parametrize(
    ("setting", "written"),
    [("W. Europe Standard Time", "Europe/Berlin"), ("utc-11", "Etc/GMT+11"), ("Asia/Tokyo", "Asia/Tokyo")],
)
def test_a_windows_zone_of_the_site_reaches_the_cronjob_as_an_iana_name(setting: str, written: str) -> None:
    world = World(webjob_body({"schedule": "0 0 9 * * *"}))
    world.cache.take("ConfigMap", settings(WEBSITE_TIME_ZONE=setting))
    world.settle()
    spec: dict[str, Any] = world.one("CronJob")["spec"]
    assert (spec["schedule"], spec["timeZone"]) == ("0 9 * * *", written)


def test_a_windows_zone_of_the_site_counts_for_the_operators_timer() -> None:
    world = World(webjob_body({"schedule": "10 0 9 * * *"}))
    world.cache.take("ConfigMap", settings(WEBSITE_TIME_ZONE="Tokyo Standard Time"))
    world.now = START + timedelta(hours=1)
    world.settle()
    assert world.one("WebJob")["status"]["nextRunTime"] == "2026-01-02T00:00:10Z"


def test_a_windows_zone_of_the_webjob_wins() -> None:
    world = World(webjob_body({"schedule": "0 0 9 * * *", "timeZone": "Pacific Standard Time"}))
    world.cache.take("ConfigMap", settings(WEBSITE_TIME_ZONE="W. Europe Standard Time"))
    world.settle()
    assert world.one("CronJob")["spec"]["timeZone"] == "America/Los_Angeles"


def test_an_unknown_zone_of_the_site_is_said_on_the_webjob() -> None:
    world = World(webjob_body({"schedule": "0 0 9 * * *"}))
    world.cache.take("ConfigMap", settings(WEBSITE_TIME_ZONE="W Europe Standard Time"))
    world.settle()
    (scheduled,) = (one for one in world.one("WebJob")["status"]["conditions"] if one["type"] == "Scheduled")
    assert (scheduled["status"], scheduled["reason"]) == ("False", "InvalidSchedule")
    assert "did you mean 'W. Europe Standard Time'?" in scheduled["message"]
    assert not world.kube.of_kind("CronJob")


def test_the_first_mondays_are_mondays() -> None:
    assert len(FIRST_MONDAYS) == 24
    assert all(one.isoweekday() == 1 and one.day <= 7 for one in FIRST_MONDAYS)
    found, when = [], START
    while (at := parse(FIRST_MONDAY).next_after(when)) is not None and at < END:
        found.append(at)
        when = at
    assert found == FIRST_MONDAYS


def test_a_skip_whose_answer_was_lost_stays_the_only_outcome() -> None:
    """The status says it, the watch does not yet, and the run that was in the way has ended meanwhile."""
    world = World(webjob_body({"schedule": "0 */5 * * * *"}))
    world.settle()
    world.kube.add(run_body("job-202601010004000000"))
    world.settle()
    world.start_processes()
    world.settle()
    world.now = datetime(2026, 1, 1, 0, 5, 1, tzinfo=UTC)
    world.kube.add(cron_job_slot("2026-01-01T00:05:00Z"))
    world.watch()
    world.kube.fail(Unreachable("the answer was lost"), verb="patch", kind="WebJob", after=True)
    with pytest.raises(Unreachable):
        run_async(world.reconciler(KEY))
    assert world.one("WebJob")["status"]["skippedRuns"] == 1
    known = world.cache.webjob(KEY)
    assert known
    assert known.status.skipped_runs is None, "the watch is late"
    world.end_processes()
    for kind in ("Job", "Pod", "WebJobRun"):
        for body in world.kube.of_kind(kind):
            world.cache.observe(kind, body)
    run_async(world.reconciler(KEY))
    world.settle()
    assert [run["metadata"]["name"] for run in world.kube.of_kind("WebJobRun")] == ["job-202601010004000000"]
    assert world.one("WebJob")["status"]["skippedRuns"] == 1
