"""The project's image as a docker-archive: by a container engine, or by hand where there is none."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from . import engineimage, pylayers, rootfs
from .archive import Config, Layer, write_archive
from .engine import Engine
from .model import Log, tell

_RECIPES = ("image.py", "engineimage.py", "pylayers.py", "rootfs.py")


def build_image(repo: Path, *, ref: str, out: Path, engine: Engine | None, log: Log = tell) -> Path:
    """Build the image ``ref`` of the checkout ``repo`` into the docker-archive ``out``, and return ``out``.

    Args:
        engine: that builds it by the Dockerfile; None: it is put together here, without any.
    """
    if engine is not None:
        return engineimage.build(engine, repo, ref=ref, out=out, log=log)
    base = Layer.of_tar(rootfs.ensure(log=log))
    own = [pylayers.dependencies(repo, log=log), pylayers.application(repo)]
    return write_archive(out, ref=ref, layers=[base, *own], config=_config(pylayers.environment()))


def source_ref(repo: Path, *, engine: Engine | None) -> str:
    """Return the image's name; its tag is a digest of everything that goes into it."""
    digest = hashlib.sha256()
    sources = [repo / "uv.lock", repo / "Dockerfile", repo / pylayers.PRUNE]
    sources += [Path(__file__).with_name(name) for name in _RECIPES]
    for folder in ("core", "operator", "apiserver"):
        sources += sorted((repo / folder).rglob("*.py"))
    for source in sources:
        digest.update(f"{source.relative_to(repo)}\0".encode() + source.read_bytes())
    for argument in engineimage.base_images() if engine else ("by hand",):
        digest.update(argument.encode() + b"\0")
    return f"{engineimage.REPOSITORY}:{digest.hexdigest()[:12]}"


def _config(env: Mapping[str, str]) -> Config:
    user = f"{rootfs.UID}:{rootfs.UID}"
    return Config(command=("python3",), env=env, user=user, workdir="/tmp")  # noqa: S108 - in the image
