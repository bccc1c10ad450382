"""Which packages nobody refers to any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webjobs.store import garbage
from webjobs.store.garbage import Stored

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
GRACE = timedelta(hours=24)


def _ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


@pytest.mark.parametrize(
    ("modified", "mark", "referenced", "goes", "stays_marked"),
    [
        pytest.param(100, 30, False, True, None, id="unreferenced for longer than the grace"),
        pytest.param(100, 24, False, True, None, id="unreferenced for just the grace"),
        pytest.param(100, 23, False, False, 23, id="not yet"),
        pytest.param(100, None, False, False, 0, id="old, but first seen unreferenced now"),
        pytest.param(100, 30, True, False, None, id="a WebJob was set back to it"),
        pytest.param(2, 30, False, False, 2, id="uploaded once more meanwhile"),
        pytest.param(0.01, None, False, False, 0, id="just uploaded, the WebJob is not written yet"),
        pytest.param(-0.1, None, False, False, -0.1, id="by a clock that is ahead"),
    ],
)
def test_packages(
    modified: float, mark: float | None, referenced: bool, goes: bool, stays_marked: float | None
) -> None:
    found = garbage.packages(
        [Stored(digest="a", modified=_ago(modified))],
        referenced={"a"} if referenced else set(),
        marks={} if mark is None else {"a": _ago(mark), "gone": _ago(mark)},
        now=NOW,
        grace=GRACE,
        limit=10,
    )
    assert found.due == (frozenset({"a"}) if goes else frozenset())
    assert found.marks == ({} if stays_marked is None else {"a": _ago(stays_marked)})


def test_the_longest_unreferenced_go_first() -> None:
    stored = [Stored(digest=str(age), modified=_ago(age)) for age in range(30, 60)]
    marks = {one.digest: one.modified for one in stored}
    found = garbage.packages(stored, referenced=set(), marks=marks, now=NOW, grace=GRACE, limit=3)
    assert found.due == {"59", "58", "57"}
    assert len(found.marks) == 27


@pytest.mark.parametrize(("modified", "listed", "goes"), [(25, False, True), (25, True, False), (23, False, False)])
def test_blobs(modified: float, listed: bool, goes: bool) -> None:
    stored = [Stored(digest="a", modified=_ago(modified))]
    found = garbage.blobs(stored, listed={"a"} if listed else set(), now=NOW, grace=GRACE, limit=10)
    assert found == (frozenset({"a"}) if goes else frozenset())


TIMES = st.floats(min_value=0, max_value=100)


@given(st.dictionaries(st.sampled_from("abcdef"), st.tuples(TIMES, st.none() | TIMES, st.booleans())))
def test_nothing_goes_before_its_grace(world: dict[str, tuple[float, float | None, bool]]) -> None:
    stored = [Stored(digest=name, modified=_ago(modified)) for name, (modified, _, _) in world.items()]
    marks = {name: _ago(mark) for name, (_, mark, _) in world.items() if mark is not None}
    referenced = {name for name, (_, _, used) in world.items() if used}
    found = garbage.packages(stored, referenced=referenced, marks=marks, now=NOW, grace=GRACE, limit=100)
    assert found.due.isdisjoint(referenced)
    assert set(found.marks) == set(world) - referenced - found.due
    for name in found.due:
        assert min(world[name][0], world[name][1] or 0) >= 24


@given(st.dictionaries(st.text(max_size=5), st.datetimes(timezones=st.just(UTC))))
def test_the_record_comes_back(marks: dict[str, datetime]) -> None:
    assert garbage.marks_of_json(garbage.marks_to_json(marks)) == marks


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"a": 1}', b'{"a": "yesterday"}', b"\xff"])
def test_a_record_that_is_none_starts_anew(content: bytes) -> None:
    assert garbage.marks_of_json(content) == {}
