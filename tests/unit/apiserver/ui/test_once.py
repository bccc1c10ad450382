"""Forms that are sent twice."""

from __future__ import annotations

import asyncio

import pytest

from webjobs_apiserver.ui.once import SECONDS, Once


class Counter:
    """An act that counts, and waits until it may end."""

    def __init__(self) -> None:
        self.count = 0
        self.may_end = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> int:
        self.count += 1
        number = self.count
        await self.may_end.wait()
        if self.error:
            raise self.error
        return number


async def test_the_second_waits_for_the_first() -> None:
    once, act = Once[int](), Counter()
    first, second = asyncio.create_task(once.do("a", act)), asyncio.create_task(once.do("a", act))
    await asyncio.sleep(0.01)
    assert (act.count, second.done()) == (1, False)
    act.may_end.set()
    assert (await first, await second) == (1, 1)
    assert await once.do("b", act) == 2


async def test_whoever_leaves_takes_nothing_along() -> None:
    once, act = Once[int](), Counter()
    first, second = asyncio.create_task(once.do("a", act)), asyncio.create_task(once.do("a", act))
    await asyncio.sleep(0.01)
    first.cancel()
    await asyncio.sleep(0.01)
    act.may_end.set()
    assert await second == 1


async def test_it_is_forgotten_after_a_while() -> None:
    now = 0.0
    once, act = Once[int](lambda: now), Counter()
    act.may_end.set()
    assert await once.do("a", act) == 1
    now = SECONDS - 0.1
    assert await once.do("a", act) == 1
    now = SECONDS + 0.1
    assert await once.do("a", act) == 2


async def test_what_failed_may_be_tried_again() -> None:
    once, act = Once[int](), Counter()
    act.error = ValueError("no")
    first, second = asyncio.create_task(once.do("a", act)), asyncio.create_task(once.do("a", act))
    await asyncio.sleep(0.01)
    act.may_end.set()
    for task in (first, second):
        with pytest.raises(ValueError, match="no"):
            await task
    act.error = None
    assert (await once.do("a", act), act.count) == (2, 2)
