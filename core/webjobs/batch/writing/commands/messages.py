"""``echo`` and what has no effect here."""

from __future__ import annotations

from webjobs.batch.cells import BLANKS, Text, char_of, plain, strip
from webjobs.batch.writing.scope import Scope
from webjobs.batch.writing.values import word


def echo(scope: Scope, text: Text) -> list[str]:
    """Write ``echo``: a text, on, off, or in which of both states it is."""
    separator = char_of(text[0]) if text else ""
    body = text[1:]
    if separator and separator not in BLANKS:
        # echo. echo: echo; and so on show a text in any case.
        return _say(scope, body)
    static = plain(body)
    if static is not None:
        state = static.strip(BLANKS).lower()
        if state in ("on", "off"):
            return [f"echo={state}"]
        return _say(scope, body) if state else ["echo_text ''"]
    if any(char_of(cell) and char_of(cell) not in BLANKS for cell in body):
        return _say(scope, body)
    shown = word(scope, body)
    return [*scope.take_setup(), f"echo_text {shown}"]


def _say(scope: Scope, text: Text) -> list[str]:
    shown = word(scope, text)
    return [*scope.take_setup(), f"say {shown}"]


def nothing(_scope: Scope, _text: Text) -> list[str]:
    """Write a command that has no effect here."""
    return []


def prompt(scope: Scope, text: Text) -> list[str]:
    """Write ``prompt``: how commands are shown."""
    shown = word(scope, strip(text))
    return [*scope.take_setup(), f"prompt={shown}", *(["err=0"] if scope.is_cmd else [])]
