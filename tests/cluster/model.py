"""What every provider gives: a kubeconfig, a place for images, ways to the cluster and back, faults on demand."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from tests.cluster.engine import Engine
from tests.cluster.errors import ClusterError

Log = Callable[[str], None]


def tell(line: str) -> None:
    """Write a line to standard error at once: the default ``Log``."""
    print(line, file=sys.stderr, flush=True)


@dataclass(frozen=True, kw_only=True)
class HostWay:
    """The way from pods to a server of the tests on this host.

    Attributes:
        bind: IP address that the server listens at.
        address: IP address that pods, and the API server, ask for it.
    """

    bind: str
    address: str


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

    @abstractmethod
    def address_of(self, node_port: int) -> str:
        """Return ``host:port`` at which this host reaches a NodePort."""

    def way_to_host(self) -> HostWay:
        """Return the way by which pods reach a server on this host.

        Raises:
            ClusterError: there is none; says what to do.
        """
        raise ClusterError(f"pods of a cluster of the {self.provider} provider are not known to reach this host")

    @property
    def image_engine(self) -> Engine | None:
        """Return the container engine that makes images for this cluster; None: they are made without one."""
        return None

    @abstractmethod
    def has_image(self, ref: str) -> bool:
        """Return whether the node has the image ``ref``; the node itself is asked."""

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

    def kill_pod_process(self, uid: str, program: str) -> int:
        """Kill (SIGKILL) the processes of a pod that have ``program`` among their arguments, and return their number.

        0: the pod has no such process just now.
        """
        raise ClusterError(f"the {self.provider} provider cannot kill a pod's processes; use WEBJOBS_CLUSTER=kind")

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


class State(StrEnum):
    """What ``status`` tells apart."""

    ABSENT = "absent"
    STOPPED = "stopped"
    """It is there and does not run; ``up`` starts it again."""
    SILENT = "running, not answering"
    READY = "ready"


@dataclass(frozen=True, kw_only=True)
class Status:
    """What ``status`` tells about a cluster.

    Attributes:
        detail: one line for a person.
        kubeconfig: file of an administrator, where the cluster has one.
    """

    name: str
    provider: str | None
    state: State
    detail: str
    kubeconfig: Path | None = None

    @property
    def ready(self) -> bool:
        """Return whether the API server answers and the node takes pods."""
        return self.state is State.READY
