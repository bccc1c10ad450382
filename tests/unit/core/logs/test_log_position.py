"""Each line of a log once: over broken connections, restarts and rotations, whatever the order of its stamps."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webjobs.logs import continuous_lines
from webjobs.logs.continuous_story import Position
from webjobs.logs.kudu_lines import Level, Output
from webjobs.logs.log_position import MOST, LogPosition

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def line(nanoseconds: int, text: object, level: Level = "INFO", *, joined: bool = False) -> Output:
    seconds, rest = divmod(nanoseconds, 10**9)
    when = (BEGIN + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    return Output(f"{when}.{rest:09d}Z {text}", level, joined)


@dataclass(frozen=True)
class Written:
    """A line in the file of a container runtime."""

    stamp: int
    level: Level
    number: int


# Nanoseconds of one stream: from one line's turn to the next one's stamp, and from a line's stamp to its turn.
GAPS = st.sampled_from([0, 0, 1, 1000, 10**6, 3 * 10**8, 10**9, 7 * 10**9])
WAITS = st.sampled_from([0, 0, 1, 10**5, 10**8, 10**9])


@st.composite
def files(draw: st.DrawFn) -> list[Written]:
    """What a container runtime writes: each stream stamps a line, waits for its turn, and writes it."""
    found: list[tuple[int, Level, int]] = []
    sizes: list[tuple[Level, int]] = [("INFO", 150), ("ERR", 30)]
    for level, size in sizes:
        clock = 0
        for gap, wait in draw(st.lists(st.tuples(GAPS, WAITS), max_size=size)):
            stamp, clock = clock + gap, clock + gap + wait
            found.append((clock, level, stamp))
    found.sort(key=lambda one: one[0])
    return [Written(stamp, level, number) for number, (_, level, stamp) in enumerate(found)]


def answer(
    file: list[Written], position: LogPosition, *, apart: bool = False, most: tuple[int, int] = (10**6, 10**6)
) -> list[Output]:
    """The new lines of what a kubelet gives from a second on, in the file's order.

    ``apart``: by a request for each stream; ``most``: lines that come before the connection of each breaks.
    """
    unread, found = position.unread(), list[Output]()
    streams: tuple[Level, ...] = ("INFO", "ERR") if apart else ("INFO",)
    for stream, count in zip(streams, most, strict=False):
        lines = [line(one.stamp, one.number, stream) for one in file if not apart or one.level == stream]
        since = position.since(stream) or ""
        found += [one for one in lines if one.stamped[:19] >= since[:19]][:count]
    return [one for one in found if unread.has(one)]


@given(files(), st.booleans(), st.data())
def test_each_line_once(file: list[Written], apart: bool, data: st.DataObject) -> None:
    """Connections break after any line, and a process that begins anew knows the lines that were stored."""
    found: list[Output] = []
    position = LogPosition()
    size = st.integers(0, len(file))
    for _ in range(data.draw(st.integers(0, 5))):
        written = file[: data.draw(size)]
        for one in answer(written, position, apart=apart, most=data.draw(st.tuples(size, size))):
            found.append(one)
            position.add(one)
        if data.draw(st.booleans()):  # another process
            position = LogPosition()
            for one in found:
                position.add(one)
    found += answer(file, position, apart=apart)
    assert sorted(found) == sorted(answer(file, LogPosition(), apart=apart))


@given(files(), st.data())
def test_each_line_of_a_continuous_job_once(file: list[Written], data: st.DataObject) -> None:
    """The position is stored as JSON with the log, and the next process goes on from that."""
    found: list[Output] = []
    position = Position(stage="running", process="#0")
    for last in (False, False, True):
        written = file if last else file[: data.draw(st.integers(0, len(file)))]
        for one in answer(written, position.log):
            found.append(one)
            heard = one._replace(level="ERR", joined=True) if data.draw(st.booleans()) else one
            position = continuous_lines.taken(position, heard, instance="abcdef", cap=0).after
        position = Position.of_wire(json.loads(json.dumps(position.to_wire())))
    assert found == answer(file, LogPosition())
    assert len(position.out) <= MOST


@given(files(), st.data())
def test_a_rotation_takes_what_was_read(file: list[Written], data: st.DataObject) -> None:
    """The newest file begins anywhere in what was read. Only lines with a stamp of their own can be told apart then."""
    file = [replace(one, stamp=one.stamp // 1000 * 1000 + one.number) for one in file]
    read = data.draw(st.integers(0, len(file)))
    position = LogPosition()
    found = answer(file[:read], position)
    for one in found:
        position.add(one)
    found += answer(file[data.draw(st.integers(0, read)) :], position)
    assert found == answer(file, LogPosition())


@pytest.mark.parametrize(
    ("read", "given_again", "new"),
    [
        ([1, 3, 2], [1, 3, 2, 4], [4]),
        ([1, 3], [1, 3, 2, 4], [2, 4]),
        ([1, 3, 2], [1, 3, 2, 2], [2]),
        ([2, 2, 2], [2, 2, 2, 2, 2], [2, 2]),
        ([3], [3, 2, 1], [2, 1]),
        ([1, 2, 3], [4, 5], [4, 5]),
        ([1, 4], [3, 5], [3, 5]),
        ([1, 3, 2], [3, 2, 2, 4], [2, 4]),
        ([*range(100), 50, 200], [50, 60, 99, 50, 200, 7, 201], [7, 201]),
        ([5] * 200, [5] * 203, [5] * 3),
    ],
)
def test_what_is_new(read: list[int], given_again: list[int], new: list[int]) -> None:
    position = LogPosition()
    for stamp in read:
        position.add(line(stamp, ""))
    unread = position.unread()
    assert [stamp for stamp in given_again if unread.has(line(stamp, ""))] == new


def test_streams_are_told_apart() -> None:
    position = LogPosition()
    position.add(line(5, "out"))
    position.add(line(3, "heard", "ERR", joined=True))
    unread = position.unread()
    assert unread.has(line(4, "err", "ERR")), "nothing was read of stderr by itself"
    assert not unread.has(line(5, "out"))
    assert not unread.has(line(3, "heard"))


def test_the_rest_of_a_line_has_no_stamp() -> None:
    """A long line is written in pieces, and the first one can be older than what is asked for."""
    position = LogPosition()
    position.add(line(5, "out"))
    unread = position.unread()
    assert not unread.has(Output("rest of a line"))
    assert not unread.has(line(5, "out"))
    assert unread.has(Output("rest of a line"))


def test_since() -> None:
    position = LogPosition()
    assert position.since() is None
    position.add(line(10 * 10**9 + 1, "newest"))
    position.add(line(9 * 10**9, "late"))
    assert position.since() == "2026-01-01T00:00:05Z", "lines before it may come after it"
    assert position.since("ERR") is None, "each stream has its own"


def test_a_position_that_was_stored_as_one_stamp() -> None:
    """Journals of earlier operators have the newest stamp only: nothing of before it is told once more."""
    position = Position.of_wire({"stage": "running", "process": "#0", "out": line(9, "").stamped.split()[0]}).log
    unread = position.unread()
    assert [stamp for stamp in (7, 8, 9, 10, 11) if unread.has(line(stamp, ""))] == [10, 11]
