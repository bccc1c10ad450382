"""The end of tasks that go on beside other work.

An ``asyncio.TaskGroup`` is for work that comes to an end by itself and fails as a whole: it waits for endless work
instead of ending it, raises groups of errors where callers know single ones, and must not be left by a ``yield``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any


async def cancelled(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until they have ended; discard what they raise."""
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
