"""Our image in a container engine: built there, saved from there, and removed once it is superseded."""

from __future__ import annotations

import hashlib
import os
from contextlib import AbstractContextManager
from pathlib import Path

from tests.cluster.engine import Engine
from tests.cluster.errors import ClusterError
from tests.cluster.lock import locked
from tests.cluster.model import Log
from tests.cluster.paths import cache_root, repo_root
from tests.cluster.progress import follow

REPOSITORY = "registry.local/webjobs"
RUNTIMES = ("-mono", "-wine", "-dotnet")
"""Ends of the names of the images in which Windows programs run."""
_LABEL = "dev.webjobs.checkout"
# The archive then holds the image alone, without a second manifest that says how it was built.
_ENVIRONMENT = {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
_BASES = {"PYTHON_IMAGE": "WEBJOBS_PYTHON_IMAGE", "DEBIAN_IMAGE": "WEBJOBS_DEBIAN_IMAGE"}


def base_images() -> list[str]:
    """Return the Dockerfile's arguments whose variables are set: ``PYTHON_IMAGE=mirror.example/python:3.12-slim``."""
    return [f"{argument}={os.environ[name]}" for argument, name in _BASES.items() if os.environ.get(name)]


def build(engine: Engine, context: Path, *, ref: str, out: Path, log: Log, dockerfile: Path | None = None) -> Path:
    """Build the image ``ref`` by a Dockerfile, save it to ``out``, and remove what it supersedes.

    Args:
        context: folder that the Dockerfile copies from.
        dockerfile: by default the one in ``context``.

    Raises:
        ClusterError: the engine failed; names its log.
    """
    log(f"{engine.program} builds the image {ref}; its base images are pulled first, if they are not there")
    words = ["build", "--tag", ref, "--label", f"{_LABEL}={_checkout()}"]
    recipe = dockerfile or context / "Dockerfile"
    known = [argument for argument in base_images() if f"ARG {argument.partition('=')[0]}" in recipe.read_text()]
    words += [word for argument in known for word in ("--build-arg", argument)]
    words += ["--file", str(recipe), str(context)]
    output = out.parent / "log" / "image-build.log"
    with _alone(log):
        follow(engine.argv(*words), what=f"building {ref}", log=log, output=output, env=_ENVIRONMENT, timeout=3600)
        out.unlink(missing_ok=True)  # Podman writes no archive over another
        engine.run("save", "--output", str(out), ref, timeout=600)
        _remove(engine, ref.rpartition(":")[0], but=ref, log=log)
    return out


def forget(engine: Engine, *, log: Log) -> None:
    """Remove this checkout's images from the engine: nodes have copies of their own."""
    with _alone(log):
        for runtime in ("", *RUNTIMES):
            _remove(engine, REPOSITORY + runtime, but=None, log=log)


def _remove(engine: Engine, repository: str, *, but: str | None, log: Log) -> None:
    """Remove images by that name and with the label of this checkout, all but one."""
    filters = ["--filter", f"reference={repository}:*", "--filter", f"label={_LABEL}={_checkout()}"]
    listed = engine.run("image", "ls", *filters, "--format", "{{.Repository}}:{{.Tag}}").split()
    old = [ref for ref in listed if ref.startswith(f"{repository}:") and ref != but and not ref.endswith(":<none>")]
    if not old:
        return
    try:
        engine.run("image", "rm", *old)
    except ClusterError as problem:
        log(f"old images stay: {problem}")


def _checkout() -> str:
    return hashlib.sha256(str(repo_root()).encode()).hexdigest()[:16]


def _alone(log: Log) -> AbstractContextManager[None]:
    return locked(cache_root() / "locks" / "engine-image", what="the building of an image", log=log)
