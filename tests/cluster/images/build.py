"""The project's image as a docker-archive: by a container engine, or by hand where there is none."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from tests.cluster.engine import Engine
from tests.cluster.images import by_engine, python_layers, root_file_system
from tests.cluster.images.archive import Config, Layer, write_archive
from tests.cluster.model import Log, tell


def build_image(repo: Path, *, ref: str, out: Path, engine: Engine | None, log: Log = tell) -> Path:
    """Build the image ``ref`` of the checkout ``repo`` into the docker-archive ``out``, and return ``out``.

    Args:
        engine: that builds it by the Dockerfile; None: it is put together here, without any.
    """
    if engine is not None:
        return by_engine.build(engine, repo, ref=ref, out=out, log=log)
    base = Layer.of_tar(root_file_system.ensure(log=log))
    own = [python_layers.dependencies(repo, log=log), python_layers.application(repo)]
    return write_archive(out, ref=ref, layers=[base, *own], config=_config(python_layers.environment()))


def source_ref(repo: Path, *, engine: Engine | None) -> str:
    """Return the image's name; its tag is a digest of everything that goes into it."""
    digest = hashlib.sha256()
    sources = [repo / "uv.lock", repo / "Dockerfile", repo / python_layers.PRUNE]
    sources += sorted(Path(__file__).parent.glob("*.py"))
    for folder in ("core", "operator", "apiserver"):
        found = (path for path in (repo / folder).rglob("*") if "__pycache__" not in path.parts)
        sources += sorted(path for path in found if path.is_file())
    for source in sources:
        digest.update(f"{source.relative_to(repo)}\0".encode() + source.read_bytes())
    for argument in by_engine.base_images() if engine else ("by hand",):
        digest.update(argument.encode() + b"\0")
    return f"{by_engine.REPOSITORY}:{digest.hexdigest()[:12]}"


def _config(env: Mapping[str, str]) -> Config:
    user = f"{root_file_system.UID}:{root_file_system.UID}"
    return Config(command=("python3",), env=env, user=user, workdir="/tmp")  # noqa: S108 - in the image
