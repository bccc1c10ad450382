"""The values of the chart with their comments, read from the text of ``values.yaml``. Pure.

A comment above a key, or behind it on its line, is about that key. A mapping that is written over several lines has
keys of its own; one in braces, or whose keys are in quotes, is one value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

_KEY = re.compile(r'^(?P<indent> *)(?P<key>"[^"]+"|[\w./-]+):(?P<rest>( .*)?)$')
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'')
"""A text in quotes, in which # begins no comment."""


@dataclass(frozen=True, kw_only=True)
class Value:
    """A key of the values."""

    path: tuple[str, ...]
    """Keys from the outermost one."""
    comment: str
    """What is said of it, on one line; empty: nothing."""
    default: Any
    """Value that the chart has."""
    is_group: bool
    """True when keys below it are values of their own."""


@dataclass(frozen=True, kw_only=True)
class _Line:
    indent: int
    key: str
    is_quoted: bool
    comment: str
    is_open: bool
    """Nothing stands behind the key: what is below it is its value."""


def read(text: str) -> list[Value]:
    """Return the values in the order of the text.

    ValueError: a line is neither a comment nor a key, or a comment about nothing is left over.
    """
    lines, defaults = _lines(text), yaml.safe_load(text)
    found: list[Value] = []
    path: list[str] = []
    indents: list[int] = []
    closed = -1  # below the key at this indent nothing is a value of its own
    for number, line in enumerate(lines):
        while indents and indents[-1] >= line.indent:
            indents.pop()
            path.pop()
        indents.append(line.indent)
        path.append(line.key)
        if 0 <= closed < line.indent:
            continue
        below = lines[number + 1] if number + 1 < len(lines) else None
        has_keys = line.is_open and below is not None and below.indent > line.indent
        is_group = has_keys and below is not None and not below.is_quoted
        closed = -1 if is_group else line.indent
        default = _at(defaults, path)
        found.append(Value(path=tuple(path), comment=line.comment, default=default, is_group=is_group))
    return found


def _at(values: Mapping[str, Any], path: list[str]) -> Any:
    found: Any = values
    for key in path:
        found = found[key]
    return found


def _lines(text: str) -> list[_Line]:
    """The lines with keys, each with its comment."""
    found: list[_Line] = []
    above: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.strip()
        if not bare:
            above = []
        elif bare.startswith("#"):
            above.append(bare[1:].strip())
        elif match := _KEY.match(line):
            value, behind = _split(match["rest"])
            comment = " ".join(filter(None, [*above, behind]))
            key, is_quoted = match["key"].strip('"'), match["key"].startswith('"')
            found.append(
                _Line(
                    indent=len(match["indent"]),
                    key=key,
                    is_quoted=is_quoted,
                    comment=comment,
                    is_open=not value.strip(),
                )
            )
            above = []
        else:
            raise ValueError(f"line {number}: neither a comment nor a key: {line}")
    return found


def _split(rest: str) -> tuple[str, str]:
    """A value and the comment behind it."""
    hidden = _TEXT.sub(lambda match: "x" * len(match[0]), rest)
    at = re.search(r"(^|\s)#\s", hidden)
    return (rest, "") if at is None else (rest[: at.start()], rest[at.end() :].strip())
