"""What was asked for and what came of it, as the clients saw it. Knows no cluster."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from time import monotonic


@dataclass
class Write:
    """One write of a value. ``end`` is without bound when no answer came: it may count from any time on."""

    value: str
    begin: float
    end: float = float("inf")
    accepted: bool = False


def possible(writes: list[Write]) -> set[str]:
    """The values that can be there in the end: none that was replaced by a write which came wholly after it."""
    latest = max((write.begin for write in writes if write.accepted), default=0.0)
    return {write.value for write in writes if write.end >= latest}


@dataclass
class Book:
    """One phase."""

    answers: Counter[str] = field(default_factory=Counter)
    accepted: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Run ids of the 202s by job."""
    unknown: int = 0
    """Calls of run that may have made one: no answer came, or a 5xx."""
    created: set[str] = field(default_factory=set)
    """Names of the runs that were made past the shim."""
    cancelled: set[tuple[str, str]] = field(default_factory=set)
    """Job and run id of what was cancelled with 200."""
    files: dict[str, list[Write]] = field(default_factory=lambda: defaultdict(list))
    """Versions of the scripts by job."""
    switches: dict[str, list[Write]] = field(default_factory=lambda: defaultdict(list))
    """``running`` and ``stopped`` by continuous job."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, action: str, status: int | None) -> None:
        """Counts an answer; None: none came."""
        with self.lock:
            self.answers[f"{action} {status or 'no answer'}"] += 1
            if action == "run" and (status is None or status >= 500):
                self.unknown += 1

    def begin(self, writes: list[Write], value: str) -> Write:
        """A write is on its way."""
        write = Write(value=value, begin=monotonic())
        with self.lock:
            writes.append(write)
        return write

    def end(self, writes: list[Write], write: Write, status: int | None) -> None:
        """Its answer is here. A 4xx has changed nothing; of a 5xx nobody knows."""
        with self.lock:
            if status is None or status >= 500:
                return
            if status >= 400:
                writes.remove(write)
                return
            write.end, write.accepted = monotonic(), True
