"""Where things live: the repository, the machine-wide cache, and the folder of each cluster.

The cache holds what is expensive and shared (compiled programs, root file systems, locks); it lies outside the
repository so that every checkout and every branch uses one build. A cluster's folder holds all of its state.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?")


def repo_root() -> Path:
    """The checkout this file belongs to."""
    return Path(__file__).resolve().parents[2]


def cache_root() -> Path:
    """``$WEBJOBS_CACHE``, else the user's cache folder as the XDG specification has it."""
    chosen = os.environ.get("WEBJOBS_CACHE")
    if chosen:
        return Path(chosen).expanduser().resolve()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return (Path(base).expanduser() / "webjobs-kubernetes").resolve()


def state_root() -> Path:
    """The folder of all clusters' folders: ``$WEBJOBS_STATE``, else ``.local/cluster`` in the repository."""
    chosen = os.environ.get("WEBJOBS_STATE")
    return Path(chosen).expanduser().resolve() if chosen else repo_root() / ".local" / "cluster"


def state_of(name: str) -> Path:
    """The folder of the cluster called ``name``."""
    return state_root() / checked_name(name)


def checked_name(name: str) -> str:
    """``name``, if it can be part of a host name, a cgroup and a folder.

    Raises:
        ValueError: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"cluster name {name!r}: use 1 to 20 lower-case letters, digits and inner dashes")
    return name
