"""Watches of different kinds are not in step: what a client was promised holds whichever is late."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.cluster import KEY, World
from tests.fakes.kube import Call
from tests.fakes.objects import pod, run_async, run_body, webjob_body
from tests.fakes.shim import Shim
from webjobs.model.site.app_settings import CONFIG_MAP, LABEL
from webjobs.times import rfc3339
from webjobs_operator.cluster import resync

WAITING, ACCEPTED = "job-202601010000000000", "job-202601010000200000"


def accept(world: World) -> None:
    """What the shim does before it answers 202."""
    lock = {"activeRun": {"name": ACCEPTED, "since": rfc3339(world.now)}}
    run_async(world.kube.patch("WebJob", "site", "job", {"status": lock}, subresource="status"))
    world.kube.add(run_body(ACCEPTED))


def states(world: World) -> dict[str, Any]:
    return {run["metadata"]["name"]: run.get("status", {}).get("state") for run in world.kube.of_kind("WebJobRun")}


@pytest.mark.parametrize("policy", ["Forbid", "Replace"])
def test_a_run_that_is_seen_before_its_lock(policy: str) -> None:
    """An operator died after the record of a slot's run; the next one lists WebJobs, then the shim accepts."""
    world = World(webjob_body({"concurrencyPolicy": policy}), run_body(WAITING))
    world.watch()
    accept(world)
    for body in world.kube.of_kind("WebJobRun"):
        world.cache.observe("WebJobRun", body)
    run_async(world._pass())
    assert "Skipped" not in states(world).values()
    world.settle()
    assert states(world) == {WAITING: "Skipped", ACCEPTED: "Initializing"}


def test_a_lock_that_is_seen_long_before_its_run() -> None:
    """Half a minute without news of runs: the lock is not void for that."""
    world = World(webjob_body(), run_body(WAITING))
    world.watch()
    accept(world)
    world.cache.observe("WebJob", world.one("WebJob"))
    world.now += timedelta(seconds=40)
    run_async(world._pass())
    world.settle()
    assert states(world) == {WAITING: "Skipped", ACCEPTED: "Initializing"}


def test_settings_of_a_site_that_were_deleted_unseen() -> None:
    """The comparison with a list notices; and what it has seen before makes nothing due."""
    settings: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": CONFIG_MAP,
            "namespace": "site",
            "labels": {LABEL: "true", "app.kubernetes.io/managed-by": "webjobs"},
        },
        "data": {"WEBJOBS_STOPPED": "1"},
    }
    world, due = World(webjob_body(), settings), list[Any]()

    def compare() -> None:
        run_async(resync.compare(kube=world.kube, cache=world.cache, kind="ConfigMap", namespaces=[], add=due.append))

    world.watch()
    compare()
    assert (due, world.cache.site("site").stopped) == ([KEY], True)
    compare()
    assert due == [KEY]
    del world.kube.objects["ConfigMap", "site", CONFIG_MAP]
    compare()
    assert (due, world.cache.site("site").stopped) == ([KEY, KEY], False)


@pytest.mark.parametrize("unseen", [False, True], ids=["told by the watch", "found by the comparison"])
def test_a_pod_whose_label_was_taken_off_and_put_back(unseen: bool) -> None:
    """For a watch with a selector it was deleted, and has the same UID when it is back."""
    world = World(webjob_body(), pod(name="labelled"))
    world.watch()
    there = world.kube.objects["Pod", "site", "labelled"]
    labels = there["metadata"].pop("labels")
    there["metadata"]["resourceVersion"] = world.kube._next_version()
    if unseen:
        run_async(resync.compare(kube=world.kube, cache=world.cache, kind="Pod", namespaces=[], add=lambda _: None))
    else:
        world.cache.drop("Pod", there | {"metadata": there["metadata"] | {"labels": labels}})
    assert world.cache.of("Pod", KEY) == {}
    there["metadata"] |= {"labels": labels, "resourceVersion": world.kube._next_version()}
    world.cache.take("Pod", there)
    assert list(world.cache.of("Pod", KEY)) == ["labelled"]


@pytest.mark.parametrize("lost", [False, True], ids=["still ours", "lost meanwhile"])
async def test_a_shim_that_takes_long_after_its_lock(one: Shim, lost: bool) -> None:
    one.kube.add(webjob_body())

    async def stall(call: Call) -> None:
        if (call.verb, call.kind) == ("create", "WebJobRun"):
            one.pass_time(seconds=40)
            if lost:  # the operator gives the lock to another run
                one.kube.objects["WebJob", "site", "job"]["status"]["activeRun"]["name"] = "another"

    one.kube.before_call = stall
    async with one.client() as client:
        answer = await client.post("/api/triggeredwebjobs/job/run")
    assert answer.status_code == (409 if lost else 202)
    assert len(one.kube.of_kind("WebJobRun")) == (0 if lost else 1)
