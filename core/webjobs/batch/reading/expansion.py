"""Expansion: ``%X%`` before a line is parsed, ``%%C`` in the body of a ``for``, ``!X!`` when a command runs. Pure.

Nothing is replaced by its value here: each expansion becomes one cell, which the script fills in when it runs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from webjobs.batch.cells import (
    Argument,
    Cell,
    Escaped,
    ForVariable,
    Replacement,
    Substring,
    Text,
    Variable,
    char_of,
    is_value,
)

_MODIFIERS = "fdpnxsatzFDPNXSATZ"


def expand_percent(text: Sequence[Cell]) -> Text:
    """Return the text with cells for ``%X%``, ``%1`` and ``%*``; ``%%`` is ``%``, and a ``%`` alone falls away."""
    out: list[Cell] = []
    at = 0
    while at < len(text):
        if text[at] != "%":
            out.append(text[at])
            at += 1
            continue
        if _char(text, at + 1) == "%":
            out.append("%")
            at += 2
            continue
        argument = _argument(text, at + 1)
        if argument:
            out.append(argument[0])
            at = argument[1]
            continue
        variable = _variable(text, at + 1, "%")
        if variable:
            out.append(variable[0])
            at = variable[1]
        else:
            at += 1
    return tuple(out)


def expand_delayed(text: Sequence[Cell]) -> Text:
    """Return the text with cells for ``!X!``; a ``!`` alone falls away, and ``^`` before one protects it.

    A text without ``!`` is not touched at all, as in cmd.
    """
    if "!" not in text:
        return tuple(text)
    out: list[Cell] = []
    at = 0
    while at < len(text):
        if text[at] == "^" and at + 1 < len(text):
            out.append(text[at + 1])
            at += 2
        elif text[at] == "!":
            variable = _variable(text, at + 1, "!")
            if variable:
                out.append(variable[0])
                at = variable[1]
            else:
                at += 1
        else:
            out.append(text[at])
            at += 1
    return tuple(out)


def expand_for(text: Sequence[Cell], letters: Collection[str]) -> Text:
    """Return the text with cells for ``%C`` and ``%~xC``, for the letters of the loops around it."""
    if "%" not in text or not letters:
        return tuple(text)
    out: list[Cell] = []
    at = 0
    while at < len(text):
        found = _for_variable(text, at + 1, letters) if text[at] == "%" else None
        if found:
            out.append(found[0])
            at = found[1]
        else:
            out.append(text[at])
            at += 1
    return tuple(out)


def _char(text: Sequence[Cell], at: int) -> str:
    cell = text[at] if at < len(text) else ""
    return cell if isinstance(cell, str) else ""


def _argument(text: Sequence[Cell], at: int) -> tuple[Argument, int] | None:
    """Return the argument that is named after a ``%``, and the place behind it."""
    char = _char(text, at)
    if char == "*" or (char and char in "0123456789"):
        return Argument(char), at + 1
    if char != "~":
        return None
    start = at = at + 1
    while _char(text, at) and _char(text, at) in _MODIFIERS:
        at += 1
    modifiers = "".join(_char(text, i) for i in range(start, at)).lower()
    search, at = _search(text, at)
    digit = _char(text, at)
    return (Argument(digit, modifiers, search), at + 1) if digit and digit in "0123456789" else None


def _search(text: Sequence[Cell], at: int) -> tuple[str, int]:
    """Return the name between ``$`` and ``:``, and the place behind it; empty when there is none."""
    if _char(text, at) != "$":
        return "", at
    end = at + 1
    while _char(text, end) not in ("", ":"):
        end += 1
    if _char(text, end) != ":":
        return "", at
    return "".join(_char(text, i) for i in range(at + 1, end)), end + 1


def _for_variable(text: Sequence[Cell], at: int, letters: Collection[str]) -> tuple[ForVariable, int] | None:
    if _char(text, at) and _char(text, at) in letters and _char(text, at) != "~":
        return ForVariable(_char(text, at)), at + 1
    if _char(text, at) != "~":
        return None
    start = at = at + 1
    while _char(text, at) and _char(text, at) in _MODIFIERS:
        at += 1
    search, behind = _search(text, at)
    # The letter of the variable may be a modifier's too: the longest row of modifiers counts that leaves a letter.
    for end in range(behind, start - 1, -1):
        letter = _char(text, end)
        if letter and letter in letters:
            modifiers = "".join(_char(text, i) for i in range(start, min(end, at))).lower()
            return ForVariable(letter, modifiers, search if end == behind else ""), end + 1
    return None


def _variable(text: Sequence[Cell], at: int, mark: str) -> tuple[Variable, int] | None:
    """Return the variable whose name begins here and ends at the mark, and the place behind it."""
    end = at
    while end < len(text) and text[end] != mark:
        end += 1
    if end == len(text) or end == at:
        return None
    inside = text[at:end]
    colon = next((i for i, cell in enumerate(inside) if cell == ":" and i), None)
    delayed = mark == "!"
    if colon is None or colon == len(inside) - 1:
        return Variable(_flat(inside), delayed=delayed), end + 1
    change = _change(inside[colon + 1 :])
    if change is None:
        return Variable(_flat(inside), delayed=delayed), end + 1
    return Variable(_flat(inside[:colon]), change, delayed), end + 1


def _flat(text: Sequence[Cell]) -> Text:
    return tuple(cell.char if isinstance(cell, Escaped) else cell for cell in text)


def _change(text: Sequence[Cell]) -> Substring | Replacement | None:
    if text[0] == "~":
        rest = _flat(text[1:])
        comma = rest.index(",") if "," in rest else None
        start, length = (rest, None) if comma is None else (rest[:comma], rest[comma + 1 :])
        for part in (start, length or ()):
            number = "".join("0" if is_value(cell) else char_of(cell) for cell in part).strip()
            if not number.lstrip("+-").isdigit() and number:
                return None
        return Substring(start, length)
    equals = next((i for i, cell in enumerate(text) if cell == "="), None)
    if not equals:
        return None
    return Replacement(_flat(text[:equals]), _flat(text[equals + 1 :]))
