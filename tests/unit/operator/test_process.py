"""The parts of the operator's process live and die together."""

from __future__ import annotations

import asyncio

import pytest

from webjobs_operator.__main__ import until_one_ends


async def for_ever(ended: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("cancelled")


async def briefly() -> None:
    await asyncio.sleep(0)


async def fails() -> None:
    raise ZeroDivisionError


async def test_one_that_ends_ends_the_others() -> None:
    ended: list[str] = []
    await until_one_ends(for_ever(ended), briefly(), for_ever(ended))
    assert ended == ["cancelled", "cancelled"]


async def test_one_that_fails_is_the_end_and_is_told() -> None:
    ended: list[str] = []
    with pytest.raises(ZeroDivisionError):
        await until_one_ends(for_ever(ended), fails())
    assert ended == ["cancelled"]


async def test_a_cancelled_process_leaves_nothing_behind() -> None:
    ended: list[str] = []
    task = asyncio.create_task(until_one_ends(for_ever(ended), for_ever(ended)))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["cancelled", "cancelled"]
