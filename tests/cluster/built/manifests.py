"""The configuration files and command lines of the node's programs: pure functions of a ``Plan``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .network import POD_CIDR, SERVICE_CIDR

PAUSE_IMAGE = "registry.local/webjobs/pause:1"
SOCKET = "/run/containerd/containerd.sock"
_ETCD = "127.0.0.1:2379"
_API_PORT = 6443


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
        return f"https://{self.node_address}:{_API_PORT}"

    @property
    def cgroup(self) -> str:
        """The control group of all of the cluster's containers."""
        return f"/webjobs-{self.name}"

    def kubeconfig(self, program: str) -> Path:
        """The program's kubeconfig file."""
        return self.state / "kubeconfig" / program


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
        "kubeAPIBurst": 1000,
        "kubeAPIQPS": 500,
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
        "maxPods": 500,
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


def programs(plan: Plan) -> list[dict[str, Any]]:
    """What ``init.py`` runs, in the order of starting."""
    api = (plan.node_address, _API_PORT)
    etcd = ("127.0.0.1", 2379)
    return [
        _program(plan, "kubernetes/etcd", etcd_flags(plan)),
        _program(plan, "containerd/containerd", [f"--config={plan.state}/etc/containerd.toml"], control=False),
        _program(plan, "kubernetes/kube-apiserver", apiserver_flags(plan), gate=etcd),
        _program(plan, "kubernetes/kube-controller-manager", controller_flags(plan), gate=api),
        _program(plan, "kubernetes/kube-scheduler", scheduler_flags(plan), gate=api),
        _program(plan, "kubernetes/kubelet", kubelet_flags(plan), control=False, gate=api),
        _program(plan, "kubernetes/kube-proxy", proxy_flags(plan), control=False, gate=api),
        _program(plan, "coredns/coredns", [f"-conf={plan.state}/etc/Corefile"], gate=api),
    ]


def _program(
    plan: Plan, path: str, flags: list[str], *, control: bool = True, gate: tuple[str, int] | None = None
) -> dict[str, Any]:
    component, name = path.split("/")
    # The shim and runc are looked up on containerd's PATH, nft on kube-proxy's.
    own = [str(plan.programs[part]) for part in ("containerd", "runc")]
    env = {"PATH": ":".join([*own, "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"])}
    argv = [str(plan.programs[component] / name), *flags]
    return {"name": name, "argv": argv, "env": env, "control": control, "gate": gate}


def etcd_flags(plan: Plan) -> list[str]:
    """A database for tests: it does not wait for the disk."""
    return [
        f"--data-dir={plan.state}/etcd",
        f"--listen-client-urls=http://{_ETCD}",
        f"--advertise-client-urls=http://{_ETCD}",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def apiserver_flags(plan: Plan) -> list[str]:
    """Reachable from pods and from this host only (see ``network.firewall``)."""
    keys = plan.state / "keys"
    return [
        f"--etcd-servers=http://{_ETCD}",
        "--bind-address=0.0.0.0",
        f"--secure-port={_API_PORT}",
        f"--advertise-address={plan.node_address}",
        f"--service-cluster-ip-range={SERVICE_CIDR}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--token-auth-file={plan.state}/keys/tokens.csv",
        f"--tls-cert-file={keys}/apiserver.crt",
        f"--tls-private-key-file={keys}/apiserver.key",
        f"--kubelet-client-certificate={keys}/kubelet-client.crt",
        f"--kubelet-client-key={keys}/kubelet-client.key",
        "--kubelet-preferred-address-types=InternalIP",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={keys}/sa.pub",
        f"--service-account-signing-key-file={keys}/sa.key",
        f"--cert-dir={keys}",
        *_gates(plan),
    ]


def controller_flags(plan: Plan) -> list[str]:
    """All controllers but the two that belong to a cloud; quick enough for hundreds of Jobs at once."""
    return [
        f"--kubeconfig={plan.kubeconfig('kube-controller-manager')}",
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        "--use-service-account-credentials=true",
        "--controllers=*,-nodeipam,-route",
        f"--root-ca-file={plan.state}/keys/ca.crt",
        f"--service-account-private-key-file={plan.state}/keys/sa.key",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
        "--concurrent-job-syncs=50",
        *_gates(plan),
    ]


def scheduler_flags(plan: Plan) -> list[str]:
    """One scheduler, without an election."""
    return [
        f"--kubeconfig={plan.kubeconfig('kube-scheduler')}",
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
    ]


def kubelet_flags(plan: Plan) -> list[str]:
    """What the kubelet's configuration file cannot say."""
    return [
        f"--config={plan.state}/etc/kubelet.json",
        f"--kubeconfig={plan.kubeconfig('kubelet')}",
        f"--hostname-override={plan.node}",
        f"--node-ip={plan.node_address}",
        "--root-dir=/var/lib/kubelet",
        "--cert-dir=/var/lib/kubelet/pki",
    ]


def proxy_flags(plan: Plan) -> list[str]:
    """Services by nftables; the machine's own limits on connections stay as they are."""
    return [
        f"--kubeconfig={plan.kubeconfig('kube-proxy')}",
        "--proxy-mode=nftables",
        f"--cluster-cidr={POD_CIDR}",
        f"--hostname-override={plan.node}",
        "--healthz-bind-address=127.0.0.1:10256",
        "--metrics-bind-address=127.0.0.1:10249",
        "--conntrack-max-per-core=0",
        "--conntrack-min=0",
        "--conntrack-tcp-timeout-established=0s",
        "--conntrack-tcp-timeout-close-wait=0s",
    ]


def _gates(plan: Plan) -> list[str]:
    return [f"--feature-gates={plan.feature_gates}"] if plan.feature_gates else []
