"""The queue in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from webjobs_operator.workqueue import WorkQueue

pytestmark = pytest.mark.looptime


async def run_for(queue: WorkQueue[str], seconds: float) -> None:
    task = asyncio.create_task(queue.run())
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_key_is_never_worked_on_twice_at_once() -> None:
    active = most = calls = 0

    async def work(key: str) -> float | None:
        nonlocal active, most, calls
        active, calls = active + 1, calls + 1
        most = max(most, active)
        if calls == 1:
            queue.add(key)  # arrives meanwhile: not lost, but after this one
        await asyncio.sleep(1)
        active -= 1
        return None

    queue = WorkQueue(work, workers=4)
    queue.add("a")
    queue.add("a")
    await run_for(queue, 10)
    assert (most, calls) == (1, 2)


async def test_failures_come_back_with_growing_delays() -> None:
    times: list[float] = []

    async def work(key: str) -> float | None:
        times.append(round(asyncio.get_running_loop().time(), 3))
        if len(times) < 5:
            raise RuntimeError("not yet")
        return None

    queue = WorkQueue(work, workers=1)
    queue.add("a")
    await run_for(queue, 60)
    start = times[0]
    assert [round(time - start, 3) for time in times] == [0, 0.2, 0.6, 1.4, 3.0]


async def test_the_answer_is_the_time_of_the_next_pass() -> None:
    times: list[float] = []

    async def work(key: str) -> float | None:
        times.append(asyncio.get_running_loop().time())
        return 5.0 if len(times) < 3 else None

    queue = WorkQueue(work, workers=1)
    queue.add("a")
    await run_for(queue, 100)
    assert [time - times[0] for time in times] == [0, 5, 10]


async def test_an_event_does_not_wait_for_the_timer() -> None:
    times: list[float] = []

    async def work(key: str) -> float | None:
        times.append(asyncio.get_running_loop().time())
        return 50.0

    queue = WorkQueue(work, workers=1)
    queue.add("a")
    asyncio.get_running_loop().call_later(3, queue.add, "a")
    await run_for(queue, 20)
    assert [time - times[0] for time in times] == [0, 3]
