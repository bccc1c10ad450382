"""What making a kind cluster takes: the program kind, and the image of the node."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.cluster.built.compile import builder
from tests.cluster.built.compile.components import kind as component
from tests.cluster.built.compile.container import image as golang_image
from tests.cluster.built.compile.versions import KIND, KIND_NODE
from tests.cluster.engine import Engine
from tests.cluster.errors import ClusterError
from tests.cluster.model import Log
from tests.cluster.paths import cache_root
from tests.cluster.progress import follow
from tests.cluster.shell import run, succeeds, tool


def program(log: Log) -> Path:
    """Return kind: from PATH, else compiled once for this machine, by Go or in a container with Go.

    Raises:
        ClusterError: it cannot be compiled; says what is needed.
    """
    found = tool("kind")
    if found is not None:
        return found
    built = builder.folder(component()) / "kind"
    if not built.is_file():
        try:
            builder.ensure([component()], log=log)
        except ClusterError as problem:
            image = "" if shutil.which("go") else f", or name an image with Go (WEBJOBS_GOLANG_IMAGE={golang_image()})"
            raise ClusterError(
                f"there is no kind on PATH, and it cannot be compiled: {problem}\n"
                f"install kind v{KIND} (one file, see https://kind.sigs.k8s.io), or Go{image}; "
                "WEBJOBS_CLUSTER=built or existing does without kind"
            ) from problem
    return built


def node_image(kind: Path) -> str | None:
    """Return the image of the node: ``$WEBJOBS_KIND_NODE_IMAGE``, else the one of our Kubernetes release.

    None, which is kind's own choice, for another kind than ours: an image is made for one release of kind.
    """
    chosen = os.environ.get("WEBJOBS_KIND_NODE_IMAGE")
    if chosen:
        return chosen
    return KIND_NODE if f"kind v{KIND} " in run([kind, "version"]) + " " else None


def prepare(engine: Engine, *, log: Log) -> None:
    """Get everything that making a cluster takes, before a test runner hides the progress."""
    image = node_image(program(log))
    if image:
        pull(engine, image, output=cache_root() / "logs" / "pull.log", log=log)


def pull(engine: Engine, image: str, *, output: Path, log: Log) -> None:
    """Pull the node's image unless the engine has it: kind would do the same without a word for minutes.

    Raises:
        ClusterError: it cannot be pulled; says what to do.
    """
    name = pullable(image) if engine.program == "podman" else image
    if succeeds(engine.argv("inspect", "--type=image", name)):
        return
    log(f"pulling the node image {image} (350 MB)")
    try:
        follow(engine.argv("pull", name), what=f"pulling {image}", log=log, output=output)
    except ClusterError as problem:
        raise ClusterError(
            f"{problem}\nset WEBJOBS_KIND_NODE_IMAGE to the image's name on a registry that answers, "
            f"or load it by hand (`{engine.program} load`)"
        ) from problem


def pullable(image: str) -> str:
    """Return an image's name as Podman takes it: by digest without the tag."""
    name, at, digest = image.partition("@")
    head, slash, last = name.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}{at}{digest}" if at else image
