"""Cases of batch files: a package, how it is called, and what Windows' cmd prints and returns.

A case is a folder of ``tests/cases/batch``: ``run.cmd`` and other files of the package, ``case.json`` (``args`` as the
raw text, ``env``, exit ``code``, and ``why``) and ``expected.txt`` (stdout; ``{DIR}`` is the job's folder).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.paths import repo_root
from webjobs.batch import Run, Translated, translate

CASES = repo_root() / "tests/cases/batch"
SHELLS = {
    name: command
    for name, command in {"dash": ["dash"], "bash": ["bash", "--posix"], "ash": ["busybox", "ash"]}.items()
    if shutil.which(command[0])
}
"""Shells of this machine that stand for the /bin/sh of images."""
_OURS = ("case.json", "expected.txt")


@dataclass(frozen=True)
class Outcome:
    """What a script printed and returned; ``work`` is the folder in which it ran."""

    code: int
    stdout: bytes
    stderr: bytes
    work: Path


def resolve(path: str) -> Run | None:
    """Start programs for .NET by dotnet, others by mono, as a stand-in for the choice of the real thing."""
    if path.endswith(".dll"):
        return Run(("dotnet", "{file}"), "dotnet")
    return None if "native" in path else Run(("mono", "{file}"), "mono")


def translated(files: Mapping[str, bytes], path: str = "run.cmd") -> Translated:
    """Return the script for a package of these files."""
    batch = {name: content for name, content in files.items() if name.lower().endswith((".cmd", ".bat"))}
    return translate(path, batch, paths=list(files), resolve=resolve)


def run_package(
    files: Mapping[str, bytes],
    folder: Path,
    *,
    shell: str = "dash",
    args: str | None = "",
    env: Mapping[str, str] | None = None,
    programs: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    made: bytes | None = None,
) -> Outcome:
    """Run the translated run.cmd of a package in a new folder. ``programs``: scripts of sh that stand for programs;
    ``made``: the script that run.cmd was translated to, when that is known."""
    work, data, bin_folder = folder / "work", folder / "data", folder / "bin"
    for each in (work, data, bin_folder):
        each.mkdir(parents=True)
    for name, content in files.items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_bytes(content)
    for name, text in (programs or {}).items():
        (bin_folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (bin_folder / name).chmod(0o755)
    script = folder / "run.sh"
    script.write_bytes(translated(files).content if made is None else made)
    known = {
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        "HOME": str(folder),
        "WEBJOBS_PATH": str(work),
        "WEBJOBS_DATA_PATH": str(data),
        **({} if args is None else {"WEBJOBS_COMMAND_ARGUMENTS": args}),
        **(env or {}),
    }
    done = subprocess.run(
        [*SHELLS[shell], str(script)], cwd=work, env=known, input=stdin, capture_output=True, timeout=60, check=False
    )
    return Outcome(done.returncode, done.stdout.replace(b"\r", b""), done.stderr, work)


def run_text(text: str, folder: Path, **more: object) -> Outcome:
    """Run one batch file, given as its text."""
    return run_package({"run.cmd": text.replace("\n", "\r\n").encode()}, folder, **more)  # type: ignore[arg-type]


def case_files(case: Path) -> dict[str, bytes]:
    """Return the files of the package of a case."""
    return {
        str(path.relative_to(case)): path.read_bytes()
        for path in sorted(case.rglob("*"))
        if path.is_file() and path.name not in _OURS
    }


def expected(case: Path, work: Path) -> tuple[bytes, int]:
    """Return what a case prints in a folder, and its code."""
    text = (case / "expected.txt").read_bytes().replace(b"\r", b"").replace(b"{DIR}", bytes(work))
    return text, json.loads((case / "case.json").read_text())["code"]
