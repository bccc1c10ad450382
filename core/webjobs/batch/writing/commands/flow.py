"""``goto``, ``call``, ``exit`` and ``shift``."""

from __future__ import annotations

import re
from dataclasses import replace

from webjobs.batch.cells import Cell, Text, Variable, lstrip, plain, shown, strip, words
from webjobs.batch.errors import NotTaken
from webjobs.batch.reading.expansion import expand_percent
from webjobs.batch.reading.parser import parse_command
from webjobs.batch.reading.syntax import Command
from webjobs.batch.writing.quoting import literal
from webjobs.batch.writing.scope import Scope
from webjobs.batch.writing.values import word

_LABEL = re.compile(r"[^\s:+,;=]*")


def goto(scope: Scope, text: Text) -> list[str]:
    """Write ``goto``: the loop around the function goes on at the label."""
    target = strip(text, " \t,;=")
    static = plain(target)
    if static is not None and static.lower().startswith(":eof"):
        return end_of_file(scope)
    if scope.subshell:
        raise NotTaken('"goto" stands in a pipe or behind "cmd /c"', "jump outside of it")
    if static is None:
        named = word(scope, target)
        scope.labels.setdefault("", [])
        return [*scope.take_setup(), f"label {named}", "at=$R", f"continue {scope.loops}"]
    name = label_name(static)
    found = place_of(scope, name)
    if found is None:
        return [f"no_label {literal(name)}", "return"]
    return [f"at={literal(found)}", f"continue {scope.loops}".removesuffix(" 1")]


def label_name(text: str) -> str:
    """Return the label that a text names, in lower case."""
    found = _LABEL.match(text.strip().removeprefix(":").lstrip())
    return found[0].lower() if found else ""


def place_of(scope: Scope, name: str) -> str | None:
    """Return the place in the function for a label: the next one of the name, else the first; None without one."""
    lines = scope.labels.get(name)
    if not lines:
        return None
    chosen = next((i for i, line in enumerate(lines) if line > scope.line), 0)
    return name if chosen == 0 else f"{name} {chosen + 1}"


def end_of_file(scope: Scope) -> list[str]:
    """Write the end of the file or subroutine, with the code that there is."""
    return ['quit "$err"'] if scope.subshell else ['leave "$err"', "return"]


def leave(scope: Scope, text: Text) -> list[str]:
    """Write ``exit`` and ``exit /b``, with a code or with the one that there is."""
    found = words(text)
    batch_only = bool(found) and (plain(found[0]) or "").lower().startswith("/b")
    if batch_only:
        rest = found[0][2:]
        found = [rest, *found[1:]] if rest else found[1:]
    ends = scope.subshell or not batch_only
    if not found:
        return ['quit "$err"'] if ends else end_of_file(scope)
    static = plain(found[0])
    if static is not None:
        number = re.match(r"[+-]?\d+", static)
        code = str(int(number[0])) if number else "0"
        return [f"quit {code}"] if ends else [f"leave {code}", "return"]
    code_word = word(scope, found[0])
    lines = [*scope.take_setup(), f"leave_with {code_word}"]
    return [*lines, 'quit "$err"'] if ends else [*lines, "return"]


def shift(scope: Scope, text: Text) -> list[str]:
    """Write ``shift``."""
    option = plain(strip(text)) or ""
    if option and not re.fullmatch(r"/[0-8]", option):
        raise NotTaken(f'"shift {option}" is no option of cmd', "use shift /0 to shift /8")
    return [f"shift_arguments {option[1:] or '0'}"]


def call(scope: Scope, text: Text) -> list[str]:
    """Write ``call``: of a label, of a batch file, or of a command whose ``%X%`` is read a second time."""
    again = lstrip(_read_now(expand_percent(text)), " \t,;=")
    if again[:1] == (":",):
        return _call_label(scope, again)
    if again[:1] == ("(",):
        raise NotTaken('"call" stands before a block', "remove the word call")
    tree = parse_command(again, scope.line)
    if tree is None:
        # Nothing at all behind "call" is an error without a message; "call" with a blank is none.
        return ["leave 0"] if text else ["fail 1"]
    if not isinstance(tree, Command):
        raise NotTaken(f'"call {shown(again)}" calls no command', "remove the word call")
    scope.called = True
    try:
        return scope.write(scope, tree)
    finally:
        scope.called = False


def _read_now(text: Text) -> Text:
    """Return the text with its new values as ones that are read when the command runs."""
    out: list[Cell] = []
    for cell in text:
        out.append(replace(cell, delayed=True) if isinstance(cell, Variable) else cell)
    return tuple(out)


def _call_label(scope: Scope, text: Text) -> list[str]:
    if scope.subshell:
        # Another cmd runs this one, which has no labels.
        return ["complain 'Invalid attempt to call batch label outside of batch script.' 1"]
    first = words(text)[0]
    arguments = word(scope, lstrip(text[len(first) :]))
    name = plain(first[1:])
    if name is None:
        named = word(scope, first)
        scope.labels.setdefault("", [])
        return [*scope.take_setup(), f"label {named}", f'invoke {scope.function} "$R" {named} {arguments}']
    setup = scope.take_setup()
    place = place_of(scope, label_name(name))
    if label_name(name) == "eof":
        return ["leave 0"]
    if place is None:
        return [*setup, f"no_label {literal(label_name(name))}"]
    return [*setup, f"invoke {scope.function} {literal(place)} {literal(f':{name}')} {arguments}"]
