"""Running a program that takes long: what it writes goes into a file, and its last line is told now and then."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.cluster.errors import ClusterError
from tests.cluster.model import Log

PERIOD = 20.0
"""Seconds between two lines of progress."""
_TAIL = 1500


def follow(
    argv: Sequence[str | Path],
    *,
    what: str,
    log: Log,
    output: Path,
    title: str = "",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float = 3600.0,
    period: float | None = None,
) -> None:
    """Run a program to its end, with a line of progress each ``period`` seconds (by default ``PERIOD``).

    Args:
        what: what the program does, for messages ("building kind").
        output: file for all that the program writes.
        title: what a line of progress begins with, by default ``what``.
        env: added to this process' environment.

    Raises:
        ClusterError: the program failed, ran out of time or is not installed; with the end of what it wrote.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("wb") as sink:
        try:
            process = subprocess.Popen(
                [str(word) for word in argv],
                env={**os.environ, **(env or {})},
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
            )
        except FileNotFoundError as missing:
            raise ClusterError(f"{what}: {argv[0]} is not there") from missing
        started = time.monotonic()
        try:
            while process.poll() is None:
                passed = time.monotonic() - started
                if passed > timeout:
                    raise ClusterError(f"{what}: not done after {timeout:.0f} s; log: {output}\n{tail_of(output)}")
                try:
                    process.wait(PERIOD if period is None else period)
                except subprocess.TimeoutExpired:
                    now = last_line(output)
                    log(f"{title or what}, {clock(time.monotonic() - started)} so far{f': {now}' if now else ''}")
        finally:
            _end(process)
    if process.returncode != 0:
        raise ClusterError(f"{what} failed; log: {output}\n{tail_of(output)}")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def tail_of(output: Path) -> str:
    """Return the end of a log file."""
    return output.read_text(errors="replace").strip()[-_TAIL:]


def last_line(output: Path) -> str:
    """Return the last line of a log file that says anything, shortened."""
    lines = [line.strip() for line in output.read_text(errors="replace")[-_TAIL:].splitlines() if line.strip()]
    return lines[-1][:120] if lines else ""


def clock(seconds: float) -> str:
    """Return ``1:05`` for 65 seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
