"""Records of a time to come stop no schedule: whoever may write a status, or make a run, can write them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.cluster import World
from tests.fakes.objects import run_body, webjob_body
from tests.unit.operator.schedules.test_webjob_schedules import PERIOD, START, runs_of, schedule

LATER = "9999-12-31T23:59:59Z"
EVERY_MINUTE = {"schedule": "30 * * * * *"}
"""A schedule that no CronJob can fire."""


def started(world: World) -> int:
    """How many runs the WebJob's own schedule made."""
    return len([run for run in world.kube.of_kind("WebJobRun") if run["spec"].get("trigger", "").startswith("Sched")])


@pytest.mark.parametrize(
    "forged",
    [
        {"lastScheduleTime": LATER},
        {"scheduleSince": LATER},
        {"lastScheduleTime": LATER, "scheduleSince": LATER, "nextRunTime": LATER},
        {"lastScheduleTime": "0000-01-01T00:00:00Z"},
    ],
    ids=str,
)
def test_of_a_webjob(forged: dict[str, Any]) -> None:
    world = World(webjob_body(EVERY_MINUTE))
    world.now = START + timedelta(seconds=10)
    world.settle()
    world.one("WebJob")["status"] |= forged
    world.settle()
    world.now += timedelta(seconds=30)
    world.settle()
    assert started(world) == 1
    assert not world.one("WebJob")["status"]["lastScheduleTime"].startswith("9")
    assert not world.one("WebJob")["status"]["scheduleSince"].startswith("9")


@pytest.mark.parametrize("name", ["job-999912312359590000", "job-202701010000000000"])
def test_a_run_of_a_time_to_come(name: str) -> None:
    """Kudu plans from the newest run: one that is still to come is none."""
    world = World(webjob_body(EVERY_MINUTE | {"concurrencyPolicy": "Allow"}), run_body(name, state="Success"))
    world.now = START + timedelta(seconds=10)
    world.settle()
    world.now += timedelta(seconds=30)
    world.settle()
    assert started(world) == 1


def test_of_a_schedule() -> None:
    forged_run = run_body("job-x", state="Success", spec={"scheduleName": "extra", "scheduleTime": LATER})
    world = World(webjob_body({"concurrencyPolicy": "Allow"}), schedule(PERIOD), forged_run)
    world.settle()
    there = world.kube.objects["WebJobSchedule", "site", "extra"]
    there["status"] |= {"lastScheduleTime": LATER, "nextRunTime": LATER}
    for one in there["status"]["conditions"]:
        one["lastTransitionTime"] = LATER
    world.settle()
    for minutes in (1, 2):
        world.now = START + timedelta(minutes=minutes, seconds=1)
        world.settle()
        assert len(runs_of(world)) == 1 + minutes, "each slot once, beside the forged one"
