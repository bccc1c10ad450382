"""The node's process 1, seen from the host: found again by its id and its start time, so never mistaken."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process that was started once.

    Attributes:
        pid: its id on the host.
        started: its start time in clock ticks after the boot; with ``boot`` it tells a recycled id from the real one.
        boot: the boot's random id.
    """

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The process that has this id now, if there is one (a dead one that is not yet reaped does not count)."""
        started = start_time(_read(Path(f"/proc/{pid}/stat")))
        return None if started is None else cls(pid=pid, started=started, boot=boot_id())

    @classmethod
    def load(cls, path: Path) -> Process | None:
        """Read what ``save`` has written; None if there is nothing usable."""
        try:
            return cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def save(self, path: Path) -> None:
        """Write it to a file, at once or not at all."""
        scratch = path.with_name(path.name + ".new")
        scratch.write_text(json.dumps(asdict(self)))
        scratch.rename(path)

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return Process.of(self.pid) == self

    def signal(self, number: int) -> None:
        """Send a signal to this very process; nothing happens if it is gone."""
        try:
            descriptor = os.pidfd_open(self.pid)  # held open, the id cannot be given away between check and signal
        except OSError:
            return
        try:
            if self.alive():
                signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            return
        finally:
            os.close(descriptor)

    def kill(self, *, timeout: float = 20.0) -> bool:
        """Kill it and wait for its end; False if it would not go."""
        self.signal(signal.SIGKILL)
        deadline = time.monotonic() + timeout
        while self.alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def child(self, program: str) -> Process | None:
        """Its child whose program file has this name."""
        for entry in Path("/proc").iterdir():  # the kernel's own list of children may leave some out
            fields = (_read(entry / "stat") or "").rpartition(")")[2].split() if entry.name.isdigit() else []
            if len(fields) > 1 and fields[1] == str(self.pid):
                command = (_read(entry / "cmdline") or "").split("\0")[0]
                if Path(command).name == program:
                    return Process.of(int(entry.name))
        return None


def start_time(stat: str | None) -> int | None:
    """Field 22 of ``/proc/<pid>/stat``; None for a zombie or no process.

    The second field is the program's name in brackets and may itself hold blanks and brackets.
    """
    if not stat:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if len(fields) < 20 or fields[0] in "ZX" else int(fields[19])


def boot_id() -> str:
    """Differs after each boot of the machine."""
    return (_read(Path("/proc/sys/kernel/random/boot_id")) or "").strip()


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return None
