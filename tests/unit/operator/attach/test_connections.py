"""Connections to pods that wait for their run: when one is ready, what is heard, and what becomes of a broken one."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.objects import pod
from tests.unit.crashes.test_api_faults import in_virtual_time
from webjobs.logs.kudu_lines import Output
from webjobs.pods import END
from webjobs_kube.attach import STDERR, STDOUT, Attached
from webjobs_kube.errors import ApiError, NotFound, Unreachable
from webjobs_operator.attach import connections
from webjobs_operator.attach.connections import Session, Sessions
from webjobs_operator.attach.connections import given as of_list

KEY = ("site", "job")
LINE = b"\ngo end\n"
JOB = "job"


class Connection(Attached):
    """One of a test's; what is put into ``pieces`` comes, None is the container's end, an error breaks it."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.queue: asyncio.Queue[tuple[int, bytes] | ApiError | None] = asyncio.Queue()
        self.broken: ApiError | None = None

    async def send(self, data: bytes) -> None:
        if self.broken:
            raise self.broken
        self.sent.append(data)

    async def pieces(self) -> AsyncIterator[tuple[int, bytes]]:
        while (piece := await self.queue.get()) is not None:
            if isinstance(piece, ApiError):
                raise piece
            yield piece

    def breaks(self) -> None:
        self.broken = Unreachable("broke off")
        self.queue.put_nowait(self.broken)


class Attach:
    """``errors``: what the next tries end with, by container; ``slow``: seconds that attaching takes."""

    def __init__(self) -> None:
        self.made: dict[str, list[Connection]] = defaultdict(list)
        self.errors: dict[str, list[ApiError]] = defaultdict(list)
        self.slow: dict[str, float] = {}
        self.open = self.tries = 0

    @asynccontextmanager
    async def __call__(self, namespace: str, pod: str, *, container: str, **streams: Any) -> AsyncIterator[Attached]:
        assert streams.pop("heartbeat") > 0
        wanted = {"stdin", "stdout", "stderr"} if container == JOB else {"stdout"}
        assert (namespace, pod, set(streams)) == ("site", "job-pod", wanted)
        self.tries += 1
        await asyncio.sleep(self.slow.get(container, 0))
        if self.errors[container]:
            raise self.errors[container].pop(0)
        self.made[container].append(Connection())
        self.open += 1
        try:
            yield self.made[container][-1]
        finally:
            self.open -= 1

    @property
    def job(self) -> Connection:
        return self.made[JOB][-1]

    @property
    def end(self) -> Connection:
        return self.made[END][-1]

    def ends(self, code: int = 0) -> None:
        """As it goes: the code, then the ends of both containers."""
        self.end.queue.put_nowait((STDOUT, f"{code}\n".encode()))
        self.job.queue.put_nowait(None)
        self.end.queue.put_nowait(None)

    @property
    def sent(self) -> list[list[bytes]]:
        return [one.sent for one in self.made[JOB]]


class Scene:
    """One pod and those who talk to it."""

    def __init__(self) -> None:
        self.attach, self.changes = Attach(), list[tuple[str, str]]()
        self.all = Sessions(self.attach, changed=self.changes.append)

    def attend(self) -> Session:
        return self.all.attend(KEY, pod(uid="uid"))

    async def told(self) -> Session:
        session = self.attend()
        await settle()
        await session.begin(LINE)
        return session


async def settle(seconds: float = 0.001) -> None:
    await asyncio.sleep(seconds)


def played(scene: Callable[[Scene], Awaitable[None]]) -> Scene:
    """In virtual time; no task is left when all is closed."""
    made: list[Scene] = []

    async def run() -> None:
        made.append(Scene())
        await scene(made[0])
        await made[0].all.close()
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
        assert made[0].attach.open == 0

    in_virtual_time(run)
    return made[0]


def texts(session: Session) -> list[tuple[str, str]]:
    assert session.lines is not None
    return [(line.level, line.stamped.partition(" ")[2]) for line in session.lines]


@pytest.mark.parametrize("slow", [JOB, END])
def test_ready_is_after_both_connections(slow: str) -> None:
    async def scene(it: Scene) -> None:
        it.attach.slow[slow] = 1.0
        session = it.attend()
        assert it.attend() is session
        await settle(0.9)
        assert (session.ready, it.changes) == (False, [])
        await settle(0.2)
        assert (session.ready, it.changes) == (True, [KEY])
        await session.begin(LINE)
        await session.begin(b"\ngo another end\n")
        assert (session.ready, session.whole, it.attach.sent) == (False, True, [[LINE]])

    played(scene)


WRITTEN = st.lists(st.tuples(st.sampled_from([STDOUT, STDERR]), st.sampled_from(["a", "b c", "", "\u00e4\u20ac"])))


@given(written=WRITTEN, size=st.integers(1, 5), unended=st.booleans())
def test_lines_however_they_are_cut(written: list[tuple[int, str]], size: int, unended: bool) -> None:
    async def scene(it: Scene) -> None:
        session = await it.told()
        for channel, text in written:
            raw = text.encode() + b"\n"
            for at in range(0, len(raw), size):
                it.attach.job.queue.put_nowait((channel, raw[at : at + size]))
        if unended:
            it.attach.job.queue.put_nowait((STDERR, b"the "))
            it.attach.job.queue.put_nowait((STDERR, b"rest"))
        it.attach.ends(7)
        await settle()
        wanted = [("ERR" if channel == STDERR else "INFO", text) for channel, text in written]
        assert texts(session) == wanted + [("ERR", "the rest")] * unended
        assert (session.code, session.over is None, session.whole) == (7, False, True)
        hearing = session.hearing()
        await hearing.settle()
        errors = [text for level, text in wanted if level == "ERR"]
        assert [hearing.tell(Output(f"x {text}")).level for text in errors] == ["ERR"] * len(errors)

    played(scene)


def test_what_comes_shortly_after_the_exit_code_is_waited_for() -> None:
    async def scene(it: Scene) -> None:
        session = await it.told()
        it.attach.job.queue.put_nowait((STDOUT, b"a\n"))
        await settle()
        assert session.lines is None, "it goes on"
        it.attach.end.queue.put_nowait((STDOUT, b"0"))
        await settle()
        assert (session.code, session.over) == (None, None), "half a code"
        it.attach.end.queue.put_nowait((STDOUT, b"\n"))
        for more in (b"b\n", b"c"):
            await settle(0.01)
            assert (session.code, session.over) == (0, None), "output may still come"
            it.attach.job.queue.put_nowait((STDOUT, more))
        await settle(0.05)
        assert texts(session) == [("INFO", "a"), ("INFO", "b"), ("INFO", "c")]
        assert len(it.changes) == 2

    played(scene)


def test_too_much_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_BYTES", 10)

    async def scene(it: Scene) -> None:
        session = await it.told()
        for piece in (b"0123456\n", b"8", b"9\n", b"more\n"):
            it.attach.job.queue.put_nowait((STDOUT, piece))
            await settle()
        it.attach.ends()
        await settle()
        assert (session.code, session.whole, session.lines) == (0, False, None)

    played(scene)


def test_a_line_before_the_connection_is_sent_with_it() -> None:
    async def scene(it: Scene) -> None:
        it.attach.slow[JOB] = 1.0
        session = it.attend()
        await session.begin(LINE)
        assert not session.whole, "an operator before this one may have told it"
        await settle(1.1)
        assert it.attach.sent == [[LINE]]
        it.attach.ends()
        await settle()
        assert (session.code, session.lines) == (0, None)

    played(scene)


@pytest.mark.parametrize("which", ["both", JOB, END])
def test_a_broken_connection_tells_the_same_line_once_more(which: str) -> None:
    """Also when one of both breaks alone."""

    async def scene(it: Scene) -> None:
        session = await it.told()
        for count in (2, 3):
            for container, one in ((JOB, it.attach.job), (END, it.attach.end)):
                if which in ("both", container):
                    one.breaks()
            await settle(0.3)
            assert it.attach.sent == [[LINE]] * count
        it.attach.ends()
        await settle()
        assert (session.code, session.whole, session.lines) == (0, False, None)

    played(scene)


@pytest.mark.parametrize("which", ["both", JOB, END])
def test_one_that_breaks_while_it_waits_misses_nothing(which: str) -> None:
    async def scene(it: Scene) -> None:
        session = it.attend()
        await settle()
        for container, one in ((JOB, it.attach.job), (END, it.attach.end)):
            if which in ("both", container):
                one.breaks()
        await settle(0.01)
        assert not session.ready
        await settle(0.1)
        assert session.ready
        await session.begin(LINE)
        it.attach.job.queue.put_nowait((STDOUT, b"a\n"))
        it.attach.ends()
        await settle()
        assert (it.attach.sent, texts(session)) == ([[], [LINE]], [("INFO", "a")])

    played(scene)


def test_a_line_that_could_not_be_sent_goes_out_with_the_next_connection() -> None:
    async def scene(it: Scene) -> None:
        session = it.attend()
        await settle()
        it.attach.job.broken = Unreachable("broke off")
        await session.begin(LINE)
        it.attach.job.breaks()
        await settle(0.1)
        assert (it.attach.sent, session.whole) == ([[], [LINE]], False)

    played(scene)


def test_who_tells_the_code_may_start_anew() -> None:
    """Its container was killed, say, while the pod waits on."""

    async def scene(it: Scene) -> None:
        session = it.attend()
        await settle()
        it.attach.errors[END] = [ApiError(500, "InternalError", "container not running")] * 2
        it.attach.end.queue.put_nowait(None)
        await settle(0.01)
        assert not session.ready
        await settle(2)
        assert (session.ready, session.over) == (True, None)

    played(scene)


@pytest.mark.parametrize("error", [NotFound(404, "NotFound", "no pod"), Unreachable("no network")])
def test_an_error_is_tried_again_ever_less_often(error: ApiError) -> None:
    async def scene(it: Scene) -> None:
        it.attach.errors[JOB] = [error] * 1000
        it.attend()
        await settle(60)
        assert 10 < it.attach.tries < 20
        assert it.changes == []

    played(scene)


@pytest.mark.parametrize("status", [403, 422])
def test_a_refusal_is_not_tried_again_for_minutes(status: int) -> None:
    async def scene(it: Scene) -> None:
        it.attach.errors[END] = [ApiError(status, "Forbidden", "no")]
        session = it.attend()
        await settle()
        assert (session.forbidden, session.ready, it.all.forbidden, it.changes) == (True, False, True, [KEY])
        await settle(299)
        assert (it.attach.tries, it.all.forbidden, it.all.get("uid")) == (2, True, None)
        await settle(2)
        assert not it.all.forbidden
        assert it.attend() is not session
        await settle()
        assert it.attend().ready

    played(scene)


def test_there_is_room_for_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST", 1)

    async def scene(it: Scene) -> None:
        assert it.all.has_room
        it.attend()
        assert not it.all.has_room

    played(scene)


def test_others_are_let_go() -> None:
    async def scene(it: Scene) -> None:
        session = it.attend()
        await settle()
        it.all.keep(("site", "other"), ())
        it.all.keep(KEY, ["uid"])
        await settle()
        assert (it.all.get("uid"), session.ready, it.attach.open) == (session, True, 2)
        it.all.keep(KEY, ["theirs"])
        await settle()
        assert (it.all.get("uid"), session.ready, it.attach.open) == (None, False, 0)

    played(scene)


def test_close_waits_for_those_that_are_just_let_go() -> None:
    async def scene(it: Scene) -> None:
        it.attend()
        await settle()
        it.all.keep(KEY, ())

    played(scene)


def test_who_follows_waits_a_second_for_the_end_at_most() -> None:
    async def scene(it: Scene) -> None:
        session = await it.told()
        begun = asyncio.get_running_loop().time()
        await session.hearing().settle()
        assert asyncio.get_running_loop().time() - begun == pytest.approx(1, abs=0.01)
        await session.hearing().close()
        assert not session.over
        assert it.attach.open == 2, "the session goes on"

    played(scene)


async def test_given() -> None:
    lines = [Output("x a"), Output("x b", "ERR")]
    assert [line async for line in of_list(lines)] == lines
