"""``cmd /c`` and ``start``."""

from __future__ import annotations

import re

from webjobs.batch.cells import Text, char_of, lstrip, plain, unescaped, words
from webjobs.batch.errors import NotTaken
from webjobs.batch.reading.parser import parse_command
from webjobs.batch.reading.syntax import Command
from webjobs.batch.writing.quoting import indented
from webjobs.batch.writing.scope import Scope

_EXIT = re.compile(r"exit(?:\s+/b)?\s+([+-]?\d+)\s*", re.IGNORECASE)


def cmd(scope: Scope, text: Text) -> list[str]:
    """Write ``cmd /c``: its command runs in a shell of its own."""
    delayed = False
    rest = lstrip(text)
    while True:
        option = "".join(char_of(cell) for cell in rest[:2]).lower()
        if option in ("/c", "/r"):
            rest = lstrip(rest[2:])
            break
        if option in ("/q", "/d", "/s", "/a", "/u"):
            rest = lstrip(rest[2:])
        elif option in ("/v", "/e", "/f", "/t") and (found := words(rest)):
            delayed |= option == "/v" and (plain(found[0]) or "").lower() in ("/v", "/v:on")
            rest = lstrip(rest[len(found[0]) :])
        elif option == "/k":
            raise NotTaken('"cmd /k" waits for commands of a person', "use cmd /c")
        else:
            raise NotTaken('"cmd" without /c waits for commands of a person', 'use cmd /c, or "call" for a batch file')
    inner = _unquoted(unescaped(rest))
    number = _EXIT.fullmatch(plain(inner) or "")
    if number:
        return [f"leave {int(number[1])}"]
    with scope.inside(subshell=True, command_line=True):
        scope.scopes = [delayed]
        tree = parse_command(inner, scope.line)
        lines = scope.write(scope, tree) if tree else []
        simple = isinstance(tree, Command) and not tree.redirections
    if simple and (plain(tree.name) or "").lower() == "echo" if isinstance(tree, Command) else False:
        return [*lines, "leave 0"]
    return ["(", *indented([*lines, 'quit "$err"']), ")", "leave $?"]


def _unquoted(text: Text) -> Text:
    """Return the command without the quotes around it, as cmd takes them away."""
    if text[:1] != ('"',):
        return text
    last = max(i for i, cell in enumerate(text) if cell == '"')
    if last == 0:
        return text[1:]
    inside = plain(text[1:last]) or ""
    if text.count('"') == 2 and not set(inside) & set("&<>()@^|") and re.search(r"\.(exe|cmd|bat|com)$", inside, re.I):
        return text
    return (*text[1:last], *text[last + 1 :])


def start(scope: Scope, text: Text) -> list[str]:
    """Write ``start /b``: a program beside the batch file, or with ``/wait`` before what follows."""
    rest = lstrip(text)
    if rest[:1] == ('"',):
        rest = lstrip(rest[len(words(rest)[0]) :])
    wait = shared = False
    while rest[:1] == ("/",):
        option = words(rest)[0]
        match (plain(option) or "").lower():
            case "/b":
                shared = True
            case "/wait" | "/w":
                wait = True
            case "/min" | "/max" | "/i" | "/low" | "/normal" | "/high" | "/belownormal" | "/abovenormal":
                pass
            case other:
                raise NotTaken(f'"start {other}" is not taken over', "use start /b, with /wait or without")
        rest = lstrip(rest[len(option) :])
    if not shared:
        raise NotTaken('"start" opens a window of its own', "use start /b, or call the program without start")
    tree = parse_command(rest, scope.line)
    if tree is None:
        raise NotTaken('"start" has no program', "name one, or remove the line")
    with scope.inside(subshell=True):
        lines = scope.write(scope, tree)
    return lines if wait else ["{", *indented(lines), "} &"]
