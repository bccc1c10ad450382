"""One act for several sendings of the same form: a double click starts one run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from cachetools import TTLCache

T = TypeVar("T")

SECONDS = 10.0
"""Seconds for which what was sent is remembered."""
_MOST = 10_000


class Once(Generic[T]):
    """The memory of the acts of the last seconds, in this process."""

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self._known: TTLCache[Hashable, asyncio.Task[T]] = TTLCache(_MOST, SECONDS, timer=timer)

    async def do(self, key: Hashable, act: Callable[[], Awaitable[T]]) -> T:
        """Return what an act gives; the same again, without a second act, for a key of the last seconds.

        Who comes while the first is on its way waits for it. An act that failed may be tried again.
        """
        task = self._known.get(key)
        if task is None:
            task = self._known[key] = asyncio.create_task(_told(act))
        try:
            return await asyncio.shield(task)  # whoever goes away takes nothing from the others
        except Exception:
            if self._known.get(key) is task:
                del self._known[key]
            raise


async def _told(act: Callable[[], Awaitable[T]]) -> T:
    return await act()
