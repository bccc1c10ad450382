"""A kind cluster that runs: images into its node, ways in and out, crashes on demand."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.engine import Engine
from tests.cluster.errors import ClusterError
from tests.cluster.kind.node import LOOPBACK, NodeContainer, cluster_name, container_of, kill_script, node_name
from tests.cluster.model import Cluster, HostWay
from tests.cluster.shell import run, succeeds


@dataclass(frozen=True, kw_only=True)
class KindCluster(Cluster):
    """See ``Cluster``.

    Attributes:
        engine: that runs the node.
        program: kind.
    """

    engine: Engine
    program: Path

    def kind(self, *words: str, timeout: float = 600.0) -> str:
        """Run a command of kind and return its output."""
        return run([self.program, *words], env=self.engine.environment, timeout=timeout)

    def address_of(self, node_port: int) -> str:
        found = self._container().ports.get(node_port)
        if found is None:
            raise ClusterError(f"NodePort {node_port} of cluster {self.name} is not mapped to this host")
        return found

    def way_to_host(self) -> HostWay:
        for bind, address in self._ways():
            if self._reaches(bind, address):
                return HostWay(bind=bind, address=address)
        raise ClusterError(
            f"pods of cluster {self.name} do not reach this host, neither at the gateway of the engine's network nor "
            "at host.docker.internal: let the firewall pass what comes from the network `kind` (`docker network "
            "inspect kind`), or run these tests with WEBJOBS_CLUSTER=built; a rootless engine has no such way"
        )

    def _ways(self) -> list[tuple[str, str]]:
        """Address to listen at, and address to ask: Linux' own engine first, then one in a virtual machine."""
        ways = [(gateway, gateway) for gateway in self._container().gateways]
        asked = self._inside("getent", "ahostsv4", "host.docker.internal")
        if succeeds(asked):
            ways += [(LOOPBACK, line.split()[0]) for line in run(asked).splitlines()[:1]]
        return ways

    def _reaches(self, bind: str, address: str) -> bool:
        """Try it: a socket of ours, and a connection from the node."""
        try:
            listener = socket.create_server((bind, 0))
        except OSError:
            return False  # no address of this host: the engine runs in a virtual machine
        with listener:
            port = listener.getsockname()[1]
            return succeeds(self._inside("timeout", "5", "bash", "-c", f"exec 3<>/dev/tcp/{address}/{port}"))

    @property
    def image_engine(self) -> Engine:
        return self.engine

    def has_image(self, ref: str) -> bool:
        return ref in run(self._inside("ctr", "--namespace=k8s.io", "images", "list", "--quiet")).split()

    def load_image(self, archive: Path, ref: str) -> None:
        self.kind("load", "image-archive", str(archive), "--name", cluster_name(self.name))
        if not self.has_image(ref):
            raise ClusterError(f"{archive} holds no image called {ref}, or kind did not put it into the node")

    def kill_pod_process(self, uid: str, program: str) -> int:
        return len(run(self._inside(*kill_script(uid, program))).split())

    def kill_program(self, program: str) -> None:
        # The kubelet starts it again, later each time: one that is not back yet is waited for.
        script = f"until pkill -KILL -f '^{program} '; do sleep 0.5; done"
        run(self._inside("timeout", "120", "sh", "-c", script), timeout=150)

    def freeze_program(self, program: str, *, on: bool) -> None:
        run(self._inside("pkill", "-STOP" if on else "-CONT", program))

    def _inside(self, *words: str) -> list[str]:
        return self.engine.argv("exec", node_name(self.name), *words)

    def _container(self) -> NodeContainer:
        found = inspect(self.engine, self.name)
        if found is None:
            raise ClusterError(f"the node of kind cluster {self.name} is gone")
        return found


def inspect(engine: Engine, name: str) -> NodeContainer | None:
    """Return the container of the cluster's node; None: there is none."""
    # Not by asking for it: an engine that fails to answer would be taken for one that has no such container.
    listed = ["ps", "--all", "--quiet", "--filter", f"label=io.x-k8s.kind.cluster={cluster_name(name)}"]
    if not engine.run(*listed).split():
        return None
    return container_of(engine.run("inspect", "--type=container", node_name(name)))
