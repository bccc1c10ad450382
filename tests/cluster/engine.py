"""The container engine of this machine: Docker, or Podman where that is what answers."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.cluster.errors import ClusterError
from tests.cluster.shell import run

_PROGRAMS = ("docker", "podman")
_LOOPBACK = re.compile(r"localhost|127\..*|\[?::1\]?")
_ANSWERS_WITHIN = 20.0


@dataclass(frozen=True, kw_only=True)
class Engine:
    """An engine that answers.

    Attributes:
        program: ``docker`` or ``podman``, as it is called.
    """

    program: str

    def argv(self, *words: str) -> list[str]:
        """Return the command line of a command of the engine."""
        return [self.program, *words]

    def run(self, *words: str, timeout: float = 60.0) -> str:
        """Run a command of the engine and return its output."""
        return run(self.argv(*words), timeout=timeout)

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables that make kind use this very engine."""
        return {"KIND_EXPERIMENTAL_PROVIDER": self.program}

    def as_caller(self) -> list[str]:
        """Return the options of ``run`` by which files that a container writes belong to the calling user.

        A rootless engine takes a container's root for the calling user, so there it needs none.
        """
        return [] if self._rootless() else ["--user", f"{os.getuid()}:{os.getgid()}"]

    def _rootless(self) -> bool:
        if self.program == "podman":
            return os.geteuid() != 0
        return "name=rootless" in self.run("info", "--format", "{{json .SecurityOptions}}")


def current(named: str | None = None) -> Engine:
    """Return the engine to use: Docker, else Podman.

    Args:
        named: the only one to use, by default ``$KIND_EXPERIMENTAL_PROVIDER``.

    Raises:
        ClusterError: none answers; with the reason of each.
    """
    named = named or os.environ.get("KIND_EXPERIMENTAL_PROVIDER")
    problems = []
    for program in (named,) if named in _PROGRAMS else _PROGRAMS:
        problem = _problem(program)
        if problem is None:
            return Engine(program=program)
        problems.append(problem)
    raise ClusterError("no container engine answers: " + "; ".join(problems))


def installed() -> bool:
    """Return whether a program of an engine is there, answering or not."""
    return any(shutil.which(program) for program in _PROGRAMS)


def _problem(program: str) -> str | None:
    """Say why a program is no engine to use."""
    if shutil.which(program) is None:
        return f"there is no {program}"
    try:
        if program == "docker" and not run(["docker", "--version"]).startswith("Docker version"):
            return "docker is another engine's program"  # Podman's, which is asked under its own name
        run([program, "info"], timeout=_ANSWERS_WITHIN)
    except ClusterError as failed:
        return reason(str(failed))
    return _distance() if program == "docker" else None


def reason(text: str) -> str:
    """Return the line of an engine's error that says what is wrong: Docker may go on with one that says nothing."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"cannot|denied|not done|error:", line, re.IGNORECASE)]
    return (telling or lines)[-1]


def _distance() -> str | None:
    """Say that Docker's daemon is on another machine, where neither API server nor site can be reached."""
    host = os.environ.get("DOCKER_HOST", "")
    if not host:
        with suppress(ClusterError):  # a Docker without contexts
            host = run(["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]).strip()
    if not is_remote(host):
        return None
    return f"docker uses the engine of another machine ({host}), whose clusters cannot be reached from here"


def is_remote(host: str) -> bool:
    """Return whether an endpoint of Docker (``unix:///...``, ``tcp://...``, ``ssh://...``) is on another machine."""
    parts = urlsplit(host)
    return parts.scheme in ("tcp", "ssh", "http", "https") and not _LOOPBACK.fullmatch(parts.hostname or "")
