"""Logs of containers with stdout and stderr told apart, where the API server offers it.

Kubernetes does from 1.32 on, behind the feature gate PodLogsQuerySplitStreams; without it all lines are INFO.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any

from webjobs import logs
from webjobs.logs import CONTAINER, Level, Output
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import ApiError, Invalid
from webjobs_kube.rotation import Reading

_QUEUE = 256
_STAMP_BYTES = 64
_NOT_OFFERED = 422
"""What is wrong with the pod or its container is 400 or 404."""


class PodLogs:
    """Reads logs of jobs' containers."""

    def __init__(self, kube: KubeClient) -> None:
        self._kube = kube
        self._apart = True
        """Until the API server says no: it is asked once a process."""

    async def lines(
        self, namespace: str, pod: str, *, previous: bool = False, since: str | None = None
    ) -> AsyncGenerator[Output]:
        """Lines of the job's container, or of the one before its last restart. Raises what ``log_lines`` does.

        ``since``: from a time on (RFC 3339, whole seconds).
        """
        read = partial(self._kube.log_lines, namespace, pod, container=CONTAINER, previous=previous, since_time=since)
        if self._apart:
            try:
                async for line in logs.merge(read(stream="Stdout"), read(stream="Stderr")):
                    yield line
                return
            except Invalid as error:  # comes before the first line
                if error.status != _NOT_OFFERED:
                    raise
                self._apart = False
        async for stamped in read():
            yield Output(stamped)

    async def follow(self, namespace: str, pod: str, *, since: str | None = None) -> AsyncGenerator[Output]:
        """The same as it is written, until the container ends. Lines of the two streams come as they are read.

        Raises Rotated when lines may be missing from now on; what came is all that was written until then.
        """
        read = partial(self._kube.log_lines, namespace, pod, container=CONTAINER)
        head = partial(_head, read)
        reading = Reading(None if since is None else await head())
        follow = partial(read, follow=True, since_time=since)
        watch = partial(reading.watch, f"{namespace}/{pod}", head)
        if self._apart:
            try:
                apart = [_level(follow(stream="Stdout"), "INFO"), _level(follow(stream="Stderr"), "ERR")]
                async with aclosing(_together(apart, reading, watch)) as lines:
                    async for line in lines:
                        yield line
                return
            except Invalid as error:
                if error.status != _NOT_OFFERED:
                    raise
                self._apart = False
        async with aclosing(_together([_level(follow(), "INFO")], reading, watch)) as lines:
            async for line in lines:
                yield line


async def _level(lines: AsyncIterator[str], level: Level) -> AsyncGenerator[Output]:
    async for stamped in lines:
        yield Output(stamped, level)


async def _head(read: Callable[..., AsyncIterator[str]]) -> str:
    """The stamp of a log's first line; empty when there is none."""
    lines = [stamped async for stamped in read(limit_bytes=_STAMP_BYTES)]
    return lines[0].partition(" ")[0] if lines else ""


async def _together(
    sources: Sequence[AsyncIterator[Output]], reading: Reading, watch: Callable[..., Coroutine[Any, Any, None]]
) -> AsyncGenerator[Output]:
    """Lines of all sources in the order of their coming."""
    queue: asyncio.Queue[Output | BaseException | None] = asyncio.Queue(_QUEUE)

    async def one(source: AsyncIterator[Output]) -> None:
        try:
            async for line in source:
                reading.take(line.stamped)
                await queue.put(line)
            await queue.put(None)
        except ApiError as error:
            await queue.put(error)

    async def look() -> None:
        try:
            await watch(is_idle=queue.empty)
        except ApiError as error:
            await queue.put(error)

    tasks = [asyncio.create_task(one(source)) for source in sources] + [asyncio.create_task(look())]
    try:
        for _ in sources:
            while (found := await queue.get()) is not None:
                if isinstance(found, BaseException):
                    raise found
                yield found
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
