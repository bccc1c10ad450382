"""A container engine and kind that are not there: small programs on PATH that record their calls and keep a state."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.kind import node as kindnode
from tests.cluster.kind import provider
from tests.cluster.paths import state_of

NODE = kindnode.node_name("dev")
STARTED = "2026-01-01T10:00:00.123456789Z"
BEFORE, AFTER = "2026-01-01T09:59:00Z", "2026-01-01T10:00:05Z"
_NEEDED = ("sh", "bash", "timeout", "grep", "tr", "find", "cp")
_LAUNCHER = """#!{python} -IS
import sys
sys.path.insert(0, {folder!r})
from programs import main
sys.exit(main({program!r}, {state!r}))
"""


@dataclass(frozen=True, kw_only=True)
class World:
    """The fakes of one test."""

    folder: Path

    def install(self, *programs: str) -> None:
        """Put fakes on PATH: ``docker``, ``podman``, ``kind``, ``go``."""
        for program in programs:
            path = self.folder / "bin" / program
            text = _LAUNCHER.format(
                python=sys.executable, folder=str(Path(__file__).parent), program=program, state=str(self.folder)
            )
            path.write_text(text)
            path.chmod(0o755)

    def remove(self, *programs: str) -> None:
        """Take fakes off PATH again."""
        for program in programs:
            (self.folder / "bin" / program).unlink()

    @property
    def state(self) -> dict[str, Any]:
        """Return what the engine has and does."""
        found: dict[str, Any] = json.loads((self.folder / "state.json").read_text())
        return found

    def set(self, **changes: Any) -> None:
        """Change what the engine has or does."""
        (self.folder / "state.json").write_text(json.dumps(self.state | changes))

    def node(self, *, status: str = "running", heartbeat: str = AFTER, ports: bool = True) -> None:
        """Let there be a node of cluster ``dev`` that our state folder knows."""
        bindings = {"6443/tcp": [{"HostIp": "127.0.0.1", "HostPort": "40001"}]}
        if ports:
            bindings["30080/tcp"] = [{"HostIp": "127.0.0.1", "HostPort": "40002"}]
        container = {
            "Id": "0123456789ab",
            "State": {"Status": status, "Running": status == "running", "StartedAt": STARTED},
            "Config": {"Labels": {"io.x-k8s.kind.cluster": "webjobs-dev", "io.x-k8s.kind.role": "control-plane"}},
            "HostConfig": {"PortBindings": bindings},
            "NetworkSettings": {
                "Ports": bindings if status == "running" else {},
                "Networks": {"kind": {"Gateway": "127.0.0.1", "IPAddress": "172.18.0.2"}},
            },
        }
        self.set(containers={NODE: container}, heartbeat=heartbeat)
        state = state_of("dev")
        state.mkdir(parents=True, exist_ok=True)
        (state / "provider").write_text("kind")
        (state / "kubeconfig").write_text("old")

    @property
    def calls(self) -> list[list[str]]:
        """Return all calls, each with its program first."""
        path = self.folder / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []

    def called(self, *words: str) -> list[list[str]]:
        """Return the calls that begin with these words."""
        return [call for call in self.calls if call[: len(words)] == list(words)]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Docker and kind, and nothing else on PATH; no node yet."""
    (tmp_path / "bin").mkdir()
    for program in _NEEDED:
        found = shutil.which(program)
        assert found
        (tmp_path / "bin" / program).symlink_to(found)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("WEBJOBS_STATE", str(tmp_path / "clusters"))
    monkeypatch.setenv("WEBJOBS_CACHE", str(tmp_path / "cache"))
    for name in ("DOCKER_HOST", "KIND_EXPERIMENTAL_PROVIDER", "WEBJOBS_CLUSTER", "KUBECONFIG", "WEBJOBS_FEATURE_GATES"):
        monkeypatch.delenv(name, raising=False)
    for name in ("KIND_NODE", "PYTHON", "UV", "GOLANG"):
        monkeypatch.delenv(f"WEBJOBS_{name}_IMAGE", raising=False)
    monkeypatch.setattr(provider, "READY_WITHIN", 0.0)
    made = World(folder=tmp_path)
    (tmp_path / "state.json").write_text(
        json.dumps({"containers": {}, "images": {}, "in_node": [], "heartbeat": AFTER})
    )
    made.install("docker", "kind")
    return made
