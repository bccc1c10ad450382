"""Texts for people: tables, times, sizes. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta

_GAP = "   "
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"))


def plain(text: str) -> str:
    """Return a text on one line, without what could move a terminal's cursor or change its colours."""
    return "".join(" " if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") else char for char in text)


def width(text: str) -> int:
    """Return the columns of a terminal that a text takes."""
    wide = sum(unicodedata.east_asian_width(char) in ("W", "F") for char in text)
    marks = sum(bool(unicodedata.combining(char)) for char in text)
    return len(text) + wide - marks


def table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as kubectl writes it, with the last line's end; empty cells become ``-``."""
    cells = [list(headers), *([plain(cell) or "-" for cell in row] for row in rows)]
    widths = [max(width(row[at]) for row in cells) for at in range(len(headers))]
    lines = []
    for row in cells:
        padded = (cell + " " * (widths[at] - width(cell)) for at, cell in enumerate(row))
        lines.append(_GAP.join(padded).rstrip())
    return "\n".join(lines) + "\n"


def span(length: timedelta) -> str:
    """Return roughly how long a duration is: ``45s``, ``12m``, ``3h10m``, ``2d``.

    Negative lengths count as zero.
    """
    seconds = max(int(length.total_seconds()), 0)
    for size, unit in _UNITS:
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            smaller = "" if unit == "d" and whole > 9 else _smaller(rest, unit)
            return f"{whole}{unit}{smaller}"
    return f"{seconds}s"


def _smaller(rest: int, unit: str) -> str:
    size, name = {"d": (3600, "h"), "h": (60, "m"), "m": (1, "s")}[unit]
    return f"{rest // size}{name}" if rest // size else ""


def ago(when: datetime | None, now: datetime) -> str:
    """Return how long ago a time was, ``3m ago``; empty for None."""
    return f"{span(now - when)} ago" if when else ""


def ahead(when: datetime | None, now: datetime) -> str:
    """Return how far ahead a time is, ``in 3m``, or ``now`` when it is due; empty for None."""
    if when is None:
        return ""
    return f"in {span(when - now)}" if when > now else "now"


def size(count: int) -> str:
    """Return a number of bytes as ``512 B`` or ``1.5 KiB``."""
    if count < 1024:
        return f"{count} B"
    amount = float(count)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        amount /= 1024
        if amount < 1024 or unit == "TiB":
            return f"{amount:.1f} {unit}"
    raise AssertionError("unreachable")


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: ``1 job``, ``2 jobs``."""
    return f"{number} {one if number == 1 else many or one + 's'}"
