"""New files for the eyes of their owner alone: what is written into them holds passwords."""

from __future__ import annotations

import os
from typing import IO

from webjobs_cli.errors import UsageError


def refuse_over(path: str) -> None:
    """Raise UsageError for a path where something is already."""
    if os.path.lexists(path):
        raise UsageError(f"{path} is there already: name another file.")


def create(path: str, *, over: bool = False) -> IO[bytes]:
    """Return a new file, open for writing. ``over``: it may take the place of one; else OSError when one is there."""
    how = os.O_TRUNC if over else os.O_EXCL
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600), "wb")
