"""The command lines of the node's programs, and the order in which they start: pure functions of a ``Plan``."""

from __future__ import annotations

from typing import Any

from tests.cluster import limits
from tests.cluster.built.network import POD_CIDR, SERVICE_CIDR
from tests.cluster.built.plan import API_PORT, PATH, Plan

_ETCD = "127.0.0.1:2379"


def programs(plan: Plan) -> list[dict[str, Any]]:
    """What ``init.py`` runs, in the order of starting."""
    api = (plan.node_address, API_PORT)
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
    env = {"PATH": ":".join([*own, PATH])}
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
        f"--secure-port={API_PORT}",
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
        f"--kube-api-qps={limits.API_QPS}",
        f"--kube-api-burst={limits.API_BURST}",
        f"--concurrent-job-syncs={limits.JOB_SYNCS}",
        *_gates(plan),
    ]


def scheduler_flags(plan: Plan) -> list[str]:
    """One scheduler, without an election."""
    return [
        f"--kubeconfig={plan.kubeconfig('kube-scheduler')}",
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        f"--kube-api-qps={limits.API_QPS}",
        f"--kube-api-burst={limits.API_BURST}",
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
