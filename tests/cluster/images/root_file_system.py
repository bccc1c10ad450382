"""The root file system of images made without a container engine: a minimal Debian with Python, from apt alone."""

from __future__ import annotations

import hashlib
import platform
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.cluster.built.compile import preflight
from tests.cluster.images.archive import EPOCH
from tests.cluster.lock import locked
from tests.cluster.model import Log
from tests.cluster.paths import cache_root
from tests.cluster.shell import run

SUITE = "bookworm"
PACKAGES = ("python3", "bash", "curl", "ca-certificates", "tzdata")
UID = 65532
# Manuals and translations are of no use in a container; the copyright files must stay.
_LEAN = (
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    "path-exclude=/usr/share/info/*",
)
_USER = f"""set -eu
echo 'nonroot:x:{UID}:' >>"$1/etc/group"
echo 'nonroot:x:{UID}:{UID}:nonroot:/home/nonroot:/usr/sbin/nologin' >>"$1/etc/passwd"
echo 'nonroot:!::0:99999:7:::' >>"$1/etc/shadow"
install -d -m 0755 -o {UID} -g {UID} "$1/home/nonroot"
"""


def command(out: Path) -> list[str]:
    """The mmdebstrap call that writes the file system's tar."""
    words = ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", "--include=" + ",".join(PACKAGES)]
    words += [f"--dpkgopt={option}" for option in _LEAN]
    words += [f"--customize-hook={_USER}"]
    return [*words, SUITE, str(out)]


def key() -> str:
    """Changes with the packages, the options and the machine type."""
    text = "\0".join([platform.machine(), *command(Path("out"))])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def ensure(*, log: Log) -> Path:
    """The root file system's tar, from the cache or made now (half a minute)."""
    what = f"a Debian {SUITE} root file system with Python"
    return cached(f"{SUITE}-{key()}", lambda _, out: command(out), what=what, log=log)


def cached(name: str, prepare: Callable[[Path, Path], list[str]], *, what: str, log: Log) -> Path:
    """Return the tar of a root file system from the cache, or make it now.

    ``prepare``: gets a scratch folder and the tar's place, and returns the mmdebstrap call; ``what``: what is made, for
    people.
    """
    tar = cache_root() / "rootfs" / f"{name}.tar"
    if tar.is_file():
        return tar
    preflight.check(preflight.IMAGES, go=False, log=log)
    with locked(cache_root() / "locks" / "rootfs", what="the making of an image's root file system", log=log):
        if tar.is_file():
            return tar
        log(f"making {what}, once for this machine, usually a minute")
        tar.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".rootfs-", dir=tar.parent) as scratch:
            made = Path(scratch) / "rootfs.tar"
            run(prepare(Path(scratch), made), env={"SOURCE_DATE_EPOCH": str(EPOCH)}, timeout=1800)
            made.rename(tar)
    return tar
