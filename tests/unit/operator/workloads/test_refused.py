"""WebJobs that an administrator's limits refuse, also those that ran before: nothing of them goes on or begins."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.cluster import World
from tests.fakes.objects import run_body, webjob_body

IMAGES = {"images": ["good.example.com/*"]}
NAMESPACE = {"refusedNamespaces": ["site"]}


def limited(world: World, said: dict[str, Any]) -> World:
    """The administrator changes the limits, which starts the operator anew."""
    world.limits = said
    world.restart()
    return world


def ready(world: World) -> dict[str, Any]:
    (found,) = [one for one in world.one("WebJob")["status"]["conditions"] if one["type"] == "Ready"]
    return {key: found[key] for key in ("status", "reason")}


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ({"type": "continuous"}, "Deployment"),
        ({"schedule": "0 */5 * * * *"}, "CronJob"),
        ({"warm": 1}, "Job"),
    ],
)
@pytest.mark.parametrize("said", [IMAGES, NAMESPACE])
def test_what_was_made_before_goes_and_comes_back(spec: dict[str, Any], kind: str, said: dict[str, Any]) -> None:
    world = World(webjob_body(spec))
    world.settle()
    world.one(kind)
    limited(world, said).settle()
    assert world.kube.of_kind(kind) == []
    reason = "ImageRefused" if said == IMAGES else "NamespaceRefused"
    assert ready(world) == {"status": "False", "reason": reason}
    assert world.events() == [reason], "told once"
    assert world.settle() == []
    limited(world, {}).settle()
    world.one(kind)


@pytest.mark.parametrize("said", [IMAGES, NAMESPACE])
def test_a_run_on_demand_fails_and_says_why(said: dict[str, Any]) -> None:
    world = limited(World(webjob_body()), said)
    world.settle()
    assert ready(world)["status"] == "False", "before anybody runs it"
    world.kube.add(run_body())
    world.settle()
    run = world.one("WebJobRun")["status"]
    assert run["state"] == "Failed"
    assert "limits.images" in run["message"] or "Namespace site" in run["message"]
    assert world.kube.of_kind("Job") == world.kube.of_kind("ConfigMap") == []
