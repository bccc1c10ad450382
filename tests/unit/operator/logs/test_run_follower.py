"""Logs of runs that go on: stored as they come, each line once, over broken connections, restarts and rotations."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import obstore
import pytest

from tests.fakes.attach import Ear
from tests.fakes.kube import FakeKube
from tests.fakes.objects import pod
from webjobs.logs.kudu_lines import Output
from webjobs.store import ObjectStore, open_store, run_log_parts
from webjobs.store.run_logs import run_log_key
from webjobs_kube.errors import ApiError, NotFound, Unreachable
from webjobs_kube.logs import run_output
from webjobs_kube.logs.pod_logs import PodLogs
from webjobs_operator.attach import stderr
from webjobs_operator.attach.stderr import Attach
from webjobs_operator.logs import run_follower
from webjobs_operator.logs.run_follower import RunFollowers

KEY = run_log_key(namespace="site", webjob="job", run_id="202601010000000000")
POD = ("site", "job-pod", False)


def line(second: int, text: str = "") -> str:
    return f"2026-01-01T00:{second // 60:02d}:{second % 60:02d}.123456789Z {text or second}"


class Setup:
    """A pod whose log grows, and followers of it."""

    def __init__(self) -> None:
        self.kube, self.store = FakeKube(), open_store("memory:///")
        self.kube.add(pod())
        self.log = self.kube.logs[POD] = []
        self.attach: Attach | None = None
        self.restart()

    def restart(self) -> None:
        self.followers = RunFollowers(pod_logs=PodLogs(self.kube), store=self.store, attach=self.attach)

    def follow(self) -> None:
        self.followers.follow("uid", namespace="site", pod="job-pod", log_key=KEY)

    async def output(self, *, must_read: bool = True) -> list[str]:
        """All lines of the run, by their texts; errors with a mark."""
        pods = [self.kube.objects["Pod", "site", "job-pod"]] if self.kube.objects else []
        found = run_output.output(
            store=self.store, pod_logs=PodLogs(self.kube), log_key=KEY, pods=pods, must_read=must_read
        )
        marks = {"INFO": "", "ERR": "!", "WARN": "?"}
        return [marks[one.level] + one.stamped.partition(" ")[2] async for one in found]

    def end(self) -> None:
        """The container ends: who follows comes to the end of the stream."""
        self.kube.logs[POD] = list(self.log)

    async def has(self, count: int) -> None:
        """Waits until so many lines are stored."""
        async with asyncio.timeout(10):
            while True:
                if await self._count() >= count:
                    return
                await asyncio.sleep(0.01)

    async def _count(self) -> int:
        known = await run_log_parts.keys(self.store, KEY)
        return sum([1 for own in known.values() async for _ in run_log_parts.read(self.store, own)])

    def stored(self) -> list[str]:
        return [meta["path"] for batch in obstore.list(self.store) for meta in batch]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store's work is done in threads, which know no virtual time: the waits are short instead."""
    monkeypatch.setattr(run_follower, "FLUSH_SECONDS", 0.02)
    monkeypatch.setattr(run_follower, "_RETRY_SECONDS", 0.02)
    monkeypatch.setattr(run_follower, "_FINISH_SECONDS", 0.5)
    monkeypatch.setattr(run_follower, "SETTLE_SECONDS", 0.02)
    monkeypatch.setattr(stderr, "SETTLE_SECONDS", 0.02)
    monkeypatch.setattr(stderr, "_RETRY_SECONDS", 0.02)


async def test_lines_are_stored_within_seconds_and_outlive_the_node() -> None:
    world = Setup()
    world.log += [line(1), line(2)]
    world.follow()
    await world.has(2)
    world.log.append(line(3))
    await world.has(3)
    assert len(world.stored()) == 2
    world.kube.fail(ApiError(500, "Unknown", "no kubelet"), verb="log", times=1000)
    assert await world.output(must_read=False) == ["1", "2", "3"]
    with pytest.raises(ApiError):
        await world.output()
    world.kube.objects.clear()  # the pod is collected with its node
    assert await world.output() == ["1", "2", "3"]
    await world.followers.close()


async def test_attempts_whose_pods_are_gone_come_in_the_order_of_time() -> None:
    world = Setup()
    for name, second in (("c", 1), ("a", 2), ("d", 3), ("b", 4)):
        await run_log_parts.write(world.store, KEY, pod=name, number=0, lines=[Output(line(second))])
    world.kube.objects.clear()
    assert await world.output() == ["1", "2", "3", "4"]


async def test_rotation_takes_nothing_away() -> None:
    world = Setup()
    world.log += [line(second) for second in range(10)]
    world.follow()
    await world.has(10)
    world.log.append(line(10))
    await world.has(11)
    world.end()
    world.kube.logs[POD] = [line(10), line(11)]  # the kubelet gives the newest file only
    await world.followers.finish(KEY)
    assert await world.output() == [str(number) for number in range(12)]


async def test_a_broken_connection_is_taken_up_where_it_broke() -> None:
    world = Setup()
    world.log += [line(1), line(2)]
    world.kube.fail(Unreachable("broken"), verb="log", times=2)
    world.follow()
    await world.has(2)
    world.end()
    await world.followers.finish(KEY)
    assert await world.output() == ["1", "2"]


async def test_a_log_that_can_not_be_read_is_asked_for_less_and_less(monkeypatch: pytest.MonkeyPatch) -> None:
    waits, sleep = [], asyncio.sleep

    async def noted(seconds: float) -> None:
        if seconds != run_follower.FLUSH_SECONDS:
            waits.append(seconds)
        await sleep(min(seconds, 0.02))

    monkeypatch.setattr(run_follower, "_RETRY_SECONDS", 2.0)
    monkeypatch.setattr(asyncio, "sleep", noted)
    world = Setup()
    world.log.append(line(1))
    world.kube.fail(Unreachable("broken"), verb="log", times=10)
    world.follow()
    world.end()
    await world.followers.finish(KEY)
    assert [seconds for seconds in waits if seconds >= 1] == [2, 4, 8, 8, 8]
    assert await world.output() == ["1"]


@pytest.mark.parametrize("how", ["at the end", "connection", "operator"])
async def test_lines_whose_stamps_are_not_in_order(how: str) -> None:
    """The later stamp can come first, and the end of a run reads all of its log again."""
    world = Setup()
    world.log += [line(1), line(3), line(2), line(2, "2 again")]
    if how == "connection":
        world.kube.fail(Unreachable("broken"), verb="log", times=1)
    world.follow()
    await world.has(4)
    if how == "operator":
        await world.followers.close()
        world.restart()
        world.log += [line(3, "3 again"), line(2, "2 late")]
        world.follow()
        await world.has(6)
    world.end()
    await world.followers.finish(KEY)
    assert await world.output() == ["1", "3", "2", "2 again", "3 again", "2 late"][: 6 if how == "operator" else 4]


async def test_an_operator_after_this_one_goes_on() -> None:
    world = Setup()
    world.log += [line(1), line(2)]
    world.follow()
    await world.has(2)
    await world.followers.close()
    world.restart()
    world.log.append(line(3))
    world.follow()
    await world.has(3)
    world.end()
    await world.followers.finish(KEY)
    assert len(world.stored()) == 2
    assert await world.output() == ["1", "2", "3"]
    await run_log_parts.delete(world.store, KEY)
    await run_log_parts.delete(world.store, KEY)
    assert world.stored() == []


async def test_what_was_read_is_stored_when_the_operator_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_follower, "FLUSH_SECONDS", 1000)
    world = Setup()
    world.log += [line(1), line(2)]
    asked = asyncio.Event()

    async def note(call: Any) -> None:
        if call.verb == "log":
            asked.set()

    world.kube.before_call = note
    world.follow()
    await asyncio.wait_for(asked.wait(), 10)
    for _ in range(100):  # the lines are there as soon as the others had their turns
        await asyncio.sleep(0)
    await world.followers.close()
    await world.has(2)


async def test_a_run_of_a_moment_whose_pod_is_gone_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_follower, "FLUSH_SECONDS", 1000)
    world = Setup()
    world.log += [line(1), line(2)]
    world.follow()
    world.end()
    await world.followers.finish(KEY)
    world.kube.objects.clear()
    assert await world.output() == ["1", "2"]


async def test_followers_of_runs_that_nobody_finishes_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run was deleted: its pod ends, and nobody asks for its log."""
    monkeypatch.setattr(run_follower, "_MOST", 1)
    world = Setup()
    world.log.append(line(1))
    world.follow()
    await world.has(1)
    world.end()
    async with asyncio.timeout(10):
        await asyncio.gather(*world.followers._tasks[KEY].values())
    other = run_log_key(namespace="site", webjob="job", run_id="202601010000010000")
    world.followers.follow("other", namespace="site", pod="job-pod", log_key=other)
    assert list(world.followers._tasks) == [other], "there is room again"
    await world.followers.close()


async def test_streams_apart() -> None:
    world = Setup()
    world.kube.errors_apart = True
    world.log += [line(1), line(3)]
    world.kube.error_logs[POD] = [line(2, "oops")]
    world.follow()
    await world.has(3)
    assert await world.output() == ["1", "!oops", "3"]
    world.end()
    world.kube.error_logs[POD] = [line(2, "oops"), line(4, "again")]
    await world.followers.finish(KEY)
    assert await world.output() == ["1", "!oops", "3", "!again"]


async def test_a_store_that_fails_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    world, write = Setup(), run_log_parts.write
    failures = iter([True] * 3)

    async def failing(store: ObjectStore, log_key: str, **options: Any) -> None:
        if next(failures, False):
            raise OSError("no store")
        await write(store, log_key, **options)

    monkeypatch.setattr(run_log_parts, "write", failing)
    monkeypatch.setattr(run_follower, "_PART_BYTES", 100)
    world.log += [line(second, "x" * 60) for second in range(6)]
    world.follow()
    await world.has(6)
    world.end()
    await world.followers.finish(KEY)
    assert next(failures, None) is None
    assert len(await world.output()) == 6


async def test_a_part_in_pieces_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store("memory:///")

    async def in_pieces(store: ObjectStore, key: str) -> tuple[int, AsyncIterator[bytes]]:
        async def pieces() -> AsyncIterator[bytes]:
            content = f"INFO {line(1, 'é')}\nERR {line(2, 'b b')}\n".encode()
            for at in range(len(content)):
                yield content[at : at + 1]

        return 0, pieces()

    monkeypatch.setattr(run_log_parts, "read_stream", in_pieces)
    found = [(one.level, one.stamped.partition(" ")[2]) async for one in run_log_parts.read(store, ["x"])]
    assert found == [("INFO", "é"), ("ERR", "b b")]


async def test_attaching_tells_the_streams_apart() -> None:
    world, ear = Setup(), Ear()
    world.attach = ear
    world.restart()
    world.log += [line(1), line(2, "oops"), line(3)]
    ear.pieces.put_nowait(b"oo")
    ear.pieces.put_nowait(b"ps\n")
    world.follow()
    await world.has(3)
    assert await world.output() == ["1", "!oops", "3"]
    # What is stored as an error comes once more among the other lines, and counts once.
    world.log += [line(4, "again")]
    ear.pieces.put_nowait(b"again")
    await world.followers.close()
    world.attach = Ear()
    world.restart()
    world.log += [line(5)]
    world.follow()
    await world.has(5)
    world.end()
    await world.followers.finish(KEY)
    assert [text.strip("!") for text in await world.output()] == ["1", "oops", "3", "again", "5"]
    await run_log_parts.delete(world.store, KEY)
    assert await world.output() == ["1", "oops", "3", "again", "5"], "without an ear it is one stream"


async def test_the_last_error_has_no_end() -> None:
    world, ear = Setup(), Ear()
    world.attach = ear
    world.restart()
    world.log += [line(1), line(2, "oops")]
    for piece in (b"oops", None):
        ear.pieces.put_nowait(piece)
    world.follow()
    world.end()
    await world.followers.finish(KEY)
    assert await world.output() == ["1", "!oops"]


@pytest.mark.parametrize(
    ("errors", "tries", "expected"),
    [
        ([Unreachable("broken")] * 2, 3, "!oops"),
        ([ApiError(403, "Forbidden", "a policy")], 1, "oops"),
        ([NotFound(404, "NotFound", "no such pod")], 1, "oops"),
    ],
)
async def test_an_ear_that_fails_takes_nothing_away(errors: list[ApiError], tries: int, expected: str) -> None:
    world, ear = Setup(), Ear(*errors)
    world.attach = ear
    world.restart()
    ear.pieces.put_nowait(b"oops\n")
    ear.pieces.put_nowait(None)
    world.follow()
    for _ in range(500):
        if ear.tries == tries and (ear.pieces.empty() or expected == "oops"):
            break
        await asyncio.sleep(0.01)
    world.log += [line(1), line(2, "oops")]
    await world.has(2)
    assert await world.output() == ["1", expected]
    assert ear.tries == tries
    await world.followers.close()
