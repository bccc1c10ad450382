"""The changes of a site's memory, counted, so that pages can wait for the next one."""

from __future__ import annotations

import asyncio


class Changes:
    """The number of changes so far, of all jobs and of each."""

    def __init__(self) -> None:
        self.count = 0
        """Changes so far."""
        self._of: dict[str, int] = {}
        self._next = asyncio.Event()

    def note(self, job: str) -> None:
        """Count a change of a job, or of one of its runs; wake all who wait."""
        self.count += 1
        self._of[job] = self.count
        # Those who wait hold the event of their time; who comes later waits for the next one.
        self._next.set()
        self._next = asyncio.Event()

    def of(self, job: str) -> int:
        """Return the count at the latest change of a job; 0 when there was none."""
        return self._of.get(job, 0)

    async def after(self, count: int) -> None:
        """Wait until there were more changes than a count."""
        while self.count <= count:
            await self._next.wait()
