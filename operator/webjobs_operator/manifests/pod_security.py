"""What Pod Security ``restricted`` refuses in a pod template. Pure.

The Pod Security Standards of Kubernetes, and ``nodeName``, by which a pod goes round the scheduler. Like admission this
looks at the whole template; unlike it, it says which field of which container it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

VOLUMES = frozenset(
    {
        *("configMap", "csi", "downwardAPI", "emptyDir", "ephemeral"),
        *("image", "persistentVolumeClaim", "projected", "secret"),
    }
)
"""Types of volumes that a restricted pod may have; images of volumes are looked at as those of containers."""
SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.tcp_wmem",
    }
)
"""Kernel parameters that a restricted pod may set."""
SELINUX_TYPES = frozenset({"container_t", "container_init_t", "container_kvm_t", "container_engine_t"})
"""SELinux types that a restricted pod may have."""

Violation = tuple[str, str]
"""A rule that a template breaks, and the field by which it does."""


def violations(template: Mapping[str, Any]) -> list[Violation]:
    """Return all that Pod Security ``restricted`` refuses in a pod template, whatever the shape of its fields."""
    return list(_violations(_map(template)))


def containers_of(pod: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the containers of a pod's spec, of all kinds, each with its field."""
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for one in _list(pod.get(kind)):
            container = _map(one)
            yield f"spec.{kind}[{container.get('name')}]", container


def volumes_of(pod: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the volumes of a pod's spec, each with its field."""
    for one in _list(pod.get("volumes")):
        volume = _map(one)
        yield f"spec.volumes[{volume.get('name')}]", volume


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _violations(template: Mapping[str, Any]) -> Iterator[Violation]:
    pod = _map(template.get("spec"))
    for field in ("hostNetwork", "hostPID", "hostIPC", "nodeName"):
        if pod.get(field):
            yield field, f"spec.{field}"
    for name, value in _map(_map(template.get("metadata")).get("annotations")).items():
        if name.startswith("container.apparmor.security.beta.kubernetes.io/") and value == "unconfined":
            yield "appArmorProfile", f"metadata.annotations[{name}]"
    for path, volume in volumes_of(pod):
        for kind in volume.keys() - VOLUMES - {"name"}:
            yield "volumes", f"{path}.{kind}"
    security = _map(pod.get("securityContext"))
    yield from _shared(security, "spec.securityContext")
    for one in _list(security.get("sysctls")):
        if _map(one).get("name") not in SYSCTLS:
            yield "sysctls", f"spec.securityContext.sysctls[{_map(one).get('name')}]"
    on_windows = _map(pod.get("os")).get("name") == "windows"
    for path, container in containers_of(pod):
        yield from _container(path, container, pod=security, on_windows=on_windows)


def _shared(security: Mapping[str, Any], path: str) -> Iterator[Violation]:
    """Yield what is refused in the security context of pods and of containers alike."""
    for field in ("seccompProfile", "appArmorProfile"):
        if _map(security.get(field)).get("type") == "Unconfined":
            yield field, f"{path}.{field}.type"
    selinux = _map(security.get("seLinuxOptions"))
    for field in ("user", "role"):
        if selinux.get(field):
            yield "seLinuxOptions", f"{path}.seLinuxOptions.{field}"
    if selinux.get("type") and selinux["type"] not in SELINUX_TYPES:
        yield "seLinuxOptions", f"{path}.seLinuxOptions.type"
    if _map(security.get("windowsOptions")).get("hostProcess"):
        yield "hostProcess", f"{path}.windowsOptions.hostProcess"
    if security.get("runAsUser") == 0:
        yield "runAsUser", f"{path}.runAsUser"


def _container(
    path: str, container: Mapping[str, Any], *, pod: Mapping[str, Any], on_windows: bool
) -> Iterator[Violation]:
    own = _map(container.get("securityContext"))
    where = f"{path}.securityContext"
    yield from _shared(own, where)
    if own.get("privileged"):
        yield "privileged", f"{where}.privileged"
    capabilities = _map(own.get("capabilities"))
    if set(map(str, _list(capabilities.get("add")))) - {"NET_BIND_SERVICE"}:
        yield "capabilities.add", f"{where}.capabilities.add"
    if own.get("procMount") not in (None, "Default"):
        yield "procMount", f"{where}.procMount"
    for port in _list(container.get("ports")):
        if _map(port).get("hostPort"):
            yield "hostPort", f"{path}.ports[{_map(port).get('containerPort')}].hostPort"
    yield from _hosts(path, container)
    if own.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
        yield "runAsNonRoot", f"{where}.runAsNonRoot"
    if on_windows:
        return  # the rest is Linux' alone
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation", f"{where}.allowPrivilegeEscalation"
    if "ALL" not in _list(capabilities.get("drop")):
        yield "capabilities.drop", f"{where}.capabilities.drop"
    if not (own.get("seccompProfile") or pod.get("seccompProfile")):
        yield "no seccompProfile", f"{where}.seccompProfile"


def _hosts(path: str, container: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield the probes and hooks that the kubelet would send to another host."""
    lifecycle = _map(container.get("lifecycle"))
    for field in ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle.postStart", "lifecycle.preStop"):
        handler = _map(lifecycle.get(field[10:]) if field.startswith("lifecycle.") else container.get(field))
        for kind in ("httpGet", "tcpSocket"):
            if _map(handler.get(kind)).get("host"):
                yield "probe host", f"{path}.{field}.{kind}.host"
