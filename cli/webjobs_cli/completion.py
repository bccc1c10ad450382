"""Completion of words: scripts for shells that ask the program itself, and its answers.

Pure but for the names of jobs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from webjobs_cli.parser import Parser

Names = Callable[[Sequence[str]], list[str]]
"""A function from the words typed so far to names of WebJobs."""
_FILES = ("DIR", "FILE", "FOLDER|ZIP", "PATH")
"""What the help calls values that are files or folders."""

_BASH = """\
# kubectl completes its plugins by kubectl_complete-webjob, which is installed beside kubectl-webjob.
_webjobs_complete() {
  local IFS=$'\\n' word=${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=($("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$word"))
  [ ${#COMPREPLY[@]} -ne 1 ] || COMPREPLY=("$(printf '%q' "${COMPREPLY[0]}")")
}
complete -F _webjobs_complete webjobs kubectl-webjob kubectl-webjobs
"""
_ZSH = """\
#compdef webjobs kubectl-webjob kubectl-webjobs
_webjobs_complete() {
  local -a found
  found=("${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "${found[1]}" ]]; then compadd -a found; else _files; fi
}
compdef _webjobs_complete webjobs kubectl-webjob kubectl-webjobs
"""
_FISH = """\
function __webjobs_complete
  set -l words (commandline -opc) (commandline -ct)
  $words[1] __complete $words[2..-1] 2>/dev/null
end
for name in webjobs kubectl-webjob kubectl-webjobs
  complete -c $name -a '(__webjobs_complete)'
end
"""
SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
"""Scripts that complete words, by shell."""


def candidates(parser: Parser, words: Sequence[str], *, names: Names) -> list[str]:
    """Return what the last of the words can become; empty where it is free text or a file."""
    *before, last = words or [""]
    if "--" in before:
        return []
    place, meant = _meant(parser, before)
    if last.startswith("-") and not (meant and meant.option_strings):
        found = [word for action in place.words for word in action.option_strings]
    elif meant is None:
        found = list(place.commands)
    elif meant.choices:
        found = [str(one) for one in meant.choices]
    else:
        found = names(before) if meant.dest in ("name", "what") else []
    return [word for word in found if word.startswith(last)]


def is_file(parser: Parser, words: Sequence[str]) -> bool:
    """Return True when the last of the words is a file or a folder."""
    *before, _ = words or [""]
    _, meant = _meant(parser, before)
    return "--" not in before and meant is not None and meant.metavar in _FILES


def _meant(parser: Parser, before: Sequence[str]) -> tuple[Parser, argparse.Action | None]:
    """Return who reads the word that follows, and the option or argument whose value it is, if it is one's."""
    place, waiting = parser, 0
    option: argparse.Action | None = None
    for word in before:
        if option is not None:
            option = None
        elif word.startswith("-"):
            option = None if "=" in word else _takes_value(place, word)
        elif word in place.commands:
            place, waiting = place.commands[word], 0
        else:
            waiting += 1
    arguments = [action for action in place.words if not action.option_strings]
    return place, option or next(iter(arguments[waiting:]), None)


def _takes_value(parser: Parser, word: str) -> argparse.Action | None:
    """Return the option, when the next word is its value."""
    action = next((one for one in parser.words if word in one.option_strings), None)
    return action if action is not None and action.nargs is None else None
