"""The configuration files of the node's programs: pure functions of a ``Plan``."""

from __future__ import annotations

import json
from typing import Any

from tests.cluster import limits
from tests.cluster.built.network import POD_CIDR
from tests.cluster.built.plan import Plan

PAUSE_IMAGE = "registry.local/webjobs/pause:1"
SOCKET = "/run/containerd/containerd.sock"


def files(plan: Plan) -> dict[str, str]:
    """The configuration files, by path below the state folder."""
    return {
        "etc/containerd.toml": containerd_config(plan),
        "etc/cni/10-webjobs.conflist": json.dumps(cni_config(), indent=2),
        "etc/kubelet.json": json.dumps(kubelet_config(plan), indent=2),
        "etc/Corefile": corefile(plan),
        "etc/resolv.conf": f"nameserver {plan.node_address}\n",
    }


def containerd_config(plan: Plan) -> str:
    """containerd's configuration, version 3."""
    runtime = 'plugins."io.containerd.cri.v1.runtime"'
    images = 'plugins."io.containerd.cri.v1.images"'
    return f"""version = 3
root = "{plan.state}/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.nri.v1.nri"]

[grpc]
  address = "{SOCKET}"

[{images}]
  snapshotter = "{plan.snapshotter}"
  [{images}.pinned_images]
    sandbox = "{PAUSE_IMAGE}"

[{runtime}]
  # Without CAP_SYS_RESOURCE a container's OOM score cannot be lowered; containerd then leaves it where it is.
  restrict_oom_score_adj = true
  [{runtime}.containerd]
    default_runtime_name = "runc"
    [{runtime}.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [{runtime}.containerd.runtimes.runc.options]
        BinaryName = "{plan.programs["runc"]}/runc"
        SystemdCgroup = false
  [{runtime}.cni]
    bin_dirs = ["{plan.programs["cni"]}"]
    conf_dir = "{plan.state}/etc/cni"
"""


def cni_config() -> dict[str, Any]:
    """Pods on point-to-point links with host-local addresses; host ports by nftables."""
    ipam = {
        "type": "host-local",
        "dataDir": "/run/cni/networks",
        "ranges": [[{"subnet": POD_CIDR}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    ports = {"type": "portmap", "backend": "nftables", "capabilities": {"portMappings": True}, "snat": True}
    return {
        "cniVersion": "1.0.0",
        "name": "webjobs",
        "plugins": [{"type": "ptp", "ipMasq": False, "ipam": ipam}, ports],
    }


def kubelet_config(plan: Plan) -> dict[str, Any]:
    """The kubelet's configuration file."""
    gates = dict(gate.split("=", 1) for gate in plan.feature_gates.split(",") if gate)
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "kubeAPIBurst": limits.API_BURST,
        "kubeAPIQPS": limits.API_QPS,
        "address": plan.node_address,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{plan.state}/keys/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": plan.cgroup,
        "cgroupsPerQOS": True,
        "clusterDNS": [plan.node_address],
        "clusterDomain": "cluster.local",
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "enforceNodeAllocatable": [],
        "evictionHard": {},
        "failCgroupV1": False,
        "failSwapOn": False,
        "featureGates": {name: value.lower() == "true" for name, value in gates.items()},
        # Nothing can be pulled again, so nothing may be collected.
        "imageGCHighThresholdPercent": 100,
        "makeIPTablesUtilChains": False,
        "maxPods": limits.MAX_PODS,
        "resolvConf": f"{plan.state}/etc/resolv.conf",
        "serializeImagePulls": False,
        "volumePluginDir": "/var/lib/kubelet/volumeplugins",
    }


def corefile(plan: Plan) -> str:
    """CoreDNS: the cluster's names, and nothing else exists."""
    return f"""cluster.local in-addr.arpa ip6.arpa {{
    bind {plan.node_address}
    errors
    kubernetes {{
        kubeconfig {plan.kubeconfig("coredns")} {plan.name}
        pods insecure
        ttl 5
    }}
    cache 5
}}
. {{
    bind {plan.node_address}
    errors
    template ANY ANY {{
        rcode NXDOMAIN
    }}
}}
"""
