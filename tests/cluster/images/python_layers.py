"""Image layers with Python code: the project's locked dependencies, and its own packages, both compiled."""

from __future__ import annotations

import hashlib
import platform
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.images.archive import Layer
from tests.cluster.lock import locked
from tests.cluster.model import Log
from tests.cluster.paths import cache_root
from tests.cluster.shell import run, succeeds, tool

PYTHON = "3.11"  # Debian bookworm's
LIB = "/opt/webjobs/lib"
APP = "/opt/webjobs/app"
PACKAGES = (
    "core/webjobs",
    "core/webjobs_kube",
    "core/webjobs_pod",
    "operator/webjobs_operator",
    "apiserver/webjobs_apiserver",
)
PRUNE = "image/prune.py"
_KEPT = 4  # layers of earlier lock files; each has some 70 MB
_RECIPE = "3"  # part of the key: raise it when what is done below changes


def dependencies(repo: Path, *, log: Log) -> Layer:
    """The locked non-dev dependencies under ``LIB``; cached by the content of ``uv.lock``."""
    content = b"".join((repo / name).read_bytes() for name in ("uv.lock", "pyproject.toml", PRUNE))
    text = content + f"{_RECIPE} {PYTHON} {platform.machine()} {_compiler()}".encode()
    tar = cache_root() / "layers" / f"deps-{hashlib.sha256(text).hexdigest()[:16]}.tar"
    if not tar.is_file():
        with locked(cache_root() / "locks" / "layers", what="the making of an image layer", log=log):
            if not tar.is_file():
                log("installing the locked dependencies for the image, usually 15 seconds")
                _make_dependencies(repo, tar)
    return Layer.of_tar(tar)


def application(repo: Path) -> Layer:
    """The project's own packages under ``APP``."""
    with tempfile.TemporaryDirectory(prefix="webjobs-app-") as scratch:
        for package in PACKAGES:
            source = repo / package
            if source.is_dir():
                ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
                shutil.copytree(source, Path(scratch) / source.name, ignore=ignore)
        compile_tree(Path(scratch), at=APP)
        return Layer.of_trees({APP: Path(scratch)})


def environment() -> Mapping[str, str]:
    """The environment under which both layers are found."""
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "PYTHONPATH": f"{APP}:{LIB}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "LANG": "C.UTF-8",
    }


def compile_tree(tree: Path, *, at: str) -> None:
    """Compile the tree as if it lay at ``at``; without a matching Python nothing is done, and starts are slower.

    The compiled files are never compared with the sources, whose times the image resets.
    """
    python = _compiler()
    if python:
        how = ["--invalidation-mode", "unchecked-hash", "-s", str(tree), "-p", at]
        run([python, "-m", "compileall", "-q", "-j", "0", *how, str(tree)])


def _make_dependencies(repo: Path, tar: Path) -> None:
    uv = tool("uv")
    if uv is None:
        raise ClusterError("uv: not found; `pip install uv` puts it on PATH")
    export = [str(uv), "export", "--quiet", "--locked", "--no-dev", "--no-emit-project"]
    requirements = run(export, cwd=repo)
    machine = f"{platform.machine()}-unknown-linux-gnu"
    with tempfile.TemporaryDirectory(prefix="webjobs-deps-") as scratch:
        lib = Path(scratch) / "lib"
        install = [str(uv), "pip", "install", "--quiet", "--target", str(lib), "--python", sys.executable]
        wheels = ["--python-version", PYTHON, "--python-platform", machine, "--only-binary", ":all:"]
        run([*install, *wheels, "--require-hashes", "-r", "-"], cwd=repo, stdin=requirements.encode(), timeout=1200)
        run([sys.executable, repo / PRUNE, lib])
        for pattern in (".lock", "*.dist-info/uv_cache.json", "*.dist-info/RECORD"):
            for file in lib.glob(pattern):
                file.unlink()
        compile_tree(lib, at=LIB)
        layer = Layer.of_trees({LIB: lib})
    tar.parent.mkdir(parents=True, exist_ok=True)
    unfinished = tar.with_name(tar.name + ".new")
    with layer.open() as source, unfinished.open("wb") as sink:
        shutil.copyfileobj(source, sink)
    unfinished.rename(tar)
    for old in sorted(tar.parent.glob("deps-*.tar"), key=lambda path: path.stat().st_mtime)[:-_KEPT]:
        old.with_name(old.name + ".sha256").unlink(missing_ok=True)
        old.unlink()


def _compiler() -> str | None:
    """A Python of the image's version on this machine."""
    script = f"import sys; sys.exit(sys.version_info[:2] != ({PYTHON.replace('.', ', ')}))"
    for candidate in (sys.executable, f"python{PYTHON}", "/usr/bin/python3"):
        if succeeds([candidate, "-S", "-c", script]):
            return candidate
    return None
