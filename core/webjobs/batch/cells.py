"""Text of a batch file between its bytes and its commands: characters, and what stands for values of the run. Pure.

A text is a tuple of cells. A value of the run is one cell, however long it will be: so it can never become an operator,
a quote or a second command.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Escaped:
    """A character after ``^``: it is text, whatever it means without."""

    char: str


@dataclass(frozen=True)
class Substring:
    """The part of a value that ``%X:~start,length%`` names; texts of whole numbers, ``length`` may be missing."""

    start: Text
    length: Text | None


@dataclass(frozen=True)
class Replacement:
    """The change that ``%X:search=new%`` makes; ``search`` may begin with ``*``: all up to it."""

    search: Text
    new: Text


@dataclass(frozen=True)
class Variable:
    """``%NAME%`` (read before the statement runs) or, ``delayed``, ``!NAME!`` (read when its command runs)."""

    name: Text
    change: Substring | Replacement | None = None
    delayed: bool = False


@dataclass(frozen=True)
class Argument:
    """``%0`` to ``%9``, or ``%*``; ``modifiers`` are the letters between ``~`` and the digit, None without ``~``."""

    index: str
    modifiers: str | None = None
    search: str = ""
    """Variable whose folders are searched (``%~$PATH:1``)."""


@dataclass(frozen=True)
class ForVariable:
    """``%%C`` in the body of its ``for``; modifiers as of an argument."""

    letter: str
    modifiers: str | None = None
    search: str = ""


Value = Variable | Argument | ForVariable
Cell = str | Escaped | Variable | Argument | ForVariable
Text = tuple[Cell, ...]

BLANKS = " \t\x0b\x0c\xa0"
DELIMITERS = " \t\x0b\x0c\xa0,;="
"""Characters that separate the words of cmd's own commands."""


def plain(text: Iterable[Cell]) -> str | None:
    """Return the text as a string; None when it holds a value of the run."""
    chars: list[str] = []
    for cell in text:
        if isinstance(cell, str):
            chars.append(cell)
        elif isinstance(cell, Escaped):
            chars.append(cell.char)
        else:
            return None
    return "".join(chars)


def shown(text: Iterable[Cell]) -> str:
    """Return the text for a message: values of the run by their names."""
    return "".join(_shown(cell) for cell in text)


def _shown(cell: Cell) -> str:
    match cell:
        case str():
            return cell
        case Escaped():
            return cell.char
        case Variable():
            mark = "!" if cell.delayed else "%"
            return f"{mark}{shown(cell.name)}{mark}"
        case Argument():
            return f"%{'' if cell.modifiers is None else '~' + cell.modifiers}{cell.index}"
        case ForVariable():
            return f"%%{'' if cell.modifiers is None else '~' + cell.modifiers}{cell.letter}"


def is_value(cell: Cell) -> bool:
    """Tell whether a cell stands for a value of the run."""
    return not isinstance(cell, str | Escaped)


def char_of(cell: Cell) -> str:
    """Return the character of a cell; empty for a value of the run."""
    return cell if isinstance(cell, str) else cell.char if isinstance(cell, Escaped) else ""


def strip(text: Sequence[Cell], chars: str = BLANKS) -> Text:
    """Return the text without these characters at both ends."""
    start, end = 0, len(text)
    while start < end and char_of(text[start]) and char_of(text[start]) in chars:
        start += 1
    while end > start and char_of(text[end - 1]) and char_of(text[end - 1]) in chars:
        end -= 1
    return tuple(text[start:end])


def lstrip(text: Sequence[Cell], chars: str = BLANKS) -> Text:
    """Return the text without these characters at its beginning."""
    start = 0
    while start < len(text) and char_of(text[start]) and char_of(text[start]) in chars:
        start += 1
    return tuple(text[start:])


def without_quotes(text: Sequence[Cell]) -> Text:
    """Return the text without blanks around it and without one quote at each end."""
    inner = strip(text)
    return inner[1 : -1 if len(inner) > 1 and inner[-1] == '"' else None] if inner[:1] == ('"',) else inner


def words(text: Sequence[Cell], delimiters: str = DELIMITERS) -> list[Text]:
    """Return the words of an own command of cmd; quotes stay part of words and keep together."""
    found: list[Text] = []
    word: list[Cell] = []
    quoted = False
    for cell in text:
        char = char_of(cell)
        if char == '"':
            quoted = not quoted
        if char and char in delimiters and not quoted:
            if word:
                found.append(tuple(word))
                word = []
        else:
            word.append(cell)
    return [*found, tuple(word)] if word else found


def unescaped(text: Iterable[Cell]) -> Text:
    """Return the text as another cmd would read it: what ``^`` protected is a plain character again."""
    return tuple(cell.char if isinstance(cell, Escaped) else cell for cell in text)


def values(text: Iterable[Cell]) -> list[Value]:
    """Return the values of the run in a text, those within names and changes of others first."""
    found: list[Value] = []
    for cell in text:
        if isinstance(cell, Variable):
            found += values(cell.name)
            if isinstance(cell.change, Substring):
                found += values(cell.change.start) + values(cell.change.length or ())
            elif cell.change is not None:
                found += values(cell.change.search) + values(cell.change.new)
        if not isinstance(cell, str | Escaped):
            found.append(cell)
    return found
