"""Pauses between tries, each longer than the one before. Nothing here waits: whoever tries again sleeps by itself."""

from __future__ import annotations

import random


class Backoff:
    """The pauses, in seconds, of one thing that is tried again until it succeeds.

    ``spread``: share of a pause that chance may take away, so that many callers don't come back at one moment.
    """

    def __init__(self, first: float, longest: float, *, factor: float = 2.0, spread: float = 0.0) -> None:
        self._first = first
        self._longest = longest
        self._factor = factor
        self._spread = spread
        self.reset()

    def reset(self) -> None:
        """Begin anew with the first pause, after a success."""
        self.failures = 0
        """Tries that failed since the last success."""
        self._pause = min(self._first, self._longest)

    def next(self) -> float:
        """Return the pause after a failure; the one after it is longer."""
        self.failures += 1
        pause, self._pause = self._pause, min(self._pause * self._factor, self._longest)
        return pause * random.uniform(1 - self._spread, 1)  # noqa: S311  spreads the load, no secret
