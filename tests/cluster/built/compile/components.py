"""What is compiled, from what, and under which name it is kept: the digest of everything that goes into it."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.cluster.built.compile import versions

HERE = Path(__file__).resolve().parents[1]
NODE_PROGRAMS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
)
_GO_FLAGS = ("-trimpath", "-ldflags=-s -w")
_VERSION = "k8s.io/component-base/version"


@dataclass(frozen=True, kw_only=True)
class Component:
    """One step of the build.

    Attributes:
        name: also the first part of its folder in the cache.
        argv: the command; ``{out}`` stands for the folder the result goes to.
        sources: files whose content decides the result.
        env: added to the environment.
        links: names (symbolic links) under which one program is also called.
        minutes: how long it takes on two cores with an empty Go cache.
    """

    name: str
    version: str
    argv: tuple[str, ...]
    minutes: float
    sources: tuple[Path, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    links: tuple[tuple[str, str], ...] = ()
    cwd: Path | None = None

    @property
    def key(self) -> str:
        """Name and digest: changes when a version, a flag, a source file or the machine type does."""
        digest = hashlib.sha256()
        parts = [self.name, self.version, platform.machine(), *self.argv]
        parts += [f"{name}={value}" for name, value in sorted(self.env.items())]
        parts += [f"{link}->{target}" for link, target in self.links]
        for part in parts:
            digest.update(part.encode() + b"\0")
        for source in self.sources:
            digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
        return f"{self.name}-{digest.hexdigest()[:16]}"


def _install(name: str, version: str, *packages: str, minutes: float, cgo: bool = False, tags: str = "") -> Component:
    words = ["go", "install", *_GO_FLAGS, *(["-tags", tags] if tags else [])]
    words += [f"{package}@v{version}" for package in packages]
    return Component(
        name=name,
        version=version,
        argv=tuple(words),
        minutes=minutes,
        env={"GOBIN": "{out}", "CGO_ENABLED": "1" if cgo else "0"},
    )


def _module(
    folder: str,
    name: str,
    version: str,
    *,
    program: str,
    minutes: float,
    stamp: str = "",
    links: tuple[str, ...] = (),
) -> Component:
    return Component(
        name=name,
        version=version,
        argv=("go", "build", "-trimpath", f"-ldflags=-s -w {stamp}", "-o", f"{{out}}/{program}", "."),
        minutes=minutes,
        sources=tuple(HERE / folder / file for file in ("go.mod", "go.sum", "main.go")),
        env={"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false"},
        links=tuple((link, program) for link in links),
        cwd=HERE / folder,
    )


def components() -> list[Component]:
    """Everything the built cluster needs, the quick steps that need the most from the machine first."""
    containerd = "github.com/containerd/containerd/v2/cmd"
    plugins = "github.com/containernetworking/plugins/plugins"
    major, minor, _ = versions.KUBERNETES.split(".")
    stamp = f"-X {_VERSION}.gitVersion=v{versions.KUBERNETES}"
    stamp += f" -X {_VERSION}.gitMajor={major} -X {_VERSION}.gitMinor={minor}"
    return [
        Component(
            name="pause",
            version="1",
            argv=("gcc", "-static", "-Os", "-s", "-Wall", "-Werror", "-o", "{out}/pause", "pause.c"),
            minutes=0.05,
            sources=(HERE / "pause.c",),
            cwd=HERE,
        ),
        # Without the tag runc cannot apply seccomp profiles, and every pod with RuntimeDefault fails.
        _install("runc", versions.RUNC, "github.com/opencontainers/runc", minutes=0.5, cgo=True, tags="seccomp"),
        _install(
            "cni",
            versions.CNI_PLUGINS,
            *(f"{plugins}/{p}" for p in ("main/ptp", "main/loopback", "ipam/host-local", "meta/portmap")),
            minutes=0.3,
        ),
        _install(
            "containerd",
            versions.CONTAINERD,
            *(f"{containerd}/{c}" for c in ("containerd", "containerd-shim-runc-v2", "ctr")),
            minutes=1.5,
        ),
        _module("dns", "coredns", versions.COREDNS, program="coredns", minutes=1.5),
        _module("node", "kubernetes", versions.KUBERNETES, program="node", stamp=stamp, minutes=6, links=NODE_PROGRAMS),
    ]


def kind() -> Component:
    """The kind program, for machines with a container engine but without kind."""
    return _install("kind", versions.KIND, "sigs.k8s.io/kind", minutes=0.6)


def object_store() -> Component:
    """versitygw, an S3 server over a folder: no part of the cluster, but built and kept as its programs are."""
    return _install("versitygw", versions.VERSITYGW, "github.com/versity/versitygw/cmd/versitygw", minutes=1.5)


def monitoring() -> Component:
    """Prometheus without its pages, and promtool: for tests of metrics and alerts, as versitygw is."""
    commands = "github.com/prometheus/prometheus/cmd"
    programs = (f"{commands}/prometheus", f"{commands}/promtool")
    return _install("prometheus", versions.PROMETHEUS, *programs, minutes=8)


def ingress_controller() -> Component:
    """Traefik, and the definitions of Gateway API that it knows: for tests of the chart's ways in, as versitygw is."""
    folder = HERE / "proxy"
    flags = "-trimpath '-ldflags=-s -w'"
    script = (
        f"go build {flags} -o {{out}}/traefik github.com/traefik/traefik/v3/cmd/traefik"
        " && cp -r \"$(go list -m -f '{{.Dir}}' sigs.k8s.io/gateway-api)/config/crd/standard\" {out}/crds"
        " && chmod -R u+w {out}/crds && rm -f {out}/crds/kustomization.yaml"
    )
    return Component(
        name="traefik",
        version=versions.TRAEFIK,
        argv=("sh", "-c", script),
        minutes=10,
        sources=(folder / "go.mod", folder / "go.sum"),
        env={"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false"},
        cwd=folder,
    )
