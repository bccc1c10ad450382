"""Traefik in the cluster, a real controller of Ingress and Gateway API, for tests of the chart's ways in.

Compiled from source as the cluster's own programs are, which needs Go. Its pods see clients through a NodePort, and the
shim sees its pods.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests import stack as stacks
from tests.cluster.built.compile.builder import ensure
from tests.cluster.built.compile.components import ingress_controller
from tests.cluster.images.archive import Config, Layer, write_archive
from tests.cluster.model import tell

NAME = "traefik"
NAMESPACE = "ways-in"
CLASS = "traefik"
GATEWAY = {"name": "public", "namespace": NAMESPACE, "sectionName": "https"}
"""For ``apiserver.gateway.parentRefs``."""
_CONTROLLER = "traefik.io/gateway-controller"
_IMAGE = "registry.local/webjobs/traefik:1"
_NODE_PORT = 30443
_HTTPS, _PING = 8443, 8080
_ARGUMENTS = (
    f"--entryPoints.websecure.address=:{_HTTPS}",
    "--entryPoints.websecure.http.tls=true",
    "--entryPoints.websecure.transport.respondingTimeouts.readTimeout=0",
    f"--entryPoints.traefik.address=:{_PING}",
    "--ping=true",
    "--providers.kubernetesIngress=true",
    "--providers.kubernetesGateway=true",
    "--global.checkNewVersion=false",
    "--global.sendAnonymousUsage=false",
)
_READ = ["get", "list", "watch"]
_RULES = [
    {"apiGroups": [""], "resources": ["services", "secrets", "configmaps", "nodes", "namespaces"], "verbs": _READ},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": _READ},
    {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses", "ingressclasses"], "verbs": _READ},
    {"apiGroups": ["networking.k8s.io"], "resources": ["ingresses/status"], "verbs": ["update"]},
    {"apiGroups": ["gateway.networking.k8s.io"], "resources": ["*"], "verbs": [*_READ, "update", "patch"]},
]


@contextmanager
def controller(stack: stacks.Stack, *, certificate: str) -> Iterator[str]:
    """Host and port at which it serves https, with a Gateway. ``certificate``: its Secret in the namespace of that."""
    program = ensure([ingress_controller()], log=tell)[NAME]
    if not stack.cluster.has_image(_IMAGE):
        archive = stack.cluster.state / "traefik.tar"
        layers = [Layer.of_files({"traefik": program / "traefik"})]
        write_archive(archive, ref=_IMAGE, layers=layers, config=Config(entrypoint=("/traefik",), user="65532:65532"))
        stack.cluster.load_image(archive, _IMAGE)
        archive.unlink()
    config = stack.kubeconfig
    stacks.kubectl(config, "apply", "--server-side", "-f", str(program / "crds"))
    stacks.kubectl(config, "wait", "--for=condition=Established", "--timeout=60s", "-f", str(program / "crds"))
    stacks.apply(config, *_manifests(certificate))
    stacks.kubectl(config, "rollout", "status", f"deployment/{NAME}", "-n", NAMESPACE, "--timeout=120s")
    try:
        yield stack.cluster.address_of(_NODE_PORT)
    finally:
        stacks.kubectl(config, "delete", "namespace", NAMESPACE, "--wait")
        for kind in ("clusterrole", "clusterrolebinding", "ingressclass", "gatewayclass"):
            stacks.kubectl(config, "delete", kind, NAME, "--ignore-not-found")


def _manifests(certificate: str) -> list[dict[str, Any]]:
    rbac, networking = "rbac.authorization.k8s.io", "networking.k8s.io/v1"
    account = {"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}
    listener = {
        "name": "https",
        "protocol": "HTTPS",
        "port": _HTTPS,
        "tls": {"mode": "Terminate", "certificateRefs": [{"name": certificate}]},
        "allowedRoutes": {"namespaces": {"from": "All"}},
    }
    return [
        _object("v1", "ServiceAccount", NAMESPACE),
        {**_object(f"{rbac}/v1", "ClusterRole"), "rules": _RULES},
        {
            **_object(f"{rbac}/v1", "ClusterRoleBinding"),
            "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": NAME},
            "subjects": [account],
        },
        {**_object(networking, "IngressClass"), "spec": {"controller": "traefik.io/ingress-controller"}},
        {**_object("gateway.networking.k8s.io/v1", "GatewayClass"), "spec": {"controllerName": _CONTROLLER}},
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "Gateway",
            "metadata": {"name": GATEWAY["name"], "namespace": NAMESPACE},
            "spec": {"gatewayClassName": NAME, "listeners": [listener]},
        },
        {
            **_object("v1", "Service", NAMESPACE),
            "spec": {
                "type": "NodePort",
                "selector": {"app": NAME},
                "ports": [{"name": "https", "port": 443, "targetPort": _HTTPS, "nodePort": _NODE_PORT}],
            },
        },
        {**_object("apps/v1", "Deployment", NAMESPACE), "spec": _deployment()},
    ]


def _object(version: str, kind: str, namespace: str | None = None) -> dict[str, Any]:
    metadata = {"name": NAME} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def _deployment() -> dict[str, Any]:
    container = {
        "name": NAME,
        "image": _IMAGE,
        "imagePullPolicy": "Never",
        "args": list(_ARGUMENTS),
        "readinessProbe": {"httpGet": {"path": "/ping", "port": _PING}, "periodSeconds": 1},
        "resources": {"limits": {"memory": "256Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    pod = {
        "serviceAccountName": NAME,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    labels = {"app": NAME}
    template = {"metadata": {"labels": labels}, "spec": pod}
    return {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
