"""The real Azure CLI, in an environment of its own: what it requires does not go together with what we do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.cluster.lock import locked
from tests.cluster.model import tell
from tests.cluster.paths import cache_root

VERSION = "2.91.0"
AS_OF = "2026-11-22"
"""It names most of what it requires without a version: the newest of that day are taken."""


def install() -> Path:
    """The program: from the cache, or installed now (half a minute, 400 MB)."""
    home = cache_root() / f"azure-cli-{VERSION}-{AS_OF}"
    done = home / "complete"
    with locked(cache_root() / "locks" / "azure-cli", what="the installation of the Azure CLI", log=tell):
        if not done.exists():
            tell(f"installing the Azure CLI {VERSION}")
            uv = str(Path(sys.executable).parent / "uv")
            subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(home)], check=True)
            options = ["--quiet", "--python", str(home / "bin" / "python"), "--exclude-newer", AS_OF]
            subprocess.run([uv, "pip", "install", *options, f"azure-cli=={VERSION}"], check=True)
            done.touch()
    return home / "bin" / "az"
