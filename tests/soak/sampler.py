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
"""MiB by which a process may be larger at the second rest of the steady phase than at the first."""


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


def trend(points: Sequence[tuple[float, float]]) -> float:
    """Slope of the line through (seconds, MiB), in MiB a minute; 0 for less than two points."""
    if len(points) < 2:
        return 0.0
    return statistics.linear_regression([at / 60 for at, _ in points], [mib for _, mib in points]).slope
