"""A buffer of log lines that wait: until it is sure which process wrote them, and until stderr has told their level."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from webjobs.logs.kudu_lines import Output
from webjobs_operator.attach.stderr import SETTLE_SECONDS, Hearing


class HeldLines:
    """A buffer of log lines.

    After ``release`` they pass; where stderr is heard, a little later and with their level.
    """

    def __init__(self, take: Callable[[Output], None], hearing: Hearing | None) -> None:
        self._take = take
        self._hearing = hearing
        self._lines: deque[tuple[float, Output]] = deque()
        """Held lines with the moments at which they came."""
        self._free = False
        self.bytes = 0

    def add(self, line: Output) -> None:
        """Take in the next line."""
        self._lines.append((asyncio.get_running_loop().time(), line))
        self.bytes += len(line.stamped)
        if self._hearing is None:
            self.settle()

    def release(self) -> None:
        """Let the lines pass: it is sure which process wrote them."""
        self._free = True
        if self._hearing is None:
            self.settle()

    def settle(self, *, age: float = 0.0) -> None:
        """Pass on the lines that came at least ``age`` seconds ago, once they are released."""
        before = asyncio.get_running_loop().time() - age
        while self._free and self._lines and self._lines[0][0] <= before:
            _, line = self._lines.popleft()
            self.bytes -= len(line.stamped)
            self._take(self._hearing.tell(line) if self._hearing else line)

    async def settling(self) -> None:
        """Pass on the lines one by one, once stderr had its time to tell of them; runs until cancelled."""
        while True:
            await asyncio.sleep(SETTLE_SECONDS / 4)
            self.settle(age=SETTLE_SECONDS)
