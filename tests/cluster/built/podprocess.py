"""The processes of a pod, on a host that is the node."""

from __future__ import annotations

from pathlib import Path

from tests.cluster.built.process import Process
from tests.cluster.pod_uid import spellings


def processes(uid: str, program: str, *, proc: Path = Path("/proc")) -> list[Process]:
    """Return the processes of the pod ``uid`` that have ``program`` among their arguments."""
    found = []
    for entry in proc.iterdir():
        if entry.name.isdigit() and _is(entry, uid, program) and (process := Process.of(int(entry.name))):
            found.append(process)
    return found


def _is(entry: Path, uid: str, program: str) -> bool:
    try:
        group = (entry / "cgroup").read_text()
        return any(one in group for one in spellings(uid)) and program in (entry / "cmdline").read_text().split("\0")
    except OSError:
        return False  # it has just ended
