"""The state of a run from its Job and pods, case by case."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.fakes.objects import KEPT_BACK, job, kept_back, pod, run
from webjobs_operator.runs.outcome import outcome

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


def disrupted(reason: str, message: str, state: dict[str, Any] | None) -> dict[str, Any]:
    found = pod(phase="Failed", state=state)
    condition = {"type": "DisruptionTarget", "status": "True", "reason": reason, "message": message}
    found["status"] |= {"conditions": [condition], "message": message.rstrip()}
    return found


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
            ("Initializing", None, "ImagePullBackOff: no such image."),
        ),
        (
            "Initializing",
            job(),
            [RUNNING],
            ("Running", None, None),
        ),
        ("Running", job(), [pod(phase="Succeeded", state=terminated(0, "Completed"))], ("Success", 0, None)),
        # With attempts left: the pod goes on for its sidecar, and the Job with it.
        (
            "Running",
            job(spec={"backoffLimit": 1}),
            [pod(phase="Running", state=terminated(0, "Completed"))],
            ("Success", 0, None),
        ),
        (
            "Running",
            job(spec={"backoffLimit": 1}),
            [pod(phase="Running", state=terminated(1))],
            ("Running", None, None),
        ),
        ("Running", job(spec={"backoffLimit": 1}), [KILLED], ("Running", None, None)),
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
            (
                "Failed",
                137,
                "The process ended with exit code 137: it needed more memory than its limit (OOMKilled): raise "
                "resources, or memory in settings.job.",
            ),
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
        (
            "Running",
            job(),
            [
                disrupted(
                    "DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint", state=terminated(143)
                )
            ],
            (
                "Failed",
                143,
                "The process ended with exit code 143. Its pod was deleted because its node got a taint, as when it "
                "does not answer: Taint manager: deleting due to NoExecute taint.",
            ),
        ),
        (
            "Running",
            job(),
            [disrupted("TerminationByKubelet", "The node was low on resource: memory. ", None)],
            ("Failed", None, "Its node ended the pod: The node was low on resource: memory."),
        ),
        (
            "Running",
            job(),
            [pod(phase="Failed", state=terminated(137, "ContainerStatusUnknown"))],
            ("Failed", 137, "The process ended with exit code 137: its node lost track of it."),
        ),
        (
            "Running",
            job(),
            [pod(phase="Failed", state=terminated(9, "Whatever"))],
            ("Failed", 9, "The process ended with exit code 9 (Whatever)."),
        ),
    ],
)
def test_outcome(
    state: str, the_job: dict[str, Any] | None, pods: list[dict[str, Any]], expected: tuple[str, int | None, str | None]
) -> None:
    found = outcome(run(state=state), job=the_job, pods=pods, now=NOW)
    message = found.message or (found.obstacle.message if found.obstacle else None)
    assert (found.state, found.exit_code, message) == expected
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
    assert found.obstacle
    assert found.obstacle.message == "Fetching the package failed (container fetch, exit code 1)."


def test_a_failing_init_container_of_somebody_else_is_called_so() -> None:
    waiting = pod()
    waiting["status"]["initContainerStatuses"] = [{"name": "migrate", "state": {"terminated": {"exitCode": 2}}}]
    found = outcome(run(state="Initializing"), job=job(), pods=[waiting], now=NOW)
    assert found.obstacle
    assert found.obstacle.message == "An init container of podTemplate failed (container migrate, exit code 2)."


@pytest.mark.parametrize(
    ("reason", "begun", "cancel", "expected"),
    [
        ("ImagePullFailed", None, False, ("Failed", f"{KEPT_BACK} It never began.")),
        ("PodRefused", None, False, ("Failed", f"{KEPT_BACK} It never began.")),
        ("ImagePullFailed", None, True, ("Aborted", "It was cancelled.")),
        ("Unschedulable", None, False, ("Aborted", "The Job of the run was deleted before it ended.")),
        ("ImagePullFailed", STARTED, False, ("Aborted", "The Job of the run was deleted before it ended.")),
    ],
)
def test_a_run_whose_container_could_not_be_made(
    reason: str, begun: str | None, cancel: bool, expected: tuple[str, str]
) -> None:
    status = kept_back(reason) | ({"processStartTime": begun} if begun else {})
    one = run(state="Initializing", status=status, spec={"cancel": cancel})
    found = outcome(one, job=None, pods=[], now=NOW)
    assert (found.state, found.message) == expected
