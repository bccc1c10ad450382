"""A cluster by kind, where a container engine answers."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from .built import builder
from .built.components import kind as kind_component
from .built.versions import KIND
from .errors import ClusterError
from .model import Cluster, Log, Status
from .paths import state_of
from .shell import run, succeeds, tool

_PREFIX = "webjobs-"


@dataclass(frozen=True, kw_only=True)
class KindCluster(Cluster):
    """See ``Cluster``."""

    program: Path

    @property
    def node_address(self) -> str:
        """The node container's address; on Linux the host reaches it, elsewhere use ``kubectl port-forward``."""
        template = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
        text = run(["docker", "inspect", "--format", template, f"{_PREFIX}{self.name}-control-plane"])
        addresses = text.split()
        if not addresses:
            raise ClusterError(f"the node of kind cluster {self.name} has no address")
        return addresses[0]

    @property
    def host_address(self) -> str | None:
        """The engine's gateway on kind's network."""
        template = "{{range .NetworkSettings.Networks}}{{.Gateway}} {{end}}"
        found = run(["docker", "inspect", "--format", template, f"{_PREFIX}{self.name}-control-plane"]).split()
        return found[0] if found else None

    def load_image(self, archive: Path, ref: str) -> None:
        run([self.program, "load", "image-archive", archive, "--name", _PREFIX + self.name], timeout=600)

    def kill_program(self, program: str) -> None:
        node = f"{_PREFIX}{self.name}-control-plane"
        run(["docker", "exec", node, "pkill", "-KILL", "-f", f"^{program} "])  # the kubelet starts it again

    def freeze_program(self, program: str, *, on: bool) -> None:
        node = f"{_PREFIX}{self.name}-control-plane"
        run(["docker", "exec", node, "pkill", "-STOP" if on else "-CONT", program])


def up(name: str, *, feature_gates: str, log: Log) -> KindCluster:
    """Give the kind cluster ``webjobs-<name>``, made if it is not there.

    Raises:
        ClusterError: no kind program and no Go to build it, or kind failed.
    """
    if not succeeds(["docker", "info"]):
        raise ClusterError(
            "kind needs a container engine, and none answers (`docker info`); or set WEBJOBS_CLUSTER=built"
        )
    state = state_of(name)
    cluster = KindCluster(
        name=name, provider="kind", kubeconfig=state / "kubeconfig", state=state, program=_program(log)
    )
    if cluster.kubeconfig.is_file() and _answers(cluster):
        return cluster
    full = _PREFIX + name
    run([cluster.program, "delete", "cluster", "--name", full], timeout=300)
    state.mkdir(parents=True, exist_ok=True)
    (state / "provider").write_text("kind")  # first of all, so that `down` finds what an interrupted `up` has begun
    log(f"cluster {name}: kind makes it, usually 1 minute (longer the first time, when the node image is pulled)")
    create = [str(cluster.program), "create", "cluster", "--name", full, f"--kubeconfig={cluster.kubeconfig}"]
    config = json.dumps(config_of(feature_gates)).encode()
    run([*create, "--wait", "180s", "--config", "-"], stdin=config, timeout=1200)
    return cluster


def config_of(feature_gates: str) -> dict[str, object]:
    """kind's configuration."""
    gates = dict(gate.split("=", 1) for gate in feature_gates.split(",") if gate)
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "featureGates": {name: value.lower() == "true" for name, value in gates.items()},
        "nodes": [{"role": "control-plane"}],
    }


def down(name: str) -> None:
    """Delete the cluster."""
    found = tool("kind") or builder.folder(kind_component()) / "kind"
    run([found, "delete", "cluster", "--name", _PREFIX + name], timeout=300)


def status(name: str) -> Status:
    """See ``Status``."""
    kubeconfig = state_of(name) / "kubeconfig"
    ready = succeeds(["docker", "inspect", f"{_PREFIX}{name}-control-plane"])
    detail = f"kubeconfig {kubeconfig}" if ready else "not running"
    return Status(name=name, provider="kind", running=ready, ready=ready, detail=detail)


def _answers(cluster: KindCluster) -> bool:
    kubectl = ["docker", "exec", f"{_PREFIX}{cluster.name}-control-plane", "kubectl"]
    return succeeds([*kubectl, "--kubeconfig=/etc/kubernetes/admin.conf", "get", "--raw=/readyz"])


def _program(log: Log) -> Path:
    found = tool("kind")
    if found is not None:
        return found
    built = builder.folder(kind_component()) / "kind"
    if not built.is_file():
        if shutil.which("go") is None:
            raise ClusterError(
                f"a container engine answers, but there is neither kind nor Go to build it: install kind v{KIND} "
                "(or set WEBJOBS_CLUSTER=built or existing)"
            )
        builder.ensure([kind_component()], log=log)
    return built
