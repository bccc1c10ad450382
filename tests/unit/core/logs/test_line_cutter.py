"""Where a log's lines end, and where a long one is cut, does not follow from how its bytes arrive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webjobs.logs import line_cutter
from webjobs.logs.line_cutter import LineCutter

STAMP = "2026-01-01T00:00:00.000000001Z"


def read(content: bytes, sizes: list[int]) -> list[str]:
    """The lines of a response that comes in pieces of these sizes, and the rest at once."""
    cutter, found = LineCutter(), list[str]()
    for size in sizes:
        found += cutter.feed(content[:size])
        content = content[size:]
    return [*found, *cutter.feed(content), *cutter.end()]


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_cutter, "LINE_BYTES", 50)


LINES = st.lists(
    st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=120), min_size=1, max_size=5
)


@given(LINES, st.lists(st.integers(1, 90), max_size=12), st.booleans())
def test_the_same_parts_however_they_come(lines: list[str], sizes: list[int], ended: bool) -> None:
    content = "\n".join(f"{STAMP} {line}" for line in lines).encode() + b"\n" * ended
    found = read(content, sizes)
    assert found == read(content, [])
    assert all(len(one.encode()) <= 50 for one in found)
    assert all(one.startswith(f"{STAMP} ") for one in found)
    texts = "".join(one.removeprefix(f"{STAMP} ") for one in found)
    assert texts == "".join(lines)


def test_the_end_of_a_long_line_is_known_when_it_is_read_on() -> None:
    """What a first request gave up to anywhere is the beginning of what the next one gives."""
    content = f"{STAMP} {'x' * 500}\n{STAMP} end\n".encode()
    whole = read(content, [])
    for size in range(1, len(content)):
        cutter = LineCutter()
        given_first = list(cutter.feed(content[:size]))
        assert whole[: len(given_first)] == given_first
