"""Output of pods as it is written, by Kubernetes' log API. Each line once, also when a connection breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any

from webjobs import pods
from webjobs.logs.kudu_lines import Output
from webjobs.logs.log_position import LogPosition
from webjobs.objects import Object
from webjobs.pods import by_age
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import Invalid, NotFound, Unreachable
from webjobs_kube.logs.pod_logs import PodLogs
from webjobs_kube.logs.rotation import Rotated

LOOK_SECONDS = 0.3
"""Seconds from one look at a run to the next."""
_BREAKS = 5
"""Connections in a row that may break without a new line before the error is told."""


class PodReader:
    """A reader of one pod's lines, which remembers how far it has read."""

    def __init__(self, pod_logs: PodLogs, namespace: str, pod: str) -> None:
        self._logs = pod_logs
        self._namespace = namespace
        self.pod = pod
        self._position = LogPosition()
        self._breaks = 0
        self.broke = False
        """True when the last reading broke off before the container's end."""

    async def read(self, *, follow: bool) -> AsyncGenerator[Output]:
        """Yield the lines that come after those that were given, until the container ends.

        A connection that breaks ends it as well: the next call goes on. Raises ApiError.
        """
        self.broke = False
        read = self._logs.follow if follow else self._logs.lines
        try:
            async with aclosing(read(self._namespace, self.pod, after=self._position)) as lines:
                async for line in lines:
                    self._breaks = 0
                    yield line
                    self._position.add(line)
        except Rotated:  # lines may be missing from here on: the next request finds the file that goes on
            self.broke = True
        except Unreachable:
            self._breaks += 1
            self.broke = True
            if self._breaks > _BREAKS:
                raise

    async def all(self, *, follow: bool) -> AsyncGenerator[Output]:
        """Yield the lines that come after those that were given, over broken connections. Raises ApiError."""
        while True:
            async for line in self.read(follow=follow):
                yield line
            if not self.broke:
                return
            await asyncio.sleep(LOOK_SECONDS)


def has_begun(pod: Mapping[str, Any]) -> bool:
    """Return whether the job's container runs or ran, so that there is a log."""
    status = pods.container_status(pod)
    return bool({"running", "terminated"} & (status.get("state") or {}).keys() or status.get("lastState"))


async def of_run(
    kube: KubeClient,
    pod_logs: PodLogs,
    *,
    namespace: str,
    selector: str,
    ended: Callable[[], Awaitable[bool]],
) -> AsyncGenerator[Output]:
    """Yield all output of a run, attempt by attempt, until it has ended.

    ``selector``: of its pods. A pod that is gone before it was read is left out.
    """
    done: set[str] = set()
    while True:
        over = await ended()  # looked at before the pods: what they have then is all of it
        for pod in by_age(await kube.list("Pod", namespace, selector=selector)):
            name = pod["metadata"]["name"]
            if name in done:
                continue
            if not has_begun(pod):
                break
            reader = PodReader(pod_logs, namespace, name)
            try:
                async for line in reader.all(follow=True):
                    yield line
            except (NotFound, Invalid):
                pass  # the pod has just gone
            done.add(name)
        if over:
            return
        await asyncio.sleep(LOOK_SECONDS)


async def of_worker(
    kube: KubeClient, pod_logs: PodLogs, *, namespace: str, selector: str, begun: Mapping[str, PodReader]
) -> AsyncGenerator[tuple[str, Output]]:
    """Yield the output of all instances of a continuous job with their six characters, until cancelled.

    ``begun``: readers, by the pods' UIDs, that go on where they are; other pods are read from their beginning.
    """
    queue: asyncio.Queue[tuple[str, Output] | Exception] = asyncio.Queue(256)
    tasks: dict[str, asyncio.Task[None]] = {}

    async def one(pod: Object) -> None:
        instance, name = pods.instance_id(pod["metadata"]["uid"]), pod["metadata"]["name"]
        reader = begun.get(pod["metadata"]["uid"]) or PodReader(pod_logs, namespace, name)
        try:
            while True:
                async for line in reader.read(follow=True):
                    await queue.put((instance, line))
                await asyncio.sleep(1)  # its container ended; the next one's log comes under the same name
                there = await kube.get("Pod", namespace, name)
                if there["metadata"]["uid"] != pod["metadata"]["uid"]:
                    return
        except (NotFound, Invalid):
            return
        except Exception as error:
            await queue.put(error)

    async def look() -> None:
        try:
            while True:
                for pod in await kube.list("Pod", namespace, selector=selector):
                    uid = pod["metadata"]["uid"]
                    if has_begun(pod) and (uid not in tasks or tasks[uid].done()):
                        tasks[uid] = asyncio.create_task(one(pod))
                await asyncio.sleep(1)
        except Exception as error:
            await queue.put(error)

    looking = asyncio.create_task(look())
    try:
        while True:
            found = await queue.get()
            if isinstance(found, Exception):
                raise found
            yield found
    finally:
        for task in (looking, *tasks.values()):
            task.cancel()
        await asyncio.gather(looking, *tasks.values(), return_exceptions=True)
