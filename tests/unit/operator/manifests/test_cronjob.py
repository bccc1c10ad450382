"""Slots of CronJobs: late ones, many at once, those that never came, and what the policies make of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fakes.cluster import World, cron_job_slot
from tests.fakes.kube import Died
from tests.fakes.objects import run_body, webjob_body
from tests.unit.operator.schedules.test_webjob_schedules import change
from webjobs.times import rfc3339

START = datetime(2026, 1, 1, tzinfo=UTC)
EVERY_MINUTE = {"schedule": "0 * * * * *"}


def minute(number: int) -> datetime:
    return START + timedelta(minutes=number)


def slot(number: int) -> dict[str, Any]:
    """The Job of the CronJob for a minute."""
    body = cron_job_slot(rfc3339(minute(number), micro=False))
    body["metadata"]["name"] = f"job-{29453760 + number}"
    body["metadata"].pop("uid", None)
    return body


def running(policy: str | None = None) -> World:
    """A job with a schedule in force and the run of minute 1 active, at a minute and a second."""
    world = World(webjob_body(EVERY_MINUTE | ({"concurrencyPolicy": policy} if policy else {})))
    world.settle()
    world.kube.add(slot(1))
    world.now = minute(1) + timedelta(seconds=1)
    world.settle()
    world.start_processes()
    world.settle()
    return world


def told(world: World, reason: str) -> list[str]:
    return [event["message"] for event in world.kube.of_kind("Event") if event["reason"] == reason]


def last(world: World) -> str:
    found: str = world.one("WebJob")["status"]["lastScheduleTime"]
    return found


def names(world: World, kind: str) -> list[str]:
    return sorted(one["metadata"]["name"] for one in world.kube.of_kind(kind))


@pytest.mark.parametrize(
    ("policy", "own"),
    [(None, "Forbid"), ("Forbid", "Forbid"), ("Queue", "Allow"), ("Allow", "Allow"), ("Replace", "Allow")],
)
def test_the_cron_job_keeps_slots_back_only_where_they_are_skipped_anyway(policy: str | None, own: str) -> None:
    world = World(webjob_body(EVERY_MINUTE | ({"concurrencyPolicy": policy} if policy else {})))
    world.settle()
    assert world.one("CronJob")["spec"]["concurrencyPolicy"] == own


def test_a_slot_that_the_cron_job_holds_back_is_skipped_in_time_and_for_good() -> None:
    """The run of minute 1 takes longer than a minute. The CronJob makes minute 2 when it is over: too late for us."""
    world = running()
    assert world.due == pytest.approx(59, abs=0.01), "awake at the slot, Job or not"
    world.now = minute(2)
    assert world.settle() == ["patch WebJob/status"]
    assert (last(world), world.one("WebJob")["status"]["skippedRuns"]) == ("2026-01-01T00:02:00Z", 1)
    assert len(told(world, "RunSkipped")) == 1
    world.restart()
    assert world.settle() == []
    world.end_processes()
    world.now += timedelta(seconds=30)
    world.settle()
    world.kube.add(slot(2))
    assert world.settle() == ["delete Job"]
    world.kube.add(slot(3))
    world.now = minute(3)
    world.settle()
    assert names(world, "WebJobRun") == ["job-202601010001000000", "job-202601010003000000"]
    assert world.one("WebJob")["status"]["skippedRuns"] == 1


@pytest.mark.parametrize("job_first", [False, True])
def test_a_manual_run_over_a_slot_gives_one_recorded_skip(job_first: bool) -> None:
    """Whether the operator wakes by its own clock or by the CronJob's Job."""
    world = World(webjob_body(EVERY_MINUTE), run_body("job-manual"))
    world.settle()
    world.start_processes()
    world.now = minute(1)
    for step in range(2):
        if job_first == (step == 0):
            world.kube.add(slot(1))
            world.now += timedelta(milliseconds=300)
        world.settle()
    assert names(world, "WebJobRun") == ["job-manual"]
    assert (world.one("WebJob")["status"]["skippedRuns"], len(told(world, "RunSkipped"))) == (1, 1)
    assert names(world, "Job") == ["job-manual"]


def test_an_operator_that_was_away_runs_the_latest_slot_only() -> None:
    world = World(webjob_body(EVERY_MINUTE | {"concurrencyPolicy": "Allow"}))
    world.settle()
    for number in range(1, 6):
        world.kube.add(slot(number))
    world.now = minute(5) + timedelta(seconds=20)
    world.restart()
    world.settle()
    assert names(world, "WebJobRun") == ["job-202601010005000000"]
    assert names(world, "Job") == [f"job-{29453760 + 5}"]
    assert told(world, "MissedSchedule") == []


def test_an_operator_that_was_away_for_longer_runs_none_and_says_so() -> None:
    world = World(webjob_body({"schedule": "0 0 * * * *"}))
    world.settle()
    hour = slot(60)
    world.kube.add(hour)
    world.now = minute(71)
    world.restart()
    world.settle()
    assert (names(world, "WebJobRun"), names(world, "Job")) == ([], [])
    assert told(world, "MissedSchedule") == ["Missed 1 schedules, most recent at 2026-01-01 01:00:00 UTC."]
    assert last(world) == "2026-01-01T01:00:00Z"
    world.restart()
    assert world.settle() == []


def test_kudus_rule_counts_from_the_first_slot_that_was_missed() -> None:
    """Away for eleven minutes: nothing is made up for, however new the latest slot is."""
    world = World(webjob_body(EVERY_MINUTE))
    world.settle()
    for number in range(1, 13):
        world.kube.add(slot(number))
    world.now = minute(12)
    world.restart()
    world.settle()
    assert (names(world, "WebJobRun"), names(world, "Job")) == ([], [])
    assert told(world, "MissedSchedule") == ["Missed 12 schedules, most recent at 2026-01-01 00:12:00 UTC."]


def test_a_slot_that_never_came_is_told_after_its_deadline() -> None:
    """The controller of CronJobs was away."""
    world = World(webjob_body({"schedule": "0 0 * * * *"}))
    world.settle()
    world.now = minute(60)
    world.settle()
    world.now = minute(65)
    assert world.settle() == [], "it may still come"
    assert world.due == pytest.approx(120, abs=0.01), "why does it not come?"
    world.now = minute(67)
    assert world.settle() == []
    world.now = minute(69)
    world.settle()
    assert world.due == pytest.approx(60, abs=0.01), "awake when it is too late"
    world.now = minute(70) + timedelta(milliseconds=5)
    world.settle()
    assert told(world, "MissedSchedule") == ["Missed 1 schedules, most recent at 2026-01-01 01:00:00 UTC."]


@pytest.mark.parametrize("how", ["changed", "resumed"])
def test_times_before_the_schedule_was_in_force_were_not_missed(how: str) -> None:
    spec = {"schedule": "0 0 3 1 2 *"} if how == "changed" else EVERY_MINUTE | {"suspend": True}
    world = World(webjob_body(spec))
    world.settle()
    world.now = minute(600)
    world.settle()
    change(world, "WebJob", "job", **EVERY_MINUTE, suspend=False)
    world.settle()
    assert world.settle() == []
    world.kube.add(slot(601))
    world.now = minute(601)
    world.settle()
    assert names(world, "WebJobRun") == ["job-202601011001000000"]
    assert told(world, "MissedSchedule") == []


@pytest.mark.parametrize("number", range(1, 8))
def test_a_crash_around_a_skip(number: int) -> None:
    """Dying after any write: the counter goes up once, and the slot never runs."""
    world = World(webjob_body(EVERY_MINUTE), run_body("job-manual"))
    world.settle()
    world.start_processes()
    world.settle()
    world.now = minute(1)
    world.kube.add(slot(1))
    world.kube.die_after_writes = number
    try:
        world.settle()
    except Died:
        world.restart()
        world.settle()
    assert names(world, "WebJobRun") == ["job-manual"]
    assert world.one("WebJob")["status"]["skippedRuns"] == 1
    world.end_processes()
    world.now += timedelta(seconds=30)
    world.settle()
    assert (names(world, "WebJobRun"), names(world, "Job")) == (["job-manual"], ["job-manual"])
