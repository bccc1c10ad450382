"""Connections to the pods that wait for a run, made before there is one: a run starts by one line over an open one.

What a run writes comes back over its connection at once, and its exit code over a second connection, from the container
beside it. None of that has to be believed: pod and log say the same a second later, and they count where a connection
broke.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any, Protocol

from webjobs.logs.kudu_lines import Level, Output
from webjobs.logs.stderr import Stderr
from webjobs.pods import CONTAINER, END
from webjobs_kube.attach import STDERR, Attached
from webjobs_kube.errors import ApiError, Unreachable
from webjobs_kube.tasks import cancelled

log = logging.getLogger(__name__)

MOST_BYTES = 2**20
"""Most bytes of the output of one run that are kept; the log of a run that writes more is made of what the kubelet
has."""
MOST = 200
"""Pods that are attached to while they wait: two connections each, of the thousand that a client has."""
HEARTBEAT_SECONDS = 30.0
"""Seconds between pings over a connection to a pod."""
_SETTLE_SECONDS = 1.0
"""Longest time in seconds from the exit code to the end of the output; it takes some milliseconds."""
_QUIET_SECONDS = 0.015
"""Seconds without output after the exit code, after which the output counts as whole; the kubelet's log says whether it
is."""
_RETRIES = (0.05, 0.2, 1.0, 2.0, 5.0)
_REFUSALS = (403, 422)
"""Statuses of a refused attach: by missing rights, or by a policy of the cluster."""
FORBIDDEN_SECONDS = 300.0
"""Seconds for which nobody tries again after a refusal."""


class Attach(Protocol):
    """A function that attaches to a container: ``webjobs_kube.attach.attached`` of one client."""

    def __call__(
        self,
        namespace: str,
        pod: str,
        *,
        container: str,
        stdin: bool = False,
        stdout: bool = False,
        stderr: bool = False,
        heartbeat: float | None = None,
    ) -> AbstractAsyncContextManager[Attached]: ...


class Session:
    """A connection to one pod, from its waiting to the end of its run."""

    def __init__(self, attach: Attach, namespace: str, pod: str, *, changed: Callable[[], None]) -> None:
        self._attach = attach
        self._pod = namespace, pod
        self._changed = changed
        self._connection: Attached | None = None
        self._line: bytes | None = None
        self._output = _Output()
        self._hearing = Stderr()
        self.forbidden = False
        self.code: int | None = None
        """Exit code of the script."""
        self.over: datetime | None = None
        """When all output of the script had come; None before that."""
        self._ended = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    @property
    def ready(self) -> bool:
        """True when a line would reach the pod at once."""
        return self._connection is not None and self._line is None

    @property
    def whole(self) -> bool:
        """True while nothing was missed of what the run writes."""
        return self._output.whole

    @property
    def lines(self) -> list[Output] | None:
        """Output of the run; None before it is over, and when something of it is known to be missing."""
        return self._output.lines if self.over and self._output.whole else None

    async def begin(self, line: bytes) -> None:
        """Send the line that starts the run.

        It is sent now and after each break of the connection: the pod takes the first one only.
        """
        if self._line is not None:
            return
        self._line = line
        if self._connection is None:
            self._output.whole = False  # somebody else may have told it before
            return
        try:
            await self._connection.send(line)
        except ApiError as error:
            log.info("pod %s/%s was not told of its run yet: %s", *self._pod, error)

    async def _run(self) -> None:
        try:
            await self._connected()
        finally:
            self._connection = None
            self._ended.set()

    async def _connected(self) -> None:
        tries = 0
        while True:
            try:
                async with (
                    self._attach(
                        *self._pod,
                        container=CONTAINER,
                        stdin=True,
                        stdout=True,
                        stderr=True,
                        heartbeat=HEARTBEAT_SECONDS,
                    ) as job,
                    self._attach(*self._pod, container=END, stdout=True, heartbeat=HEARTBEAT_SECONDS) as end,
                ):
                    if self._line is not None:
                        await job.send(self._line)
                    self._connection, tries = job, 0
                    self._changed()
                    await self._hear(job, end)
                    return
            except ApiError as error:
                if error.status in _REFUSALS:
                    log.warning("pod %s/%s can't be attached to: %s", *self._pod, error)
                    self.forbidden = True
                    self._changed()
                    return
                log.info("connection to pod %s/%s: %s", *self._pod, error)
            finally:
                self._connection = None
            self._output.whole = self._output.whole and self._line is None
            await asyncio.sleep(_RETRIES[min(tries, len(_RETRIES) - 1)])
            tries += 1

    async def _hear(self, job: Attached, end: Attached) -> None:
        reader, ender = asyncio.create_task(self._read(job)), asyncio.create_task(self._read_code(end))
        try:
            # A connection that breaks alone would leave a pod that can't be told of its run.
            await asyncio.wait([reader, ender], return_when=asyncio.FIRST_COMPLETED)
            if not ender.done():
                await reader
            await ender
            if self.code is None and self._line is None:
                raise Unreachable("the container that tells the exit code has ended")
            await self._settled(reader)
            if reader.done() and reader.exception():
                self._output.whole = False
            self._output.end()
            self._hearing.end()
            self.over = datetime.now(UTC)
            self._ended.set()
            self._changed()
        finally:
            await cancelled([reader, ender])

    async def _settled(self, reader: asyncio.Task[None]) -> None:
        """Wait until the output has ended, or nothing came for a moment after the exit code."""
        if self.code is None:
            await asyncio.wait([reader], timeout=_SETTLE_SECONDS)
            return
        heard = -1
        while heard != self._output.bytes and not reader.done():
            heard = self._output.bytes
            await asyncio.wait([reader], timeout=_QUIET_SECONDS)

    async def _read_code(self, end: Attached) -> None:
        said = b""
        async for _, data in end.pieces():
            said += data
            if said.endswith(b"\n"):
                break
        if said.strip().isdigit():
            self.code = int(said)

    async def _read(self, job: Attached) -> None:
        async for channel, data in job.pieces():
            self._output.feed("ERR" if channel == STDERR else "INFO", data)
            if channel == STDERR:
                self._hearing.feed(data)

    def hearing(self) -> SessionHearing:
        """Return what tells a follower of the log which lines are of stderr."""
        return SessionHearing(self._hearing, self._ended)

    async def close(self) -> None:
        """Close the connection; the pod waits on."""
        await cancelled([self._task])


class SessionHearing:
    """The stderr of a session's pod, as ``webjobs_operator.attach.stderr.Ears``."""

    def __init__(self, stderr: Stderr, ended: asyncio.Event) -> None:
        self._ended = ended
        self.tell = stderr.tell

    async def settle(self) -> None:
        """Wait for what was written before the process ended; give up after a second."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), timeout=_SETTLE_SECONDS)

    async def close(self) -> None:
        """Do nothing: the session goes on hearing until it is closed itself."""


class _Output:
    """The lines of both streams in the order in which they came."""

    def __init__(self) -> None:
        self.lines: list[Output] = []
        self.whole = True
        self._rest: dict[Level, bytes] = {"INFO": b"", "ERR": b""}
        self.bytes = 0

    def feed(self, level: Level, data: bytes) -> None:
        """Take in a piece of a stream, of any size."""
        self.bytes += len(data)
        if self.bytes > MOST_BYTES:
            self.whole, self._rest = False, {"INFO": b"", "ERR": b""}
            self.lines.clear()
            return
        *lines, self._rest[level] = (self._rest[level] + data).split(b"\n")
        for line in lines:
            self._add(level, line)

    def end(self) -> None:
        """Note that both streams have ended; a last line without a line end is one, too."""
        for level, rest in self._rest.items():
            if rest:
                self._add(level, rest)
        self._rest = {"INFO": b"", "ERR": b""}

    def _add(self, level: Level, line: bytes) -> None:
        stamp = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "000Z")
        self.lines.append(Output(f"{stamp} {line.decode('utf-8', 'replace')}", level))


class Sessions:
    """The sessions of all pods that wait for a run or execute one, by UID."""

    def __init__(self, attach: Attach, *, changed: Callable[[tuple[str, str]], None]) -> None:
        self._attach = attach
        self._changed = changed
        self._known: dict[str, tuple[tuple[str, str], Session]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._forbidden_until = 0.0

    @property
    def forbidden(self) -> bool:
        """True when attaching was refused a short while ago."""
        return asyncio.get_running_loop().time() < self._forbidden_until

    @property
    def has_room(self) -> bool:
        """True when one more pod that waits can be attached to."""
        return len(self._known) < MOST

    def get(self, uid: str) -> Session | None:
        """Return the session of a pod; None when there is none."""
        known = self._known.get(uid)
        return known[1] if known else None

    def attend(self, key: tuple[str, str], pod: Mapping[str, Any]) -> Session:
        """Return the session of a pod whose container runs; make one when there is none."""
        meta = pod["metadata"]
        if known := self.get(meta["uid"]):
            return known
        made = Session(self._attach, meta["namespace"], meta["name"], changed=lambda: self._heard(key, meta["uid"]))
        self._known[meta["uid"]] = key, made
        return made

    def _heard(self, key: tuple[str, str], uid: str) -> None:
        known = self.get(uid)
        if known and known.forbidden:
            self._forbidden_until = asyncio.get_running_loop().time() + FORBIDDEN_SECONDS
            del self._known[uid]
        self._changed(key)

    def keep(self, key: tuple[str, str], uids: Collection[str]) -> None:
        """Close the sessions of a WebJob's pods except the given ones."""
        for uid in [uid for uid, (owner, _) in self._known.items() if owner == key and uid not in uids]:
            _, session = self._known.pop(uid)
            task = asyncio.create_task(session.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Close all sessions and wait until they have ended."""
        known, self._known = self._known, {}
        await asyncio.gather(*(session.close() for _, session in known.values()), *self._closing)


async def given(lines: list[Output]) -> AsyncIterator[Output]:
    """Yield lines that are there already."""
    for line in lines:
        yield line
