"""Redirections in a command. Pure."""

from __future__ import annotations

from collections.abc import Callable

from webjobs.batch.cells import DELIMITERS, Cell, Text
from webjobs.batch.errors import NotTaken
from webjobs.batch.reading.source import Source
from webjobs.batch.reading.syntax import Redirection

Fill = Callable[[Text], Text]
"""Fills in the variables of the loops around a text."""


def handle_before(rest: list[Cell]) -> int | None:
    """Return the handle before ``>``, and take it out of the text; None when there is none."""
    if rest and isinstance(rest[-1], str) and rest[-1] in "0123456789":
        before = rest[-2] if len(rest) > 1 else " "
        if isinstance(before, str) and before in DELIMITERS:
            return int(str(rest.pop()))
    return None


def redirections_here(source: Source, ends: str, fill: Fill) -> list[Redirection]:
    """Return the redirections that stand here. ``ends``: the characters that end the name of a file."""
    found: list[Redirection] = []
    while True:
        cell = source.peek()
        digit = isinstance(cell, str) and cell in "0123456789" and source.peek(1) in ("<", ">")
        if not digit and cell not in ("<", ">"):
            return found
        found.append(redirection(source, int(str(source.take())) if digit else None, ends, fill))
        source.skip()


def redirection(source: Source, handle: int | None, ends: str, fill: Fill) -> Redirection:
    """Return the redirection whose ``<`` or ``>`` comes next; raises ``NotTaken`` when it has no target."""
    operator = str(source.take())
    if operator == ">" and source.peek() == ">":
        source.take()
        operator = ">>"
    number = (0 if operator == "<" else 1) if handle is None else handle
    if source.peek() == "&":
        source.take()
        source.skip(" \t")
        target = source.take()
        if not isinstance(target, str) or target not in "0123456789":
            raise NotTaken(f'"{operator}&" has no handle behind it', "write the number of a handle", source.line)
        return Redirection(number, f"{operator[0]}&", (target,))
    source.skip(" \t")
    name = source.take_word(ends)
    if not name:
        raise NotTaken(f'"{operator}" has no file behind it', "name a file, or NUL", source.line)
    return Redirection(number, operator, fill(name))
