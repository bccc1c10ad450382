"""Logs of containers with stdout and stderr told apart, where the API server offers it.

Kubernetes does from 1.32 on, behind the feature gate PodLogsQuerySplitStreams; without it all lines are INFO.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any

from webjobs.logs import kudu_lines
from webjobs.logs.kudu_lines import Level, Output
from webjobs.logs.line_cutter import LineCutter
from webjobs.logs.log_position import LogPosition
from webjobs.pods import CONTAINER
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import ApiError, Invalid
from webjobs_kube.logs.rotation import Reading, Rotated
from webjobs_kube.tasks import cancelled

_QUEUE = 256
_STAMP_BYTES = 64
_NOT_OFFERED = 422
"""Status of an API server that does not tell streams apart; what is wrong with the pod or its container is 400 or
404."""


class PodLogs:
    """A reader of the logs of jobs' containers."""

    def __init__(self, kube: KubeClient) -> None:
        self._kube = kube
        self._apart = True
        """True until the API server refuses to tell streams apart: each process of this project asks once."""

    async def lines(
        self,
        namespace: str,
        pod: str,
        *,
        previous: bool = False,
        after: LogPosition | None = None,
        together: bool = False,
    ) -> AsyncGenerator[Output]:
        """Yield the lines of the job's container, or of the one before its last restart.

        ``after``: only the lines that were not read yet. ``together``: both streams were read to the same moment, so
        that one without a line is not read from its beginning. Raises what ``KubeClient.log_lines`` raises.
        """
        position = after or LogPosition()
        unread = position.unread()
        read = partial(self._kube.log_lines, namespace, pod, container=CONTAINER, previous=previous)
        out, err = position.since("INFO"), position.since("ERR")
        if together:
            out, err = out or err, err or out
        if self._apart:
            try:
                both = read(stream="Stdout", since_time=out), read(stream="Stderr", since_time=err)
                async for line in kudu_lines.merge(*both):
                    if unread.has(line):
                        yield line
                return
            except Invalid as error:  # comes before the first line
                if error.status != _NOT_OFFERED:
                    raise
                self._apart = False
        async for stamped in read(since_time=out):
            if unread.has(line := Output(stamped)):
                yield line

    async def follow(self, namespace: str, pod: str, *, after: LogPosition | None = None) -> AsyncGenerator[Output]:
        """Yield the lines of the job's container as they are written, until it ends.

        Lines of the two streams come as they are read. ``after``: only the lines that were not read yet. Raises Rotated
        when lines may be missing from now on; what came is all that was written until then.
        """
        position = after or LogPosition()
        unread = position.unread()
        read = partial(self._kube.log_lines, namespace, pod, container=CONTAINER)
        head = partial(_head, read)
        out, err = position.since("INFO"), position.since("ERR")
        reading = Reading(None if out is err is None else await head())
        follow = partial(read, follow=True)
        watch = partial(reading.watch, f"{namespace}/{pod}", head)
        cutters: dict[Level, LineCutter] = {"INFO": LineCutter(), "ERR": LineCutter()}

        def source(level: Level, **of: Any) -> AsyncGenerator[Output]:
            return _level(follow(cutter=cutters[level], **of), level, position.unfinished)

        try:
            if self._apart:
                try:
                    apart = [
                        source("INFO", stream="Stdout", since_time=out),
                        source("ERR", stream="Stderr", since_time=err),
                    ]
                    async with aclosing(_together(apart, reading, watch)) as lines:
                        async for line in lines:
                            if unread.has(line):
                                yield line
                    return
                except Invalid as error:
                    if error.status != _NOT_OFFERED:
                        raise
                    self._apart = False
            async with aclosing(_together([source("INFO", since_time=out)], reading, watch)) as lines:
                async for line in lines:
                    if unread.has(line):
                        yield line
        except Rotated as error:
            # The runtime changes files wherever its output stands, also within a line.
            for level, cutter in cutters.items():
                if begun := cutter.rest.partition(" ")[2]:
                    position.unfinished[level] = (begun, error.head)
            raise


async def _level(
    lines: AsyncIterator[str], level: Level, unfinished: dict[Level, tuple[str, str]]
) -> AsyncGenerator[Output]:
    """Yield the lines of a stream; join the first one to its beginning, if it is the end of an unfinished line.

    It keeps the stamp of its end: by that it is known when the file is read again.
    """
    async for stamped in lines:
        begun, head = unfinished.pop(level, ("", ""))
        stamp, _, text = stamped.partition(" ")
        yield Output(f"{stamp} {begun}{text}" if begun and stamp == head else stamped, level)


async def _head(read: Callable[..., AsyncIterator[str]]) -> str:
    """Return the stamp of a log's first line; empty when there is none."""
    lines = [stamped async for stamped in read(limit_bytes=_STAMP_BYTES)]
    return lines[0].partition(" ")[0] if lines else ""


async def _together(
    sources: Sequence[AsyncIterator[Output]], reading: Reading, watch: Callable[..., Coroutine[Any, Any, None]]
) -> AsyncGenerator[Output]:
    """Yield the lines of all sources in the order in which they come."""
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
        await cancelled(tasks)
