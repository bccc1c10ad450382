"""Whole passes over a WebJob with pods that wait for runs: when they are made, when they go, when they are left."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.objects import run_async, webjob_body
from tests.fakes.warm_cluster import RUN, Waiting, a_run, a_world, names, ready, took
from webjobs.model import LABEL_ARMED
from webjobs_kube.errors import ApiError


def test_jobs_are_made_and_then_nothing_is_written() -> None:
    world = Waiting(webjob_body({"warm": 2}))
    assert world.settle() == ["apply ConfigMap", "patch WebJob/status", "create Job", "create Job"]
    assert (names(world), world.one("WebJob")["status"]["warmReady"]) == (["1", "2"], 0)
    world.up()
    assert world.settle() == ["patch WebJob/status"]
    assert (world.one("WebJob")["status"]["warmReady"], world.warm_condition()) == (2, ("True", "Armed"))
    assert world.settle() == []
    world.restart()
    assert world.settle() == []
    assert len(world.sessions.known) == 2, "a new operator attaches again"


@pytest.mark.parametrize("change", [{"suspend": True}, {"warm": 0}, {"script": {"fileName": "run.xyz", "text": "x"}}])
def test_what_removes_the_jobs_that_wait_and_no_other(change: dict[str, Any]) -> None:
    world = a_run(warm=2)
    world.up()
    world.settle()
    world.edit_spec(**change)
    world.settle()
    assert names(world) == [took(world)]
    assert set(world.sessions.known) == set(world.pods.heard), "the other connection is closed"
    assert "warmReady" not in world.one("WebJob")["status"]
    world.says("hello")
    world.settle()
    assert world.status_of()["state"] == "Success"


def test_pods_that_are_still_ending_are_none_of_the_next_job_of_that_name() -> None:
    """A shell may take its whole grace to end, when it was told in the moment in which it could not hear."""
    world = a_world(warm=2)
    before = world.armed()
    for one in world.kube.of_kind("Pod"):
        world.touch("Pod", one["metadata"]["name"], finalizers=["grace"])
    world.edit_spec(suspend=True)
    world.settle()
    assert world.armed() == []
    world.edit_spec(suspend=None)
    assert world.settle().count("create Job") == 2
    assert [job["metadata"]["name"] for job in world.armed()] == [job["metadata"]["name"] for job in before]
    ready(world)
    assert world.one("WebJob")["status"]["warmReady"] == 2
    assert world.settle() == []


def test_a_site_that_is_stopped_has_none() -> None:
    world = a_world()
    world.stop_site()
    world.settle()
    assert (world.armed(), world.sessions.known, world.warm_condition()) == ([], {}, None)


def test_another_program_replaces_them() -> None:
    world = a_world()
    (before,) = world.armed()
    world.edit_spec(script={"fileName": "run.sh", "text": "echo other\n"})
    world.settle()
    (after,) = world.armed()
    assert after["metadata"]["labels"][LABEL_ARMED] != before["metadata"]["labels"][LABEL_ARMED]
    ready(world)
    world.create_run()
    world.settle()
    assert world.status_of()["jobName"] == after["metadata"]["name"]


def test_a_refused_connection_is_said_and_runs_start_as_usual() -> None:
    world = a_world()
    world.sessions.refused = True
    world.settle()
    assert (world.armed(), world.warm_condition()) == ([], ("False", "AttachForbidden"))
    assert world.due == pytest.approx(300, abs=0.01), "then it is tried again"
    world.create_run()
    world.settle()
    assert (world.status_of()["jobName"], world.told()) == (RUN, {})


def test_a_connection_that_is_refused_once_its_run_is_there_is_no_storm() -> None:
    world = a_run()
    world.now += timedelta(seconds=3)
    world.sessions.refused, world.sessions.known = True, {}
    world.settle()
    assert world.sessions.known == {}
    assert world.due == pytest.approx(300, abs=0.01)
    world.sessions.refused = False
    world.settle()
    assert len(world.sessions.known) == 1


def test_jobs_that_end_without_a_run_are_made_less_and_less_often() -> None:
    world, waits = a_world(), []
    for _ in range(4):
        (job,) = world.armed()
        world.unused(world.attempts(job)[0])
        world.settle()
        assert world.armed() == []
        waits.append(round(world.due or 0))
        world.now += timedelta(seconds=(world.due or 0) + 0.01)
        world.settle()
        world.up()
    assert waits == [2, 4, 8, 16]
    world.now += timedelta(seconds=10)
    world.settle()  # one that waits in peace: all is forgotten
    world.unused(world.attempts(world.armed()[0])[0])
    world.settle()
    assert round(world.due or 0) == 2


@pytest.mark.parametrize("status", [403, 422])
def test_a_quota_keeps_nobody_from_running(status: int) -> None:
    world = Waiting(webjob_body({"warm": 1}))
    world.kube.fail(ApiError(status, "Forbidden", "exceeded quota"), verb="create", kind="Job")
    world.settle()
    assert world.armed() == []
    assert world.due == pytest.approx(300, abs=0.01)
    world.create_run()
    world.settle()
    assert world.status_of()["jobName"] == RUN


def test_a_job_whose_webjob_is_gone_leaves_no_connection() -> None:
    world = a_world()
    run_async(world.kube.delete("WebJob", "site", "job"))
    world.settle()
    assert world.sessions.known == {}


def test_a_refusal_that_ends_within_a_pass_is_looked_at_again() -> None:
    world = Waiting(webjob_body({"warm": 1}))
    world.sessions.refused = True
    world.settle()
    assert world.warm_condition() == ("False", "AttachForbidden")
    keep = world.sessions.keep

    def later(key: Any, uids: Any) -> None:
        keep(key, uids)
        world.sessions.refused = False  # its time is over while the pass goes on

    world.sessions.keep = later  # type: ignore[method-assign]
    assert world.settle() == []
    assert world.due is not None


def test_the_first_failure_after_a_refusal_waits_four_seconds() -> None:
    world = Waiting(webjob_body({"warm": 1}))
    world.kube.fail(ApiError(403, "Forbidden", "quota"), verb="create", kind="Job")
    world.settle()
    world.now += timedelta(seconds=300)
    world.settle()
    world.up()
    (one,) = world.kube.of_kind("Pod")
    world.unused(one)
    world.settle()
    assert world.due == pytest.approx(4, abs=0.1)
