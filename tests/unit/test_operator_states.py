"""The state of a run from its Job and pods, case by case."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.builders import job, pod, run
from webjobs_operator.states import instance_status, outcome, worker_state

NOW = datetime(2026, 1, 1, 2, tzinfo=UTC)
STARTED = "2026-01-01T01:00:00Z"
ENDED = "2026-01-01T01:00:05Z"


def terminated(code: int, reason: str = "Error") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason, "startedAt": STARTED, "finishedAt": ENDED}}


LATE = "Job was active longer than specified deadline"
FAILED = [{"type": "Failed", "status": "True", "lastTransitionTime": ENDED, "message": LATE}]
COMPLETE = [{"type": "Complete", "status": "True", "lastTransitionTime": ENDED}]
TARGET = [{"type": "FailureTarget", "status": "True", "lastTransitionTime": ENDED, "message": LATE}]
KILLED = pod(
    phase="Running",
    state=terminated(0),
    deletionTimestamp="2026-01-01T01:00:33Z",
    deletionGracePeriodSeconds=30,
)
LATER = {"deletionTimestamp": "2026-01-01T01:05:00Z"}
RUNNING = pod(phase="Running", state={"running": {"startedAt": STARTED}})


@pytest.mark.parametrize(
    ("state", "the_job", "pods", "expected"),
    [
        ("Initializing", job(), [], ("Initializing", None, None)),
        ("Initializing", job(), [pod()], ("Initializing", None, None)),
        (
            "Initializing",
            job(),
            [pod(state={"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}})],
            ("Initializing", None, "ImagePullBackOff: no such image"),
        ),
        (
            "Initializing",
            job(),
            [RUNNING],
            ("Running", None, None),
        ),
        ("Running", job(), [pod(phase="Succeeded", state=terminated(0, "Completed"))], ("Success", 0, None)),
        # The container has ended, the kubelet has not yet said so of the pod.
        ("Running", job(), [pod(phase="Running", state=terminated(0, "Completed"))], ("Success", 0, None)),
        (
            "Running",
            job(),
            [pod(phase="Failed", state=terminated(3))],
            ("Failed", 3, "The process ended with exit code 3."),
        ),
        (
            "Running",
            job(),
            [pod(phase="Failed", state=terminated(137, "OOMKilled"))],
            ("Failed", 137, "The process ended with exit code 137 (OOMKilled)."),
        ),
        # With retries left, a failed attempt is not the end.
        ("Running", job(spec={"backoffLimit": 2}), [pod(phase="Failed", state=terminated(3))], ("Running", None, None)),
        (
            "Running",
            job(spec={"backoffLimit": 2}, conditions=COMPLETE),
            [
                pod(name="a", phase="Failed", state=terminated(3)),
                pod(name="b", phase="Succeeded", state=terminated(0), creationTimestamp="2026-01-01T00:10:00Z"),
            ],
            ("Success", 0, None),
        ),
        (
            "Running",
            job(conditions=FAILED),
            [pod(phase="Failed", state=terminated(143))],
            ("Failed", 143, FAILED[0]["message"]),
        ),
        # The deadline has passed, but the process still has its grace period.
        (
            "Running",
            job(conditions=FAILED),
            [RUNNING],
            ("Running", None, None),
        ),
        ("Running", job(conditions=FAILED), [], ("Failed", None, LATE)),
        ("Running", None, [], ("Aborted", None, "The Job of the run was deleted before it ended.")),
        ("Running", None, [RUNNING], ("Running", None, None)),
        ("Running", None, [pod(phase="Succeeded", state=terminated(0))], ("Success", 0, None)),
        # Deleted with its Job: what the process answered to the TERM signal does not make it a success...
        (
            "Running",
            None,
            [KILLED],
            ("Aborted", 0, "The Job of the run was deleted before it ended."),
        ),
        # ... but a process that had ended by itself before is what it was.
        ("Running", None, [KILLED | {"metadata": KILLED["metadata"] | LATER}], ("Success", 0, None)),
        # A deadline is known before it kills.
        ("Running", job(conditions=TARGET), [RUNNING], ("Running", None, None)),
        ("Running", job(conditions=TARGET), [pod(phase="Running", state=terminated(137))], ("Failed", 137, LATE)),
        (
            "Running",
            job(),
            [pod(phase="Failed", state=None) | {"status": {"phase": "Failed", "reason": "Evicted", "message": "disk"}}],
            ("Failed", None, "disk"),
        ),
    ],
)
def test_outcome(
    state: str, the_job: dict[str, Any] | None, pods: list[dict[str, Any]], expected: tuple[str, int | None, str | None]
) -> None:
    found = outcome(run(state=state), job=the_job, pods=pods, now=NOW)
    assert (found.state, found.exit_code, found.message) == expected
    assert (found.end is not None) == (found.state in ("Success", "Failed", "Aborted"))


def test_times_are_the_containers() -> None:
    found = outcome(run(state="Running"), job=job(), pods=[pod(phase="Failed", state=terminated(1))], now=NOW)
    assert found.process_start == datetime(2026, 1, 1, 1, tzinfo=UTC)
    assert found.end == datetime(2026, 1, 1, 1, 0, 5, tzinfo=UTC)


def test_a_failed_fetch_is_told() -> None:
    broken = pod()
    broken["status"]["initContainerStatuses"] = [
        {"name": "fetch", "state": {"waiting": {}}, "lastState": {"terminated": {"exitCode": 1}}}
    ]
    found = outcome(run(state="Initializing"), job=job(), pods=[broken], now=NOW)
    assert found.message == "Fetching the package failed (container fetch, exit code 1)."


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (pod(), "Initializing"),
        (pod(state={"waiting": {"reason": "ContainerCreating"}}), "Starting"),
        (pod(state={"waiting": {"reason": "ErrImagePull"}}), "Starting"),
        (RUNNING, "Running"),
        (pod(phase="Running", state=terminated(0, "Completed")), "Success"),
        (pod(phase="Running", state=terminated(1)), "PendingRestart"),
        (pod(phase="Running", state={"waiting": {"reason": "CrashLoopBackOff"}}), "PendingRestart"),
        (pod(phase="Running", state={"running": {}}, deletionTimestamp="2026-01-01T00:00:00Z"), "Stopping"),
    ],
)
def test_instance_status(one: dict[str, Any], expected: str) -> None:
    assert instance_status(one) == expected


@pytest.mark.parametrize(
    ("instances", "expected"),
    [
        ([], "Initializing"),
        (["Starting", "Running"], "Running"),
        (["PendingRestart", "Stopping"], "PendingRestart"),
        (["Stopping", "Starting"], "Stopping"),
        (["Initializing"], "Initializing"),
    ],
)
def test_worker_state(instances: list[str], expected: str) -> None:
    assert worker_state(instances) == expected
