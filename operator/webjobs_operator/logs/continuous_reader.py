"""The reader of one pod of a continuous job, which tells the pod's story to its writer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from webjobs import pods
from webjobs.logs import continuous_lines, continuous_story
from webjobs.logs import processes as lives
from webjobs.logs.continuous_lines import Entry
from webjobs.logs.continuous_story import About, Position, Read, Tell, Wait
from webjobs.logs.kudu_lines import Output
from webjobs.logs.processes import Process, processes
from webjobs_kube.backoff import Backoff
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import ApiError, Invalid, NotFound
from webjobs_kube.logs.pod_logs import PodLogs
from webjobs_kube.logs.rotation import Rotated
from webjobs_kube.tasks import cancelled
from webjobs_operator.attach.line_buffer import HeldLines
from webjobs_operator.attach.stderr import Attach, Hearing

log = logging.getLogger(__name__)

FOLLOWED = 200
"""Processes that are followed at once: each takes a connection. The logs of the others are read now and then."""
POLL_SECONDS = 10.0
"""Seconds between two readings of a log that is not followed."""
SETTLE_SECONDS = 0.5
"""Seconds after a log was opened: by then the API says what the kubelet knew when it opened the log."""
END_SECONDS = 2.0
"""Seconds from the end of a log to the news that its process has ended."""
OVER_SECONDS = 10.0
"""Seconds for which a log is read on whose process has ended: its connection may be dead."""
_RETRY_SECONDS = 2.0
_LONGEST_RETRY_SECONDS = 30.0
_RETRY_FACTOR = 1.5
_TRIES = 25
"""Tries to read the log of an ended process, about ten minutes in all."""
_HELD_BYTES = 2**16

Pod = Mapping[str, Any]


class Sink(Protocol):
    """The receiver of the story of pods."""

    def add(self, uid: str, entry: Entry) -> None:
        """Take in the next entry of a pod's story."""

    async def room(self) -> None:
        """Wait until more may be added."""


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Clients and limits that all readers of logs share."""

    kube: KubeClient
    """Client of the Kubernetes API."""
    pod_logs: PodLogs
    """Reader of the logs of containers."""
    followed: asyncio.Semaphore
    """Semaphore for the processes that are followed at once."""
    clock: Callable[[], datetime]
    """Function that returns the time of now, aware."""
    attach: Attach | None = None
    """Function that attaches to stderr, to hear it by itself; None: lines have the level that the log API gives."""


class PodReader:
    """The reader of one pod, from a position to the end of the pod's story.

    ``news`` brings what is observed meanwhile.
    """

    def __init__(
        self, uid: str, pod: Pod | None, *, position: Position, about: About, cap: int, sink: Sink, sources: Sources
    ) -> None:
        self._uid = uid
        self._instance = pods.instance_id(uid)
        self._pod = pod
        self._known = pod
        """The pod as it was when it was last there."""
        self._position = position
        self._about = about
        self._cap = cap
        self._sink = sink
        self._sources = sources
        self._changed = asyncio.Event()
        self._followed = ""
        """The process whose output is read as it is written."""
        self._over = asyncio.Event()
        """Set when the log that is read will not go on: the process has ended, or the pod is gone."""
        self._mistaken = asyncio.Event()
        """Set when the log that is read is that of another process."""
        self._read = ""
        """The ended process whose output was read to its end."""
        self._backoff = Backoff(_RETRY_SECONDS * _RETRY_FACTOR, _LONGEST_RETRY_SECONDS, factor=_RETRY_FACTOR)
        self._hearing: tuple[str, Hearing] | None = None
        """Id and listener of the newest process that was followed."""

    def news(self, pod: Pod | None, *, about: About, cap: int) -> None:
        """Take in the pod as it is now; None when it is gone."""
        self._about, self._cap = about, cap
        if pod is None:
            self._over.set()
        elif self._known is not None and _version(pod) <= _version(self._known):
            return
        else:
            self._known = pod
        self._pod = pod
        self._changed.set()
        if pod and self._followed and not any(one.id == self._followed and not one.ended for one in processes(pod)):
            self._over.set()
        if pod is not None and isinstance(step := self._next(), Tell) and step.loose:
            self._tell(step)  # at once, even while output is read: what comes now comes after it

    async def run(self) -> None:
        """Read and tell until the whole story is told."""
        try:
            await self._run()
        finally:
            if self._hearing:
                await self._hearing[1].close()

    async def _run(self) -> None:
        if self._pod and self._position.stage != "new":
            await self._look()  # the operator that came this far may have known more than this one does
        while True:
            await self._sink.room()
            self._changed.clear()
            step = self._next()
            if isinstance(step, Tell):
                self._tell(step)
            elif isinstance(step, Read):
                await self._output(step.process)
            elif step:
                with suppress(TimeoutError):
                    seconds = (step.until - self._sources.clock()).total_seconds()
                    await asyncio.wait_for(self._changed.wait(), seconds)
            elif self._position.stage == "stopped":
                return
            else:
                await self._changed.wait()

    def _next(self) -> Tell | Read | Wait | None:
        return continuous_story.next_step(
            self._position, self._pod, about=self._about, cap=self._cap, now=self._sources.clock(), read=self._read
        )

    def _tell(self, step: Tell) -> None:
        self._position = step.after
        self._sink.add(self._uid, continuous_lines.told(step, instance=self._instance))

    async def _output(self, process: Process) -> None:
        """Read the output of a process as far as it goes now."""
        follow = process.ended is None and not self._sources.followed.locked()
        self._followed = process.id if follow else ""
        try:
            async with self._sources.followed if follow else nullcontext():  # there is room: it does not wait
                whole = await self._until_over(self._lines(process, follow=follow))
        except Rotated as error:
            log.info("%s", error.message)
            return
        except ApiError as error:
            if process.ended and self._backoff.failures >= _TRIES:
                log.warning("output of process %s of %s is lost: %s", process.id, self._instance, error)
                whole = True
            else:
                await asyncio.sleep(self._backoff.next())
                return
        self._backoff.reset()
        if not whole:
            return
        if process.ended:
            self._read = process.id
            return
        try:
            await asyncio.wait_for(self._changed.wait(), END_SECONDS if follow else POLL_SECONDS)
        except TimeoutError:
            await self._look()

    async def _until_over(self, reading: Coroutine[Any, Any, None]) -> bool:
        """Read a log, not much longer than something is to come; return whether it was the log that was meant."""
        self._mistaken.clear()
        self._over.clear()
        task = asyncio.create_task(reading)
        others = [asyncio.create_task(event.wait()) for event in (self._over, self._mistaken)]
        try:
            await asyncio.wait([task, *others], return_when=asyncio.FIRST_COMPLETED)
            if not self._mistaken.is_set():
                await asyncio.wait([task, others[1]], timeout=OVER_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if task.done() and not self._mistaken.is_set():
                await task
        finally:
            await cancelled([task, *others])
        return not self._mistaken.is_set()

    async def _look(self) -> None:
        """Ask the API for the pod: no news may mean that news are late."""
        try:
            self.news(await self._fresh(), about=self._about, cap=self._cap)
        except ApiError as error:
            log.info("pod of %s can't be looked at: %s", self._instance, error)

    async def _fresh(self) -> Pod | None:
        if self._known is None:
            return None
        meta = self._known["metadata"]
        try:
            pod = await self._sources.kube.get("Pod", meta["namespace"], meta["name"])
        except NotFound:
            return None
        return pod if pod["metadata"]["uid"] == self._uid else None

    async def _lines(self, process: Process, *, follow: bool) -> None:
        """Take in the lines that are new; hold the first ones back until it is sure which process wrote them."""
        meta, after = (self._known or {})["metadata"], self._position.log
        arguments = (meta["namespace"], meta["name"])
        hearing = await self._heard(process, *arguments, begin=follow)
        held = HeldLines(self._take, hearing)
        check: asyncio.Task[None] | None = None
        async with AsyncExitStack() as stack:
            if follow:
                source = self._sources.pod_logs.follow(*arguments, after=after)
            else:
                source = self._sources.pod_logs.lines(*arguments, previous=process.previous, after=after)
            lines = await stack.enter_async_context(aclosing(source))
            if hearing:
                stack.enter_context(_running(held.settling()))
            try:
                async for line in lines:
                    held.add(line)
                    check = check or stack.enter_context(_running(self._sure(process, held)))
                    if held.bytes >= _HELD_BYTES:
                        await check
                        held.settle()
                    await self._sink.room()
                    if continuous_story.is_full(self._position, cap=self._cap):
                        return
            except (NotFound, Invalid) as error:  # the pod or its log is gone, or its container has not started yet
                log.debug("no log of process %s of %s: %s", process.id, self._instance, error)
            else:
                if process.ended and not check:  # a log without a new line may be that of a later process, too
                    check = stack.enter_context(_running(self._sure(process, held)))
            if check:
                await check
            if hearing:
                await hearing.settle()
                held.settle()

    async def _heard(self, process: Process, namespace: str, pod: str, *, begin: bool) -> Hearing | None:
        """Return what hears the stderr of a process, or heard it: one listener for all connections to its log."""
        if self._hearing and self._hearing[0] == process.id:
            return self._hearing[1]
        if not begin or self._sources.attach is None:
            return None
        if self._hearing:
            await self._hearing[1].close()
        self._hearing = process.id, Hearing(self._sources.attach, namespace, pod)
        return self._hearing[1]

    def _take(self, line: Output) -> None:
        if continuous_story.is_full(self._position, cap=self._cap):
            return
        entry = continuous_lines.taken(self._position, line, instance=self._instance, cap=self._cap)
        self._position = entry.after
        self._sink.add(self._uid, entry)

    async def _sure(self, process: Process, held: HeldLines) -> None:
        """Release the held lines if the API still says that the log is that of the process.

        The API gives the log of whatever container is there when it is asked.
        """
        await asyncio.sleep(SETTLE_SECONDS)
        while True:
            try:
                pod = await self._fresh()
                break
            except ApiError as error:
                log.info("pod of %s can't be looked at: %s", self._instance, error)
                await asyncio.sleep(_RETRY_SECONDS)
        if pod is not None and lives.reads(pod, previous=process.previous) != process.id:
            log.info(
                "the log of process %s of %s was that of the next one: it is read anew", process.id, self._instance
            )
            self.news(pod, about=self._about, cap=self._cap)
            self._mistaken.set()
        else:
            held.release()


def _version(pod: Pod) -> int:
    return int(pod["metadata"]["resourceVersion"])


@contextmanager
def _running(work: Coroutine[Any, Any, None]) -> Iterator[asyncio.Task[None]]:
    """Run work as a task that does not outlive the context."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
