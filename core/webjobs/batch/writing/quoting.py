"""Words of sh. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_PLAIN = re.compile(r"[A-Za-z0-9_./:,+@%-]+")
_QUOTED = re.compile(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"")
_OPERATORS = re.compile(r"[;|]|&&|&$")
_KEYWORDS = frozenset(
    ["if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for", "in", "{", "}", "!"]
)


@dataclass(frozen=True)
class Reference:
    """A variable of sh, by its name."""

    name: str


def literal(text: str) -> str:
    """Return one word of sh that is this text and nothing else."""
    if _PLAIN.fullmatch(text) and text not in _KEYWORDS:
        return text
    return "'" + text.replace("'", "'\\''") + "'"


def joined(parts: Sequence[str | Reference]) -> str:
    """Return one word of sh that is these texts and values, one behind the other."""
    if all(isinstance(part, str) for part in parts):
        return literal("".join(str(part) for part in parts))
    out: list[str] = []
    for i, part in enumerate(parts):
        if isinstance(part, str):
            out.append(re.sub(r'([\\"$`])', r"\\\1", part))
            continue
        behind = next((p for p in parts[i + 1 :] if p != ""), "")
        bare = not (isinstance(behind, str) and re.match(r"[A-Za-z0-9_]", behind))
        out.append(f"${part.name}" if bare else f"${{{part.name}}}")
    return '"' + "".join(out) + '"'


def indented(lines: Sequence[str]) -> list[str]:
    """Return the lines two columns to the right."""
    return [f"  {line}" if line else "" for line in lines]


def is_simple(lines: Sequence[str]) -> bool:
    """Tell whether lines are one simple command, which needs no braces."""
    if len(lines) != 1:
        return False
    bare = _QUOTED.sub("''", lines[0])
    return not _OPERATORS.search(bare) and not bare.startswith("if ")


def grouped(lines: Sequence[str]) -> list[str]:
    """Return the lines as one command of sh."""
    if not lines:
        return [":"]
    return list(lines) if is_simple(lines) else ["{", *indented(lines), "}"]


def chained(left: Sequence[str], operator: str, right: Sequence[str]) -> list[str]:
    """Return two groups of lines with an operator between them."""
    left, right = grouped(left), grouped(right)
    return [*left[:-1], f"{left[-1]} {operator} {right[0]}", *right[1:]]
