"""Compiling a Go program in a container, for machines that have an engine but no Go."""

from __future__ import annotations

import os
import platform
import shlex
from pathlib import Path

from tests.cluster.built.compile.components import Component
from tests.cluster.built.compile.versions import MINIMUM_GO
from tests.cluster.engine import Engine
from tests.cluster.images.archive import ARCHITECTURES

_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
_OF_THE_CALLER = ("GOPROXY", "GOSUMDB", "GONOSUMDB", "GOINSECURE", *_PROXIES)

_HOME = "/tmp"  # noqa: S108 - in the container, where the calling user has no home


def image() -> str:
    """Return the image with Go: ``$WEBJOBS_GOLANG_IMAGE``, else Docker Hub's."""
    version = ".".join(map(str, MINIMUM_GO))
    return os.environ.get("WEBJOBS_GOLANG_IMAGE") or f"docker.io/library/golang:{version}"


def command(component: Component, out: Path, engine: Engine) -> list[str]:
    """Return the call that compiles a component of ``go install`` for this machine into the folder ``out``.

    The result is copied, since Go installs what is for another system (a Mac's, say) only into folders of its own.
    """
    script = f"{shlex.join(component.argv)} && find {_HOME}/go/bin -type f -exec cp {{}} /out/ ';'"
    variables = {
        "HOME": _HOME,
        "GOPATH": f"{_HOME}/go",
        "GOCACHE": f"{_HOME}/cache",
        "GOTOOLCHAIN": "auto",
        "GOOS": platform.system().lower(),
        "GOARCH": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "CGO_ENABLED": "0",
    }
    options = ["--rm", *engine.as_caller(), "--security-opt", "label=disable", f"--volume={out}:/out"]
    options += [f"--env={name}={value}" for name, value in variables.items()]
    options += [f"--env={name}" for name in _OF_THE_CALLER if name in os.environ]  # its value goes with it
    return engine.argv("run", *options, image(), "sh", "-c", script)
