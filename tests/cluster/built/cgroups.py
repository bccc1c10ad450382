"""What of the kernel is looked at or cleared by hand: control groups, and whether overlays work on a folder."""

from __future__ import annotations

import contextlib
import shutil
import time
from pathlib import Path

from tests.cluster.shell import succeeds

_HIERARCHIES = Path("/sys/fs/cgroup")


def create(name: str) -> None:
    """Make the control group ``name`` below the root of every hierarchy; the kubelet wants to find it."""
    for controller in ("cpuset", "cpu", "io", "memory", "hugetlb", "pids") if _unified() else ():
        with contextlib.suppress(OSError):  # version 2 hands down only the controllers it is told to
            (_HIERARCHIES / "cgroup.subtree_control").write_text(f"+{controller}")
    for root in _roots(name):
        root.mkdir(exist_ok=True)
        for setting in ("cpuset.cpus", "cpuset.mems"):  # version 1: a new group may use none until it is told
            mine, above = root / setting, root.parent / setting
            if mine.is_file() and above.is_file() and not mine.read_text().strip():
                mine.write_text(above.read_text())


def _unified() -> bool:
    return (_HIERARCHIES / "cgroup.controllers").is_file()


def _roots(name: str) -> list[Path]:
    """The group's folder in each hierarchy: one for version 2, one a controller for version 1."""
    if _unified():
        return [_HIERARCHIES / name]
    mounts = (line.split() for line in Path("/proc/self/mounts").read_text().splitlines())
    found = [Path(words[1]) for words in mounts if words[2].startswith("cgroup")]
    return [place / name for place in found if place.is_relative_to(_HIERARCHIES)]


def remove(name: str) -> None:
    """Remove the control group ``name`` of the root, with all below it, in every hierarchy (version 1 and 2)."""
    roots = _roots(name)
    for _ in range(100):  # the kernel may need a moment to notice that the last process is gone
        for root in roots:
            if root.is_dir():
                _remove_tree(root)
        if not any(root.is_dir() for root in roots):
            return
        time.sleep(0.05)


def _remove_tree(root: Path) -> None:
    folders = sorted((path for path in root.rglob("*") if path.is_dir()), key=lambda path: -len(path.parts))
    for folder in [*folders, root]:
        with contextlib.suppress(OSError):
            folder.rmdir()


def overlay_works(state: Path) -> bool:
    """Whether the folder's file system can carry an overlay's upper layer (another overlay cannot)."""
    probe = state / "probe"
    for part in ("lower", "upper", "work", "merged"):
        (probe / part).mkdir(parents=True)
    options = f"lowerdir={probe}/lower,upperdir={probe}/upper,workdir={probe}/work"
    mount = ["mount", "-t", "overlay", "overlay", "-o", options, str(probe / "merged")]
    try:
        return succeeds(["unshare", "--mount", "--", *mount])
    finally:
        shutil.rmtree(probe, ignore_errors=True)
