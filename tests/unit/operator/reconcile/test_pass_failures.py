"""Passes that fail by a defect or by what the API server answers: told, tried again, and taken back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.cluster import KEY, World
from tests.fakes.kube import Call
from tests.fakes.objects import pod, run_async, run_body, webjob_body
from webjobs_kube.errors import ApiError, Forbidden
from webjobs_operator.reconcile.pass_failures import UNTOLD, is_time

VALUE = "the value of a setting"


def ready(world: World) -> tuple[str, str, str]:
    (found,) = [one for one in world.one("WebJob")["status"]["conditions"] if one["type"] == "Ready"]
    return found["status"], found["reason"], found["message"]


def breaking(world: World, error: Exception) -> None:
    """From now on no Job can be made."""

    async def fail(call: Call) -> None:
        if (call.verb, call.kind) == ("create", "Job"):
            raise error

    world.kube.before_call = fail


def passes(world: World, count: int) -> None:
    for _ in range(count):
        world.watch()
        with pytest.raises((RuntimeError, ApiError)):
            run_async(world.reconciler(KEY))


def test_a_defect_is_told_at_once_and_once() -> None:
    world = World(webjob_body({"schedule": "0 0 0 1 1 *"}))
    world.settle()
    breaking(world, RuntimeError(VALUE))
    world.kube.add(run_body("job-202601010000200000"))
    passes(world, 3)
    status, reason, message = ready(world)
    assert (status, reason) == ("False", "ReconcileFailed")
    assert "RuntimeError" in message
    assert VALUE not in message
    assert world.events().count("ReconcileFailed") == 1
    assert [one["type"] for one in world.one("WebJob")["status"]["conditions"]] == ["Ready", "Scheduled"]
    assert world.one("WebJob")["status"]["nextRunTime"], "what was known before stays"
    writes = len(world.kube.writes)
    passes(world, 1)
    assert [call.kind for call in world.kube.writes[writes:] if call.kind == "WebJob"] == []
    world.kube.before_call = None
    world.settle()
    assert ready(world)[:2] == ("True", "Runnable")


@pytest.mark.parametrize(
    "error",
    [ApiError(500, "InternalError", "etcdserver: no space"), Forbidden(403, "Forbidden", "no rights on jobs")],
)
def test_an_api_server_gets_some_tries(error: ApiError) -> None:
    world = World(webjob_body({"type": "continuous"}))
    world.settle()

    async def fail(call: Call) -> None:
        if call.verb == "list":
            raise error

    world.kube.before_call = fail
    gated: dict[str, Any] = pod(name="job-1") | {
        "spec": {"schedulingGates": [{"name": "webjobs.dev/singleton"}]},
        "status": {},
    }
    world.kube.add(gated)
    passes(world, UNTOLD - 1)
    assert ready(world)[1] == "Progressing"
    passes(world, 1)
    assert ready(world)[:2] == ("False", "ReconcileFailed")
    assert error.message in ready(world)[2]
    world.kube.before_call = None
    world.settle()
    assert ready(world)[1] == "Progressing"


def test_who_can_not_write_the_status_goes_on() -> None:
    world = World(webjob_body())
    world.settle()
    breaking(world, RuntimeError("defect"))
    world.kube.add(run_body("job-202601010000200000"))
    world.kube.fail(Forbidden(403, "Forbidden", "no"), verb="patch", kind="WebJob", times=9)
    passes(world, 2)


def test_a_failure_is_told_ever_more_seldom() -> None:
    assert [count for count in range(50) if is_time(count, first=5)] == [5, 10, 20, 40]
    assert [count for count in range(20) if is_time(count, first=1)] == [1, 2, 4, 8, 16]
