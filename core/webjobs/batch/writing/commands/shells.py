"""``cmd /c`` and ``start``."""

from __future__ import annotations

import re

from webjobs.batch.cells import Text, char_of, lstrip, plain, shown, unescaped, words
from webjobs.batch.errors import NotTaken
from webjobs.batch.reading.parser import parse_command
from webjobs.batch.reading.syntax import Command
from webjobs.batch.writing.quoting import indented
from webjobs.batch.writing.scope import Scope
from webjobs.batch.writing.values import word

_WINDOWS = frozenset(
    ["/b", "/i", "/min", "/max", "/low", "/normal", "/high", "/realtime", "/abovenormal", "/belownormal"]
)
"""Options of ``start`` about windows and priorities."""
_QUIT = re.compile(r"^\s*quit ")
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
    """Write ``start``: a program beside the batch file, or with ``/wait`` before what follows."""
    rest, folder, wait = _start_options(text)
    tree = parse_command(rest, scope.line)
    if tree is None:
        raise NotTaken('"start" has no program', 'name one behind the title: start "" App.exe')
    if isinstance(tree, Command):
        _check_program(shown(tree.name).strip('"'))
    with scope.inside(subshell=True):
        lines = scope.write(scope, tree)
    if folder:
        entered = word(scope, folder)
        lines = [*scope.take_setup(), f"change_folder {entered} || quit 1", *lines]
    if not wait:
        scope.script.note(
            f"{scope.path}, line {scope.line}: start without /wait: the program ends with the batch file."
        )
        return ["{", *indented(lines), "} &"]
    if not folder and not any(_QUIT.search(line) for line in lines):
        return lines
    if lines[-1] != 'quit "$err"':
        lines = [*lines, 'quit "$err"']
    return ["(", *indented(lines), ")", "leave $?"]


def _start_options(text: Text) -> tuple[Text, Text, bool]:
    """Return the command behind ``start``, the folder of ``/d``, and whether ``/wait`` stands there."""
    rest, folder = lstrip(text), Text()
    wait = titled = False
    while rest[:1] == ("/",) or (rest[:1] == ('"',) and not titled):
        option = words(rest)[0]
        rest = lstrip(rest[len(option) :])
        if option[0] == '"':
            titled = True
            continue
        name = "".join(char_of(cell) or "\0" for cell in option).lower()
        if name == "/d" and rest:
            folder = words(rest)[0]
            rest = lstrip(rest[len(folder) :])
        elif name.startswith('/d"'):
            folder = option[2:]
        elif name in ("/wait", "/w"):
            wait = True
        elif name not in _WINDOWS:
            raise NotTaken(f'"start {shown(option)}" is not taken over', "leave the option out")
    return rest, folder, wait


def _check_program(name: str) -> None:
    """Raise ``NotTaken`` for what Windows opens with a program that belongs to its type."""
    ending = re.search(r"\.([a-z]\w*)$", re.split(r"[\\/]", name)[-1].lower())
    if (
        re.match(r"[A-Za-z][\w+.-]+:", name)
        or name.endswith(("\\", "/", "."))
        or (ending and ending[1] not in ("exe", "com", "bat", "cmd"))
    ):
        raise NotTaken(f'"start {name}" opens it with the program of its type', "start that program")
