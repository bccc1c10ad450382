"""Which function writes a command."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from webjobs.batch.cells import Text, Variable, char_of, plain
from webjobs.batch.reading.syntax import Command
from webjobs.batch.writing.commands import flow, forfiles, messages, programs, queries, shells, tools, variables
from webjobs.batch.writing.scope import Scope

Writer = Callable[[Scope, Text], list[str]]

_BUILTINS: Mapping[str, Writer] = {
    "echo": messages.echo,
    "rem": messages.nothing,
    "prompt": messages.prompt,
    "set": variables.set_variable,
    "setlocal": variables.setlocal,
    "endlocal": variables.endlocal,
    "path": variables.path,
    "goto": flow.goto,
    "exit": flow.leave,
    "call": flow.call,
    "shift": flow.shift,
    "cmd": shells.cmd,
    "start": shells.start,
    "wmic": queries.wmic,
    "forfiles": forfiles.forfiles,
    **{name: tools.writer(name) for name in tools.TOOLS},
}
_PROGRAMS = tools.PROGRAMS | {"cmd", "start", "wmic", "forfiles"}
"""Names of which only the whole word counts, with or without .exe."""
_BREAKS = "./\\:+[](\"',;="
"""Characters that end the name of an own command of cmd, besides blanks."""


def write_command(scope: Scope, node: Command) -> list[str]:
    """Return the lines of one command."""
    name, rest = split_name(node)
    writer = _BUILTINS.get(name)
    if writer is None:
        return programs.write_program(scope, node.name, node.rest)
    text = scope.text(rest)
    return writer(scope, text)


def split_name(node: Command) -> tuple[str, Text]:
    """Return the name of an own command of cmd in lower case, and the text behind it; else an empty name."""
    if (
        len(node.name) == 1
        and isinstance(node.name[0], Variable)
        and plain(node.name[0].name) in ("ComSpec", "COMSPEC")
    ):
        return "cmd", node.rest
    whole = (plain(node.name) or "").lower().strip('"').removesuffix(".exe")
    whole = re.sub(r"^[a-z]:\\windows\\(system32|syswow64|sysnative)\\", "", whole)
    if whole in _PROGRAMS:
        return whole, node.rest
    if re.fullmatch(r"[a-z0-9]:", whole):
        return "drive", ()
    leading = "".join(char_of(cell) or "\0" for cell in node.name)
    found = re.match(r"[A-Za-z]+", leading)
    name = found[0].lower() if found else ""
    if not found or name not in _BUILTINS or name in _PROGRAMS:
        return "", ()
    behind = node.name[found.end() :]
    if not behind:
        return name, node.rest
    if char_of(behind[0]) and char_of(behind[0]) in _BREAKS:
        return name, (*behind, *node.rest)
    return "", ()
