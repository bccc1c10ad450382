"""Jobs that somebody else suspends (a queue, a person): the run stays one run and keeps its lock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.cluster import World
from tests.fakes.kube import Call
from tests.fakes.objects import job, pod, run, run_body, webjob_body
from webjobs.times import parse_time, rfc3339
from webjobs_operator.runs.outcome import outcome

RUN = "job-202601010000000000"
STARTED, KILLED, RESUMED = "2026-01-01T01:00:00Z", "2026-01-01T01:00:10Z", "2026-01-01T01:00:20Z"
NOW = parse_time("2026-01-01T02:00:00Z")
TERMINATED = {"terminated": {"exitCode": 143, "startedAt": STARTED, "finishedAt": KILLED}}


def killed(code: int = 143) -> dict[str, Any]:
    """A pod that was deleted, and whose process ended by that."""
    state: dict[str, Any] = {"terminated": TERMINATED["terminated"] | {"exitCode": code}}
    times: dict[str, Any] = {"creationTimestamp": STARTED, "deletionTimestamp": KILLED, "deletionGracePeriodSeconds": 0}
    return pod(phase="Failed" if code else "Succeeded", state=state, **times)


def deleted_again(state: dict[str, Any]) -> dict[str, Any]:
    """A pod as the kubelet's last delete leaves it, which writes over the time of the first."""
    meta: dict[str, Any] = {"deletionTimestamp": RESUMED, "deletionGracePeriodSeconds": 0}
    terminated = TERMINATED["terminated"] | state
    return pod(phase="Failed", state={"terminated": terminated}, creationTimestamp=STARTED, **meta)


def going_on(since: str, **spec: Any) -> dict[str, Any]:
    body = job(spec=spec)
    body["status"] = {"startTime": since}
    return body


SUSPENDED = [{"type": "Suspended", "status": "True", "lastTransitionTime": KILLED}]


@pytest.mark.parametrize(
    ("the_job", "pods", "expected"),
    [
        # The pod is on its way out, or gone: the run is what it was, and waits.
        (job(spec={"suspend": True}), [killed()], ("Initializing", "JobSuspended")),
        (job(spec={"suspend": True}), [], ("Initializing", "JobSuspended")),
        (job(spec={"suspend": True, "backoffLimit": 2}), [killed()], ("Initializing", "JobSuspended")),
        # A process that says exit code 0 when it is killed has not done its work.
        (job(spec={"suspend": True}), [killed(code=0)], ("Initializing", "JobSuspended")),
        (job(spec={"suspend": True}), [deleted_again({})], ("Initializing", "JobSuspended")),
        (job(spec={"suspend": True}), [deleted_again({"exitCode": 137})], ("Initializing", "JobSuspended")),
        (job(spec={"suspend": True}), [deleted_again({"exitCode": 1})], ("Failed", None)),
        # It still runs.
        (
            job(spec={"suspend": True}),
            [pod(phase="Running", state={"running": {"startedAt": STARTED}}, deletionTimestamp=KILLED)],
            ("Running", None),
        ),
        # Resumed, and the controller has not seen it yet; then it has, and the new pod is not there yet.
        (job(conditions=SUSPENDED), [killed()], ("Initializing", "JobSuspended")),
        (going_on(RESUMED), [killed()], ("Initializing", None)),
        # Nobody suspended it: a pod that was deleted is the end of a run without retries.
        (going_on(STARTED), [killed()], ("Failed", None)),
        # It had ended by itself before it was suspended.
        (job(spec={"suspend": True}), [pod(phase="Failed", state=TERMINATED)], ("Failed", None)),
        (
            job(spec={"suspend": True}),
            [pod(phase="Succeeded", state={"terminated": TERMINATED["terminated"] | {"exitCode": 0}})],
            ("Success", None),
        ),
    ],
)
def test_outcome(the_job: dict[str, Any], pods: list[dict[str, Any]], expected: tuple[str, str | None]) -> None:
    found = outcome(run(state="Running"), job=the_job, pods=pods, now=NOW)
    assert (found.state, found.obstacle.reason if found.obstacle else None) == expected


def suspend(world: World, suspended: bool, **status: Any) -> None:
    world.kube.objects["Job", "site", RUN]["spec"]["suspend"] = suspended
    world.touch("Job", RUN, status=status)


def test_a_suspended_run_is_one_run() -> None:
    world = World(webjob_body(), run_body())
    world.settle()
    world.start_processes()
    world.settle()
    assert world.one("WebJobRun")["status"]["state"] == "Running"
    world.end_processes(1)  # its trap of TERM says so
    world.touch("Pod", RUN, deletionTimestamp=rfc3339(world.now), deletionGracePeriodSeconds=30)

    async def meanwhile(call: Call) -> None:
        """The news of the pod come before those of the Job."""
        if (call.verb, call.kind) == ("get", "Job"):
            suspend(world, True, conditions=SUSPENDED)

    world.kube.before_call = meanwhile
    world.settle()
    world.kube.before_call = None
    status = world.one("WebJobRun")["status"]
    assert (status["state"], "processStartTime" in status) == ("Initializing", False)
    assert "was suspended by somebody else" in status["message"]
    assert world.one("WebJob")["status"]["activeRun"]["name"] == RUN, "a second run may not begin"
    assert world.events().count("JobSuspended") == 1
    # The kubelet's last delete, which writes over the time of the first. The watch tells it, too.
    world.now += timedelta(seconds=2)
    world.touch("Pod", RUN, deletionTimestamp=rfc3339(world.now), deletionGracePeriodSeconds=0)
    world.settle()
    assert world.one("WebJobRun")["status"]["state"] == "Initializing"
    # For longer than a slot may be late: whoever suspended it lets it go on.
    world.kube.objects.pop(("Pod", "site", RUN))
    world.now += timedelta(hours=1)
    world.settle()
    assert world.one("WebJobRun")["status"]["state"] == "Initializing"
    # Resumed: the script runs again, as the same run.
    suspend(world, False, startTime=rfc3339(world.now), conditions=[])
    world.start_processes()
    world.settle()
    status = world.one("WebJobRun")["status"]
    assert (status["state"], "message" in status) == ("Running", False)
    world.end_processes()
    world.settle()
    assert world.one("WebJobRun")["status"]["state"] == "Success"
    assert "activeRun" not in world.one("WebJob")["status"]
