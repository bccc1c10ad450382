"""The queue in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import looptime

from webjobs_operator.cluster.workqueue import WorkQueue

Work = Callable[[str], Awaitable[float | None]]


def run_for(seconds: float, work: Work, *, workers: int = 1, begin: Callable[[WorkQueue[str]], None]) -> None:
    """Lets a queue work for so many seconds, which pass at once."""

    async def session() -> None:
        queue = WorkQueue[str](workers=workers)
        begin(queue)
        task = asyncio.create_task(queue.run(work))
        await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        runner.run(session())


def test_a_key_is_never_worked_on_twice_at_once() -> None:
    active = most = calls = 0
    known: WorkQueue[str]

    async def work(key: str) -> float | None:
        nonlocal active, most, calls
        active, calls = active + 1, calls + 1
        most = max(most, active)
        if calls == 1:
            known.add(key)  # arrives meanwhile: not lost, but after this one
        await asyncio.sleep(1)
        active -= 1
        return None

    def begin(queue: WorkQueue[str]) -> None:
        nonlocal known
        known = queue
        queue.add("a")
        queue.add("a")

    run_for(10, work, workers=4, begin=begin)
    assert (most, calls) == (1, 2)


def test_failures_come_back_with_growing_delays() -> None:
    times: list[float] = []

    async def work(key: str) -> float | None:
        times.append(round(asyncio.get_running_loop().time(), 3))
        if len(times) < 5:
            raise RuntimeError("not yet")
        return None

    run_for(60, work, begin=lambda queue: queue.add("a"))
    start = times[0]
    assert [round(time - start, 3) for time in times] == [0, 0.2, 0.6, 1.4, 3.0]


def test_the_answer_is_the_time_of_the_next_pass() -> None:
    times: list[float] = []

    async def work(key: str) -> float | None:
        times.append(asyncio.get_running_loop().time())
        return 5.0 if len(times) < 3 else None

    run_for(100, work, begin=lambda queue: queue.add("a"))
    assert [time - times[0] for time in times] == [0, 5, 10]


def test_an_event_does_not_wait_for_the_timer() -> None:
    times: list[float] = []

    async def work(key: str) -> float | None:
        times.append(asyncio.get_running_loop().time())
        return 50.0

    def begin(queue: WorkQueue[str]) -> None:
        queue.add("a")
        asyncio.get_running_loop().call_later(3, queue.add, "a")

    run_for(20, work, begin=begin)
    assert [time - times[0] for time in times] == [0, 3]
