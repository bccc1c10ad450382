"""What becomes of a Job that waited once a run has taken it."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.cluster import WAITING
from tests.fakes.warm_cluster import Waiting, a_run, a_world
from webjobs.model import LABEL_RUN
from webjobs_kube.errors import ApiError, Conflict

OWN = {"cpu": "1", "memory": "1Gi"}
JOB = {"requests": OWN, "limits": {"memory": "1Gi"}}


@pytest.mark.parametrize(("limit", "seconds"), [(60, 0), (None, 2.5)])
def test_a_run_becomes_the_owner_of_its_job(limit: int | None, seconds: float) -> None:
    world = a_world(timeoutSeconds=limit)
    world.now += timedelta(seconds=99.5)
    world.create_run("job-202601010002095000")
    world.settle()
    job = world.kube.objects["Job", "site", world.status_of("job-202601010002095000")["jobName"]]
    if seconds:
        assert LABEL_RUN not in job["metadata"]["labels"]
        world.now += timedelta(seconds=seconds)
        assert world.settle() == ["patch Job"]
        job = world.kube.objects["Job", "site", job["metadata"]["name"]]
        assert set(world.followers.pods) == {world.attempts(job)[0]["metadata"]["name"]}
    assert job["metadata"]["labels"][LABEL_RUN] == "202601010002095000"
    assert [owner["kind"] for owner in job["metadata"]["ownerReferences"]] == ["WebJobRun"]
    assert job["spec"].get("activeDeadlineSeconds") == (164 if limit else None), "counted from the Job's start"
    assert world.settle() == []


def requested(world: Waiting) -> list[Any]:
    """By the pods of the run, the oldest first."""
    job = world.kube.objects["Job", "site", world.status_of()["jobName"]]
    return [one["spec"]["containers"][0]["resources"]["requests"] for one in world.attempts(job)]


def test_a_run_of_more_than_two_seconds_gets_what_it_requests() -> None:
    world = a_run(resources=JOB)
    assert requested(world) == [WAITING]
    assert world.due == pytest.approx(1.75, abs=0.01)
    world.now += timedelta(seconds=2.5)
    assert world.settle() == ["patch Job", "patch Pod/resize"]
    assert requested(world) == [OWN]
    world.restart()
    assert world.settle() == []
    assert [one["spec"]["containers"][0]["resources"]["requests"] for one in world.kube.of_kind("Pod")] == [OWN]
    world.up()
    assert [one["spec"]["containers"][0]["resources"]["requests"] for one in world.kube.of_kind("Pod")] == [
        OWN,
        WAITING,
    ]


def test_a_short_run_needs_no_write_for_it() -> None:
    world = a_run(resources=JOB)
    world.says("hello")
    world.now += timedelta(seconds=1)
    world.settle()
    world.now += timedelta(seconds=5)
    assert "patch Pod/resize" not in world.settle()
    assert world.status_of()["state"] == "Success"


def test_so_does_a_further_attempt() -> None:
    world = a_run(resources=JOB, retries=1)
    world.now += timedelta(seconds=2.5)
    world.settle()
    (first,) = world.attempts(world.kube.objects["Job", "site", world.status_of()["jobName"]])
    world.says("one", code=3)
    world.ended(first, code=3)
    world.settle()
    world.up()
    world.settle()
    assert requested(world) == [OWN, OWN]


@pytest.mark.parametrize("status", [403, 404, 422])
def test_a_refusal_keeps_no_run_from_its_end(status: int) -> None:
    """By a quota, by a cluster that can't do it."""
    world = a_run(resources=JOB)
    world.kube.fail(ApiError(status, "Forbidden", "exceeded quota"), subresource="resize", times=2)
    world.now += timedelta(seconds=2.5)
    assert world.settle() == ["patch Job", "patch Pod/resize"]
    assert world.due == pytest.approx(300, abs=0.01)
    assert world.settle() == [], "not with each pass"
    world.now += timedelta(seconds=301)
    assert world.settle() == ["patch Pod/resize"]
    world.now += timedelta(seconds=301)
    assert world.settle() == ["patch Pod/resize"]
    assert requested(world) == [OWN]
    world.says("hello")
    world.settle()
    assert world.status_of()["state"] == "Success"


@pytest.mark.parametrize("error", [Conflict(409, "Conflict", "changed"), ApiError(503, "Busy", "later")])
@pytest.mark.parametrize("after", [False, True])
def test_a_lost_write_is_repeated(error: ApiError, after: bool) -> None:
    world = a_run(resources=JOB)
    world.kube.fail(error, subresource="resize", after=after)
    world.now += timedelta(seconds=2.5)
    with suppress(ApiError):
        world.settle()  # the work queue begins anew
    world.settle()
    assert requested(world) == [OWN]
