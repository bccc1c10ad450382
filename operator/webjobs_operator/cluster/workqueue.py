"""A queue of keys: each key is worked on by one worker at a time, again when it was added meanwhile.

Failures come back with exponential back-off. (kopf runs on.event handlers once and never retries them, so the retry is
the queue's.) Delays are kept in the event loop: tests run them in virtual time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from webjobs_kube.backoff import Backoff
from webjobs_kube.errors import ApiError

log = logging.getLogger(__name__)
K = TypeVar("K", bound=Hashable)

FIRST_RETRY_SECONDS = 0.2
"""Seconds after which a key comes back whose work failed once."""
LAST_RETRY_SECONDS = 60.0
"""Most seconds after which a key comes back whose work fails again and again."""


Work = Callable[[K], Awaitable[float | None]]
"""A function that does what is to be done for a key; it returns the seconds after which the key is due again (None:
never)."""


class WorkQueue(Generic[K]):
    """A queue of keys that are due, now or later, and the workers that take them."""

    def __init__(self, *, workers: int) -> None:
        self._ready: asyncio.Queue[K] = asyncio.Queue()
        self._waiting: set[K] = set()
        self._active: set[K] = set()
        self._again: set[K] = set()
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._failing: dict[K, Backoff] = {}
        self._workers = workers

    def add(self, key: K) -> None:
        """Make a key due now."""
        if key in self._active:
            self._again.add(key)
        elif key not in self._waiting:
            self._waiting.add(key)
            self._ready.put_nowait(key)

    def add_after(self, key: K, seconds: float) -> None:
        """Make a key due later, in seconds; of several times the latest call counts."""
        if timer := self._timers.pop(key, None):
            timer.cancel()
        self._timers[key] = asyncio.get_running_loop().call_later(seconds, self._fire, key)

    def depth(self) -> int:
        """Return the number of keys that are due and wait for a worker."""
        return len(self._waiting)

    def _fire(self, key: K) -> None:
        self._timers.pop(key, None)
        self.add(key)

    async def run(self, work: Work[K]) -> None:
        """Work on the keys until cancelled, which cancels passes under way, too."""
        await asyncio.gather(*(self._worker(work) for _ in range(self._workers)))

    async def _worker(self, work: Work[K]) -> None:
        while True:
            key = await self._ready.get()
            self._waiting.discard(key)
            self._active.add(key)
            try:
                await self._pass(key, work)
            finally:
                self._active.discard(key)
                if key in self._again:
                    self._again.discard(key)
                    self.add(key)

    async def _pass(self, key: K, work: Work[K]) -> None:
        try:
            due = await work(key)
        except Exception as error:
            delay = self._failing.setdefault(key, Backoff(FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS)).next()
            if isinstance(error, ApiError):
                delay = max(delay, error.retry_after)
            # What the API server answers says all; a defect of ours needs its trace.
            trace = None if isinstance(error, ApiError) else error
            log.warning("pass over %s failed, next try in %.1f s: %s", key, delay, error, exc_info=trace)
            self.add_after(key, delay)
            return
        self._failing.pop(key, None)
        if due is not None:
            self.add_after(key, due)
        elif timer := self._timers.pop(key, None):
            timer.cancel()
