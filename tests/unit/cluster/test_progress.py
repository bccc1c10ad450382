"""What takes long tells what it is at; what gives up says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cluster import diagnosis
from tests.cluster.errors import ClusterError
from tests.cluster.progress import clock, follow
from tests.stack import without_proxy


def test_a_long_program_tells_its_last_line(tmp_path: Path) -> None:
    """It goes on until progress was told."""
    lines: list[str] = []
    go = tmp_path / "go"

    def log(line: str) -> None:
        lines.append(line)
        if "layer 2" in line:
            go.touch()

    script = f"echo layer 1; echo; echo layer 2 >&2; until [ -e {go} ]; do :; done; echo end"
    follow(["sh", "-c", script], what="pulling x", log=log, output=tmp_path / "log" / "pull.log", period=0.02)
    assert lines[-1].startswith("pulling x, 0:0")
    assert lines[-1].endswith(" so far: layer 2")
    assert (tmp_path / "log" / "pull.log").read_text() == "layer 1\n\nlayer 2\nend\n"


@pytest.mark.parametrize(
    ("argv", "timeout", "message"),
    [
        (["sh", "-c", "echo why; exit 3"], 60, r"(?s)pulling x failed; log: .*\nwhy"),
        (["no-such-program"], 60, "pulling x: no-such-program is not there"),
        (["sh", "-c", "echo stuck; exec sleep 60"], 0.1, r"(?s)pulling x: not done after 0 s; log: .*"),
    ],
)
def test_a_program_that_fails_names_its_log(tmp_path: Path, argv: list[str], timeout: float, message: str) -> None:
    with pytest.raises(ClusterError, match=message):
        follow(argv, what="pulling x", log=lambda _: None, output=tmp_path / "log", period=0.05, timeout=timeout)


def test_times_are_short() -> None:
    assert [clock(5), clock(65)] == ["0:05", "1:05"]


def pod(name: str, *, phase: str = "Pending", **status: Any) -> dict[str, Any]:
    """A pod as the API server shows it."""
    return {"metadata": {"name": name}, "status": {"phase": phase, **status}}


def ready(value: str) -> list[dict[str, str]]:
    """Conditions of a pod."""
    return [{"type": "Ready", "status": value}]


PULLS = {"name": "operator", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling"}}}
DIES = {"name": "shim", "restartCount": 2, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
NOWHERE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}


def test_pods_that_are_not_ready_say_why() -> None:
    pods = [
        pod("well", phase="Running", conditions=ready("True")),
        pod("done", phase="Succeeded", conditions=ready("False")),
        pod("pulls", conditions=ready("False"), containerStatuses=[PULLS]),
        pod("dies", conditions=ready("False"), initContainerStatuses=[], containerStatuses=[DIES]),
        pod("nowhere", conditions=[NOWHERE]),
    ]
    events = [
        {"involvedObject": {"name": "pulls"}, "type": kind, "reason": reason, "message": "m", "lastTimestamp": at}
        for kind, reason, at in [("Normal", "Pulling", "1"), ("Warning", "Failed", "2"), ("Warning", "BackOff", "3")]
    ]

    def log_of(name: str, container: str, previous: bool) -> str:
        return f"first\n{'cause' if previous else 'start'} in {container}\n" if name == "dies" else ""

    assert list(diagnosis.report(pods, events, log_of)) == [
        "pod pulls is not ready: operator: ImagePullBackOff Back-off pulling",
        "  Failed: m",
        "  BackOff: m",
        "pod dies is not ready: shim: CrashLoopBackOff",
        "  shim before it was restarted:",
        "    first",
        "    cause in shim",
        "  shim:",
        "    first",
        "    start in shim",
        "pod nowhere is not ready: Unschedulable 0/1 nodes",
    ]
    titles = [text.splitlines()[0] for text in diagnosis.whole_logs(pods, log_of)]
    assert titles == [
        "log of pulls, container operator:",
        "log of dies, container shim, before it was restarted:",
        "log of dies, container shim:",
    ]
    assert list(diagnosis.report([], [], log_of)) == ["there is no pod"]
    assert list(diagnosis.report(pods[:2], [], log_of)) == ["all pods are ready"]


@pytest.mark.parametrize(
    ("environment", "added"),
    [
        ({}, None),
        ({"NO_PROXY": "10.0.0.0/8"}, None),
        ({"HTTP_PROXY": "http://proxy:3128"}, "127.0.0.1"),
        ({"http_proxy": "http://proxy:3128", "no_proxy": "a, b"}, "a,b,127.0.0.1"),
        ({"http_proxy": "http://proxy:3128", "NO_PROXY": "127.0.0.1"}, "127.0.0.1"),
    ],
)
def test_the_site_is_reached_without_a_proxy(environment: dict[str, str], added: str | None) -> None:
    assert without_proxy("127.0.0.1", environment) == ({"no_proxy": added, "NO_PROXY": added} if added else {})
