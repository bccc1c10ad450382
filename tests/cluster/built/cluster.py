"""A built cluster that runs: images into its node, volumes on its disk, crashes on demand."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.built import podprocess
from tests.cluster.built.manifests import SOCKET
from tests.cluster.built.network import Pair
from tests.cluster.built.process import Process
from tests.cluster.errors import ClusterError
from tests.cluster.model import Cluster, HostWay
from tests.cluster.shell import run

STORAGE_CLASS = "webjobs-local"


@dataclass(frozen=True, kw_only=True)
class BuiltCluster(Cluster):
    """See ``Cluster``.

    Attributes:
        init: the node's process 1.
        pair: its network.
        ctr: containerd's client.
    """

    init: Process
    pair: Pair
    ctr: Path

    @property
    def node_address(self) -> str:
        """Return the node's address, the only one at which this host reaches it."""
        return self.pair.node

    def address_of(self, node_port: int) -> str:
        return f"{self.node_address}:{node_port}"

    def way_to_host(self) -> HostWay:
        return HostWay(bind=self.pair.host, address=self.pair.host)

    @property
    def containerd_socket(self) -> Path:
        """containerd's socket as seen from the host: by way of process 1, whose /run is its own."""
        return Path(f"/proc/{self.init.pid}/root{SOCKET}")

    def has_image(self, ref: str) -> bool:
        return ref in run([*self._client, "images", "list", "--quiet"]).split()

    @property
    def _client(self) -> list[str]:
        return [str(self.ctr), f"--address={self.containerd_socket}", "--namespace=k8s.io"]

    def load_image(self, archive: Path, ref: str) -> None:
        run([*self._client, "images", "import", "--local", "--snapshotter", self._snapshotter(), str(archive)])
        if not self.has_image(ref):
            raise ClusterError(f"{archive} holds no image called {ref}")

    def _snapshotter(self) -> str:
        return (self.state / "snapshotter").read_text().strip()

    def local_volume(self, name: str, *, size: str = "1Gi", uid: int = 65532) -> dict[str, Any] | None:
        folder = self.state / "volumes" / name
        folder.mkdir(parents=True, exist_ok=True)
        os.chown(folder, uid, uid)
        folder.chmod(0o770)
        return volume(name=name, size=size, path=folder, node=f"{self.name}-node")

    def kill_pod_process(self, uid: str, program: str) -> int:
        found = podprocess.processes(uid, program)
        for process in found:
            process.signal(signal.SIGKILL)
        return len(found)

    def kill_program(self, program: str) -> None:
        self._signal(program, signal.SIGKILL)

    def freeze_program(self, program: str, *, on: bool) -> None:
        self._signal(program, signal.SIGSTOP if on else signal.SIGCONT)

    def _signal(self, program: str, number: int) -> None:
        process = self.init.child(program)
        if process is None:
            raise ClusterError(f"{program} does not run in cluster {self.name}")
        process.signal(number)

    def kill_node(self) -> None:
        self.init.signal(signal.SIGUSR1)
        deadline = time.monotonic() + 20
        while any(self.init.child(program) for program in ("kubelet", "containerd", "kube-proxy")):
            if time.monotonic() > deadline:
                raise ClusterError(f"the node of cluster {self.name} does not die")
            time.sleep(0.02)

    def start_node(self) -> None:
        self.init.signal(signal.SIGUSR2)


def volume(*, name: str, size: str, path: Path, node: str) -> dict[str, Any]:
    """A PersistentVolume of type ``local``; its folder survives the claim, and goes with the cluster."""
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": size},
            "accessModes": ["ReadWriteOnce", "ReadWriteMany"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": STORAGE_CLASS,
            "volumeMode": "Filesystem",
            "local": {"path": str(path)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        },
    }
