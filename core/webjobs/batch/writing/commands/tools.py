"""Commands of cmd and everyday tools of Windows that a function of the prelude stands for.

The function gets the text as it stands and takes it apart when it runs. The options are looked at here, so that one
that is not taken over is told of before anything runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from webjobs.batch.cells import Text, char_of, plain, strip, words
from webjobs.batch.errors import NotTaken
from webjobs.batch.writing.scope import Scope
from webjobs.batch.writing.values import word


@dataclass(frozen=True)
class Tool:
    """A function of the prelude; ``options``: a pattern of what may stand behind ``/``, None: anything."""

    function: str
    options: str | None = None
    program: bool = False
    """True for a program of Windows, which is not built into cmd."""


_COPY = r"-?y|[vzbandl]"
_DIR = r"[bswncl4qxp]|-[nc]|a:?[-dhsrlai]*|o:?[-nsedg]*|t:?[caw]|d"
_ROBOCOPY = (
    r"s|e|mir|purge|mov|move|l|xf|xd|xo|np|nfl|ndl|njh|njs|nc|ns|z|b|zb|r:\d+|w:\d+|mt(:\d+)?|copy:\w+|dcopy:\w+|copyall|"
    r"v|eta|fp|tee|is|it|xx|xj|xjd|xjf|fft|dst|ts|bytes|j|nodcopy|x|unicode|reg|a[-+]:\w+|(uni)?log\+?:.+"
)
TOOLS: dict[str, Tool] = {
    "cd": Tool("change_folder", "d"),
    "chdir": Tool("change_folder", "d"),
    "pushd": Tool("push_folder", ""),
    "popd": Tool("pop_folder"),
    "md": Tool("make_folders", ""),
    "mkdir": Tool("make_folders", ""),
    "rd": Tool("remove_folders", "[sq]"),
    "rmdir": Tool("remove_folders", "[sq]"),
    "del": Tool("delete_files", r"[sqfp]|a:?[-rhsai]*"),
    "erase": Tool("delete_files", r"[sqfp]|a:?[-rhsai]*"),
    "copy": Tool("copy_files", _COPY),
    "move": Tool("move_files", "-?y"),
    "ren": Tool("rename_files", ""),
    "rename": Tool("rename_files", ""),
    "type": Tool("show_files", ""),
    "dir": Tool("list_folder", _DIR),
    "xcopy": Tool("xcopy_files", r"[seiqlycfhrkvzgbjonx]|-y|w|t|u", True),
    "robocopy": Tool("robocopy", _ROBOCOPY, True),
    "attrib": Tool("change_attributes", "[sd]", True),
    "find": Tool("find_text", r"[ivnc]|off(line)?", True),
    "findstr": Tool("find_strings", r"[lrivnxbesmop]+|[cga]:.*|off(line)?", True),
    "sort": Tool("sort_lines", r"r(everse)?|\+\d+|o(utput)?|uni(que)?|rec(ord_maximum)?|m|t|l", True),
    "more": Tool("show_more", r"[ecps]|t\d+", True),
    "where": Tool("show_place", "q", True),
    "ver": Tool("show_version"),
    "vol": Tool("show_volume"),
    "title": Tool(""),
    "color": Tool(""),
    "cls": Tool(""),
    "break": Tool(""),
    "verify": Tool(""),
    "drive": Tool(""),
    "chcp": Tool("change_code_page", "", True),
    "pause": Tool("pause"),
    "date": Tool("show_date", "t"),
    "time": Tool("show_time", "t"),
    "timeout": Tool("timeout", r"t|nobreak", True),
    "ping": Tool("ping", r"[nw4]", True),
    "sleep": Tool("wait_seconds", "", True),
    "hostname": Tool("show_host", "", True),
    "whoami": Tool("show_user", "", True),
    "assoc": Tool(""),
    "tree": Tool("show_tree", "[fa]", True),
}
PROGRAMS = frozenset(name for name, tool in TOOLS.items() if tool.program)
"""Names that are programs of Windows: only the whole word counts, with or without .exe."""


def writer(name: str) -> Callable[[Scope, Text], list[str]]:
    """Return the function that writes a tool."""
    tool = TOOLS[name]

    def write(scope: Scope, text: Text) -> list[str]:
        if tool.options is not None:
            check_options(name, text, tool.options)
        if name in ("date", "time"):
            _only_shown(name, text)
        if name in ("timeout", "ping"):
            return _wait(scope, name, text)
        if not tool.function:
            return []
        shown = word(scope, strip(text))
        return [*scope.take_setup(), f"{tool.function} {shown}"]

    return write


def check_options(name: str, text: Text, known: str) -> None:
    """Raise ``NotTaken`` for an option that stands in the file and is none of the known ones."""
    for found in words(text):
        if char_of(found[0]) != "/":
            continue
        written = "".join(char_of(cell) or "\0" for cell in found)
        if "\0" in written and ":" not in written.partition("\0")[0]:
            continue
        options = [written[1:]] if name == "robocopy" or ":" in written else written[1:].split("/")
        for option in options:
            if not re.fullmatch(f"(?:{known})" if known else "(?!)", option.replace("\0", "x"), re.IGNORECASE):
                shown = option.replace("\0", "...")
                raise NotTaken(f'"{name} /{shown}" is not taken over', "leave the option out, or use another command")


def _only_shown(name: str, text: Text) -> None:
    if (plain(strip(text)) or "").lower() != "/t":
        raise NotTaken(f'"{name}" without /t sets the clock', f"use {name} /t, or %{name.upper()}%")


def _wait(scope: Scope, name: str, text: Text) -> list[str]:
    """Write ``timeout``, or ``ping`` of this machine, which batch files take to wait."""
    found = words(text)
    numbers = [cell for cell in found if char_of(cell[0]) not in ("/", "-")]
    if name == "timeout":
        if not numbers:
            raise NotTaken('"timeout" has no time', "write timeout /t 5")
        seconds = word(scope, numbers[0])
        return [*scope.take_setup(), f"wait_seconds {seconds}"]
    lower = [(plain(part) or "").lower() for part in found]
    host = [part for part in lower if part in ("127.0.0.1", "localhost", "::1", "1.1.1.1", "192.0.2.2")]
    if not host:
        raise NotTaken('"ping" asks another machine', "use curl, or timeout to wait")
    if "-n" not in lower:
        return ["wait_seconds 3"]
    count = found[lower.index("-n") + 1]
    times = word(scope, count)
    kept = scope.temporary()
    # Between n questions there are n - 1 seconds.
    return [*scope.take_setup(), f"number {times} || :", f"{kept}=$((R - 1))", f'wait_seconds "${kept}"']
