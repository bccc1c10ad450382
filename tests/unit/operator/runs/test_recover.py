"""Jobs that were begun for a run whose record does not say so yet: what comes next knows of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fakes.cluster import KEY, World, cancel, cron_job_slot
from tests.fakes.kube import Call, Died
from tests.fakes.objects import run_async, run_body, webjob_body
from webjobs.model import WebJob
from webjobs.times import rfc3339
from webjobs_kube.errors import ApiError
from webjobs_operator.context.facts import FactsReader

BY_CRON = {"schedule": "0 0 * * * *"}


def before_it_is_recorded(call: Call) -> None:
    if call.kind == "WebJobRun" and call.subresource == "status":
        raise Died


def interrupted(world: World, at: Callable[[Call], None]) -> World:
    async def look(call: Call) -> None:
        at(call)

    world.kube.before_call = look
    with pytest.raises((Died, ApiError)):
        world.settle()
    world.kube.before_call = None
    assert "status" not in world.one("WebJobRun") or "state" not in world.one("WebJobRun")["status"]
    assert len(world.kube.of_kind("Job")) == 1, "it is there"
    return world


def begun(by_cron: bool) -> World:
    """An operator died after it had made or admitted the Job of a run, and the process runs."""
    world = World(webjob_body(BY_CRON if by_cron else {}), *([cron_job_slot()] if by_cron else [run_body()]))
    interrupted(world, before_it_is_recorded).restart()
    world.start_processes()
    return world


def slow_pods(world: World) -> None:
    for pod in world.kube.of_kind("Pod"):
        world.kube.objects["Pod", "site", pod["metadata"]["name"]]["metadata"]["finalizers"] = ["grace"]


def killed(world: World) -> None:
    """The processes of the pods that are being deleted end."""
    for pod in world.kube.of_kind("Pod"):
        there = world.kube.objects["Pod", "site", pod["metadata"]["name"]]
        ended = {"exitCode": 143, "reason": "Error", "finishedAt": rfc3339(world.now, micro=False)}
        there["status"] = {"phase": "Failed", "containerStatuses": [{"name": "job", "state": {"terminated": ended}}]}
        there["metadata"]["resourceVersion"] = world.kube._next_version()


@pytest.mark.parametrize("by_cron", [False, True])
def test_a_run_that_had_begun_is_cancelled(by_cron: bool) -> None:
    """Its process ends first, and its log is kept."""
    world = begun(by_cron)
    slow_pods(world)
    cancel(world, world.one("WebJobRun")["metadata"]["name"])
    world.settle()
    assert (world.kube.of_kind("Job"), world.one("WebJobRun")["status"]["state"]) == ([], "Running")
    killed(world)
    world.settle()
    status = world.one("WebJobRun")["status"]
    assert (status["state"], status["message"]) == ("Aborted", "It was cancelled.")
    assert "hello" in world.log(world.one("WebJobRun"))


@pytest.mark.parametrize(
    "change",
    [
        World.stop_site,
        lambda world: world.edit_spec(suspend=True),
        lambda world: world.edit_spec(script={"fileName": "run.xyz", "text": "x"}),
    ],
    ids=["the site is stopped", "suspended", "what would run now can't"],
)
@pytest.mark.parametrize("by_cron", [False, True])
def test_a_run_that_had_begun_goes_on(by_cron: bool, change: Callable[[World], None]) -> None:
    world = begun(by_cron)
    change(world)
    world.settle()
    assert world.one("WebJobRun")["status"]["state"] == "Running"
    world.end_processes()
    world.settle()
    assert world.one("WebJobRun")["status"]["state"] == "Success"
    assert "hello" in world.log(world.one("WebJobRun"))


@pytest.mark.parametrize("by_cron", [False, True])
def test_a_job_of_which_neither_answer_nor_watch_told(by_cron: bool) -> None:
    world = World(webjob_body(BY_CRON if by_cron else {}), *([cron_job_slot()] if by_cron else [run_body()]))

    def lose(call: Call) -> None:
        if call.kind == "Job" and call.verb in ("create", "patch"):
            world.kube.fail(ApiError(500, "Timeout", "the answer was lost"), after=True)

    interrupted(world, lose)
    world.start_processes()
    slow_pods(world)
    cancel(world, world.one("WebJobRun")["metadata"]["name"])
    there, world.watch = world.watch, lambda: None  # type: ignore[method-assign]
    world.cache.observe("WebJobRun", world.one("WebJobRun"))
    world.settle()
    assert world.kube.of_kind("Job") == []
    world.watch = there  # type: ignore[method-assign]
    killed(world)
    world.settle()
    assert (world.one("WebJobRun")["status"]["state"], world.kube.of_kind("Job")) == ("Aborted", [])
    assert "hello" in world.log(world.one("WebJobRun"))


def test_a_run_of_the_webjob_that_had_the_name_is_left_to_go() -> None:
    """Who deletes a WebJob and makes it anew at once does not find it busy with what is being collected."""
    world = begun(by_cron=False)
    there = world.kube.objects["WebJobRun", "site", world.one("WebJobRun")["metadata"]["name"]]
    there["metadata"]["ownerReferences"] = [
        {"apiVersion": "webjobs.dev/v1", "kind": "WebJob", "name": "job", "uid": "before"}
    ]
    world.restart()
    world.watch()
    read = FactsReader(world.cache, KEY, WebJob.parse(world.one("WebJob")), now=world.now)
    run_async(world.reconciler._starts.recover(read))
    assert "state" not in world.one("WebJobRun").get("status", {})
    assert there["metadata"]["ownerReferences"][0]["uid"] == "before"
