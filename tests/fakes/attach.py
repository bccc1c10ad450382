"""Attaching to a container, as it goes in a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from webjobs_kube.errors import ApiError


class Ear:
    """The stderr of a container, as attaching gives it; ``errors``: what the next tries end with."""

    def __init__(self, *errors: ApiError) -> None:
        self.pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.errors = list(errors)
        self.tries = 0

    @asynccontextmanager
    async def __call__(self, namespace: str, pod: str) -> AsyncIterator[AsyncIterator[bytes]]:
        self.tries += 1
        if self.errors:
            raise self.errors.pop(0)
        yield self._pieces()

    async def _pieces(self) -> AsyncIterator[bytes]:
        while (piece := await self.pieces.get()) is not None:
            yield piece
