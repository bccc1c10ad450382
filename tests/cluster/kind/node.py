"""What kind is told, and what the engine tells about the container that is a kind cluster's only node."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.cluster import limits
from tests.cluster.pod_uid import spellings
from tests.cluster.readiness import parse_time

NODE_PORTS = (30080,)
"""NodePorts that are mapped to ports of this host: the one of ``tests.stack``."""
LOOPBACK = "127.0.0.1"
_ANY = ("", "0.0.0.0", "::")  # noqa: S104 - read, never bound
_NODE_MASK = 22
"""Mask of the node's part of the pods' network: kubeadm's own 24 has too few addresses for ``limits.MAX_PODS``."""


def cluster_name(name: str) -> str:
    """Return kind's name of the cluster ``name``."""
    return f"webjobs-{name}"


def node_name(name: str) -> str:
    """Return the name of the cluster's node, which is that of its container, too."""
    return f"{cluster_name(name)}-control-plane"


@dataclass(frozen=True, kw_only=True)
class NodeContainer:
    """A node's container, running or not.

    Attributes:
        state: the engine's word: ``running``, ``exited``, ``paused``, ``created`` ...
        started: when it was started the last time.
        ports: ``host:port`` on this host, by port of the node.
        gateways: the engine's addresses on the container's networks.
    """

    id: str
    state: str
    started: datetime
    ports: Mapping[int, str] = field(default_factory=dict)
    gateways: tuple[str, ...] = ()

    @property
    def running(self) -> bool:
        """Return whether its processes go on."""
        return self.state == "running"


def container_of(inspected: str) -> NodeContainer:
    """Read what ``docker inspect`` (or Podman's) prints about one container."""
    (found,) = json.loads(inspected)
    settings = found.get("NetworkSettings") or {}
    labels = (found.get("Config") or {}).get("Labels") or {}
    # A container that is stopped has its ports only in the configuration that it was made with.
    bindings = {**((found.get("HostConfig") or {}).get("PortBindings") or {}), **_bound(settings.get("Ports") or {})}
    ports = {int(key.partition("/")[0]): _address(entries[0]) for key, entries in bindings.items() if entries}
    for key, value in labels.items():  # Docker Desktop's word counts more, as it does for kind itself
        if key.startswith("desktop.docker.io/ports/") and value:
            host, _, port = value.rpartition(":")
            ports[int(key.rsplit("/", 2)[1])] = _address({"HostIp": host, "HostPort": port})
    return NodeContainer(
        id=found["Id"],
        state=found["State"]["Status"],
        started=parse_time(found["State"]["StartedAt"]),
        ports=ports,
        gateways=tuple(one["Gateway"] for one in (settings.get("Networks") or {}).values() if one.get("Gateway")),
    )


def _bound(ports: Mapping[str, Any]) -> dict[str, Any]:
    return {key: entries for key, entries in ports.items() if entries}


def _address(entry: Mapping[str, str]) -> str:
    host = entry.get("HostIp", "")
    return f"{LOOPBACK if host in _ANY else host}:{entry['HostPort']}"


def config_of(feature_gates: str, *, image: str | None = None) -> dict[str, Any]:
    """Return kind's configuration: one node that takes as much as that of the built cluster.

    Lists of arguments are whole, with what kind itself puts in: before 0.33 kind did not merge them.

    Args:
        image: of the node; None: kind's default.
    """
    gates = dict(gate.split("=", 1) for gate in feature_gates.split(",") if gate)
    common: dict[str, object] = {"kube-api-qps": limits.API_QPS, "kube-api-burst": limits.API_BURST}
    if gates:
        common["feature-gates"] = feature_gates
    controllers = {
        **common,
        "enable-hostpath-provisioner": "true",
        "concurrent-job-syncs": limits.JOB_SYNCS,
        "node-cidr-mask-size": _NODE_MASK,
    }
    kubeadm = {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "ClusterConfiguration",
        "controllerManager": {"extraArgs": _arguments(controllers)},
        "scheduler": {"extraArgs": _arguments(common)},
    }
    kubelet = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "maxPods": limits.MAX_PODS,
        "kubeAPIQPS": limits.API_QPS,
        "kubeAPIBurst": limits.API_BURST,
        "serializeImagePulls": False,
    }
    # Host port 0: kind looks for a free one and keeps it, so that it is the same after the node was stopped.
    mappings = [{"containerPort": port, "hostPort": 0, "listenAddress": LOOPBACK} for port in NODE_PORTS]
    node = {"role": "control-plane", "extraPortMappings": mappings} | ({"image": image} if image else {})
    return {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "featureGates": {name: value.lower() == "true" for name, value in gates.items()},
        "nodes": [node],
        "kubeadmConfigPatches": [json.dumps(kubeadm), json.dumps(kubelet)],
    }


def _arguments(values: Mapping[str, object]) -> list[dict[str, str]]:
    return [{"name": name, "value": str(value)} for name, value in values.items()]


_KILL = """
for entry in "$1"/[0-9]*; do
  grep -qsF -e "$2" -e "$3" "$entry/cgroup" || continue
  tr '\\0' '\\n' 2>/dev/null <"$entry/cmdline" | grep -qsxF -e "$4" || continue
  kill -KILL "${entry##*/}" 2>/dev/null && echo "${entry##*/}"
done
true
"""


def kill_script(uid: str, program: str, *, proc: str = "/proc") -> Sequence[str]:
    """Return what is run in the node to kill a pod's processes of a program; it prints the id of each."""
    return ["sh", "-c", _KILL, "kill", proc, *spellings(uid), program]
