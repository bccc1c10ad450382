"""The log of a run is whole, or it is tried again: whatever order the watches bring, and whatever a kubelet says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.late_watches import Loose
from tests.fakes.objects import run_async, webjob_body
from webjobs.runs.runs import object_name, run_id_at
from webjobs_kube.errors import Invalid
from webjobs_operator.logs.run_archive import REFUSED
from webjobs_operator.runs.outcome import lacks_pods


def job(ended: bool, **status: int) -> dict[str, Any]:
    return {"status": {"conditions": [{"type": "Complete", "status": "True"}] if ended else [], **status}}


@pytest.mark.parametrize(
    ("job", "pods", "lacks"),
    [
        (job(ended=False), 0, False),
        (job(ended=True), 0, True),
        (job(ended=True), 1, False),
        (job(ended=True, succeeded=1), 1, False),
        (job(ended=True, succeeded=1, failed=1), 1, True),
        (job(ended=True, succeeded=1, failed=1), 2, False),
    ],
)
def test_whether_pods_are_not_known_yet(job: dict[str, Any], pods: int, *, lacks: bool) -> None:
    assert lacks_pods(job, [{}] * pods) is lacks


@pytest.fixture
def world() -> Loose:
    """A run whose Job is there, and whose process has begun and ended; the operator has heard of neither."""
    made = Loose(webjob_body({"type": "triggered", "script": {"fileName": "run.sh", "text": "echo hello"}}))
    made.rest()
    name = object_name(webjob="job", run_id=run_id_at(made.now))
    body = {"apiVersion": "webjobs.dev/v1", "kind": "WebJobRun", "metadata": {"name": name, "namespace": "site"}}
    made.kube.add(body | {"spec": {"webJobName": "job"}})
    made.rest()
    made.start_processes()
    made.end_processes(0)
    return made


def log_of(world: Loose) -> tuple[str, str]:
    """State and stored log of the run."""
    run = world.one("WebJobRun")
    return run["status"]["state"], world.log(run) or ""


def test_the_end_of_the_job_comes_before_the_pod(world: Loose) -> None:
    world.cache.take("Job", world.one("Job"))
    run_async(world._pass())
    state, log = log_of(world)
    assert (state, "hello" in log) == ("Success", True)


def test_a_kubelet_that_has_no_log_now(world: Loose) -> None:
    """Its runtime is slow, and its answer is 400, as of a container that has never begun."""
    lines, refused = world.kube.log_lines, []

    async def refuse(*args: Any, **options: Any) -> AsyncIterator[str]:
        refused.append(args)
        raise Invalid(400, "BadRequest", "unable to retrieve container logs for containerd://1")
        yield ""

    world.kube.log_lines = refuse  # type: ignore[method-assign]
    world.rest()
    assert refused
    assert world.one("WebJobRun")["status"]["state"] != "Success"
    world.kube.log_lines = lines  # type: ignore[method-assign]
    world.now += timedelta(seconds=2)
    world.rest()
    state, log = log_of(world)
    assert (state, "hello" in log) == ("Success", True)


def test_a_kubelet_that_has_lost_the_log(world: Loose) -> None:
    """The end is told after a while all the same."""

    async def refuse(*args: Any, **options: Any) -> AsyncIterator[str]:
        raise Invalid(400, "BadRequest", "unable to retrieve container logs for containerd://1")
        yield ""

    world.kube.log_lines = refuse  # type: ignore[method-assign]
    world.rest()
    assert world.one("WebJobRun")["status"]["state"] != "Success"
    world.now += REFUSED
    world.rest()
    assert log_of(world)[0] == "Success"
