"""Lines of a log that were read, and wait: for it to be sure whose they are, and for stderr to tell their level."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from webjobs.logs.kudu_lines import Output
from webjobs_operator.attach.stderr import SETTLE_SECONDS, Hearing


class HeldLines:
    """Lines that wait; after ``release`` they pass, where stderr is heard a little later and with their level."""

    def __init__(self, take: Callable[[Output], None], hearing: Hearing | None) -> None:
        self._take = take
        self._hearing = hearing
        self._lines: deque[tuple[float, Output]] = deque()
        """With the moment of their coming."""
        self._free = False
        self.bytes = 0

    def add(self, line: Output) -> None:
        """Takes the next line."""
        self._lines.append((asyncio.get_running_loop().time(), line))
        self.bytes += len(line.stamped)
        if self._hearing is None:
            self.settle()

    def release(self) -> None:
        """It is sure whose they are."""
        self._free = True
        if self._hearing is None:
            self.settle()

    def settle(self, *, age: float = 0.0) -> None:
        """Lets those go that came so many seconds ago, if they may."""
        before = asyncio.get_running_loop().time() - age
        while self._free and self._lines and self._lines[0][0] <= before:
            _, line = self._lines.popleft()
            self.bytes -= len(line.stamped)
            self._take(self._hearing.tell(line) if self._hearing else line)

    async def settling(self) -> None:
        """Lets them go one by one, once stderr had its time to tell of them."""
        while True:
            await asyncio.sleep(SETTLE_SECONDS / 4)
            self.settle(age=SETTLE_SECONDS)
