"""The stored log of a continuous job: it grows, rolls over, and is whole whenever its writer dies."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import obstore
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.objects import run_async
from webjobs.logs.continuous_story import Position
from webjobs.store import ObjectStore, continuous_journal, open_store
from webjobs.store.continuous_journal import Changed, Journal

JOB = {"namespace": "n", "webjob": "w"}
STOPPED = Position(stage="stopped")


class Died(BaseException):
    pass


@pytest.fixture(params=["memory", "folder"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    return open_store("memory:///" if request.param == "memory" else f"file://{tmp_path}")


async def journal_of(store: ObjectStore, *, owner: str = "uid") -> Journal:
    return await continuous_journal.read(store, owner=owner, **JOB)


async def add(store: ObjectStore, text: bytes, **positions: Position) -> Journal:
    return await continuous_journal.append(store, await journal_of(store), text=text, positions=positions, **JOB)


async def whole(store: ObjectStore, span: tuple[int, int] | None = None) -> bytes:
    pieces = await continuous_journal.content(store, await journal_of(store), span=span, **JOB)
    return b"".join([piece async for piece in pieces])


async def previous(store: ObjectStore) -> bytes | None:
    if not (await journal_of(store)).rolled:
        return None
    found = await obstore.get_async(
        store, continuous_journal.key(file_name=continuous_journal.PREVIOUS_FILE_NAME, **JOB)
    )
    return bytes(await found.bytes_async())


async def test_it_grows(store: ObjectStore) -> None:
    assert (await journal_of(store)).size == 0
    texts = [b"%d" % number * 30_000 + b"\r\n" for number in range(8)]
    for number, text in enumerate(texts):
        position = Position(stage="running", process="p", lines=number)
        returned = await add(store, text, pod=position)
        stored = await journal_of(store)
        assert replace(stored, tag=None, modified=returned.modified) == replace(returned, tag=None)
        assert stored.positions == {"pod": position}
        assert await whole(store) == b"".join(texts[: number + 1])
        assert await whole(store, (5, 7)) == texts[0][5:7]
        if stored.base:
            around = (stored.base - 1, stored.base + 1)
            assert await whole(store, around) == b"".join(texts)[slice(*around)]
    keys = [meta["path"] for batch in obstore.list(store) for meta in batch]
    assert len(keys) == 2, "one file and its journal"


async def test_it_rolls_over_before_an_append_when_it_is_larger(store: ObjectStore) -> None:
    await add(store, b"a" * continuous_journal.LARGEST)
    await add(store, b"b")
    assert await previous(store) is None, "1,048,576 bytes are not more than that"
    await add(store, b"c")
    assert (await whole(store), await previous(store)) == (b"c", b"a" * continuous_journal.LARGEST + b"b")
    await add(store, b"d" * continuous_journal.LARGEST)
    await add(store, b"e")
    assert (await whole(store))[-2:] == b"e"[-2:]
    assert (await previous(store) or b"")[:2] == b"cd"
    for _ in range(2):
        await continuous_journal.delete(store, **JOB)
    assert list(obstore.list(store)) == []


async def test_positions_of_pods_that_are_gone_are_few(store: ObjectStore) -> None:
    for number in range(50):
        await add(store, b"x", **{f"pod{number}": STOPPED})
    await add(store, b"x", running=Position(stage="running"))
    assert len((await journal_of(store)).positions) == continuous_journal._STOPPED + 1
    journal = await journal_of(store)
    there = [f"pod{number}" for number in range(30, 50)]
    for number in range(100, 150):
        added = {f"pod{number}": STOPPED}
        journal = await continuous_journal.append(
            store, await journal_of(store), text=b"", positions=added, there=there, **JOB
        )
    assert journal.positions.keys() >= set(there), "those that are there are still known"


async def test_of_two_writers_one_is_told() -> None:
    store = open_store("memory:///")
    for text in (b"first", b"second"):
        mine, theirs = await journal_of(store), await journal_of(store)
        await continuous_journal.append(store, mine, text=text, positions={}, **JOB)
        with pytest.raises(Changed):
            await continuous_journal.append(store, theirs, text=b"lost", positions={}, **JOB)
    assert await whole(store) == b"firstsecond"


async def test_the_log_of_a_job_made_anew(store: ObjectStore) -> None:
    await add(store, b"old" * continuous_journal.LARGEST, pod=STOPPED)
    await add(store, b"old", pod=STOPPED)
    journal = await journal_of(store, owner="another")
    assert (journal.size, journal.rolled, journal.positions) == (0, False, {})
    await continuous_journal.append(store, journal, text=b"new", positions={}, **JOB)
    assert (await journal_of(store, owner="another")).lines == b"new"
    assert (await journal_of(store)).size == 0


@pytest.mark.parametrize("content", [b"", b"{}", b"[]\nx", b'{"owner":"uid","positions":3,"base":0}\n', b"\xff\n"])
async def test_a_damaged_journal_is_begun_anew(store: ObjectStore, content: bytes) -> None:
    key = continuous_journal.key(file_name="job_log.journal", **JOB)
    await obstore.put_async(store, key, content)
    assert (await journal_of(store)).size == 0
    await add(store, b"new")
    assert await whole(store) == b"new"


async def test_a_file_that_is_gone_takes_nothing_else_along(store: ObjectStore) -> None:
    await add(store, b"a" * 2**17)
    await add(store, b"b")
    await obstore.delete_async(store, continuous_journal.key(**JOB))
    with pytest.raises(Changed):
        await whole(store)
    await add(store, b"c" * 2**17)
    await add(store, b"d")
    assert await whole(store) == b"b" + b"c" * 2**17 + b"d"


@settings(max_examples=40)
@given(
    sizes=st.lists(st.integers(1, 400), min_size=1, max_size=12),
    deaths=st.lists(st.integers(0, 30), max_size=4),
)
def test_a_writer_that_dies_anywhere(sizes: list[int], deaths: list[int]) -> None:
    """Each line is there once, in order, in the last two files; and after each death the log is whole."""

    async def play(patch: pytest.MonkeyPatch) -> None:
        store, puts = open_store("memory:///"), iter(range(1000))
        put = obstore.put_async

        async def dying(*arguments: Any, **options: Any) -> Any:
            number = next(puts)
            if number in deaths and number % 2:
                raise Died
            result = await put(*arguments, **options)
            if number in deaths:
                raise Died
            return result

        patch.setattr(continuous_journal, "LARGEST", 1000)
        patch.setattr(continuous_journal, "_JOURNAL_BYTES", 300)
        patch.setattr(obstore, "put_async", dying)
        said, older = b"", b""
        for number, size in enumerate(sizes):
            text, position = b"%d:" % number + b"x" * size + b"\n", Position(stage="running", lines=number + 1)
            for _ in range(10):
                journal = await journal_of(store)
                assert await whole(store) == said
                if journal.positions.get("pod") == position:
                    break
                rolls = journal.size > 1000
                with suppress(Died):
                    await continuous_journal.append(store, journal, text=text, positions={"pod": position}, **JOB)
                if (await journal_of(store)).positions.get("pod") == position:
                    older, said = (said, text) if rolls else (older, said + text)
        assert await whole(store) == said
        if older:
            assert await previous(store) == older

    with pytest.MonkeyPatch.context() as patch:
        run_async(play(patch))
