"""The translation of a package's batch file into one script of sh. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from webjobs.batch.cells import lstrip, plain, shown
from webjobs.batch.errors import NotTaken, Untranslatable
from webjobs.batch.prelude import needed
from webjobs.batch.reading.parser import parse_file
from webjobs.batch.reading.syntax import Broken, Command, Item, Label
from webjobs.batch.writing.effects import command_word, nodes_of, set_name
from webjobs.batch.writing.functions import package_function, write_function
from webjobs.batch.writing.names import CLOCK, COMPUTED, CONSTANTS, SPECIAL, key_of
from webjobs.batch.writing.quoting import literal
from webjobs.batch.writing.scope import Resolve, Script

_MARKS = {"CR": "015", "SOH": "001"}
"""Characters that functions of the prelude need by a name; making them costs a fork."""


@dataclass(frozen=True)
class Translated:
    """A script of sh that does what a batch file does."""

    script: str
    """Its text; bytes of the batch file that are no UTF-8 are surrogates."""
    runtimes: frozenset[str]
    """Runtimes that it calls; empty when cmd's own commands are all."""
    versions: Mapping[str, str]
    """Versions of runtimes that paths in the file ask for, such as ``{"py": "3.6"}``."""
    notes: tuple[str, ...]
    """Remarks for the author of the file."""
    uses: frozenset[str]
    """Files of the package that it runs: batch files and programs."""

    @property
    def content(self) -> bytes:
        """The script as a file, with the bytes of the batch file as they were."""
        return self.script.encode("utf-8", "surrogateescape")


def translate(path: str, files: Mapping[str, bytes], *, paths: Collection[str], resolve: Resolve) -> Translated:
    """Return the script for a batch file of a package.

    ``path``: the batch file below the package's root, with ``/``; ``files``: all batch files of the package; ``paths``:
    all its files; ``resolve``: how a program file is started, None when nothing starts it.
    Raises ``Untranslatable`` for the first construct that has no equal and can be reached.
    """
    trees = {name: _tree(content) for name, content in files.items()}
    known = [tree for tree in trees.values() if not isinstance(tree, NotTaken)]
    script = Script(files, paths, resolve, _assigned(known), _contents(known))
    script.function_of(path)
    functions: list[str] = []
    written: set[str] = set()
    while len(written) < len(script.functions):
        name = next(each for each in script.functions if each not in written)
        written.add(name)
        functions += ["", *_function(script, name, trees[name])]
        if script.dispatches:
            _reach_all(script, trees)
    if script.dispatches:
        functions += ["", *package_function(script)]
    main = script.functions[path]
    file_name = path.rpartition("/")[2]
    # The last line is behind everything, so that sh has read the script before anything can change it.
    # $1 is a text of arguments that comes before that of a run.
    arguments = '"${1-}${1:+${WEBJOBS_COMMAND_ARGUMENTS:+ }}${WEBJOBS_COMMAND_ARGUMENTS-}"'
    end = [f"invoke {main} '' {literal(file_name)} {arguments}", "finish"]
    start = _start(script, path, trees)
    helpers = needed([*start, *functions, *end])
    text = "\n".join(helpers)
    lines = [*_head(path), *_settings(path, text), "", *text.split("\n"), *start, *functions, "", *end]
    return Translated(
        "\n".join(lines) + "\n",
        frozenset(script.runtimes),
        {runtime: version for runtime, version in script.runtimes.items() if version},
        tuple(script.notes),
        frozenset(script.uses),
    )


def _tree(content: bytes) -> list[Item] | NotTaken:
    try:
        return parse_file(content)
    except NotTaken as error:
        return error


def _function(script: Script, path: str, tree: list[Item] | NotTaken) -> list[str]:
    try:
        if isinstance(tree, NotTaken):
            raise tree
        return write_function(script, path, tree)
    except NotTaken as error:
        raise Untranslatable(path, error.line or 1, error.construct, error.advice) from error


def _reach_all(script: Script, trees: Mapping[str, list[Item] | NotTaken]) -> None:
    """Add the batch files that may be called by a name that only the run knows, unless they can't be translated."""
    for name, tree in trees.items():
        if name in script.functions or isinstance(tree, NotTaken) or not script.may_be(name):
            continue
        trial = Script(script.files, script.paths, script.resolve, script.assigned, script.contents)
        trial.functions = dict(script.functions)
        try:
            write_function(trial, name, tree)
        except NotTaken as error:
            script.note(f"{name} can't be called here: {error}")
        else:
            script.function_of(name)


def _assigned(trees: list[list[Item]]) -> frozenset[str]:
    return frozenset(key_of(name) for tree in trees for name, _ in _settings_of(tree))


def _contents(trees: list[list[Item]]) -> dict[str, frozenset[str]]:
    """Return the names of programs that variables may hold: the first words of what the files set them to."""
    found: dict[str, set[str]] = {}
    for tree in trees:
        for name, value in _settings_of(tree):
            first = re.match(r'\s*"?([^"]*?\.(?:exe|cmd|bat)|[^\s"]+)', value, re.IGNORECASE)
            if first:
                found.setdefault(key_of(name), set()).add(first[1])
    return {key: frozenset(names) for key, names in found.items()}


def _settings_of(tree: list[Item]) -> list[tuple[str, str]]:
    """Return names and values of all ``set`` of a file."""
    found: list[tuple[str, str]] = []
    for item in tree:
        if isinstance(item, Label | Broken):
            continue
        for node in nodes_of(item):
            name = set_name(node) if isinstance(node, Command) else None
            if name and isinstance(node, Command):
                text = shown(lstrip((*node.name[3:], *node.rest)))
                found.append((name, text.partition("=")[2].rstrip('"')))
    return found


def _head(path: str) -> list[str]:
    shown_path = path.encode("utf-8", "replace").decode().replace("\n", " ")
    return [
        "#!/bin/sh",
        f"# Generated from {shown_path}; changes here are lost. What each line of it became stands below its number.",
        "# The functions at the top are those of cmd and its tools that the file uses.",
    ]


def _settings(path: str, helpers: str) -> list[str]:
    folder = path.rpartition("/")[0]
    inner = f"%/{folder}" if folder else ""
    return [
        "NL='\n'",
        "TAB='\t'",
        # Ranges of letters depend on the locale, and a key must never hold another character.
        *(["CAPITALS=ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"] if "$CAPITALS" in helpers else []),
        *[
            f"{name}=$(printf '\\{octal}')"
            for name, octal in _MARKS.items()
            if f"${name}" in helpers or f"${{{name}}}" in helpers
        ],
        "# Words are split at ends of lines only, and names with * stay as they are, until a function wants otherwise.",
        "IFS=$NL",
        "set -f",
        "err=0 code=0 last=0 scopes=0 echo=on known=' '",
        "R= rest= word= at= line= odd= looked= names= environment= folders= prompt=",
        f'root=${{WEBJOBS_PATH:-"${{PWD{inner}}}"}} root=${{root%/}}',
        f'[ ! -d "$root"/{literal(folder)} ] || cd "$root"/{literal(folder)} || exit 1'
        if folder
        else 'cd "$root" || exit 1',
    ]


def _start(script: Script, path: str, trees: Mapping[str, list[Item] | NotTaken]) -> list[str]:
    lines = ['shown_path "$PWD"', "cwd=$R"]
    loaded: list[str] = []
    set_first = _set_first(trees[path])
    for key, name in sorted(script.reads.items()):
        if key not in set_first:
            loaded.append(literal(name))
    if loaded:
        lines.append(" ".join(["load", *loaded]))
    for key in sorted(script.reads):
        if key in CONSTANTS:
            lines.append(
                f': "${{v_{key}:={CONSTANTS[key]}}}"'.replace("\\", "\\\\").replace("(", "(").replace(")", ")")
            )
        elif key in COMPUTED:
            lines.append(f'[ -n "$v_{key}" ] || v_{key}={COMPUTED[key]}')
    return lines


def _set_first(tree: list[Item] | NotTaken) -> set[str]:
    """Return the keys of variables that a file sets before it reads them, whatever happens."""
    found: set[str] = set()
    if isinstance(tree, NotTaken):
        return found
    read: set[str] = set()
    for item in tree:
        if not isinstance(item, Command):
            break
        text = (plain(item.name) or "") + shown((*item.name, *item.rest))
        read |= {key_of(name.partition(":")[0]) for name in re.findall(r"[%!]([^%!]+)[%!]", text)}
        word = command_word(item)
        name = set_name(item)
        if name and key_of(name) not in read | SPECIAL.keys() | CLOCK.keys():
            found.add(key_of(name))
        elif word not in ("echo", "rem", "set", "setlocal", "cd", "title"):
            break
    return found
