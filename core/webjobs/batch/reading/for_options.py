"""The options of ``for /f``. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from webjobs.batch.errors import NotTaken

MOST_TOKENS = 26


@dataclass(frozen=True)
class ForOptions:
    """How ``for /f`` takes lines apart."""

    delimiters: str = " \t"
    end_of_line: str = ";"
    """First character of lines that are left out; empty for none."""
    skip: int = 0
    tokens: tuple[int, ...] = (1,)
    rest: bool = False
    """``*``: one more variable has what comes behind the last token."""
    backquotes: bool = False


def bare_options(text: str) -> str:
    """Return the options without the quotes around them; a blank before the last quote is a delimiter."""
    text = text.strip(" \t")
    return text[1:].removesuffix('"') if text.startswith('"') else text


def for_options(text: str) -> ForOptions:
    """Return the options that stand between the quotes; raises ``NotTaken`` for others than cmd's."""
    found = ForOptions()
    values = found.__dict__.copy()
    rest = text.lstrip(" ,")
    while rest:
        name = re.match(r"(usebackq|useback|eol=|delims=|skip=|tokens=)", rest, re.IGNORECASE)
        if not name:
            raise NotTaken(f'"for /f" has the options "{text}"', 'use eol=, skip=, delims=, tokens= and "usebackq"')
        kind, rest = name[1].lower(), rest[name.end() :]
        if kind.startswith("useback"):
            values["backquotes"] = True
        elif kind == "eol=":
            values["end_of_line"], rest = rest[:1], rest[1:]
        elif kind == "delims=":
            # Delimiters end at a blank, unless nothing follows: then the blank is one of them.
            others = re.search(r" (?=(?:usebackq?|eol=|skip=|tokens=))", rest, re.IGNORECASE)
            values["delimiters"] = rest[: others.start()] if others else rest
            rest = rest[others.start() :] if others else ""
        elif kind == "skip=":
            digits = re.match(r"0x[0-9a-f]+|\d+", rest, re.IGNORECASE)
            if not digits:
                raise NotTaken(f'"for /f" has the options "{text}"', "give skip= a number")
            values["skip"] = int(digits[0], 16) if digits[0].lower().startswith("0x") else int(digits[0])
            rest = rest[digits.end() :]
        else:
            part = re.match(r"[\d,\-*x]*", rest)
            values["tokens"], values["rest"] = _tokens(part[0] if part else "", text)
            rest = rest[len(part[0]) if part else 0 :]
        rest = rest.lstrip(" ")
    return ForOptions(**values)


def _tokens(text: str, options: str) -> tuple[tuple[int, ...], bool]:
    numbers: set[int] = set()
    rest = text.endswith("*")
    for part in text.removesuffix("*").split(","):
        bounds = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if bounds:
            numbers.update(range(int(bounds[1]), int(bounds[2] or bounds[1]) + 1))
        elif part:
            raise NotTaken(f'"for /f" has the options "{options}"', "write tokens= as 1,3-5*")
    if len(numbers) + rest > MOST_TOKENS:
        raise NotTaken(f'"for /f" has the options "{options}"', f"take at most {MOST_TOKENS} tokens")
    return tuple(sorted(numbers)), rest
