"""Instances of continuous jobs: states, restarts, and who of a singleton may start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fakes.objects import pod
from webjobs.logs import restarts
from webjobs_operator.continuous import instances

BEGIN = datetime(2026, 1, 1, 1, tzinfo=UTC)
GATE = {"schedulingGates": [{"name": "webjobs.dev/singleton"}]}
BACK_OFF = {"waiting": {"reason": "CrashLoopBackOff"}}
RUNNING = {"running": {"startedAt": "2026-01-01T01:00:00Z"}}


def ended(code: int = 1, *, lived: int = 5, message: str | None = None) -> dict[str, Any]:
    """A container's end at ``BEGIN`` plus what it lived."""
    finished = (BEGIN + timedelta(seconds=lived)).isoformat()
    state = {"exitCode": code, "startedAt": BEGIN.isoformat(), "finishedAt": finished}
    return {"terminated": state | ({"message": message} if message else {})}


def told(began: int, end: int) -> str:
    """The shell's message; seconds after BEGIN."""
    return "of the script\n" + restarts.LIFE.format(int(BEGIN.timestamp()) + began, int(BEGIN.timestamp()) + end) + "\n"


def instance(
    state: dict[str, Any] | None, *, before: dict[str, Any] | None = None, gated: bool = False, **more: Any
) -> dict[str, Any]:
    found = pod(phase="Pending" if gated else "Running", state=state, **more)
    if before:
        found["status"]["containerStatuses"][0]["lastState"] = before
    return found | {"spec": GATE if gated else {"nodeName": "node"}}


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (instance(None), "Initializing"),
        (instance({"waiting": {"reason": "ContainerCreating"}}), "Starting"),
        (instance({"waiting": {"reason": "ErrImagePull"}}), "Starting"),
        (instance(RUNNING), "Running"),
        (instance(ended(0)), "Success"),
        (instance(ended(1)), "PendingRestart"),
        (instance(BACK_OFF), "PendingRestart"),
        (instance(RUNNING, deletionTimestamp="2026-01-01T00:00:00Z"), "Stopping"),
        (instance(None, gated=True), "InactiveInstance"),
        # The shell waits in the container: the process has not started yet.
        (instance(RUNNING, before=ended()), "PendingRestart"),
    ],
)
def test_status(one: dict[str, Any], expected: str) -> None:
    assert instances.status(one, delay=60, now=BEGIN + timedelta(seconds=30)) == expected


def test_the_wait_is_over() -> None:
    one = instance(RUNNING, before=ended(lived=5))
    for seconds, expected in ((64, "PendingRestart"), (65, "Running")):
        assert instances.status(one, delay=60, now=BEGIN + timedelta(seconds=seconds)) == expected
    long = instance(RUNNING, before=ended(lived=120))
    assert instances.status(long, delay=60, now=BEGIN + timedelta(seconds=120)) == "Running"
    assert instances.status(one, delay=None, now=BEGIN) == "Running", "no wait was asked for"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "Initializing"),
        (["Starting", "Running"], "Running"),
        (["PendingRestart", "Stopping"], "PendingRestart"),
        (["Stopping", "Starting"], "Stopping"),
        (["InactiveInstance", "Stopping"], "Stopping"),
        (["InactiveInstance"], "InactiveInstance"),
        (["Initializing"], "Initializing"),
    ],
)
def test_of_all(words: list[str], expected: str) -> None:
    assert instances.of_all(words) == expected


@pytest.mark.parametrize(
    ("one", "delay", "at", "replace_at"),
    [
        (instance(RUNNING), 60, None, None),
        (instance(BACK_OFF), 60, None, None),
        (instance(ended()), 60, 65, 67),
        (instance(BACK_OFF, before=ended()), 60, 65, 67),
        (instance(BACK_OFF, before=ended()), 0, 5, 7),
        (instance(BACK_OFF, before=ended()), None, None, None),
        (instance(BACK_OFF, before=ended(lived=119)), 60, 179, 181),
        (instance(BACK_OFF, before=ended(lived=120)), 60, 120, 122),
        # The container waited, the process lived shorter than that.
        (instance(BACK_OFF, before=ended(lived=130, message=told(60, 130))), 60, 190, 192),
        (instance(BACK_OFF, before=ended(lived=300, message=told(60, 300))), 60, 300, 302),
        (instance(BACK_OFF, before=ended(message="its own")), 60, 65, 67),
        (instance(RUNNING, before=ended()), 60, 65, None),
        (instance(BACK_OFF, before=ended(), deletionTimestamp="2026-01-01T00:00:00Z"), 60, None, None),
    ],
)
def test_restart(one: dict[str, Any], delay: int | None, at: int | None, replace_at: int | None) -> None:
    found = instances.restart(one, delay=delay)
    assert (found and (found.at - BEGIN).total_seconds()) == at
    replaced = found.replace_at() if found else None
    assert (replaced and (replaced - BEGIN).total_seconds()) == replace_at


OLD = "2026-01-01T00:00:00Z"
NEW = "2026-01-01T00:00:09Z"
WAITS = instance(None, gated=True, name="waits", creationTimestamp=NEW)
EARLIER = instance(None, gated=True, name="waits-longer", creationTimestamp=OLD)
GOING = instance(None, gated=True, name="going", deletionTimestamp=OLD)
RUNS = instance(RUNNING, name="runs")
LEAVES = instance(RUNNING, name="leaves", deletionTimestamp=OLD)
OVER = pod(name="over", phase="Failed", state=ended())


@pytest.mark.parametrize(
    ("pods", "singleton", "expected"),
    [
        ([], True, []),
        ([WAITS], True, ["waits"]),
        ([WAITS, EARLIER], True, ["waits-longer"]),
        ([WAITS, RUNS], True, []),
        ([WAITS, LEAVES], True, []),
        ([WAITS, instance(None, name="starts")], True, []),
        ([WAITS, OVER], True, ["waits"]),
        ([WAITS, OVER | {"spec": {}, "metadata": OVER["metadata"] | {"deletionTimestamp": OLD}}], True, ["waits"]),
        ([GOING], True, []),
        ([GOING, WAITS], True, ["waits"]),
        ([WAITS, EARLIER, RUNS], False, ["waits", "waits-longer"]),
        ([RUNS], False, []),
    ],
)
def test_admissible(pods: list[dict[str, Any]], singleton: bool, expected: list[str]) -> None:
    for order in (pods, pods[::-1]):
        found = instances.admissible(order, singleton=singleton)
        assert sorted(pod["metadata"]["name"] for pod in found) == expected
