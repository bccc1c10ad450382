"""Jobs that can't make their pods: a quota, a LimitRange or a policy refuses them, and Events alone tell of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.cluster import World
from tests.fakes.objects import pod, run_body, webjob_body
from webjobs.times import rfc3339
from webjobs_kube.errors import ApiError

RUN = "job-202601010000000000"
LIMIT = 'pods "x" is forbidden: minimum memory usage per Pod is 1Gi, but request is 16Mi'
TOLD = f"The pod was refused: {LIMIT}"


def refuse(world: World, text: str = LIMIT) -> None:
    """The Job's controller tells that it could not make a pod."""
    uid = world.kube.objects["Job", "site", RUN]["metadata"]["uid"]
    world.kube.add(
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{RUN}.{len(world.events())}", "namespace": "site"},
            "involvedObject": {"kind": "Job", "name": RUN, "uid": uid},
            "type": "Warning",
            "reason": "FailedCreate",
            "message": f"Error creating: {text}",
        }
    )


def condition(world: World, kind: str, type_: str) -> tuple[str, str, str] | None:
    found = [one for one in world.one(kind)["status"].get("conditions", []) if one["type"] == type_]
    return (found[0]["status"], found[0]["reason"], found[0]["message"]) if found else None


def lists(world: World) -> int:
    return sum(call.verb == "list" and call.kind == "Event" for call in world.kube.calls)


def waiting(**spec: Any) -> World:
    world = World(webjob_body({"startingDeadlineSeconds": 200} | spec), run_body())
    world.settle()
    refuse(world)
    return world


def test_the_refusal_is_told_everywhere() -> None:
    world = waiting()
    assert world.due == pytest.approx(10, abs=1), "a Job may take a moment for its pod"
    world.now += timedelta(seconds=11)
    world.settle()
    assert world.one("WebJobRun")["status"]["message"] == TOLD
    assert condition(world, "WebJobRun", "Started") == ("False", "PodRefused", TOLD)
    assert condition(world, "WebJob", "Ready") == ("False", "PodRefused", TOLD)
    assert world.events().count("PodRefused") == 1
    before = lists(world)
    world.now += timedelta(seconds=30)
    assert world.settle() == [], "the same refusal is no news"
    assert lists(world) == before, "and is not asked for in each pass"


def test_the_pod_that_comes_ends_it() -> None:
    world = waiting()
    world.now += timedelta(seconds=11)
    world.settle()
    world.play({"waiting": {"reason": "ContainerCreating"}}, phase="Pending")
    world.settle()
    status = world.one("WebJobRun")["status"]
    assert (status["state"], "message" in status, condition(world, "WebJobRun", "Started")) == (
        "Initializing",
        False,
        None,
    )
    assert condition(world, "WebJob", "Ready") == ("True", "Runnable", "The job can run.")


def test_a_run_that_waited_too_long_fails_with_the_reason() -> None:
    world = waiting()
    world.now += timedelta(seconds=11)
    world.settle()
    for _ in range(3):
        world.now += timedelta(seconds=70)
        world.settle()
    status = world.one("WebJobRun")["status"]
    assert (status["state"], status["message"]) == ("Failed", f"{TOLD}. It never began.")
    assert "activeRun" not in world.one("WebJob")["status"]
    assert condition(world, "WebJob", "Ready") == ("True", "Runnable", "The job can run.")


def test_events_that_can_not_be_read_stop_nothing() -> None:
    world = waiting()
    world.kube.fail(ApiError(403, "Forbidden", "no rights"), verb="list", kind="Event", times=9)
    world.now += timedelta(seconds=11)
    world.settle()
    assert condition(world, "WebJob", "Ready") == ("True", "Runnable", "The job can run.")


SCHEDULED = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes: too big."}


def test_a_run_that_no_node_takes_waits_and_says_so() -> None:
    world = waiting()
    world.play(None, phase="Pending")
    world.kube.objects["Pod", "site", RUN]["status"]["conditions"] = [SCHEDULED]
    world.settle()
    assert condition(world, "WebJobRun", "Started") == ("False", "Unschedulable", "0/1 nodes: too big.")
    assert condition(world, "WebJob", "Ready") == ("False", "Unschedulable", "0/1 nodes: too big.")
    assert world.events().count("Unschedulable") == 1
    world.now += timedelta(hours=2)
    world.settle()
    assert world.one("WebJobRun")["status"]["state"] == "Initializing", "a larger cluster lets it begin"


@pytest.mark.parametrize(
    ("status", "reason", "message"),
    [
        (
            {"conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": LIMIT}]},
            "PodRefused",
            f"0 of 1 instances run. {TOLD}",
        ),
        (
            {"conditions": [{"type": "ReplicaFailure", "status": "False", "reason": "FailedCreate"}]},
            "Progressing",
            "0 of 1 instances run.",
        ),
        ({}, "Progressing", "0 of 1 instances run."),
    ],
)
def test_an_instance_that_can_not_be_made_is_told(status: dict[str, Any], reason: str, message: str) -> None:
    world = World(webjob_body({"type": "continuous"}))
    world.settle()
    world.touch("Deployment", "job", status=status)
    world.settle()
    assert condition(world, "WebJob", "Ready") == ("False", reason, message)


def test_an_instance_that_no_node_takes_is_told() -> None:
    world = World(webjob_body({"type": "continuous"}))
    world.settle()
    waiting = pod(name="job-1", creationTimestamp=rfc3339(world.now))
    world.kube.add(waiting | {"status": {"phase": "Pending", "conditions": [SCHEDULED]}})
    world.settle()
    assert condition(world, "WebJob", "Ready") == (
        "False",
        "Unschedulable",
        "0 of 1 instances run. 0/1 nodes: too big.",
    )
    assert world.events().count("Unschedulable") == 1
