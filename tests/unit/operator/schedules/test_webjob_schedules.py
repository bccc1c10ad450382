"""WebJobSchedules through whole passes: their runs, their status, and what a crash leaves behind."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fakes.cluster import World
from tests.fakes.objects import run_body, webjob_body
from webjobs.model import WebJobSchedule
from webjobs.runs.runs import object_name
from webjobs.schedules.webjob_schedule import jitter
from webjobs.times import rfc3339
from webjobs_operator.schedules.slot_outcome import run_ids

START = datetime(2026, 1, 1, tzinfo=UTC)
PERIOD = {"periodSeconds": 60}


def schedule(spec: dict[str, Any] | None = None, *, name: str = "extra", **status: Any) -> dict[str, Any]:
    """A WebJobSchedule of the WebJob called job, made on New Year."""
    return {
        "apiVersion": "webjobs.dev/v1",
        "kind": "WebJobSchedule",
        "metadata": {
            "name": name,
            "namespace": "site",
            "uid": f"uid-{name}",
            "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {"webJobName": "job"} | (spec or PERIOD),
        "status": status,
    }


def change(world: World, kind: str, name: str, **spec: Any) -> None:
    body = world.kube.objects[kind, "site", name]
    body["spec"] |= spec
    body["metadata"] |= {
        "generation": body["metadata"]["generation"] + 1,
        "resourceVersion": world.kube._next_version(),
    }


def condition(world: World, kind: str = "Scheduled", name: str = "extra") -> tuple[str, str] | None:
    found = world.kube.objects["WebJobSchedule", "site", name]["status"]["conditions"]
    return next(((one["status"], one["reason"]) for one in found if one["type"] == kind), None)


def runs_of(world: World, name: str = "extra") -> list[dict[str, Any]]:
    return [run for run in world.kube.of_kind("WebJobRun") if run["spec"].get("scheduleName") == name]


def status(world: World, name: str = "extra") -> dict[str, Any]:
    found: dict[str, Any] = world.kube.objects["WebJobSchedule", "site", name]["status"]
    return found


def test_a_period_fires_with_its_arguments() -> None:
    world = World(webjob_body(), schedule(PERIOD | {"arguments": '"one two" three'}))
    assert world.settle() == ["apply ConfigMap", "patch WebJob/status", "patch WebJobSchedule/status"]
    assert (status(world)["schedule"], status(world)["nextRunTime"]) == ("every 60 seconds", "2026-01-01T00:01:00Z")
    assert condition(world) == ("True", "OperatorTimer")
    assert world.one("WebJob")["status"]["nextRunTime"] == "2026-01-01T00:01:00Z"
    assert world.one("WebJob")["status"]["state"] == "Scheduled"
    assert world.due == pytest.approx(30, abs=0.01)
    world.restart()
    assert world.settle() == [], "a restart writes nothing"
    world.now = START + timedelta(seconds=60)
    world.settle()
    run = world.one("WebJobRun")
    assert re.fullmatch(r"job-20260101000100\d{4}", run["metadata"]["name"])
    assert run["metadata"]["labels"]["webjobs.dev/schedule"] == "extra"
    assert run["spec"] == {
        "webJobName": "job",
        "trigger": "Schedule - every 60 seconds",
        "scheduleTime": "2026-01-01T00:01:00Z",
        "scheduleName": "extra",
        "arguments": '"one two" three',
    }
    assert world.one("Job")["spec"]["template"]["spec"]["containers"][0]["args"][-2:] == ["one two", "three"]
    told = status(world)
    assert (told["lastOutcome"], told["lastRunName"], told["lastScheduleTime"], told["nextRunTime"]) == (
        "Started",
        run["metadata"]["name"],
        "2026-01-01T00:01:00Z",
        "2026-01-01T00:02:00Z",
    )


def test_all_schedules_of_a_job_share_its_lock() -> None:
    world = World(webjob_body({"schedule": "*/30 * * * * *"}), schedule(name="a"), schedule(name="b"))
    world.settle()
    for run in world.kube.of_kind("WebJobRun"):
        del world.kube.objects["WebJobRun", "site", run["metadata"]["name"]]
    for job in world.kube.of_kind("Job"):
        del world.kube.objects["Job", "site", job["metadata"]["name"]]
    world.settle()
    world.now = START + timedelta(seconds=60)
    world.settle()
    assert [run["metadata"]["name"] for run in world.kube.of_kind("WebJobRun")] == ["job-202601010001000000"]
    assert world.one("WebJob")["status"]["skippedRuns"] == 2
    for name in ("a", "b"):
        assert (status(world, name)["lastOutcome"], status(world, name)["skippedRuns"]) == ("Skipped", 1)
    assert world.events().count("RunSkipped") == 2
    world.now += timedelta(seconds=1)
    world.settle()
    assert len(world.kube.of_kind("WebJobRun")) == 1, "a skipped slot stays skipped"


def test_allow_gives_each_schedule_a_run_of_the_same_second() -> None:
    world = World(
        webjob_body({"concurrencyPolicy": "Allow", "schedule": "0 * * * * *"}), schedule(name="a"), schedule(name="b")
    )
    world.settle()
    world.now = START + timedelta(seconds=60)
    world.settle()
    assert len(runs_of(world, "a")) == len(runs_of(world, "b")) == 1
    assert len({run["metadata"]["name"] for run in world.kube.of_kind("WebJobRun")}) == 2
    assert len(world.kube.of_kind("Job")) == 2, "the CronJob's is not played here"


def test_a_name_that_another_schedule_took_is_left_alone() -> None:
    body = schedule()
    wanted = list(run_ids(START + timedelta(seconds=60), WebJobSchedule.parse(body)))
    taken = run_body(object_name(webjob="job", run_id=wanted[0]), state="Success", spec={"scheduleName": "other"})
    world = World(webjob_body(), body, taken)
    world.settle()
    world.now = START + timedelta(seconds=60)
    world.settle()
    (run,) = runs_of(world)
    assert run["metadata"]["name"] == object_name(webjob="job", run_id=wanted[1])


def test_suspension_and_its_end_take_effect_at_once() -> None:
    world = World(webjob_body(), schedule())
    world.settle()
    change(world, "WebJobSchedule", "extra", suspend=True)
    world.settle()
    assert (condition(world), "nextRunTime" in status(world)) == (("False", "Suspended"), False)
    assert "nextRunTime" not in world.one("WebJob")["status"]
    world.now = START + timedelta(seconds=90)
    assert world.settle() == []
    change(world, "WebJobSchedule", "extra", suspend=False)
    world.now = START + timedelta(seconds=1000)
    world.settle()
    assert (runs_of(world), "lastOutcome" in status(world), world.events()) == ([], False, [])
    world.now = START + timedelta(seconds=1020)
    world.settle()
    assert len(runs_of(world)) == 1


def test_a_suspended_job_suspends_all_its_schedules() -> None:
    world = World(webjob_body({"suspend": True}), schedule())
    world.settle()
    assert condition(world) == ("False", "Suspended")
    world.now = START + timedelta(seconds=60)
    assert world.settle() == []


def test_deletion_takes_effect_at_once() -> None:
    world = World(webjob_body(), schedule())
    world.settle()
    del world.kube.objects["WebJobSchedule", "site", "extra"]
    assert world.settle() == ["patch WebJob/status"]
    assert "nextRunTime" not in world.one("WebJob")["status"]
    world.now = START + timedelta(seconds=60)
    assert world.settle() == []


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [(0, "Started"), (600, "Started"), (601, "Missed")],
)
def test_one_time(seen: int, outcome: str) -> None:
    """Also when its time was past before it was made."""
    world = World(webjob_body(), schedule({"at": "2025-12-31T23:59:00Z"}))
    world.now = datetime(2025, 12, 31, 23, 59, tzinfo=UTC) + timedelta(seconds=seen)
    world.settle()
    assert len(runs_of(world)) == (outcome == "Started")
    assert (condition(world), condition(world, "Complete")) == (("False", "Complete"), ("True", outcome))
    world.now += timedelta(seconds=1)
    world.restart()
    for run in world.kube.of_kind("WebJobRun"):  # even when its record is trimmed
        del world.kube.objects["WebJobRun", "site", run["metadata"]["name"]]
    for job in world.kube.of_kind("Job"):
        del world.kube.objects["Job", "site", job["metadata"]["name"]]
    world.settle()
    assert runs_of(world) == []
    world.now += timedelta(minutes=1)
    change(world, "WebJobSchedule", "extra", at=rfc3339(world.now))
    world.settle()
    assert len(runs_of(world)) == 1, "a new time fires again"


def test_jitter_shifts_all_runs_alike() -> None:
    body = schedule(PERIOD | {"jitterSeconds": 50}, name="shifted")
    shift = jitter(WebJobSchedule.parse(body))
    assert timedelta() < shift <= timedelta(seconds=50), "another name is needed for this test"
    world = World(webjob_body({"concurrencyPolicy": "Allow"}), body)
    for number in (1, 2):
        slot = START + timedelta(seconds=60 * number)
        world.now = slot + shift - timedelta(seconds=1)
        world.settle()
        assert len(runs_of(world, "shifted")) == number - 1
        world.now = slot + shift
        world.settle()
        assert len(runs_of(world, "shifted")) == number
    assert {run["spec"]["scheduleTime"] for run in runs_of(world, "shifted")} == {
        "2026-01-01T00:01:00Z",
        "2026-01-01T00:02:00Z",
    }


@pytest.mark.parametrize(
    ("spec", "reason", "says"),
    [
        ({"cron": "0 0 0 1 13 *"}, "InvalidSchedule", "month"),
        ({"cron": "0 0 0 * * *", "timeZone": "Mars/Base"}, "InvalidSchedule", "Mars/Base"),
        ({"cron": "0 0 0 31 2 *"}, "Complete", "No time is left"),
    ],
)
def test_schedules_that_do_not_fire(spec: dict[str, Any], reason: str, says: str) -> None:
    world = World(webjob_body(), schedule(spec))
    world.settle()
    assert condition(world) == ("False", reason)
    assert says in status(world)["conditions"][0]["message"]
    assert world.settle() == []


def test_without_a_job_and_with_a_continuous_one() -> None:
    world = World(schedule())
    assert world.settle() == ["patch WebJobSchedule/status"]
    assert condition(world) == ("False", "WebJobNotFound")
    world.kube.add(webjob_body({"type": "continuous", "script": None, "image": "worker:1"}))
    world.settle()
    assert condition(world) == ("False", "NotTriggered")
    del world.kube.objects["WebJob", "site", "job"]
    world.kube.add(webjob_body())
    world.settle()
    assert condition(world) == ("True", "OperatorTimer")


def test_a_slot_of_a_job_that_cannot_run_is_a_recorded_skip() -> None:
    world = World(
        webjob_body({"script": {"fileName": "run.cmd", "text": "tasklist"}, "schedule": "*/20 * * * * *"}), schedule()
    )
    world.settle()
    world.now = START + timedelta(seconds=60)
    world.settle()
    assert world.kube.of_kind("WebJobRun") == []
    assert status(world)["lastOutcome"] == "Skipped"
    assert world.one("WebJob")["status"]["lastScheduleTime"] == "2026-01-01T00:01:00Z"
    skips = [event["message"] for event in world.kube.of_kind("Event") if event["reason"] == "RunSkipped"]
    assert any("of WebJobSchedule extra was skipped" in text for text in skips)


def test_a_second_operator_and_an_old_view_of_the_schedule() -> None:
    """Both see the slot as due: one run, one record of it."""
    world = World(webjob_body(), schedule())
    world.settle()
    world.now = START + timedelta(seconds=60)
    first = world.cache
    world.settle()
    other = World()
    other.kube, other.now, other.cache = world.kube, world.now, first
    other.restart()
    for body in world.kube.of_kind("WebJob"):
        other.cache.observe("WebJob", body)
    other.cache.observe("WebJobSchedule", schedule() | {"metadata": schedule()["metadata"] | {"resourceVersion": "1"}})
    before = len(world.kube.of_kind("WebJobRun"))
    other.settle()
    assert len(world.kube.of_kind("WebJobRun")) == before == 1
    assert status(world)["lastOutcome"] == "Started"
    assert world.one("WebJob")["status"].get("skippedRuns") is None


@pytest.mark.parametrize("lost_answer", [False, True], ids=["death", "lost answer"])
@pytest.mark.parametrize("policy", ["Forbid", "Queue", "Allow"])
def test_a_crash_after_any_write(lost_answer: bool, policy: str) -> None:
    for number in range(1, 30):
        world = World(webjob_body({"concurrencyPolicy": policy}), schedule())
        world.settle()
        world.now = START + timedelta(seconds=60)
        world.crash_at(number, lost_answer=lost_answer)
        died = world.live_through(None, world.start_processes, world.end_processes)
        (run,) = runs_of(world)
        assert run["status"]["state"] == "Success", f"after write {number}"
        assert (status(world)["lastOutcome"], status(world)["lastScheduleTime"]) == ("Started", "2026-01-01T00:01:00Z")
        assert "skippedRuns" not in status(world)
        if not died:
            assert number > 4
            return
    raise AssertionError("the scenario never ended")


def test_a_name_that_a_run_of_another_webjob_has_is_passed_over() -> None:
    """Such a run is not among the facts of this WebJob: asking for its name again would never end."""
    body = schedule()
    wanted = list(run_ids(START + timedelta(seconds=60), WebJobSchedule.parse(body)))
    name = object_name(webjob="job", run_id=wanted[0])
    world = World(webjob_body(), body, run_body(name, state="Success", spec={"webJobName": "other"}))
    world.settle()
    world.now = START + timedelta(seconds=60)
    asked = 0

    async def count(call: object) -> None:
        nonlocal asked
        asked += 1
        assert asked < 500

    world.kube.before_call = count
    world.settle()
    (made,) = runs_of(world)
    assert made["metadata"]["name"] == object_name(webjob="job", run_id=wanted[1])
