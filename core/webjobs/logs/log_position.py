"""How far a container's log was read, so that reading it can be taken up again: each line once. Pure.

Stamps alone do not say that. A container runtime stamps a line before it waits for its turn to write, so lines of
stdout and stderr that come at nearly the same time can stand in the file with the later stamp first. And two lines can
have one stamp. The order of the file can be relied on: what was read of a stream is the beginning of that stream. So
the newest lines are remembered by their stamps, and of what a new request gives, all up to the last remembered line is
known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

from webjobs.logs import kudu_lines
from webjobs.logs.kudu_lines import Level, Output

Stamps = tuple[tuple[str, int], ...]
"""Stamps of the newest lines of one stream in the order of reading, and how many lines in a row have each."""

MOST = 64
"""Most stamps that are remembered of a stream. Only one line of a stream waits for its turn at a time: the newest stamp
is hardly ever more than a line or two from the last one."""
_BEFORE = timedelta(seconds=5)
"""A log is read again from so long before the newest line: a line with an earlier stamp may come after that one."""
_NEVER = kudu_lines.NEVER[0]


def stream_of(line: Output) -> Level:
    """Return the stream that a line was read from: INFO for stdout, and for both streams in one."""
    return "INFO" if line.joined else line.level


def extended(stamps: Stamps, line: Output) -> Stamps:
    """Return the stamps of a stream after one more of its lines was read."""
    stamp = line.stamped.partition(" ")[0]
    if stamps and stamps[-1][0] == stamp:
        return (*stamps[:-1], (stamp, stamps[-1][1] + 1))
    return (*stamps[1 - MOST :], (stamp, 1))


def all_before(stamp: str) -> Stamps:
    """Return the stamps of a stream of which all is taken for read up to a stamp, and nothing else is known."""
    return ((stamp, 1),) * MOST


class LogPosition:
    """A position in a log: the end of what was read of it, by stream."""

    def __init__(self, stamps: Mapping[Level, Stamps] | None = None) -> None:
        self._stamps = {level: known for level, known in (stamps or {}).items() if known}
        self.unfinished: dict[Level, tuple[str, str]] = {}
        """Beginnings of lines, without their stamps, by stream, and the stamps of their ends: a rotation left those at
        the begin of the next file."""

    def add(self, line: Output) -> None:
        """Note that a line was read."""
        own = stream_of(line)
        self._stamps[own] = extended(self._stamps.get(own, ()), line)

    def since(self, stream: Level = "INFO") -> str | None:
        """Return the time from which on a stream has to be read again, for the API; None: from its beginning.

        RFC 3339 in whole seconds, which is what ``sinceTime`` of a log request can be.
        """
        newest = max((kudu_lines.moment(stamp)[0] for stamp, _ in self._stamps.get(stream, ())), default=_NEVER)
        return None if newest == _NEVER else (newest - _BEFORE).strftime("%Y-%m-%dT%H:%M:%SZ")

    def unread(self) -> Unread:
        """Return a filter for the lines that a request gives from ``since`` on."""
        return Unread(self._stamps)


class Unread:
    """A filter for one request for a log, which tells new lines from lines that were read before."""

    def __init__(self, known: Mapping[Level, Stamps]) -> None:
        self._streams = {level: _Known(stamps) for level, stamps in known.items()}

    def has(self, line: Output) -> bool:
        """Return whether a line was not read before.

        To be asked once for each line, in their order.
        """
        own = stream_of(line)
        known = self._streams.get(own)
        if known is None:
            return True
        new = known.lacks(line.stamped)
        if known.passed:  # what was read is the beginning of the log: all that follows is new
            del self._streams[own]
        return new


class _Known:
    """The lines of one stream that were read before, while a request gives them once more.

    ``passed``: the last of them came, or a line that is new.
    """

    def __init__(self, stamps: Stamps) -> None:
        self._left = Counter[str]()
        for stamp, count in stamps:
            self._left[stamp] += count
        self._last = stamps[-1][0]
        # With fewer than MOST stamps all lines that were read are remembered. Else older ones are known by their time:
        # the median's, which a single line with a late stamp does not move.
        moments = sorted(kudu_lines.moment(stamp) for stamp, _ in stamps)
        self._older = moments[len(moments) // 2] if len(moments) == MOST else kudu_lines.NEVER
        self.passed = False

    def lacks(self, stamped: str) -> bool:
        stamp = stamped.partition(" ")[0]
        if self._left[stamp]:
            self._left[stamp] -= 1
            self.passed = stamp == self._last and not self._left[stamp]
            return False
        moment = kudu_lines.moment(stamped)
        # A line without a stamp is the rest of one that began before ``since``.
        self.passed = moment != kudu_lines.NEVER and moment > self._older
        return self.passed
