"""Which lines of a log came of stderr."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webjobs.logs import stderr
from webjobs.logs.kudu_lines import Output
from webjobs.logs.stderr import Stderr

TEXTS = st.sampled_from(["a", "b", "", "a b", "\u00e4", "\ufffd"])


def stamped(text: str) -> Output:
    return Output(f"2026-01-01T00:00:00Z {text}")


@given(written=st.lists(st.tuples(st.booleans(), TEXTS)), cuts=st.lists(st.integers(0, 40)), ended=st.booleans())
def test_every_line_of_stderr_is_told_once(written: list[tuple[bool, str]], cuts: list[int], ended: bool) -> None:
    heard = b"".join(text.encode() + b"\n" for error, text in written if error)
    if ended:
        heard = heard.removesuffix(b"\n")
    known, at = Stderr(), 0
    for cut in [*sorted(cut for cut in cuts if cut < len(heard)), len(heard)]:
        known.feed(heard[at:cut])
        at = cut
    known.end()
    told = [known.tell(stamped(text)) for _, text in written]
    assert [line.stamped for line in told] == [stamped(text).stamped for _, text in written]
    for text in {text for _, text in written}:
        wanted = sum(error for error, other in written if other == text)
        if not (ended and text == ""):  # an empty rest is no line
            assert sum(line.level == "ERR" for line in told if line.stamped == stamped(text).stamped) == wanted


def test_a_level_that_is_known_stays() -> None:
    known = Stderr()
    known.feed(b"a\n")
    assert known.tell(Output("x a", "ERR")) == Output("x a", "ERR")
    assert known.tell(Output("x a")) == Output("x a", "ERR", joined=True)
    assert known.tell(Output("x a")) == Output("x a")


def test_memory_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stderr, "_MOST_BYTES", 10)
    known = Stderr()
    known.feed(b"0123456789a\nb\n")
    assert [known.tell(stamped(text)).level for text in ("0123456789a", "b")] == ["INFO", "ERR"]
    known.feed(b"x" * 11)
    known.end()
    assert known.tell(stamped("x" * 11)).level == "INFO"
