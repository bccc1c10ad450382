"""The lines of a log as pages show them: which of them a page holds, and how each looks. Pure."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlencode

from markupsafe import Markup

from webjobs_apiserver.ui.runs import ansi

PER_PAGE = 2000
"""Most lines of a page."""
CHUNK = 500
"""Lines that a browser lays out together, once they are seen."""
CUT = 4000
"""Most characters of a line; the rest is on a page of its own."""
WHOLE = 2**20
"""Most characters of a line on a page of its own."""
_PAGE_BYTES = 2**20
"""Most bytes of lines of a page: some hundred long ones."""
_BYTES_A_CHARACTER = 4
_LEVELS = ("ERR", "WARN", "INFO", "SYS")
_HIGHEST = 10**9
_LINE = re.compile(
    rb"\[(\d\d)/(\d\d)/(\d{4}) (\d\d:\d\d:\d\d) > \w{1,64}: (SYS )?(INFO|WARN|ERR )\] (.*)", re.ASCII | re.DOTALL
)
_ERROR = re.compile(rb"\[[\d/]{10} [\d:]{8} > \w{1,64}: (?:SYS )?ERR \] ", re.ASCII)
_SIGNS = {"ERR": "✗", "WARN": "!"}


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a log."""

    number: int
    """Number of the line; the first has 1."""
    day: str
    """Date at which it was written, in UTC; empty for a line that says none."""
    time: str
    """Time at which it was written, in UTC."""
    level: str
    """Level, as in the log."""
    system: bool
    """True for what the system says of the run."""
    text: Markup
    """Text as HTML."""
    cut: int
    """Bytes of the line that are not shown."""

    @classmethod
    def of(cls, number: int, raw: bytes, *, size: int | None = None, most: int = CUT) -> Self:
        """Return a line of a log, given without its end. ``size``: its bytes in the log, when it was cut already."""
        match = _LINE.fullmatch(raw)
        text = (match[7] if match else raw).decode("utf-8", "replace")
        rest = (size or len(raw)) - len(raw) + len(text[most:].encode())
        month, day, year, time = (part.decode() for part in match.group(1, 2, 3, 4)) if match else ("", "", "", "")
        return cls(
            number=number,
            day=f"{year}-{month}-{day}" if match else "",
            time=time,
            level=match[6].decode().strip() if match else "",
            system=bool(match and match[5]),
            text=ansi.to_html(text[:most]),
            cut=rest,
        )

    @property
    def sign(self) -> str:
        """A character before the level of a line that is worth a look."""
        return _SIGNS.get(self.level, "")


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """Which lines of a log a page shows: the query of its address. Without one: the last lines."""

    at: int | None = None
    """Number of a line in the middle of the page."""
    to: int | None = None
    """Number of the last line of the page."""
    only: int | None = None
    """Number of the one line of the page, which is shown as a whole."""
    text: str = ""
    """Text in the lines, in any case; empty: all lines."""
    level: str = ""
    """Level of the lines; empty: all."""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """Return what a query chooses; what is unknown in it does not count."""
        level = query.get("level", "").upper()
        return cls(
            at=_number(query.get("at", "")),
            to=_number(query.get("to", "")),
            only=_number(query.get("line", "")),
            text=query.get("q", "").strip()[:200],
            level=level if level in _LEVELS else "",
        )

    @property
    def narrowed(self) -> bool:
        """True when lines between those of the page may be left out."""
        return bool(self.text or self.level)

    @property
    def is_end(self) -> bool:
        """True when the page holds the last lines, and goes on with what comes after them."""
        return not (self.narrowed or self.at or self.to or self.only)

    def address(self, to: int | None = None) -> str:
        """Return the query of the page that ends with a line, with the same filter."""
        given = {"q": self.text, "level": self.level, "to": str(to) if to else ""}
        return "?" + urlencode({key: value for key, value in given.items() if value})


@dataclass(kw_only=True)
class Selection:
    """The lines of a page, taken from a log that passes by once."""

    chosen: Chosen
    """What the page shows."""
    total: int = 0
    """Lines that passed."""
    size: int = 0
    """Bytes that passed."""
    matches: int = 0
    """Lines that the filter lets pass, up to the end of the page."""
    first_error: int | None = None
    """Number of the first line of level ERR."""
    cut: bool = False
    """True when the log was not read to its end."""
    _kept: deque[tuple[int, bytes, int]] = field(default_factory=deque)
    _kept_bytes: int = 0
    _full: bool = False

    def feed(self, lines: Sequence[bytes]) -> None:
        """Take in the next lines, without their ends."""
        first, last = self._span
        for raw in lines:
            self.total += 1
            self.size += len(raw) + 2
            if self.first_error is None and _ERROR.match(raw):
                self.first_error = self.total
            if first <= self.total <= last and self._matches(raw):
                self.matches += 1
                self._keep(raw)

    @property
    def lines(self) -> list[Line]:
        """The lines of the page."""
        most = WHOLE if self.chosen.only else CUT
        return [Line.of(number, raw, size=size, most=most) for number, raw, size in self._kept]

    @property
    def _span(self) -> tuple[int, int]:
        """Numbers of the first and the last line that can be on the page."""
        if self.chosen.only:
            return self.chosen.only, self.chosen.only
        if self.chosen.at:
            first = max(self.chosen.at - PER_PAGE // 2, 1)
            return first, first + PER_PAGE - 1
        return 1, self.chosen.to or _HIGHEST

    def _matches(self, raw: bytes) -> bool:
        if not self.chosen.narrowed:
            return True
        match = _LINE.fullmatch(raw)
        if self.chosen.level:
            level = b"SYS " if self.chosen.level == "SYS" else self.chosen.level.ljust(4).encode()
            if match is None or level not in (match[5], match[6]):
                return False
        text = ansi.plain((match[7] if match else raw).decode("utf-8", "replace"))
        return self.chosen.text.casefold() in text.casefold()

    def _keep(self, raw: bytes) -> None:
        if self._full:
            return
        most = WHOLE if self.chosen.only else CUT * _BYTES_A_CHARACTER
        kept = raw[:most]
        self._kept.append((self.total, kept, len(raw)))
        self._kept_bytes += len(kept)
        while len(self._kept) > PER_PAGE or (self._kept_bytes > _PAGE_BYTES and len(self._kept) > 1):
            if self.chosen.at and self._kept[0][0] >= self.chosen.at:
                self._full = True
                self._kept_bytes -= len(self._kept.pop()[1])
            else:
                self._kept_bytes -= len(self._kept.popleft()[1])

    @property
    def chunks(self) -> list[list[Line]]:
        """The lines of the page in parts."""
        return chunks(self.lines)

    @property
    def earlier(self) -> str:
        """Query of the page before this one; empty when there is none."""
        first = self._kept[0][0] if self._kept else 1
        more = self.matches > len(self._kept) if self.chosen.narrowed else first > 1
        return self.chosen.address(first - 1) if more and not self.chosen.only else ""

    @property
    def later(self) -> str:
        """Query of the page after this one; empty when there is none."""
        last = self._kept[-1][0] if self._kept else self.total
        if self.chosen.only or self.chosen.narrowed or last >= self.total:
            return ""
        return self.chosen.address(min(last + PER_PAGE, self.total))


def chunks(lines: Sequence[Line]) -> list[list[Line]]:
    """Return lines in parts of CHUNK."""
    return [list(lines[begin : begin + CHUNK]) for begin in range(0, len(lines), CHUNK)]


def _number(text: str) -> int | None:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
    return number or None
