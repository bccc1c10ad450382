"""A job that lost its script: its files stay, what ran them goes."""

from __future__ import annotations

import pytest

from tests.fakes.cluster import World
from tests.fakes.objects import run_async, webjob_body

EMPTY = {"digest": "sha256:" + "0" * 64, "size": 0, "files": 0}


@pytest.mark.parametrize(
    ("kind", "spec"), [("Deployment", {"type": "continuous"}), ("CronJob", {"schedule": "0 0 0 * * *"})]
)
def test_what_ran_it_goes(kind: str, spec: dict[str, str]) -> None:
    world = World(webjob_body(spec))
    world.settle()
    assert world.kube.of_kind(kind)
    stored = world.one("WebJob")
    stored["spec"] = {key: value for key, value in stored["spec"].items() if key != "script"} | {"package": EMPTY}
    run_async(world.kube.replace(stored))
    world.settle()
    assert not world.kube.of_kind(kind)
    (ready,) = (c for c in world.one("WebJob")["status"]["conditions"] if c["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "NothingToRun")
    assert world.settle() == []
