"""Checks everything a built cluster needs from the machine, before the first minute is spent on it.

On Debian and its kin, as root, missing packages are installed; elsewhere one error lists all of them.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.built.compile.components import HERE
from tests.cluster.built.compile.versions import MINIMUM_GO
from tests.cluster.errors import ClusterError
from tests.cluster.lock import locked
from tests.cluster.model import Log
from tests.cluster.paths import cache_root
from tests.cluster.shell import run, succeeds

_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


@dataclass(frozen=True)
class Need:
    """Something from a Debian package: a program on PATH, or a file (any of the patterns)."""

    package: str
    program: str | None = None
    files: tuple[str, ...] = ()

    def met(self) -> bool:
        """Whether it is there."""
        if self.program is not None:
            return shutil.which(self.program, path=os.environ.get("PATH", os.defpath) + ":" + _SBIN) is not None
        return any(next(Path("/").glob(pattern), None) is not None for pattern in self.files)


RUNNING = (
    Need("iproute2", program="ip"),
    Need("nftables", program="nft"),
    Need("openssl", program="openssl"),
    Need("util-linux", program="nsenter"),
    Need("util-linux", program="unshare"),
    Need("mount", program="mount"),
    Need("libseccomp2", files=("lib/*/libseccomp.so.2", "usr/lib/*/libseccomp.so.2", "usr/lib*/libseccomp.so.2")),
)
BUILDING = (
    Need("gcc", program="gcc"),
    Need("libc6-dev", files=("usr/lib/*/libc.a", "usr/lib*/libc.a")),
    Need("pkg-config", program="pkg-config"),
    Need("libseccomp-dev", files=("usr/include/seccomp.h",)),
    Need("ca-certificates", files=("etc/ssl/certs/ca-certificates.crt", "etc/pki/tls/certs/ca-bundle.crt")),
)
IMAGES = (
    Need("mmdebstrap", program="mmdebstrap"),
    Need("debian-archive-keyring", files=("usr/share/keyrings/debian-archive-keyring.*",)),
)


def check(needs: Iterable[Need], *, go: bool, log: Log) -> None:
    """Make sure that all of ``needs`` are there, and a Go that is new enough if ``go``.

    Raises:
        ClusterError: something is missing and cannot be installed from here; lists all of it.
    """
    problems = [*_platform(), *(_go() if go else [])]
    packages = list(dict.fromkeys(need.package for need in needs if not need.met()))
    if packages and not (can_install() and not problems):
        problems.append(f"missing packages (Debian's names): apt-get install {' '.join(packages)}")
    if problems:
        raise ClusterError(
            "a cluster cannot be built on this machine:\n"
            + "\n".join(f"  - {problem}" for problem in problems)
            + "\n  or start a container engine (then kind is used), or set WEBJOBS_CLUSTER=existing and KUBECONFIG"
        )
    if packages:
        install(packages, log=log)


def can_install() -> bool:
    """Whether Debian's packages can be installed from here."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: list[str], *, log: Log) -> None:
    """Install packages of Debian.

    Raises:
        ClusterError: apt-get could not do it.
    """
    log(f"installing Debian packages: {' '.join(packages)}")
    apt = ["apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=300"]
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    with locked(cache_root() / "locks" / "apt", what="apt-get", log=log):
        # One unreachable third-party source must not stop us; the installation tells whether Debian's was read.
        succeeds([*apt, "update"], timeout=600)
        run([*apt, "install", "--no-install-recommends", *packages], env=env, timeout=1800)


def _platform() -> list[str]:
    problems = []
    if sys.platform != "linux":
        problems.append("Linux only")
    elif os.geteuid() != 0:
        problems.append("root is needed for network namespaces, mounts and control groups")
    return problems


def _go() -> list[str]:
    wanted = ".".join(map(str, MINIMUM_GO))
    advice = f"Go {wanted} or newer is needed (from the Go project's download page; distributions are often older)"
    if shutil.which("go") is None:
        return [advice + "; no `go` on PATH"]
    try:  # in the module's folder, where Go may switch to the release that go.mod asks for
        found = run(["go", "env", "GOVERSION"], cwd=HERE / "node", timeout=300).strip()
    except ClusterError as failed:
        return [f"{advice}; {failed}"]
    match = re.match(r"go(\d+)\.(\d+)", found)
    if match is None or (int(match[1]), int(match[2])) < MINIMUM_GO:
        return [f"{advice}; found {found}"]
    return []
