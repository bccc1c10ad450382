"""Schedules that rested: what was due meanwhile is not made up for, and nothing that is due after it is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fakes.cluster import World, cron_job_slot
from tests.fakes.objects import webjob_body
from tests.unit.operator.schedules.test_webjob_schedules import change, schedule
from webjobs.times import rfc3339

START = datetime(2026, 1, 1, tzinfo=UTC)
BY_CRON, BY_TIMER = {"schedule": "0 * * * * *"}, {"schedule": "30 * * * * *"}


def minute(number: int, seconds: int = 0) -> datetime:
    return START + timedelta(minutes=number, seconds=seconds)


def slot(number: int) -> dict[str, Any]:
    body = cron_job_slot(rfc3339(minute(number), micro=False))
    body["metadata"]["name"] = f"job-{29453760 + number}"
    return body


def names(world: World, kind: str = "WebJobRun") -> list[str]:
    return sorted(one["metadata"]["name"] for one in world.kube.of_kind(kind))


def rested(spec: dict[str, Any]) -> World:
    """A job that rested over the slot of minute 2, and is resumed ten seconds after it."""
    world = World(webjob_body(spec | {"concurrencyPolicy": "Allow"}))
    world.settle()
    world.now = minute(1, 40)
    change(world, "WebJob", "job", suspend=True)
    world.settle()
    world.now = minute(2, 10 if spec is BY_CRON else 40)
    change(world, "WebJob", "job", suspend=False)
    return world


@pytest.mark.parametrize("crash", range(6))
def test_a_cron_job_that_makes_up_for_a_slot(crash: int) -> None:
    """A CronJob that goes on makes a Job of the slot that it rested over."""
    world = rested(BY_CRON)
    if crash:
        world.kube.die_after_writes = crash
    world.live_through(None)
    world.kube.die_after_writes = None
    world.kube.add(slot(2))
    world.now += timedelta(seconds=1)
    world.settle()
    assert (names(world), names(world, "Job")) == ([], [])
    assert "MissedSchedule" not in world.events()
    world.now = minute(3)
    world.kube.add(slot(3))
    world.settle()
    assert names(world) == ["job-202601010003000000"]


def test_since_when_slots_count_is_written_before_the_cron_job_goes_on() -> None:
    world = rested(BY_CRON)
    writes = world.settle()
    assert writes[:2] == ["patch WebJob/status", "apply CronJob"]
    assert world.one("WebJob")["status"]["scheduleSince"] == rfc3339(world.now)


def test_a_slot_of_the_moment_between_both_writes_is_not_lost() -> None:
    world = rested(BY_CRON)
    world.kube.die_after_writes = 2
    world.live_through(None)
    world.kube.die_after_writes = None
    world.now = minute(3, 1)
    world.kube.add(slot(3))
    world.restart()
    world.settle()
    assert names(world) == ["job-202601010003000000"]


def test_the_operators_timer() -> None:
    world = rested(BY_TIMER)
    before = names(world)
    world.settle()
    assert names(world) == before
    world.now = minute(3, 30)
    world.settle()
    assert names(world) == [*before, "job-202601010003300000"]


def test_a_schedule_that_was_changed_has_no_slots_of_before() -> None:
    world = World(webjob_body({"schedule": "30 30 * * * *"}))
    world.settle()
    world.now = minute(2, 35)
    change(world, "WebJob", "job", schedule="30 * * * * *")
    world.settle()
    assert names(world) == []


@pytest.mark.parametrize("whose", ["WebJobSchedule", "WebJob"])
@pytest.mark.parametrize("jitter", [0, 50])
def test_a_webjob_schedule(whose: str, jitter: int) -> None:
    world = World(webjob_body(), schedule({"cron": "0 * * * * *", "jitterSeconds": jitter}))
    world.settle()
    name = "extra" if whose == "WebJobSchedule" else "job"
    world.now = START + timedelta(seconds=59)
    change(world, whose, name, suspend=True)
    world.settle()
    world.now = minute(2, 55)
    change(world, whose, name, suspend=False)
    world.settle()
    assert (names(world), world.events()) == ([], [])
    world.now = minute(3, jitter)
    world.settle()
    assert len(names(world)) == 1
