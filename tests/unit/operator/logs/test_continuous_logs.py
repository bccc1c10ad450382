"""The operator stores what pods of continuous jobs write: all of it, once, whatever happens in between."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

import obstore
import pytest

from tests.fakes.attach import Ear
from tests.fakes.kube import FakeKube
from tests.fakes.objects import pod, webjob_body
from tests.unit.core.logs.test_continuous_story import BACK_OFF, BEGUN, PROCESS, down, ended, running
from webjobs.logs import continuous_lines
from webjobs.store import continuous_journal, open_store
from webjobs_kube.errors import ApiError, Unreachable
from webjobs_kube.logs.pod_logs import PodLogs
from webjobs_operator.attach import line_buffer, stderr
from webjobs_operator.attach.stderr import Attach
from webjobs_operator.cluster.cache import Cache
from webjobs_operator.logs import continuous_logs, continuous_reader, continuous_writer
from webjobs_operator.logs.continuous_logs import ContinuousLogs

T = TypeVar("T")
KEY = ("site", "job")
FAILED, DONE = "Job failed due to exit code 3", "Status changed to Success"
STOP = ["Status changed to Stopping", DONE, "Status changed to Stopped"]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store's work is done in threads, which know no virtual time: the waits are short instead."""
    for module, names in (
        (
            continuous_reader,
            ("POLL_SECONDS", "SETTLE_SECONDS", "END_SECONDS", "_RETRY_SECONDS", "_LONGEST_RETRY_SECONDS"),
        ),
        (continuous_writer, ("FLUSH_SECONDS", "SOON_SECONDS", "_RETRY_SECONDS", "_LONGEST_RETRY_SECONDS")),
        (continuous_logs, ("_RETRY_SECONDS", "_LONGEST_RETRY_SECONDS")),
        (stderr, ("_RETRY_SECONDS",)),
    ):
        for name in names:
            monkeypatch.setattr(module, name, 0.02)
    monkeypatch.setattr(continuous_reader, "OVER_SECONDS", 0.3)
    monkeypatch.setattr(line_buffer, "SETTLE_SECONDS", 0.1)


def line(number: int, text: str = "") -> str:
    return f"2026-01-01T00:{number // 60:02d}:{number % 60:02d}.5Z {text or number}"


async def until(look: Callable[[], Awaitable[T]], fits: Callable[[T], bool]) -> None:
    """Looks until it fits; TimeoutError when it does not for long."""
    async with asyncio.timeout(10):
        while not fits(await look()):  # noqa: ASYNC110  a store tells no news
            await asyncio.sleep(0.01)


class World:
    """A continuous job, its pods and an operator."""

    def __init__(self) -> None:
        self.kube, self.store = FakeKube(), open_store("memory:///")
        self.now = datetime(2026, 1, 1, 1, tzinfo=UTC)
        self.uid = "uid-job"
        self.cache = Cache()
        self.attach: Attach | None = None
        self.job()
        self.operator = self.new_operator()

    def new_operator(self) -> ContinuousLogs:
        return ContinuousLogs(
            kube=self.kube,
            pod_logs=PodLogs(self.kube),
            cache=self.cache,
            store=self.store,
            clock=lambda: self.now,
            attach=self.attach,
        )

    def job(self, **spec: Any) -> None:
        body = webjob_body({"type": "continuous"} | spec)
        body["metadata"] |= {"uid": self.uid, "resourceVersion": self.kube._next_version()}
        self.cache.take("WebJob", body)

    def settings(self, **values: str) -> None:
        meta = {"name": "webjobs-settings", "namespace": "site", "uid": "s", "resourceVersion": "1"}
        encoded = {name: b64encode(value.encode()).decode() for name, value in values.items()}
        self.cache.take("Secret", {"metadata": meta, "data": encoded})

    def log(self, *lines: str, name: str = "one", previous: bool = False) -> list[str]:
        """Another log than before: who follows the old one comes to its end."""
        self.kube.logs["site", name, previous] = found = list(lines)
        return found

    def pod(
        self,
        state: dict[str, Any] | None,
        last: dict[str, Any] | None = None,
        *,
        name: str = "one",
        count: int = 0,
        unseen: bool = False,
        **metadata: Any,
    ) -> None:
        """The pod becomes so; ``unseen``: the operator does not know yet."""
        body = pod(name=name, phase="Running", state=state or {}, **metadata)
        body["status"]["containerStatuses"][0] |= {"lastState": last or {}, "restartCount": count}
        there = self.kube.add(body)
        if not unseen:
            self.cache.take("Pod", there)
            self.operator.observe(KEY)

    def gone(self, name: str = "one") -> None:
        body = self.kube.objects.pop(("Pod", "site", name))
        self.cache.drop("Pod", body)
        self.operator.observe(KEY)

    async def kill(self) -> None:
        """The operator ends without a word; another one takes over."""
        for writer in self.operator._writers.values():
            await writer.cancel()
        self.operator = self.new_operator()
        self.operator.observe(KEY)

    async def texts(self) -> list[str]:
        """What is stored, by texts."""
        journal = await continuous_journal.read(self.store, namespace="site", webjob="job", owner=self.uid)
        pieces = await continuous_journal.content(self.store, journal, namespace="site", webjob="job")
        content = b"".join([piece async for piece in pieces])
        return [one.partition("] ")[2] for one in content.decode().split("\r\n")[:-1]]

    async def levels(self) -> list[str]:
        """What is stored of the output; what is an error with a mark before it."""
        journal = await continuous_journal.read(self.store, namespace="site", webjob="job", owner=self.uid)
        pieces = await continuous_journal.content(self.store, journal, namespace="site", webjob="job")
        lines = b"".join([piece async for piece in pieces]).decode().splitlines()
        return [
            ("!" if "ERR ]" in one else "") + one.partition("] ")[2]
            for one in lines
            if "SYS" not in one and "] Status" not in one
        ]

    async def numbers(self) -> list[str]:
        """The same without system lines, which hold no bare numbers."""
        return [text for text in await self.texts() if text.isdigit()]

    async def has(self, expected: list[str]) -> None:
        """Waits until that and nothing else is stored."""
        with suppress(TimeoutError):
            await until(self.texts, lambda found: found == expected)
        assert await self.texts() == expected
        await asyncio.sleep(0.1)
        assert await self.texts() == expected, "and nothing comes after it"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    made.kube.before_call = None
    await made.operator.close()


RUNS = [*BEGUN, *PROCESS]


async def test_a_life(world: World) -> None:
    world.pod(None)
    await world.has(BEGUN)
    own = world.log(line(1), line(2))
    world.pod(running(1))
    await world.has([*RUNS, "1", "2"])
    own.append(line(3))
    await world.has([*RUNS, "1", "2", "3"])
    world.pod(running(1), deletionTimestamp="2026-01-01T00:00:15Z", deletionGracePeriodSeconds=5)
    await world.has([*RUNS, "1", "2", "3", STOP[0]])
    world.log(*own, line(12, "bye"))
    world.pod(ended(13), deletionTimestamp="2026-01-01T00:00:15Z", deletionGracePeriodSeconds=5)
    await world.has([*RUNS, "1", "2", "3", STOP[0], "bye", *STOP[1:]])
    world.gone()
    await world.kill()
    await world.has([*RUNS, "1", "2", "3", STOP[0], "bye", *STOP[1:]])


async def test_all_lives_of_a_job_that_crashes(world: World) -> None:
    world.log(line(1))
    world.pod(running(1))
    await world.has([*RUNS, "1"])
    world.log(line(1), line(2))
    world.pod(ended(2, code=3))
    first = [*RUNS, "1", "2", FAILED]
    await world.has(first)
    world.pod(BACK_OFF, ended(2, code=3))
    first += down(160)
    await world.has(first)
    world.log(line(1), line(2), previous=True)
    world.log(line(10))
    world.pod(running(9), ended(2, code=3), count=1)
    await world.has([*first, *PROCESS, "10"])


async def test_what_an_operator_finds_that_was_away(world: World) -> None:
    world.log(line(1))
    world.pod(running(1))
    await world.has([*RUNS, "1"])
    await world.operator.close()
    world.log(line(1), line(2), previous=True)
    world.log(line(10))
    world.operator = world.new_operator()
    world.pod(running(9), ended(3, code=3), count=1)
    await world.has([*RUNS, "1", "2", FAILED, *down(6), *PROCESS, "10"])


async def test_the_log_of_the_next_process_is_not_taken_for_this_ones(world: World) -> None:
    """The kubelet has restarted the container, and the news are late."""
    world.log(line(1), line(2), previous=True)
    world.log(line(10))
    world.pod(running(1))
    world.pod(running(9), ended(2, code=3), count=1, unseen=True)
    await world.has([*RUNS, "1", "2", FAILED, *down(7), *PROCESS, "10"])


@pytest.mark.parametrize("later", [[], [line(10)]])
async def test_nor_is_it_when_that_is_silent(world: World, later: list[str]) -> None:
    world.log(line(1), line(2), previous=True)
    world.log(*later)
    world.pod(ended(2, code=3))
    world.pod(running(9), ended(2, code=3), count=1, unseen=True)
    await world.has([*RUNS, "1", "2", FAILED, *down(7), *PROCESS, *(one.partition(" ")[2] for one in later)])


async def test_an_operator_that_is_killed_again_and_again(world: World) -> None:
    own = world.log()
    world.pod(running(1))
    for number in range(40):
        own.append(line(number))
        if number % 4 == 3:
            await asyncio.sleep(0.03)
            await world.kill()
    await world.has([*RUNS, *map(str, range(40))])


async def test_a_pod_that_is_gone_while_no_operator_is_there(world: World) -> None:
    world.log(line(1))
    world.pod(running(1))
    await world.has([*RUNS, "1"])
    await world.operator.close()
    world.cache.drop("Pod", world.kube.objects.pop(("Pod", "site", "one")))
    world.operator = world.new_operator()
    world.operator.observe(KEY)
    await world.has([*RUNS, "1", "WebJob process was aborted", STOP[2]])


async def test_a_pod_that_is_torn_away(world: World) -> None:
    own = world.log(line(1))
    world.pod(running(1))
    await world.has([*RUNS, "1"])
    own.append(line(2))
    world.gone()
    world.log(*own, line(3))  # the end of the stream
    await world.has([*RUNS, "1", "2", "WebJob process was aborted", STOP[2]])


async def test_a_stop_comes_after_what_was_written_before_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The news of it are faster than lines that are still held back."""
    monkeypatch.setattr(continuous_reader, "SETTLE_SECONDS", 0.2)
    monkeypatch.setattr(continuous_writer, "FLUSH_SECONDS", 0.5)
    world.log(line(1), line(9), line(12, "bye"))
    world.pod(running(1))
    await asyncio.sleep(0.05)
    world.pod(running(1), deletionTimestamp="2026-01-01T00:00:15Z", deletionGracePeriodSeconds=5)
    await world.has([*RUNS, "1", "9", STOP[0], "bye"])


async def test_several_instances_in_the_order_of_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(continuous_writer, "FLUSH_SECONDS", 0.4)
    world.log(*(line(number) for number in range(10, 30, 2)))
    world.log(*(line(number) for number in range(11, 30, 2)), name="two")
    world.pod(running(1))
    world.pod(running(1), name="two")
    await until(world.numbers, lambda found: len(found) == 20)
    assert await world.numbers() == [str(number) for number in range(10, 30)]


async def test_the_cap(world: World) -> None:
    world.log(*(line(number) for number in range(300)))
    world.pod(running(1))
    full = [*RUNS, *map(str, range(200)), continuous_lines.FULL]
    await world.has(full)
    world.log(previous=False)
    world.pod(ended(400))
    await world.has([*full, DONE])
    world.settings(WEBJOBS_CONTINUOUS_LOG_LINES="0")
    world.log(*(line(number) for number in range(401, 701)))
    world.pod(running(401), ended(400), count=1)
    await world.has([*full, DONE, *down(1), *PROCESS, *map(str, range(401, 701))])


async def test_streams_apart(world: World) -> None:
    world.kube.errors_apart = True
    world.log(line(1), line(3))
    world.kube.error_logs["site", "one", False] = [line(2, "oops")]
    world.pod(running(1))
    await world.has([*RUNS, "1", "oops", "3"])
    job = {"namespace": KEY[0], "webjob": KEY[1]}
    assert b": ERR ] oops\r\n" in (await continuous_journal.read(world.store, owner=world.uid, **job)).lines


async def test_more_processes_than_are_followed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(continuous_logs, "FOLLOWED", 1)
    world.operator = world.new_operator()
    logs = {name: world.log(name=name) for name in ("one", "two", "three")}
    for name in logs:
        world.pod(running(1), name=name)
    for number in range(4):
        for own in logs.values():
            own.append(line(number))
        await asyncio.sleep(0.03)
    await until(world.numbers, lambda found: found.count("3") == 3)
    await asyncio.sleep(0.1)
    assert sorted(await world.numbers()) == sorted([str(number) for number in range(4)] * 3)


async def test_a_connection_that_breaks(world: World) -> None:
    world.log(line(1), line(2))
    world.kube.fail(Unreachable("broken"), verb="log", times=2)
    world.pod(running(1))
    await world.has([*RUNS, "1", "2"])
    world.log(line(1), line(2), line(3))  # the stream ends, the process goes on
    await world.has([*RUNS, "1", "2", "3"])
    world.kube.fail(ApiError(500, "Unknown", "no kubelet"), verb="log", times=3)
    world.pod(ended(5))
    await world.has([*RUNS, "1", "2", "3", DONE])


async def test_the_log_of_an_ended_process_that_is_lost_for_good(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(continuous_reader, "_TRIES", 3)
    world.kube.fail(ApiError(500, "Unknown", "no kubelet"), verb="log", times=1000)
    world.pod(ended(5))
    await world.has([*RUNS, DONE])


class Failing:
    """Puts into the store that fail or hang as told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.put, self.mode = obstore.put_async, "works"
        monkeypatch.setattr(obstore, "put_async", self)

    async def __call__(self, *arguments: Any, **options: Any) -> Any:
        if self.mode == "fails":
            raise OSError("no store")
        if self.mode == "hangs":
            await asyncio.sleep(1000)
        result = await self.put(*arguments, **options)
        if self.mode == "answers nothing":
            raise OSError("the answer was lost")
        return result


@pytest.mark.parametrize("mode", ["fails", "hangs", "answers nothing"])
async def test_a_store_that_does_not_take_it(world: World, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """No line is lost or doubled, and what waits is bounded: then the log is not read any further."""
    monkeypatch.setattr(continuous_writer, "_STORE_SECONDS", 0.1)
    monkeypatch.setattr(continuous_writer, "PENDING_BYTES", 2000)
    monkeypatch.setattr(continuous_reader, "_HELD_BYTES", 500)
    failing = Failing(monkeypatch)
    world.settings(WEBJOBS_CONTINUOUS_LOG_LINES="0")
    own = world.log(line(1))
    world.pod(running(1))
    await world.has([*RUNS, "1"])
    failing.mode = mode
    own += [line(number) for number in range(2, 400)]
    await asyncio.sleep(0.5)
    (writer,) = world.operator._writers.values()
    assert mode == "answers nothing" or 2000 <= writer._bytes < 2200
    failing.mode = "works"
    await world.has([*RUNS, *map(str, range(1, 400))])
    assert writer._bytes == 0


async def test_what_was_read_is_stored_when_the_operator_ends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(continuous_writer, "FLUSH_SECONDS", 1000)
    monkeypatch.setattr(continuous_writer, "SOON_SECONDS", 1000)
    world.log(line(1), line(2))
    world.pod(running(1))
    await asyncio.sleep(0.2)
    assert await world.texts() == []
    await world.operator.close()
    assert await world.texts() == [*RUNS, "1", "2"]


async def test_two_operators_at_once(world: World) -> None:
    """For a moment, as when the old one is not dead yet: the file stays whole, no line is lost or doubled."""
    own = world.log()
    other = world.new_operator()
    world.pod(running(1))
    other.observe(KEY)
    for number in range(30):
        own.append(line(number))
        await asyncio.sleep(0.01)
    await other.close()
    await world.has([*RUNS, *map(str, range(30))])


async def test_a_log_that_somebody_removed_begins_anew(world: World) -> None:
    own = world.log(line(1))
    world.pod(running(1))
    await world.has([*RUNS, "1"])
    await continuous_journal.delete(world.store, namespace="site", webjob="job")
    own.append(line(2))
    await world.has([*RUNS, "1", "2"])


async def test_the_log_goes_with_its_webjob(world: World) -> None:
    world.log(line(1))
    world.pod(running(1))
    await world.has([*RUNS, "1"])
    body = world.cache.get("WebJob", KEY, "job")
    assert body
    world.kube.objects.clear()
    world.cache.drop("WebJob", body)
    world.operator.observe(KEY)
    world.uid = "uid-new"
    world.job()
    world.cache = Cache()
    world.job()
    world.operator._cache = world.cache
    world.log(line(5), name="two")
    world.pod(running(4), name="two")
    await world.has([*RUNS, "5"])
    body = world.cache.get("WebJob", KEY, "job")
    assert body
    world.cache.drop("WebJob", body)
    world.operator.observe(KEY)

    async def stored() -> bool:
        return any(obstore.list(world.store))

    await until(stored, lambda there: not there)


async def test_at_rest_nothing_is_asked_or_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.log(line(1))
    world.pod(running(1))
    await world.has([*RUNS, "1"])
    calls, puts = len(world.kube.calls), []
    monkeypatch.setattr(obstore, "put_async", lambda *arguments, **_: puts.append(arguments))
    for _ in range(3):
        world.operator.observe(KEY)
        await asyncio.sleep(0.05)
    assert (len(world.kube.calls), puts) == (calls, [])


async def test_a_triggered_job_has_no_such_log(world: World) -> None:
    world.cache.take("WebJob", webjob_body(name="other"))
    world.operator.observe(("site", "other"))
    world.operator.observe(("site", "unknown"))
    assert world.operator._writers == {}


async def test_a_process_that_its_container_waits_for(world: World) -> None:
    """Nothing more is told of the pod at the end of the wait, and what it writes then is read all the same."""
    world.job(restartDelaySeconds=60)
    world.now = datetime(2026, 1, 1, 0, 1, 1, 950_000, tzinfo=UTC)
    world.log(line(1), previous=True)
    own = world.log()
    world.pod(running(4), ended(2, code=3), count=1)
    told = [*RUNS, "1", FAILED, *down(60)]
    await world.has(told)
    own.append(line(63))
    world.now = datetime(2026, 1, 1, 0, 1, 2, tzinfo=UTC)
    await world.has([*told, *PROCESS, "63"])


async def test_attaching_tells_the_streams_of_each_life_apart(world: World) -> None:
    world.attach = ear = Ear()
    await world.kill()
    own = world.log(line(1), line(2, "oops"), line(3))
    world.pod(running(1))
    ear.pieces.put_nowait(b"oops\n")
    await world.has([*RUNS, "1", "oops", "3"])
    own.append(line(4, "last"))
    for piece in (b"last", None):  # it ends in the middle of a line
        ear.pieces.put_nowait(piece)
    await world.has([*RUNS, "1", "oops", "3", "last"])
    world.log(*own, previous=True)
    world.log(line(10), line(11, "oops"))
    world.pod(running(9), ended(5, code=3), count=1)
    ear.pieces.put_nowait(b"oops\n")
    await world.has([*RUNS, "1", "oops", "3", "last", FAILED, *down(4), *PROCESS, "10", "oops"])
    assert ear.tries == 2, "once a life"
    assert await world.levels() == ["1", "!oops", "3", "!last", "10", "!oops"]


async def test_what_nobody_hears_is_there_all_the_same(world: World) -> None:
    world.attach = ear = Ear(Unreachable("broken"), ApiError(403, "Forbidden", "a policy"))
    await world.kill()
    own = world.log(line(1))
    world.pod(running(1))
    await world.has([*RUNS, "1"])
    await until(lambda: asyncio.sleep(0, ear.tries), lambda tries: tries == 2)
    own += [line(2, "oops"), line(3)]
    await world.has([*RUNS, "1", "oops", "3"])
    await world.kill()
    own.append(line(4))
    await world.has([*RUNS, "1", "oops", "3", "4"])
    assert await world.levels() == ["1", "oops", "3", "4"]
