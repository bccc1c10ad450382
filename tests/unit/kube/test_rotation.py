"""A log that the kubelet rotates while somebody reads it: nothing is passed over, and hardly anything is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Literal

import looptime
import pytest

from tests.fakes.kube import FakeKube
from webjobs.logs.line_cutter import LineCutter
from webjobs.logs.log_position import LogPosition
from webjobs_kube.errors import ApiError, Invalid, NotFound, Unreachable
from webjobs_kube.logs.pod_logs import PodLogs
from webjobs_kube.logs.rotation import MUCH_BYTES, Rotated

BLOCK = MUCH_BYTES // 100 + 10
"""Lines that make a file one that can be rotated."""
TORN = "<"
"""At the end of a line whose other part is in the next file: the runtime wrote no line end."""
SECONDS, POLL = 0.0001, 0.1
"""Until a line was read; between two looks at the end."""


def stamped(number: int, level: str = "INFO") -> str:
    return f"2026-01-01T{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}.5Z {level} {number} {'x' * 80}"


class Kubelet(FakeKube):
    """Follows as kubelets do: it hears of rotations once it was at the end of a log."""

    def __init__(self, *, apart: bool) -> None:
        super().__init__()
        self.apart = apart
        self.files: list[list[str]] = [[]]
        self.running = True
        self.broken = False
        self.rotates = False
        """At the next line that is read."""
        self.refusals: list[ApiError] = []
        self.fails = 0
        """Requests that follow and fail before they give a line."""
        self.requests = self.heads = self.written = 0

    def write(self, count: int) -> None:
        for _ in range(count):
            self.files[-1].append(stamped(self.written, "ERR" if self.written % 3 == 0 else "INFO"))
            self.written += 1

    def rotate(self, *, torn: bool = False) -> None:
        """Begin a new file; the runtime does so wherever it is, also within a line."""
        if torn:
            line, stamp = self.files[-1].pop(), stamped(self.written)
            self.files[-1].append(line[:-40] + TORN)
            self.files.append([f"{stamp.partition(' ')[0]} {line[-40:]}"])
        else:
            self.files.append([])

    async def log_lines(
        self,
        namespace: str,
        pod: str,
        *,
        follow: bool = False,
        since_time: str | None = None,
        limit_bytes: int | None = None,
        stream: Literal["Stdout", "Stderr"] | None = None,
        cutter: LineCutter | None = None,
        **_: object,
    ) -> AsyncIterator[str]:
        if stream and not self.apart:
            raise Invalid(422, "Invalid", "stream: Forbidden")
        self.requests += 1
        if limit_bytes is not None:
            self.heads += 1
            if self.refusals:
                raise self.refusals.pop()
            for line in self.files[-1][:1]:
                yield line[:limit_bytes]
            return
        if self.fails:
            self.fails -= 1
            raise Unreachable("not yet")
        file, at, newest = self.files[-1], 0, None
        while True:
            while at < len(file):
                await asyncio.sleep(SECONDS)
                line, at = file[at], at + 1
                if self.rotates:
                    self.rotates = False
                    self.rotate()
                if (since_time is None or line[:19] >= since_time[:19]) and self._is_of(line, stream):
                    if line.endswith(TORN):
                        assert cutter
                        assert list(cutter.feed(line.removesuffix(TORN).encode())) == []
                    else:
                        yield line
            if not follow or not self.running:
                return
            newest = newest or self.files[-1]  # it watches from now on
            await asyncio.sleep(POLL)
            if self.broken:
                self.broken = False
                raise Unreachable("broken")
            if newest is not self.files[-1] and at == len(file):
                file, at, newest = self.files[-1], 0, self.files[-1]

    @staticmethod
    def _is_of(line: str, stream: str | None) -> bool:
        return stream is None or (stream == "Stderr") == (" ERR " in line)


class Reader:
    """Takes up a log again where it broke off, as the operator does."""

    def __init__(self, kubelet: Kubelet) -> None:
        self._pod_logs = PodLogs(kubelet)
        self.found: list[str] = []
        self.position = LogPosition()

    async def read(self) -> None:
        while True:
            try:
                async for line in self._pod_logs.follow("site", "job-pod", after=self.position):
                    self.found.append(line.stamped)
                    self.position.add(line)
                return
            except (Rotated, Unreachable):
                continue


def followed(acts: Callable[[Kubelet, Reader], AsyncIterator[None]], *, apart: bool = False) -> tuple[Kubelet, Reader]:
    """Somebody reads while things happen."""

    async def scene() -> tuple[Kubelet, Reader]:
        kubelet = Kubelet(apart=apart)
        reader = Reader(kubelet)
        task = asyncio.create_task(reader.read())
        async for _ in acts(kubelet, reader):
            pass
        await asyncio.sleep(30)
        kubelet.running = False
        await task
        return kubelet, reader

    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        return runner.run(scene())


@pytest.mark.parametrize("apart", [False, True], ids=["one stream", "two streams"])
def test_a_rotation_before_the_end_was_reached(apart: bool) -> None:
    """The next file is read before it is rotated, too."""

    async def acts(kubelet: Kubelet, reader: Reader) -> AsyncIterator[None]:
        kubelet.write(BLOCK)
        await asyncio.sleep(BLOCK * SECONDS / 2)
        assert 0 < len(reader.found) < BLOCK
        kubelet.rotate()
        yield
        for _ in range(3):
            await asyncio.sleep(5)
            kubelet.write(BLOCK)
            await asyncio.sleep(5)
            kubelet.rotate()

    kubelet, reader = followed(acts, apart=apart)
    assert len(reader.found) == kubelet.written == 4 * BLOCK
    assert sorted(reader.found) == [line for file in kubelet.files for line in file]


@pytest.mark.parametrize("apart", [False, True], ids=["one stream", "two streams"])
def test_a_rotation_within_a_line_that_was_missed(apart: bool) -> None:
    """The line's beginning came over the request that ended, its end is the first line of the next file."""

    async def acts(kubelet: Kubelet, reader: Reader) -> AsyncIterator[None]:
        kubelet.write(BLOCK)
        if kubelet.files[-1][-1].split()[1] != "INFO":
            kubelet.write(1)
        await asyncio.sleep(BLOCK * SECONDS / 2)
        assert 0 < len(reader.found) < BLOCK
        kubelet.rotate(torn=True)
        yield
        await asyncio.sleep(5)
        kubelet.write(10)

    kubelet, reader = followed(acts, apart=apart)
    assert texts(reader.found) == texts(whole(kubelet))


def whole(kubelet: Kubelet) -> list[str]:
    """All that was written, no line torn."""
    return [stamped(number, "ERR" if number % 3 == 0 else "INFO") for number in range(kubelet.written)]


def texts(lines: list[str]) -> list[str]:
    """Without stamps: a line that was torn has two, and keeps the later one."""
    return sorted(line.partition(" ")[2] for line in lines)


def test_a_line_that_was_joined_is_not_read_again() -> None:
    """It has the stamp of its end, by which it is known in the next file."""

    async def acts(kubelet: Kubelet, reader: Reader) -> AsyncIterator[None]:
        kubelet.write(BLOCK)
        await asyncio.sleep(BLOCK * SECONDS / 2)
        kubelet.rotate(torn=True)
        yield
        await asyncio.sleep(5)
        kubelet.write(3)
        await asyncio.sleep(5)
        kubelet.broken = True

    kubelet, reader = followed(acts)
    assert texts(reader.found) == texts(whole(kubelet))


def test_the_beginning_of_a_line_outlives_a_request_that_fails() -> None:
    async def acts(kubelet: Kubelet, reader: Reader) -> AsyncIterator[None]:
        kubelet.write(BLOCK)
        await asyncio.sleep(BLOCK * SECONDS / 2)
        kubelet.rotate(torn=True)
        kubelet.fails = 1
        yield
        await asyncio.sleep(10)

    kubelet, reader = followed(acts)
    assert kubelet.fails == 0
    assert texts(reader.found) == texts(whole(kubelet))


def test_a_rotation_while_a_connection_passes_over_what_was_read() -> None:
    async def acts(kubelet: Kubelet, reader: Reader) -> AsyncIterator[None]:
        kubelet.write(BLOCK)
        await asyncio.sleep(5)
        assert len(reader.found) == BLOCK
        kubelet.rotate()
        kubelet.write(10)
        await asyncio.sleep(1)
        kubelet.broken = kubelet.rotates = True  # in the middle of these ten
        yield
        await asyncio.sleep(5)
        kubelet.write(10)
        await asyncio.sleep(1)
        kubelet.rotate()

    kubelet, reader = followed(acts)
    assert reader.found == [line for file in kubelet.files for line in file]


def test_a_log_that_is_quiet_is_left_alone() -> None:
    """A small one is never asked for, a large one once, whatever time passes."""

    async def acts(kubelet: Kubelet, reader: Reader) -> AsyncIterator[None]:
        kubelet.write(10)
        yield
        await asyncio.sleep(300)
        assert kubelet.heads == 0
        kubelet.write(BLOCK)
        await asyncio.sleep(300)
        assert kubelet.heads == 1
        kubelet.write(BLOCK)
        await asyncio.sleep(300)

    kubelet, reader = followed(acts)
    assert (kubelet.heads, kubelet.requests) == (1, 2)
    assert len(reader.found) == kubelet.written


@pytest.mark.parametrize(
    ("error", "heads"),
    [
        (Unreachable("broken"), 3),
        (ApiError(429, "TooManyRequests", "later"), 3),
        (NotFound(404, "NotFound", "gone"), 1),
    ],
    ids=["out of reach", "busy", "gone"],
)
def test_the_first_line_can_not_be_had(error: ApiError, heads: int) -> None:
    """It is asked for again, and in the meantime nothing is lost."""

    async def acts(kubelet: Kubelet, reader: Reader) -> AsyncIterator[None]:
        kubelet.refusals = [error, error]
        kubelet.write(BLOCK)
        yield
        await asyncio.sleep(10)

    kubelet, reader = followed(acts)
    assert (kubelet.heads, len(reader.found)) == (heads, BLOCK)
