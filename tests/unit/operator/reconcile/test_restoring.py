"""A WebJob whose history is being restored: the operator leaves it alone, and says so."""

from __future__ import annotations

from tests.fakes.cluster import World
from tests.fakes.objects import run_body, webjob_body


def test_nothing_goes_on_until_all_is_there() -> None:
    body = webjob_body({"schedule": "10 0 * * * *"})
    body["metadata"]["annotations"] = {"webjobs.dev/restoring": "2026-01-01T00:00:00Z"}
    once = {"webJobName": "job", "at": "2026-01-01T00:00:20Z"}
    schedule = {
        "apiVersion": "webjobs.dev/v1",
        "kind": "WebJobSchedule",
        "metadata": {"name": "once", "namespace": "site"},
        "spec": once,
    }
    world = World(body, run_body(), schedule)
    assert world.settle() == ["patch WebJob/status"]
    (ready,) = world.one("WebJob")["status"]["conditions"]
    assert (ready["reason"], "since 2026-01-01T00:00:00Z" in ready["message"]) == ("Restoring", True)
    assert (world.settle(), world.kube.of_kind("Job")) == ([], [])
    world.touch("WebJobSchedule", "once", status={"lastScheduleTime": "2026-01-01T00:00:20Z", "lastOutcome": "Started"})
    world.touch("WebJob", "job", annotations={})
    world.settle()
    assert [one["reason"] for one in world.one("WebJob")["status"]["conditions"] if one["type"] == "Ready"] == [
        "Runnable"
    ]
    assert [job["metadata"]["name"] for job in world.kube.of_kind("Job")] == [run_body()["metadata"]["name"]]
    assert len(world.kube.of_kind("WebJobRun")) == 1, "the slot of before is no slot any more"
