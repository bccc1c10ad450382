"""What the configuration of a built cluster depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

API_PORT = 6443
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that the node's configuration depends on.

    Attributes:
        name: of the cluster.
        state: its folder.
        programs: each component's folder of programs.
        node_address: the API server's, the kubelet's and the name server's address.
        snapshotter: ``overlayfs``, or ``native`` where the state's file system cannot be one's upper layer.
        feature_gates: Kubernetes' own notation, for API server, controllers and kubelet (``A=true,B=false``).
    """

    name: str
    state: Path
    programs: Mapping[str, Path]
    node_address: str
    snapshotter: str = "overlayfs"
    feature_gates: str = ""

    @property
    def node(self) -> str:
        """The node's name."""
        return f"{self.name}-node"

    @property
    def server(self) -> str:
        """The API server's URL."""
        return f"https://{self.node_address}:{API_PORT}"

    @property
    def cgroup(self) -> str:
        """The control group of all of the cluster's containers."""
        return f"/webjobs-{self.name}"

    def kubeconfig(self, program: str) -> Path:
        """The program's kubeconfig file."""
        return self.state / "kubeconfig" / program
