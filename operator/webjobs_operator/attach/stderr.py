"""stderr of a job's container by itself, by attaching to it: which lines of its log are errors.

The log stays the truth of what was written and when; what nobody heard is in it all the same, among the other lines.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from webjobs.logs.kudu_lines import Output
from webjobs.logs.stderr import Stderr
from webjobs_kube.errors import ApiError, Invalid, NotFound
from webjobs_kube.tasks import cancelled

log = logging.getLogger(__name__)

SETTLE_SECONDS = 1.0
"""Seconds for which a line of the log waits for its copy to come over stderr."""
_RETRY_SECONDS = 2.0

Attach = Callable[[str, str], AbstractAsyncContextManager[AsyncIterator[bytes]]]
"""A function from namespace and name of a pod to pieces of its stderr; calling it lets the pod's script begin."""


class Ears(Protocol):
    """A listener to the stderr of one process."""

    def tell(self, line: Output) -> Output:
        """Return a line of the log with its level; to be asked once for each line."""

    async def settle(self) -> None:
        """Wait for what was written before the process ended; give up after a while."""

    async def close(self) -> None:
        """Stop listening."""


class Hearing:
    """A listener to one process from now on, until the process ends or ``close`` is called."""

    def __init__(self, attach: Attach, namespace: str, pod: str) -> None:
        self._attach = attach
        self._pod = namespace, pod
        self._stderr = Stderr()
        self.tell = self._stderr.tell
        self._task = asyncio.create_task(self._hear())

    async def _hear(self) -> None:
        while True:
            try:
                async with self._attach(*self._pod) as pieces:
                    async for piece in pieces:
                        self._stderr.feed(piece)
                self._stderr.end()
                return
            except (NotFound, Invalid):
                return
            except ApiError as error:
                forbidden = error.status == 403
                level = logging.WARNING if forbidden else logging.INFO
                log.log(level, "stderr of pod %s/%s is not heard: %s", *self._pod, error)
                if forbidden:
                    return
            await asyncio.sleep(_RETRY_SECONDS)

    async def settle(self) -> None:
        """Wait for what was written before the process ended; give up after a while."""
        await asyncio.wait([self._task], timeout=SETTLE_SECONDS)

    async def close(self) -> None:
        """Stop listening."""
        await cancelled([self._task])
