"""Logs of containers with stdout and stderr told apart, where the API server offers it.

Kubernetes does from 1.32 on, behind the feature gate PodLogsQuerySplitStreams; without it all lines are INFO.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from functools import partial

from webjobs import logs
from webjobs.logs import CONTAINER, Level, Output
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import ApiError, Invalid

_QUEUE = 256
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
        """The same as it is written, until the container ends. Lines of the two streams come as they are read."""
        read = partial(self._kube.log_lines, namespace, pod, container=CONTAINER, follow=True, since_time=since)
        if self._apart:
            try:
                async with aclosing(_both(read)) as both:
                    async for line in both:
                        yield line
                return
            except Invalid as error:
                if error.status != _NOT_OFFERED:
                    raise
                self._apart = False
        async for stamped in read():
            yield Output(stamped)


async def _both(read: Callable[..., AsyncIterator[str]]) -> AsyncGenerator[Output]:
    """Lines of both streams in the order of their coming."""
    queue: asyncio.Queue[Output | BaseException | None] = asyncio.Queue(_QUEUE)

    async def one(stream: str, level: Level) -> None:
        try:
            async for stamped in read(stream=stream):
                await queue.put(Output(stamped, level))
            await queue.put(None)
        except ApiError as error:
            await queue.put(error)

    tasks = [asyncio.create_task(one("Stdout", "INFO")), asyncio.create_task(one("Stderr", "ERR"))]
    try:
        for _ in tasks:
            while (found := await queue.get()) is not None:
                if isinstance(found, BaseException):
                    raise found
                yield found
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
