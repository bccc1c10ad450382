"""Programs that a shell script calls by the first words of its commands. Pure.

A careful reading, not a shell: it only finds which image fits a script that is one call, as the .NET SDK writes run.sh.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

RUNTIMES = {
    "dotnet": "dotnet",
    "node": "js",
    "nodejs": "js",
    "npm": "js",
    "npx": "js",
    "php": "php",
    "java": "jar",
    "python": "py",
    "python3": "py",
    "pwsh": "ps1",
}
"""Keys of runtimes by the names of their programs."""

_CONTINUED = re.compile(r"\\\r?\n")
_SPLIT = re.compile(r"&&|\|\|?|;|\n")
_WORD = re.compile(r"\"([^\"]*)\"|'([^']*)'|([^\s\"']+)")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.ASCII | re.DOTALL)
_PREFIXES = frozenset({"exec", "nohup", "time", "then", "do", "else", "!", "env", "command"})


@dataclass(frozen=True, kw_only=True)
class Call:
    """A command of a shell script."""

    words: tuple[str, ...]
    """Words without quotes; variables stand as they are. At least one."""

    @property
    def program(self) -> str:
        """Name of the program without its folder."""
        return self.words[0].rpartition("/")[2]


def calls(text: str) -> list[Call]:
    """Return the commands of a shell script in their order, without their assignments and words such as exec."""
    found = []
    for part in _SPLIT.split(_CONTINUED.sub(" ", text)):
        if part.lstrip().startswith("#"):
            continue
        words = [a or b or c for a, b, c in _WORD.findall(part)]
        begin = next((at for at, word in enumerate(words) if not _is_before(word)), len(words))
        # "command -v node" asks whether there is one, and begins with -v here.
        if words[begin:] and words[begin]:
            found.append(Call(words=tuple(words[begin:])))
    return found


def _is_before(word: str) -> bool:
    """Return whether a word stands before a program: an assignment, or a word such as exec."""
    return word in _PREFIXES or _ASSIGNMENT.fullmatch(word) is not None
