"""The project's image as a docker-archive: by the container engine where one answers, by hand where none does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from . import pylayers, rootfs
from .archive import Config, Layer, write_archive
from .facade import engine_answers, tell
from .model import Log
from .shell import run


def build_image(repo: Path, *, ref: str, out: Path, layers: Sequence[Layer] = (), log: Log = tell) -> Path:
    """Build the image ``ref`` of the checkout ``repo`` into the docker-archive ``out``.

    Args:
        layers: further layers on top (only without a container engine).

    Returns:
        ``out``.
    """
    if engine_answers():
        return _by_engine(["--file", str(repo / "Dockerfile"), str(repo)], ref=ref, out=out, log=log)
    base = Layer.of_tar(rootfs.ensure(log=log))
    own = [pylayers.dependencies(repo, log=log), pylayers.application(repo), *layers]
    return write_archive(out, ref=ref, layers=[base, *own], config=_config(pylayers.environment()))


def build_runtime_image(*, ref: str, out: Path, log: Log = tell) -> Path:
    """Build a small image with bash, curl and Python, for jobs and tests; without any code of the project.

    It is the project's image without its upper layers, so that a node that has one has most of the other.
    """
    if engine_answers():
        recipe = runtime_dockerfile().encode()
        return _by_engine(["-"], ref=ref, out=out, log=log, stdin=recipe)
    base = Layer.of_tar(rootfs.ensure(log=log))
    path = pylayers.environment()["PATH"]
    return write_archive(out, ref=ref, layers=[base], config=_config({"PATH": path, "LANG": "C.UTF-8"}))


def runtime_dockerfile() -> str:
    """The same root file system for a container engine."""
    packages = " ".join(rootfs.PACKAGES)
    return f"""FROM debian:{rootfs.SUITE}-slim
RUN apt-get update && apt-get install -y --no-install-recommends {packages} && rm -rf /var/lib/apt/lists/* \\
 && groupadd --gid {rootfs.UID} nonroot && useradd --uid {rootfs.UID} --gid {rootfs.UID} --create-home nonroot
ENV LANG=C.UTF-8
USER {rootfs.UID}:{rootfs.UID}
WORKDIR /tmp
CMD ["python3"]
"""


def _config(env: Mapping[str, str]) -> Config:
    user = f"{rootfs.UID}:{rootfs.UID}"
    return Config(command=("python3",), env=env, user=user, workdir="/tmp")  # noqa: S108 - in the image


def _by_engine(source: list[str], *, ref: str, out: Path, log: Log, stdin: bytes | None = None) -> Path:
    log(f"building the image {ref} with the container engine")
    run(["docker", "build", "--tag", ref, *source], stdin=stdin, timeout=1800)
    out.parent.mkdir(parents=True, exist_ok=True)
    run(["docker", "save", "--output", str(out), ref], timeout=600)
    return out
