"""The servers of the process: before they end, they tell each client to use its connection no more.

A client whose connection is kept open sends its next request into it at any time. Closed at that moment by a rolling
update, it gets "connection reset by peer" instead of an answer, and many clients don't try again.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import uvicorn

LEAVING_SECONDS = 6.0
"""Seconds from the signal to the end of the servers, in which they answer as before.

Nodes hear a moment later that a pod is going. A client that asks once in five seconds is told in time.
"""
_CLOSE = (b"connection", b"close")


class Server(uvicorn.Server):
    """The server that hears the process's signals; other servers of the process leave with it."""

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        others: Sequence[uvicorn.Server] = (),
        leaving_seconds: float = LEAVING_SECONDS,
    ) -> None:
        super().__init__(config)
        self._others = others
        self._leaving_seconds = leaving_seconds
        self._end_at: float | None = None
        self._signal = int(signal.SIGTERM)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to leave at SIGTERM; end at once at another signal, or at a second one."""
        if sig != signal.SIGTERM or self._end_at is not None:
            super().handle_exit(sig, frame)
            return
        self._end_at, self._signal = time.monotonic() + self._leaving_seconds, sig
        for server in (self, *self._others):
            # h11 closes a connection after an answer with this header. The second list is made anew of the first once
            # a second.
            server.config.encoded_headers.append(_CLOSE)
            server.server_state.default_headers.append(_CLOSE)

    async def on_tick(self, counter: int) -> bool:
        """Return whether the server is to end now. uvicorn calls it ten times a second."""
        if self._end_at is not None and time.monotonic() >= self._end_at and not self.should_exit:
            super().handle_exit(self._signal, None)
        return await super().on_tick(counter)


class Beside(uvicorn.Server):
    """A second server of the process: signals are for the first, which ends this one too."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture no signal."""
        yield
