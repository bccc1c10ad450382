"""RunFollowers of runs that go on: they read the logs of runs, and store them as they come.

A kubelet rotates logs, and gives only the newest file; a node may die with its disk. So what a run writes is in the
store within seconds, and the archive at its end is made of that.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from webjobs.logs import kudu_lines
from webjobs.logs.kudu_lines import Output
from webjobs.logs.log_position import LogPosition
from webjobs.store import ObjectStore, run_log_parts
from webjobs_kube.backoff import Backoff
from webjobs_kube.errors import ApiError, Invalid, NotFound
from webjobs_kube.logs.pod_logs import PodLogs
from webjobs_kube.logs.rotation import Rotated
from webjobs_kube.tasks import cancelled
from webjobs_operator.attach.stderr import SETTLE_SECONDS, Attach, Ears, Hearing

log = logging.getLogger(__name__)

FLUSH_SECONDS = 5.0
"""Seconds after which lines that came are stored."""
_PART_BYTES = 2**19
_MOST = 200
"""Runs that are followed at once: each takes a connection or two, and at most about a part of memory. The logs of the
others are read at their end; a script of theirs that waits for the operator to attach begins late, having waited in
vain."""
_RETRY_SECONDS, _LAST_RETRY_SECONDS = 2.0, 8.0
"""Seconds after a connection broke, doubled until lines come again."""
_FINISH_SECONDS = 10.0


class RunFollowers:
    """The followers of all runs: one for each pod of a run."""

    def __init__(self, *, pod_logs: PodLogs, store: ObjectStore, attach: Attach | None = None) -> None:
        self._pod_logs = pod_logs
        self._store = store
        self._attach = attach
        self._tasks: dict[str, dict[str, asyncio.Task[None]]] = {}
        """Tasks by the log of the run and the UID of the pod."""

    def follow(self, uid: str, *, namespace: str, pod: str, log_key: str, hearing: Ears | None = None) -> None:
        """Start to follow a pod, unless that is done already.

        ``hearing``: what hears the pod's stderr already.
        """
        if uid not in self._tasks.get(log_key, {}) and len(self._tasks) < _MOST:
            follower = _Follower(pod_logs=self._pod_logs, store=self._store, log_key=log_key, attach=self._attach)
            task = asyncio.create_task(follower.run(namespace, pod, hearing))
            self._tasks.setdefault(log_key, {})[uid] = task
            task.add_done_callback(partial(self._ended, log_key, uid))

    def _ended(self, log_key: str, uid: str, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            log.warning("%s is not followed any more: %s", log_key, error)
        own = self._tasks.get(log_key, {})
        if own.get(uid) is task:
            del own[uid]
        if not own:
            self._tasks.pop(log_key, None)

    async def finish(self, log_key: str) -> None:
        """Wait until all is stored of a run whose processes have ended; give up after a while."""
        tasks = list(self._tasks.pop(log_key, {}).values())
        if tasks:
            await asyncio.wait(tasks, timeout=_FINISH_SECONDS)
            await cancelled(tasks)

    async def drop(self, log_key: str) -> None:
        """End the followers of a run: all that it wrote is known otherwise."""
        await cancelled(self._tasks.pop(log_key, {}).values())

    async def close(self) -> None:
        """Store what came, and end all followers."""
        known, self._tasks = self._tasks, {}
        await cancelled(task for tasks in known.values() for task in tasks.values())


class _Follower:
    """The follower of one pod, with the lines that are not stored yet."""

    def __init__(self, *, pod_logs: PodLogs, store: ObjectStore, log_key: str, attach: Attach | None) -> None:
        self._pod_logs = pod_logs
        self._store = store
        self._key = log_key
        self._attach = attach
        self._number = 0
        self._position = LogPosition()
        self._apart = False
        """True once lines of stdout and stderr came by streams of their own."""
        self._lines: list[tuple[float, Output]] = []
        """Lines that are not stored yet, with the moments at which they came."""
        self._bytes = 0
        self._hearing: Ears | None = None
        self._writing = asyncio.Lock()

    async def run(self, namespace: str, pod: str, hearing: Ears | None) -> None:
        """Follow the pod until its container ends; take a broken connection up again where it broke."""
        ticker = asyncio.create_task(self._tick(pod))
        if hearing is None and self._attach:
            hearing = Hearing(self._attach, namespace, pod)
        self._hearing = hearing
        backoff = Backoff(_RETRY_SECONDS, _LAST_RETRY_SECONDS)
        try:
            await self._resume(pod)
            while True:
                try:
                    async for line in self._pod_logs.follow(namespace, pod, after=self._position):
                        backoff.reset()
                        self._take(line)
                        if self._bytes >= _PART_BYTES:
                            await self._flush(pod)
                    break
                except (NotFound, Invalid):
                    break
                except Rotated as error:
                    log.info("%s", error.message)
                except ApiError as error:
                    log.info("log of pod %s/%s broke off: %s", namespace, pod, error)
                    await asyncio.sleep(backoff.next())
            if hearing:  # stderr ends with the container
                await hearing.settle()
        finally:
            await cancelled([ticker])
            if hearing:
                await hearing.close()
            await self._flush(pod)

    async def _resume(self, pod: str) -> None:
        """Take the work up after the parts that an operator before this one stored."""
        known = (await run_log_parts.keys(self._store, self._key)).get(pod, [])
        if known:
            self._number = int(known[-1].rpartition("/")[2]) + 1
            async for line in run_log_parts.read(self._store, known):
                self._position.add(line)

    def _take(self, line: Output) -> None:
        self._position.add(line)
        self._apart = self._apart or line.level == "ERR"
        self._lines.append((asyncio.get_running_loop().time(), line))
        self._bytes += len(line.stamped)

    async def _tick(self, pod: str) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self._flush(pod, settled=SETTLE_SECONDS if self._hearing else 0.0)

    async def _flush(self, pod: str, *, settled: float = 0.0) -> None:
        """Store what came at least so many seconds ago.

        When the store fails, the lines stay in memory, and the reading waits.
        """
        async with self._writing:
            before = asyncio.get_running_loop().time() - settled
            while count := sum(came <= before for came, _ in self._lines):
                lines = [line for _, line in self._lines[:count]]
                if self._hearing:
                    lines = [self._hearing.tell(line) for line in lines]
                if self._apart:  # two streams come as they are read
                    lines.sort(key=lambda line: kudu_lines.moment(line.stamped))
                try:
                    await run_log_parts.write(self._store, self._key, pod=pod, number=self._number, lines=lines)
                except Exception as error:
                    log.warning("a part of %s was not stored: %s", self._key, error)
                    self._lines[:count] = [(before, line) for line in lines]
                    if self._bytes < _PART_BYTES:
                        return
                    await asyncio.sleep(_RETRY_SECONDS)
                    continue
                self._number += 1
                del self._lines[:count]
                self._bytes = sum(len(line.stamped) for _, line in self._lines)
