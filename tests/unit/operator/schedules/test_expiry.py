"""``spec.deleteAt``: a WebJobSchedule goes at its time instead of firing, whatever the operator went through."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.cluster import World
from tests.fakes.objects import webjob_body
from tests.unit.operator.schedules.test_webjob_schedules import (
    PERIOD,
    START,
    change,
    condition,
    runs_of,
    schedule,
    status,
)
from webjobs_operator.cluster.cache import Cache

END = "2026-01-01T00:02:00Z"
AT_END = START + timedelta(seconds=120)


def gone(world: World) -> bool:
    return not world.kube.of_kind("WebJobSchedule")


@pytest.mark.parametrize(
    "spec",
    [{"at": END}, {"cron": "0 2 * * * *"}, {"periodSeconds": 120}, {"periodSeconds": 120, "suspend": True}],
)
@pytest.mark.parametrize("away", [0.0, 300.0, 86400.0])
def test_it_goes_instead_of_firing(spec: dict[str, Any], away: float) -> None:
    """Also when the time passed while the operator was away, for minutes or for longer than a run may be late."""
    world = World(webjob_body(), schedule(spec | {"deleteAt": END}))
    world.settle()
    assert condition(world) == ("False", "Suspended" if "suspend" in spec else "Ending")
    assert "nextRunTime" not in status(world)
    assert "nextRunTime" not in world.one("WebJob")["status"], "it is no run"
    assert world.settle() == []
    assert world.due == pytest.approx(90, abs=0.01)
    world.now = AT_END + timedelta(seconds=away)
    if away:
        world.restart()
    world.settle()
    assert gone(world)
    assert world.kube.of_kind("WebJobRun") == []
    assert world.events() == []


def test_what_comes_before_runs() -> None:
    world = World(webjob_body({"concurrencyPolicy": "Allow"}), schedule(PERIOD | {"deleteAt": END}))
    world.settle()
    assert status(world)["nextRunTime"] == "2026-01-01T00:01:00Z"
    world.now = START + timedelta(seconds=60)
    world.settle()
    assert len(runs_of(world)) == 1
    world.now = AT_END
    world.settle()
    assert gone(world)
    assert len(world.kube.of_kind("WebJobRun")) == 1, "what it made stays"


@pytest.mark.parametrize(
    "webjob",
    [None, {"suspend": True}, {"type": "continuous", "script": None, "image": "worker:1"}],
    ids=["no job", "suspended", "continuous"],
)
def test_it_goes_whatever_the_job_is(webjob: dict[str, Any] | None) -> None:
    world = World(*([] if webjob is None else [webjob_body(webjob)]), schedule(PERIOD | {"deleteAt": END}))
    world.settle()
    assert world.due == pytest.approx(90, abs=0.01)
    world.now = AT_END
    world.settle()
    assert gone(world)


def test_an_end_that_moved_unseen_is_kept() -> None:
    world = World(webjob_body(), schedule(PERIOD | {"deleteAt": END}))
    world.settle()
    change(world, "WebJobSchedule", "extra", deleteAt="2026-01-01T01:00:00Z")
    world.now = AT_END
    stale = world.watch
    world.watch = lambda: None  # type: ignore[method-assign]
    world.settle()
    assert not gone(world)
    world.watch = stale  # type: ignore[method-assign]


@pytest.mark.parametrize("spec", [{"deleteAt": "2026-01-01T00:01:00Z"}, {"suspend": True}])
def test_a_late_watch_makes_no_run(spec: dict[str, Any]) -> None:
    """Who was told that it is queued for deletion, or off, does not see it fire."""
    world = World(webjob_body(), schedule())
    world.settle()
    change(world, "WebJobSchedule", "extra", **spec)
    world.now = START + timedelta(seconds=60)
    world.watch = lambda: None  # type: ignore[method-assign]
    world.settle()
    assert world.kube.of_kind("WebJobRun") == []


def test_a_late_watch_and_a_deleted_schedule() -> None:
    world = World(webjob_body(), schedule())
    world.settle()
    del world.kube.objects["WebJobSchedule", "site", "extra"]
    world.now = START + timedelta(seconds=60)
    world.watch = lambda: None  # type: ignore[method-assign]
    world.settle()
    assert world.kube.of_kind("WebJobRun") == []


@pytest.mark.parametrize("lost_answer", [False, True], ids=["death", "lost answer"])
def test_a_crash_after_any_write(lost_answer: bool) -> None:
    for number in range(1, 10):
        world = World(webjob_body(), schedule(PERIOD | {"deleteAt": "2026-01-01T00:01:00Z"}))
        world.settle()
        world.now = START + timedelta(seconds=60)
        world.crash_at(number, lost_answer=lost_answer)
        died = world.live_through(None)
        assert gone(world)
        assert world.kube.of_kind("WebJobRun") == []
        if not died:
            return
    raise AssertionError("the scenario never ended")


def test_a_schedule_moves_to_another_job() -> None:
    cache = Cache()
    body = schedule() | {"kind": "WebJobSchedule"}
    body["metadata"]["resourceVersion"] = "1"
    moved = body | {"spec": body["spec"] | {"webJobName": "other"}}
    moved["metadata"] = body["metadata"] | {"resourceVersion": "2"}
    old, new = ("site", "job"), ("site", "other")
    assert cache.take("WebJobSchedule", body) == [old]
    for _ in range(2):  # kopf tells everything twice, and only the second one asks who is due
        assert cache.take("WebJobSchedule", moved) == [old, new]
    assert cache.schedules(old) == []
    assert [one.metadata.name for one in cache.schedules(new)] == ["extra"]
    cache.take("WebJobSchedule", body)
    assert cache.schedules(old) == [], "old news"
    back = body | {"metadata": body["metadata"] | {"resourceVersion": "3"}}
    assert cache.take("WebJobSchedule", back) == [new, old]
    assert (len(cache.schedules(old)), cache.schedules(new)) == (1, [])
    cache.drop("WebJobSchedule", back)
    assert cache.schedules(old) == []


def test_a_moved_schedule_fires_for_its_new_job() -> None:
    world = World(webjob_body(), schedule())
    world.settle()
    change(world, "WebJobSchedule", "extra", webJobName="other")
    world.settle()
    assert "nextRunTime" not in world.one("WebJob")["status"]
    world.now = START + timedelta(seconds=60)
    assert world.settle() == []
