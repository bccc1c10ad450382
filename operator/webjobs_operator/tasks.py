"""Tasks that go on beside the passes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable


async def cancelled(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Ends them and waits for that; what they raise is nobody's any more."""
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)
