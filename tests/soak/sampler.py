"""Memory over time, and whether it grows."""

from __future__ import annotations

import statistics
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tests import faults
from tests.site import Site

PERIOD = 10.0
"""Seconds: the kubelet has no newer figures sooner."""
TOLERANCE = 6.0
"""MiB by which a process may grow from the first quarter of the steady phase to its last."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One look. ``at``: seconds of the monotonic clock."""

    at: float
    memory: faults.Memory


class Sampler:
    """Looks at all components until it is stopped."""

    def __init__(self, site: Site) -> None:
        self.samples: dict[str, list[Sample]] = defaultdict(list)
        self._site = site
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def stop(self) -> None:
        """Ends it."""
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._over.wait(PERIOD):
            try:
                for component, memory in faults.memory(self._site).items():
                    self.samples[component].append(Sample(at=time.monotonic(), memory=memory))
            except subprocess.CalledProcessError:
                continue  # the API server was busy: the next look is soon

    def since(self, component: str, begin: float) -> list[Sample]:
        """The samples of a time on, of the process that is there at the end."""
        found = [sample for sample in self.samples[component] if sample.at >= begin]
        return [sample for sample in found if sample.memory.process == found[-1].memory.process]


@dataclass(frozen=True, kw_only=True)
class Trend:
    """Median of the first quarter and of the last, in MiB, and the slope of the line through all, in MiB a minute."""

    first: float
    last: float
    slope: float

    @property
    def growth(self) -> float:
        return self.last - self.first


def trend(points: Sequence[tuple[float, float]]) -> Trend:
    """Of (seconds, MiB), at least four."""
    quarter = max(len(points) // 4, 1)
    line = statistics.linear_regression([at / 60 for at, _ in points], [mib for _, mib in points])
    return Trend(
        first=statistics.median(mib for _, mib in points[:quarter]),
        last=statistics.median(mib for _, mib in points[-quarter:]),
        slope=line.slope,
    )
