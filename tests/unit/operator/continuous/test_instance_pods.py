"""Passes over continuous jobs and runs that can't begin: who is let in, replaced, given up, and what a crash leaves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.cluster import World, cron_job_slot
from tests.fakes.objects import pod, run_async, run_body, webjob_body
from webjobs.times import rfc3339
from webjobs_kube.errors import Conflict

GATE = "webjobs.dev/singleton"
SINGLETON = {"type": "continuous", "script": None, "image": "worker:1", "singleton": True}
RUN = "job-202601010000000000"


def gated(name: str, *others: str) -> dict[str, Any]:
    """A pod as the ReplicaSet of a singleton makes it."""
    body = pod(name=name, uid=f"{sum(name.encode()):06x}-{name}")
    body["metadata"].pop("resourceVersion")
    return body | {"spec": {"schedulingGates": [{"name": gate} for gate in (*others, GATE)]}}


def gates(world: World, name: str) -> list[str]:
    spec = world.kube.objects["Pod", "site", name]["spec"]
    return [gate["name"] for gate in spec.get("schedulingGates", [])]


def test_the_first_pod_of_a_singleton_costs_one_write_more() -> None:
    world = World(webjob_body(SINGLETON))
    world.settle()
    assert world.one("Deployment")["spec"]["template"]["spec"]["schedulingGates"] == [{"name": GATE}]
    world.kube.add(gated("first", "somebody.else/gate"))
    assert world.settle() == ["patch Pod", "patch WebJob/status"]
    assert gates(world, "first") == ["somebody.else/gate"]
    world.restart()
    assert world.settle() == []


def test_the_next_one_waits_for_the_end_of_the_one_before() -> None:
    world = World(webjob_body(SINGLETON), gated("first"))
    world.settle()
    leaving = {"deletionTimestamp": rfc3339(world.now), "resourceVersion": world.kube._next_version()}
    world.kube.objects["Pod", "site", "first"]["metadata"] |= leaving
    world.kube.add(gated("second"))
    assert world.settle() == ["patch WebJob/status"]
    status = world.one("WebJob")["status"]
    assert [one["status"] for one in status["instances"]] == ["Stopping", "InactiveInstance"]
    assert "A new one waits until pod first on node" in status["conditions"][0]["message"]
    assert (world.settle(), gates(world, "second")) == ([], [GATE]), "and nothing is written meanwhile"
    del world.kube.objects["Pod", "site", "first"]
    assert world.settle() == ["patch Pod", "patch WebJob/status"]
    assert gates(world, "second") == []


def test_what_the_watch_did_not_tell_of_counts() -> None:
    """The cache knows one pod that waits; another runs already."""
    world = World(webjob_body(SINGLETON), gated("first"))
    world.settle()
    running = world.kube.objects.pop(("Pod", "site", "first"))
    world.kube.add(gated("second"))
    world.watch()

    async def appear(call: Any) -> None:
        if (call.verb, call.kind) == ("list", "Pod"):
            world.kube.objects["Pod", "site", "first"] = running

    world.kube.before_call = appear
    world.settle()
    assert gates(world, "second") == [GATE]


@pytest.mark.parametrize("lost", [False, True], ids=["died", "answer lost"])
def test_a_crash_while_one_is_let_in(lost: bool) -> None:
    world = World(webjob_body(SINGLETON))
    world.settle()
    world.kube.add(gated("first"))
    world.crash_at(1, lost_answer=lost)
    assert world.live_through(None)
    world.kube.add(gated("second"))
    world.settle()
    assert (gates(world, "first"), gates(world, "second")) == ([], [GATE])


def test_a_pod_that_changed_meanwhile_is_looked_at_anew() -> None:
    world = World(webjob_body(SINGLETON), gated("first"))
    world.kube.fail(Conflict(409, "Conflict", "changed"), verb="patch", kind="Pod")
    world.watch()
    run_async(world._pass())
    assert gates(world, "first") == [GATE]
    world.settle()
    assert gates(world, "first") == []


def test_a_pod_whose_back_off_is_too_long_is_replaced_in_time() -> None:
    world = World(webjob_body({"type": "continuous", "restartDelaySeconds": 60}))
    world.settle()
    ended = {"exitCode": 1, "startedAt": rfc3339(world.now), "finishedAt": rfc3339(world.now)}
    body = pod(name="crashed", phase="Running", state={"waiting": {"reason": "CrashLoopBackOff"}})
    body["status"]["containerStatuses"][0]["lastState"] = {"terminated": ended}
    body["metadata"].pop("resourceVersion")
    world.kube.add(body)
    assert world.settle() == ["patch WebJob/status"]
    assert world.due == pytest.approx(60, abs=0.1)
    world.now += timedelta(seconds=60)
    assert world.settle() == []
    assert world.due == pytest.approx(2, abs=0.1)
    world.now += timedelta(seconds=2)
    assert world.settle()[0] == "delete Pod"
    assert world.kube.of_kind("Pod") == []


@pytest.mark.parametrize("crash", range(5))
def test_a_run_whose_image_is_not_there_is_given_up(crash: int) -> None:
    world = World(webjob_body({"startingDeadlineSeconds": 30}), run_body())
    world.settle()
    world.play({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}, phase="Pending")
    world.settle()
    assert world.one("WebJobRun")["status"]["message"] == "ImagePullBackOff: no such image."
    assert world.due is not None
    assert world.due <= 30.1
    world.now += timedelta(seconds=31)
    if crash:
        world.kube.die_after_writes = crash

    def collect() -> None:
        world.kube.objects.pop(("Pod", "site", RUN), None)

    world.live_through(None, collect)
    status = world.one("WebJobRun")["status"]
    assert (status["state"], status["message"]) == ("Failed", "ImagePullBackOff: no such image. It never began.")
    assert world.kube.of_kind("Job") == []
    assert "activeRun" not in world.one("WebJob")["status"]
    assert world.events().count("RunGivenUp") == 1


def test_a_run_whose_volume_is_not_there_is_given_up() -> None:
    """The kubelet says nothing of it in the pod: no news come, and none are waited for."""
    world = World(webjob_body({"startingDeadlineSeconds": 90}), run_body())
    world.settle()
    world.play({"waiting": {"reason": "ContainerCreating"}}, phase="Pending")
    conditions = [
        {"type": "PodReadyToStartContainers", "status": "False", "lastTransitionTime": rfc3339(world.now)},
        {"type": "PodScheduled", "status": "True", "lastTransitionTime": rfc3339(world.now)},
    ]
    world.kube.objects["Pod", "site", RUN]["status"]["conditions"] = conditions
    world.settle()
    assert "message" not in world.one("WebJobRun")["status"]
    assert world.due == pytest.approx(60, abs=1)
    world.now += timedelta(seconds=61)
    assert world.settle() == ["patch WebJobRun/status", "patch WebJob/status"]
    assert world.one("WebJobRun")["status"]["message"].startswith("NodeNotPrepared: ")
    assert world.due == pytest.approx(29, abs=1)
    world.now += timedelta(seconds=30)
    assert "delete Job" in world.settle()
    status = world.one("WebJobRun")["status"]
    assert (status["state"], status["message"].endswith("It never began.")) == ("Failed", True)


@pytest.mark.parametrize("crash", range(6))
def test_a_slot_whose_package_went_before_its_job_was_known(crash: int) -> None:
    """The CronJob made it of the old template while an upload replaced it: it could never begin."""
    world = World(webjob_body({"schedule": "0 */5 * * * *"}))
    world.settle()
    world.now += timedelta(minutes=5)
    late = cron_job_slot("2026-01-01T00:05:00Z")
    late["spec"]["template"]["spec"] = {"volumes": [{"name": "package", "configMap": {"name": "job-0123456789"}}]}
    world.kube.add(late)
    if crash:
        world.kube.die_after_writes = crash
    world.live_through(None)
    (job,) = world.kube.of_kind("Job")
    run = world.one("WebJobRun")
    assert job["metadata"]["name"] == run["metadata"]["name"] == run["status"]["jobName"]
    assert (
        job["spec"]["template"]["spec"]["volumes"][2]["configMap"]["name"] == world.one("ConfigMap")["metadata"]["name"]
    )
    world.start_processes()
    world.settle()
    world.end_processes()
    world.settle()
    assert world.one("WebJobRun")["status"]["state"] == "Success"
