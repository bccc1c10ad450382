"""Expected texts with named placeholders, such as ``<run id>``: what no test can know beforehand, and its form.

A placeholder that comes twice must stand for the same text both times; ``<time 2>`` is another one than ``<time>``.
"""

from __future__ import annotations

import re

_FORMS = {
    "run id": r"\d{18}",
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{0,6}[1-9])?Z",
    "stamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{0,6}[1-9])?\+00:00",
    "second": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
    "log time": r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d",
    "http date": r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT",
    "duration": r"(?:\d+\.)?\d\d:\d\d:\d\d(?:\.\d{7})?",
    "instance": r"[0-9a-f]{6}",
    "hash": r"[0-9a-f]{16}",
    "tag": r"[0-9a-f]{16}",
    "hook id": r"\d{18}",
    "zip": r"(?s:PK\x03\x04.*)",
    "anything": r"(?s:.*)",
}
"""By name; sources: docs/kudu-contract.md, sections 1.3, 1.5, 2.3, 6.1 and 8."""
_PLACEHOLDER = re.compile(r"<([a-z]+(?: [a-z]+)*)(?: (\d))?>")


def matches(expected: str, text: str, *, base: str) -> bool:
    """Whether the whole text is as expected. ``<base>``: scheme and host of the request. KeyError: no such name."""
    return _pattern(expected, base=base).fullmatch(text) is not None


def _pattern(expected: str, *, base: str) -> re.Pattern[str]:
    pieces, at, seen = [], 0, set()
    for found in _PLACEHOLDER.finditer(expected):
        pieces.append(re.escape(expected[at : found.start()]))
        at = found.end()
        if found[1] == "base":
            pieces.append(re.escape(base))
            continue
        group = f"{found[1].replace(' ', '_')}_{found[2] or 1}"
        pieces.append(f"(?P={group})" if group in seen else f"(?P<{group}>{_FORMS[found[1]]})")
        seen.add(group)
    return re.compile("".join(pieces) + re.escape(expected[at:]))
