"""Processes are known by more than their id; locks keep two apart; preflight tells everything at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster import engine, facade
from tests.cluster.built.compile import preflight
from tests.cluster.built.process import Process, boot_id, start_time
from tests.cluster.errors import ClusterError
from tests.cluster.lock import locked
from tests.cluster.readiness import node_problem

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def test_start_time_survives_odd_program_names() -> None:
    rest = " ".join(["S", *map(str, range(4, 22)), "4711", "23"])
    assert start_time(f"42 (a) b ( c) {rest}") == 4711
    assert start_time(f"42 (dead) {rest.replace('S', 'Z', 1)}") is None
    assert start_time(None) is None
    assert start_time("42 (short) S 1") is None


@linux
def test_a_recycled_id_is_not_the_process(sleeper: subprocess.Popen[bytes]) -> None:
    real = Process.of(sleeper.pid)
    assert real is not None
    assert real.alive()
    for impostor in (replace(real, started=real.started - 1), replace(real, boot="another")):
        assert not impostor.alive()
        impostor.signal(signal.SIGKILL)
        assert impostor.kill()
    assert sleeper.poll() is None
    assert real.kill()
    assert sleeper.wait(5) == -signal.SIGKILL


@linux
def test_a_process_is_found_again_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "init.json"
    own = Process.of(os.getpid())
    assert own is not None
    own.save(path)
    assert Process.load(path) == own
    assert own.boot == boot_id() != ""
    path.write_text("{")
    assert Process.load(path) is None
    assert Process.load(tmp_path / "none") is None


@linux
def test_a_child_is_found_by_its_program(sleeper: subprocess.Popen[bytes]) -> None:
    own = Process.of(os.getpid())
    assert own is not None
    assert own.child("sleep") == Process.of(sleeper.pid)
    assert own.child("nothing") is None


def test_the_second_waits_for_the_lock_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "build"
    lines: list[str] = []
    with (
        locked(path, what="a build", log=lines.append),
        pytest.raises(ClusterError, match="waited"),
        locked(path, what="a build", log=lines.append, timeout=0.05, poll=0.01),
    ):
        pytest.fail("both have the lock")
    assert lines == ["waiting for a build in another process ..."]
    with locked(path, what="a build", log=lines.append):
        assert len(lines) == 1


def test_preflight_lists_everything_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    needs = [
        preflight.Need("one-package", program="no-such-program"),
        preflight.Need("other-package", files=("no/such/file.*",)),
        preflight.Need("base-files", files=("etc/passw*",)),
    ]
    with pytest.raises(ClusterError) as caught:
        preflight.check(needs, go=False, log=lambda _: None)
    assert "apt-get install one-package other-package" in str(caught.value)
    assert "base-files" not in str(caught.value)
    assert "root is needed" in str(caught.value) or sys.platform != "linux"


def test_node_takes_pods_when_ready_and_without_taints() -> None:
    ready = {"type": "Ready", "status": "True"}
    node = {"spec": {}, "status": {"conditions": [ready]}}
    assert node_problem({"items": []}) == "no node is registered"
    assert node_problem({"items": [node]}) is None
    assert node_problem({"items": [{**node, "spec": {"taints": [{"key": "k"}]}}]}) == "the node has the taints k"
    late = {"spec": {}, "status": {"conditions": [{**ready, "status": "False", "message": "no network"}]}}
    assert node_problem({"items": [late]}) == "the node is not Ready: no network"


def test_provider_is_what_is_asked_for_or_already_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBJOBS_STATE", str(tmp_path))
    monkeypatch.delenv("WEBJOBS_CLUSTER", raising=False)
    monkeypatch.setattr(engine, "current", lambda: engine.Engine(program="docker"))
    assert facade.choose("dev", None) == "kind"
    assert facade.choose("dev", "built") == "built"
    monkeypatch.setenv("WEBJOBS_CLUSTER", "existing")
    assert facade.choose("dev", None) == "existing"
    assert facade.choose("dev", "auto") == "kind"
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "provider").write_text("built")
    assert facade.choose("dev", "auto") == "built"
    with pytest.raises(ClusterError, match="take it down first"):
        facade.choose("dev", "kind")
    monkeypatch.setenv("WEBJOBS_CLUSTER", "podman")
    with pytest.raises(ClusterError, match="one of auto, kind, built, existing"):
        facade.choose("dev", None)
