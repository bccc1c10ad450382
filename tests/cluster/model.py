"""What every provider gives: a kubeconfig, a place for images, an address for NodePorts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import ClusterError

Log = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Cluster(ABC):
    """A running cluster.

    Attributes:
        name: as given to ``up``.
        provider: ``kind``, ``built`` or ``existing``.
        kubeconfig: file of an administrator.
        state: the cluster's own folder; ``down`` removes it.
    """

    name: str
    provider: str
    kubeconfig: Path
    state: Path

    @property
    @abstractmethod
    def node_address(self) -> str:
        """An IP address of the node at which this host reaches NodePorts (and hostPorts)."""

    @property
    def host_address(self) -> str | None:
        """An IP address of this host that pods and the API server reach; None when there is no such thing."""
        return None

    @abstractmethod
    def load_image(self, archive: Path, ref: str) -> None:
        """Put the image ``ref`` from a docker-archive into the node.

        Pods then use it with ``imagePullPolicy: IfNotPresent`` (or Never).
        """

    def local_volume(self, name: str, *, size: str = "1Gi", uid: int = 65532) -> dict[str, Any] | None:
        """The manifest of a PersistentVolume on the node's disk, its folder made and owned by ``uid``.

        The caller binds it by adding ``spec.claimRef`` (namespace and name of the claim) and applies it; the claim
        names the storage class ``webjobs-local`` (any name works as long as both are the same). None where the
        cluster has a provisioner of its own: then a claim without a class does.
        """
        return None

    def kill_program(self, program: str) -> None:
        """Kill a control plane or node program (``kube-apiserver``, ``etcd``, ...) as a crash would.

        It comes back by itself. ``existing`` can't do this.
        """
        raise ClusterError(f"the {self.provider} provider cannot kill {program}; use WEBJOBS_CLUSTER=built")

    @contextmanager
    def frozen(self, program: str) -> Iterator[None]:
        """Stop a program for a while (``kubelet``: its node does not answer, its containers go on)."""
        self.freeze_program(program, on=True)
        try:
            yield
        finally:
            self.freeze_program(program, on=False)

    def freeze_program(self, program: str, *, on: bool) -> None:
        """Stop a program as it is, or let it go on."""
        raise ClusterError(f"the {self.provider} provider cannot freeze {program}; use WEBJOBS_CLUSTER=built")

    def kill_node(self) -> None:
        """Take the node's power away: kubelet, container runtime and all containers die at once."""
        raise ClusterError(f"the {self.provider} provider cannot kill its node; use WEBJOBS_CLUSTER=built")

    def start_node(self) -> None:
        """Give the power back after ``kill_node``."""
        raise ClusterError(f"the {self.provider} provider cannot start its node; use WEBJOBS_CLUSTER=built")


@dataclass(frozen=True, kw_only=True)
class Status:
    """What ``status`` tells about a cluster.

    Attributes:
        running: its programs are there.
        ready: its API server answers and its node takes pods.
        detail: one line for a person.
    """

    name: str
    provider: str | None
    running: bool
    ready: bool
    detail: str
