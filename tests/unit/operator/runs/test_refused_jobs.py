"""Jobs and children that a quota or a policy refuses: told, tried again, given up in time, and in nobody's way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.cluster import World, cron_job_slot
from tests.fakes.kube import Call
from tests.fakes.objects import job, run_body, webjob_body
from webjobs_kube.errors import Forbidden

QUOTA = 'jobs.batch "job-1" is forbidden: exceeded quota: few, requested: count/jobs.batch=1, used: 2, limited: 2'
RUN = "job-202601010000200000"


def refusing(world: World, kind: str) -> None:
    """From now on the API server takes no new object of a kind."""

    async def refuse(call: Call) -> None:
        if call.kind == kind and call.verb in ("create", "apply"):
            raise Forbidden(403, "Forbidden", QUOTA)

    world.kube.before_call = refuse


def ready(world: World) -> tuple[str, str, str]:
    (found,) = [one for one in world.one("WebJob")["status"]["conditions"] if one["type"] == "Ready"]
    return found["status"], found["reason"], found["message"]


def status(world: World, name: str = RUN) -> dict[str, Any]:
    found: dict[str, Any] = world.kube.objects["WebJobRun", "site", name].get("status", {})
    return found


def started(world: World) -> tuple[str, str, str] | None:
    """The condition of a run that is kept back."""
    found = [one for one in status(world).get("conditions", []) if one["type"] == "Started"]
    return (found[0]["status"], found[0]["reason"], found[0]["message"]) if found else None


def test_a_run_waits_for_a_quota_and_says_so() -> None:
    world = World(webjob_body())
    world.settle()
    refusing(world, "Job")
    world.kube.add(run_body(RUN))
    world.settle()
    assert status(world)["message"] == f"The Job was refused: {QUOTA}"
    assert started(world) == ("False", "JobRefused", f"The Job was refused: {QUOTA}")
    assert ready(world) == ("False", "JobRefused", f"The Job was refused: {QUOTA}")
    assert world.due is not None
    assert 0 < world.due < 60
    for _ in range(5):
        world.now += timedelta(seconds=60)
        assert world.settle() == [], "the same refusal is no news"
    assert world.events().count("JobRefused") == 1
    world.kube.before_call = None
    world.settle()
    assert (status(world)["state"], "message" in status(world)) == ("Initializing", False)
    assert started(world) is None
    assert ready(world)[:2] == ("True", "Runnable")


def test_a_run_that_waited_too_long_fails_with_the_reason() -> None:
    world = World(webjob_body({"startingDeadlineSeconds": 100}))
    world.settle()
    refusing(world, "Job")
    world.kube.add(run_body(RUN))
    world.settle()
    world.now += timedelta(seconds=100)
    world.settle()
    assert (status(world)["state"], status(world)["message"]) == ("Failed", f"The Job was refused: {QUOTA}")
    assert ready(world)[:2] == ("True", "Runnable")
    assert "activeRun" not in world.one("WebJob")["status"]


def test_a_run_that_was_queued_waits_from_its_turn_on() -> None:
    world = World(webjob_body({"concurrencyPolicy": "Queue", "startingDeadlineSeconds": 100}), run_body(RUN))
    world.now += timedelta(hours=1)
    refusing(world, "Job")
    world.settle()
    assert "state" not in status(world)
    world.now += timedelta(seconds=99)
    world.settle()
    assert "state" not in status(world)
    world.now += timedelta(seconds=1)
    world.settle()
    assert status(world)["state"] == "Failed"


def test_a_run_that_was_queued_waits_for_a_child_that_is_refused_only_now() -> None:
    world = World(webjob_body({"concurrencyPolicy": "Queue", "startingDeadlineSeconds": 100}), run_body(RUN))
    world.now += timedelta(hours=1)
    refusing(world, "ConfigMap")
    world.settle()
    assert "state" not in status(world)
    world.now += timedelta(seconds=100)
    world.settle()
    assert status(world)["state"] == "Failed"


def test_what_is_refused_keeps_nothing_from_being_cleaned_up() -> None:
    """The Jobs that use up the quota are the job's own ended ones: they must go."""
    ended = run_body(
        "job-202501010000000000",
        status={"state": "Success", "endTime": "2025-01-01T00:00:00Z"},
        labels={"webjobs.dev/webjob": "job"},
    )
    owner = {"kind": "WebJobRun", "name": "x", "uid": ended["metadata"]["uid"]}
    own = job(name="job-202501010000000000", owners=[owner])
    world = World(webjob_body(), ended, own)
    refusing(world, "Job")
    world.kube.add(run_body(RUN))
    world.settle()
    assert world.kube.of_kind("Job") == []
    assert status(world)["message"].startswith("The Job was refused:")


def test_a_cancelled_run_does_not_wait() -> None:
    world = World(webjob_body())
    refusing(world, "Job")
    world.kube.add(run_body(RUN))
    world.settle()
    world.kube.objects["WebJobRun", "site", RUN]["spec"]["cancel"] = True
    world.touch("WebJobRun", RUN)
    world.settle()
    assert status(world)["state"] == "Aborted"


@pytest.mark.parametrize("kind", ["ConfigMap", "CronJob"])
def test_a_child_that_is_refused_is_told_and_runs_wait(kind: str) -> None:
    world = World(webjob_body({"schedule": "0 0 3 * * *", "startingDeadlineSeconds": 200}), run_body(RUN))
    refusing(world, kind)
    world.settle()
    assert ready(world) == ("False", "ChildRefused", f"The {kind} was refused: {QUOTA}")
    assert "state" not in status(world)
    assert world.events().count("ChildRefused") == 1
    world.now += timedelta(seconds=100)
    world.kube.before_call = None
    world.settle()
    assert (status(world)["state"], ready(world)[0]) == ("Initializing", "True")


def test_runs_do_not_wait_for_a_child_for_ever() -> None:
    world = World(webjob_body({"startingDeadlineSeconds": 100}), run_body(RUN))
    refusing(world, "ConfigMap")
    world.settle()
    assert world.due is not None
    world.now += timedelta(seconds=100)
    world.settle()
    assert (status(world)["state"], status(world)["message"]) == ("Failed", f"The ConfigMap was refused: {QUOTA}")


def slot_refused(world: World, when: str) -> None:
    """The controller of CronJobs tells that it could not make a Job."""
    uid = world.one("CronJob")["metadata"]["uid"]
    world.kube.add(
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"job.{len(world.events())}", "namespace": "site"},
            "involvedObject": {"kind": "CronJob", "name": "job", "uid": uid},
            "reason": "FailedCreate",
            "message": f"Error creating job: {QUOTA}",
            "lastTimestamp": when,
        }
    )


@pytest.mark.parametrize("when", ["2026-01-01T00:05:00Z", "2026-01-01T00:04:59Z"])
def test_a_slot_whose_job_is_refused_is_told(when: str) -> None:
    """The CronJob makes the Job of a slot; without one there is no run that could say anything."""
    world = World(webjob_body({"schedule": "0 */5 * * * *"}))
    world.settle()
    world.now += timedelta(minutes=4, seconds=30)  # 00:05:00
    world.settle()
    assert ready(world)[:2] == ("True", "Runnable")
    assert world.due == pytest.approx(10, abs=0.1), "it may take a moment"
    slot_refused(world, when)
    world.now += timedelta(seconds=11)
    world.settle()
    if when.endswith("04:59Z"):  # of the slot before
        assert ready(world)[:2] == ("True", "Runnable")
        return
    assert ready(world) == ("False", "JobRefused", f"The Job of a slot was refused: {QUOTA}")
    assert world.events().count("JobRefused") == 1
    world.now += timedelta(seconds=20)
    assert world.settle() == []
    slot = cron_job_slot("2026-01-01T00:05:00Z")
    world.kube.add(slot)
    world.settle()
    assert ready(world)[:2] == ("True", "Runnable")
    assert status(world, "job-202601010005000000")["state"] == "Initializing"
