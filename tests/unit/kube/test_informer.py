"""List and watch in virtual time: what goes on after everything that can end a watch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import looptime
import pytest

from tests.fakes.kube import FakeKube, not_authorized
from tests.fakes.objects import webjob_body
from webjobs_kube.errors import Gone, Unreachable
from webjobs_kube.informer import Informer


class Recorder:
    """A sink that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.broken = False

    def fill(self, kind: str, items: list[dict[str, Any]], *, version: int) -> None:
        self.told.append(f"fill {' '.join(item['metadata']['name'] for item in items)}".strip())

    def observe(self, kind: str, body: dict[str, Any]) -> None:
        if self.broken:
            self.broken = False
            raise ZeroDivisionError
        self.told.append(f"observe {body['metadata']['name']}")

    def forget(self, kind: str, body: dict[str, Any]) -> None:
        self.told.append(f"forget {body['metadata']['name']}")


Scene = Callable[[FakeKube, Informer, Recorder], Awaitable[None]]


def play(scene: Scene) -> Recorder:
    """Runs an informer beside a scene; time passes only while nobody has anything to do."""

    async def session() -> Recorder:
        kube, sink = FakeKube(), Recorder()
        kube.add(webjob_body(name="first"))
        loop = asyncio.get_running_loop()
        informer = Informer(kube, kind="WebJob", namespace="site", sink=sink, sleep=asyncio.sleep, clock=loop.time)
        task = asyncio.create_task(informer.run())
        await asyncio.sleep(1)
        await scene(kube, informer, sink)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return sink

    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        return runner.run(session())


def _lists(kube: FakeKube) -> int:
    return sum(call.verb == "list" for call in kube.calls)


def test_changes_are_told() -> None:
    async def scene(kube: FakeKube, informer: Informer, sink: Recorder) -> None:
        assert informer.filled
        kube.add(webjob_body(name="second"))
        kube.add(webjob_body(name="elsewhere") | {"metadata": {"name": "elsewhere", "namespace": "other"}})
        await kube.patch("WebJob", "site", "second", {"spec": {"suspend": True}})
        await kube.delete("WebJob", "site", "first")
        await asyncio.sleep(1)

    assert play(scene).told == ["fill first", "observe second", "observe second", "forget first"]


@pytest.mark.parametrize("error", [None, Unreachable("ServerDisconnectedError")])
def test_a_watch_that_ends_goes_on_where_it_was(error: Exception | None) -> None:
    async def scene(kube: FakeKube, informer: Informer, sink: Recorder) -> None:
        kube.add(webjob_body(name="second"))
        await asyncio.sleep(1)
        kube.end_watches(error)
        await asyncio.sleep(0)
        kube.add(webjob_body(name="third"))
        await asyncio.sleep(1)
        assert (informer.age(), informer.last_error, _lists(kube)) == (0, None, 1)

    assert play(scene).told == ["fill first", "observe second", "observe third"]


def test_bookmarks_spare_a_new_list() -> None:
    async def scene(kube: FakeKube, informer: Informer, sink: Recorder) -> None:
        kube._version = 100
        kube.bookmark()
        await asyncio.sleep(1)
        kube.compacted = 100
        kube.end_watches()
        await asyncio.sleep(1)
        assert [call.name for call in kube.calls if call.verb == "watch"] == ["1", "100"]

    assert play(scene).told == ["fill first"]


@pytest.mark.parametrize("within", [False, True])
def test_too_old_means_a_new_list(within: bool) -> None:
    async def scene(kube: FakeKube, informer: Informer, sink: Recorder) -> None:
        kube._version = 100
        kube.compacted = 99
        kube.end_watches(Gone(410, "Expired", "too old") if within else None)
        await asyncio.sleep(3)
        kube.add(webjob_body(name="second"))
        await asyncio.sleep(1)

    assert play(scene).told == ["fill first", "fill first", "observe second"]


def test_an_outage_is_known_and_costs_few_calls() -> None:
    async def scene(kube: FakeKube, informer: Informer, sink: Recorder) -> None:
        before = len(kube.calls)
        kube.fail(Unreachable("down"), times=10**6)
        kube.end_watches(Unreachable("down"))
        await asyncio.sleep(600)
        assert 598 < informer.age() < 602
        assert 600 / 15 <= len(kube.calls) - before < 600 / 7.5 + 10
        kube._failures.clear()
        await asyncio.sleep(20)
        assert (informer.age(), informer.filled) == (0, True)

    play(scene)


def test_a_watch_that_always_ends_at_once_is_no_busy_loop() -> None:
    async def scene(kube: FakeKube, informer: Informer, sink: Recorder) -> None:
        before = len(kube.calls)

        async def ending(call: Any) -> None:
            asyncio.get_running_loop().call_soon(lambda: asyncio.get_running_loop().call_soon(kube.end_watches))

        kube.before_call = ending
        kube.end_watches()
        await asyncio.sleep(60)
        assert len(kube.calls) - before < 25

    play(scene)


def test_a_bug_in_the_sink_means_a_new_list() -> None:
    async def scene(kube: FakeKube, informer: Informer, sink: Recorder) -> None:
        sink.broken = True
        kube.add(webjob_body(name="second"))
        await asyncio.sleep(5)
        assert informer.last_error is None

    assert play(scene).told == ["fill first", "fill first second"]


def test_what_is_forbidden_is_told() -> None:
    async def session() -> None:
        kube = FakeKube()
        kube.fail(not_authorized(), times=100)
        informer = Informer(kube, kind="WebJob", namespace="site", sink=Recorder(), sleep=asyncio.sleep)
        task = asyncio.create_task(informer.run())
        await asyncio.sleep(5)
        assert not informer.filled
        assert getattr(informer.last_error, "status", None) == 403
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        runner.run(session())
