"""``if`` as sh."""

from __future__ import annotations

import re

from webjobs.batch.cells import Argument, Cell, Text, Variable, plain
from webjobs.batch.errors import NotTaken
from webjobs.batch.reading.syntax import Block, Chain, Command, Condition, For, If, Node
from webjobs.batch.writing.effects import nodes_of
from webjobs.batch.writing.names import CLOCK, COMPUTED, CONSTANTS, SPECIAL, key_of
from webjobs.batch.writing.quoting import indented, literal
from webjobs.batch.writing.scope import Scope
from webjobs.batch.writing.values import word

_NUMERIC = {"EQU": "-eq", "NEQ": "-ne", "LSS": "-lt", "LEQ": "-le", "GTR": "-gt", "GEQ": "-ge"}


def write_if(scope: Scope, node: If) -> list[str]:
    """Return the lines of ``if ... else ...``."""
    test = _test(scope, node.condition)
    lines = [*scope.take_setup(), f"if {test}; then", *indented(_branch(scope, node.then))]
    otherwise = node.otherwise
    while otherwise is not None:
        if isinstance(otherwise, If) and not otherwise.redirections:
            test = _test(scope, otherwise.condition)
            if not scope.setup:
                lines += [f"elif {test}; then", *indented(_branch(scope, otherwise.then))]
                otherwise = otherwise.otherwise
                continue
            scope.take_setup()
        lines += ["else", *indented(_branch(scope, otherwise))]
        break
    return [*lines, "fi"]


def given_sides(scope: Scope, node: Node) -> list[str]:
    """Return the lines that end all when a side of an ``if`` is missing in a statement.

    cmd reads a whole statement with its values in it before any of it runs, so these lines come first.
    """
    lines: dict[str, str] = {}
    for part in nodes_of(node):
        if not isinstance(part, If):
            continue
        asked = part.condition
        if _may_be_empty(scope, asked.left):
            behind = _first_word(part.then) if asked.kind == "==" else asked.right
            lines.setdefault(word(scope, asked.left), f" {word(scope, behind)}")
        if _may_be_empty(scope, asked.right) and not _false_without(part):
            lines.setdefault(word(scope, asked.right), "")
    checks = [f"given {side}{told}" for side, told in lines.items()]
    return [*scope.take_setup(), *checks]


def _may_be_empty(scope: Scope, text: Text) -> bool:
    """Tell whether a side of ``if`` is nothing but values that are filled in before cmd reads it."""
    return bool(text) and all(_may_lack(scope, cell) for cell in text)


def _may_lack(scope: Scope, cell: Cell) -> bool:
    if isinstance(cell, Argument):
        return cell.index != "0"
    if not isinstance(cell, Variable) or cell.delayed:
        return False
    key = key_of(plain(cell.name) or "")
    always = key in SPECIAL or key in CLOCK or (key in (*CONSTANTS, *COMPUTED) and key not in scope.script.assigned)
    return cell.change is not None or not always


def _false_without(node: If) -> bool:
    """Tell whether a condition without its right side is false: cmd takes the first word of the command for it."""
    asked = node.condition
    return asked.kind in ("==", "EQU", "exist", "defined") and not asked.negated and not isinstance(node.then, Block)


def _first_word(node: Node) -> Text:
    match node:
        case Block():
            return ("(",)
        case Chain():
            return _first_word(node.left)
        case If() | For():
            return tuple(node.word)
        case Command():
            return node.name


def _branch(scope: Scope, node: Node) -> list[str]:
    return scope.write(scope, node) or [":"]


def _test(scope: Scope, asked: Condition) -> str:
    """Return the command of sh that tells whether a condition holds."""
    left, right = scope.text(asked.left), scope.text(asked.right)
    match asked.kind:
        case "exist":
            test = f"exists {word(scope, right)}"
        case "defined":
            test = _defined(scope, right)
        case "errorlevel":
            number = plain(right)
            if number is not None and number.lstrip("-").isdigit():
                test = f'[ "$err" -ge {int(number)} ]'
            else:
                number_word = word(scope, right)
                kept = scope.temporary()
                scope.setup += [f"number {number_word} || :", f"{kept}=$R"]
                test = f'[ "$err" -ge "${kept}" ]'
        case "cmdextversion":
            test = f'[ 2 -ge "{_digits(right)}" ]'
        case "==":
            test = _equal(scope, left, right, asked.ignore_case)
        case "EQU" | "NEQ" if _both_quoted(left, right):
            test = _equal(scope, left, right, asked.ignore_case)
            if asked.kind == "NEQ":
                test = f"! {test}"
        case _ if _is_code(left) and _is_number(right):
            test = f"[ {word(scope, left)} {_NUMERIC[asked.kind]} {int(plain(right) or '')} ]"
        case _:
            ending = " i" if asked.ignore_case else " ''"
            test = f"compare {word(scope, left)} {asked.kind} {word(scope, right)}{ending}"
    if not asked.negated:
        return test
    return test.removeprefix("! ") if test.startswith("! ") else f"! {test}"


def _is_code(text: Text) -> bool:
    """Tell whether a text is ERRORLEVEL, which is a number always."""
    value = text[0] if len(text) == 1 else None
    return isinstance(value, Variable) and value.change is None and key_of(plain(value.name) or "") == "ERRORLEVEL"


def _is_number(text: Text) -> bool:
    return re.fullmatch(r"-?(0|[1-9]\d{0,8})", plain(text) or "") is not None


def _digits(text: Text) -> int:
    number = plain(text) or ""
    if not number.isdigit():
        raise NotTaken('"if cmdextversion" has no number', "write the number into the line")
    return int(number)


def _both_quoted(left: Text, right: Text) -> bool:
    return all(len(side) > 1 and side[0] == '"' and side[-1] == '"' for side in (left, right))


def _equal(scope: Scope, left: Text, right: Text, ignore_case: bool) -> str:
    if _both_quoted(left, right):
        left, right = left[1:-1], right[1:-1]
    first, second = word(scope, left), word(scope, right)
    return f"same {first} {second}" if ignore_case else f"[ {_safe(first)} = {_safe(second)} ]"


def _safe(text: str) -> str:
    # `[` takes a bare "!" or "(" for an operator.
    return f'"{text}"' if text in ("-a", "-o", "=") else text


def _defined(scope: Scope, text: Text) -> str:
    name = plain(text)
    if name is None:
        return f"defined {word(scope, text)}"
    key = key_of(name.strip('"'))
    if key in SPECIAL or key in CLOCK:
        return ":"
    scope.script.reads.setdefault(key, name)
    return f'[ -n "$v_{literal(key)}" ]'
