"""``forfiles``: a command for each of the files that are found."""

from __future__ import annotations

import re
from collections.abc import Mapping

from webjobs.batch.cells import Cell, ForVariable, Text, char_of, plain, shown, without_quotes, words
from webjobs.batch.errors import NotTaken
from webjobs.batch.writing.commands.shells import cmd
from webjobs.batch.writing.quoting import chained, indented
from webjobs.batch.writing.scope import Scope
from webjobs.batch.writing.values import word

_DEFAULTS: Mapping[str, Text] = {"p": (".",), "m": ("*",), "d": (), "c": tuple("cmd /c echo @file")}
_VALUES = re.compile(r"@(path|file|fname|ext|isdir)", re.IGNORECASE)
_OTHERS = re.compile(r"@(relpath|fsize|fdate|ftime)|0x[0-9a-f]{2}|\"", re.IGNORECASE)


def forfiles(scope: Scope, text: Text) -> list[str]:
    """Write ``forfiles``: its command runs in a shell of its own for each file, in the folder of the file."""
    given, below = _options(text)
    command = _command(given["c"])
    with scope.inside(subshell=True):
        lines = cmd(scope, command)
    options = " ".join(word(scope, given[name]) for name in "pmd")
    setup = scope.take_setup()
    scope.locals.add("line")
    body = ["(", *indented(['file_values "$line"', *lines]), ")"]
    loop = ["for line in $R; do", *indented(body), "done", "leave 0"]
    return [*setup, *chained([f"find_files {options}{' below' if below else ''}"], "&&", loop)]


def _options(text: Text) -> tuple[dict[str, Text], bool]:
    """Return the values of the options, and whether folders below are looked at, too."""
    given, below = dict(_DEFAULTS), False
    left = words(text)
    while left:
        option = (plain(left.pop(0)) or "").lower()
        name = option[1:]
        if option in ("/s", "-s"):
            below = True
        elif option[:1] in ("/", "-") and name in given and left:
            given[name] = without_quotes(left.pop(0))
        else:
            raise NotTaken(f'"forfiles {option}" is not taken over', "use /p, /s, /m, /d and /c")
    days = given["d"]
    if days and (char_of(days[0]) not in ("-", "+") or not re.fullmatch(r"\d+", plain(days[1:]) or "1")):
        raise NotTaken(f'"forfiles /d {shown(days)}" is no number of days', "write it as in /d -7")
    return given, below


def _command(text: Text) -> Text:
    """Return what stands behind ``cmd``, with values in place of ``@path`` and the like."""
    chars = "".join(char_of(cell) or "\0" for cell in text)
    begin = re.match(r"cmd(\.exe)?\s+", chars, re.IGNORECASE)
    other = _OTHERS.search(chars)
    if not begin or other:
        what = other[0] if other else shown(text)
        raise NotTaken(f'"forfiles /c" has a command with {what}', 'write it as in /c "cmd /c del @path"')
    out: list[Cell] = []
    at = begin.end()
    while at < len(text):
        found = _VALUES.match(chars, at)
        out.append(ForVariable(found[1].lower()) if found else text[at])
        at = found.end() if found else at + 1
    return tuple(out)
