"""A whole batch file as one function of sh."""

from __future__ import annotations

from collections.abc import Sequence

from webjobs.batch.cells import plain, strip
from webjobs.batch.errors import NotTaken
from webjobs.batch.reading.lines import lines_of
from webjobs.batch.reading.syntax import Broken, Command, Item, Label
from webjobs.batch.writing.commands.programs import BATCH, started
from webjobs.batch.writing.effects import command_word, nodes_of
from webjobs.batch.writing.jumps import jumps_in, reached, shows_commands, states
from webjobs.batch.writing.quoting import indented, literal
from webjobs.batch.writing.scope import Scope, Script
from webjobs.batch.writing.statements import write_node, write_statement

_START = ""
"""Place of the beginning of a file."""


def write_function(script: Script, path: str, tree: Sequence[Item]) -> list[str]:
    """Return the function for a batch file. Raises ``NotTaken`` with the line of what has no equal."""
    scope = Scope(script, path, script.function_of(path), write_node)
    try:
        items = reached(tree)
        found = states(items)
        jumping = any(jumps_in(item) for item in items if not isinstance(item, Label | Broken))
        for item in items:
            if isinstance(item, Label):
                scope.labels.setdefault(item.name, []).append(item.line)
        scope.loops = 1 if jumping else 0
        always = _switches_on(items)
        shows = shows_commands(items)
        segments = _segments(scope, items, found, [always or each for each in shows])
    except NotTaken as error:
        raise NotTaken(error.construct, error.advice, error.line or scope.line) from error
    body = _dispatch(segments) if jumping else segments[0][1]
    names = sorted(scope.locals, key=lambda name: (len(name), name))
    return [
        f"# {path.encode('utf-8', 'replace').decode()}",
        f"{scope.function}() {{",
        *indented([*([f"local {' '.join(names)}"] if names else []), *(body or [":"])]),
        "}",
    ]


def _switches_on(items: Sequence[Item]) -> bool:
    """Tell whether a file may switch ``echo`` on again."""
    for item in items:
        if isinstance(item, Label | Broken):
            continue
        for node in nodes_of(item):
            text = strip(node.rest) if isinstance(node, Command) and command_word(node) == "echo" else ()
            if (plain(text) or "").lower() == "on":
                return True
    return False


def _segments(
    scope: Scope, items: Sequence[Item], found: dict[int, tuple[bool, ...]], shows: list[bool]
) -> list[tuple[str, list[str]]]:
    """Return the lines of the file up to its first label, then those behind each label."""
    source = lines_of(scope.script.files[scope.path])
    segments: list[tuple[str, list[str]]] = [(_START, [])]
    for i, item in enumerate(items):
        if isinstance(item, Label):
            number = scope.labels[item.name].index(item.line)
            segments.append((item.name if not number else f"{item.name} {number + 1}", [_comment(source, item.line)]))
            continue
        if isinstance(item, Broken) or i not in found:
            continue
        scope.line = item.line
        scope.scopes = list(found[i])
        scope.traced = shows[i]
        lines = write_statement(scope, item)
        if lines:
            segments[-1][1].extend(["", _comment(source, item.line), *lines])
    return segments


def _comment(source: list[str], line: int) -> str:
    text = source[line - 1].strip() if line <= len(source) else ""
    # A comment of sh ends with the line, so nothing in it can be a command.
    return f"# {line}: {text}".rstrip()


def _dispatch(segments: list[tuple[str, list[str]]]) -> list[str]:
    lines = ["while :; do", "  case $at in"]
    for i, (place, body) in enumerate(segments):
        lines.append(f"    {literal(place)})")
        lines += indented(indented(indented(body)))
        behind = segments[i + 1][0] if i + 1 < len(segments) else None
        last = ["return"] if behind is None else [f"at={literal(behind)}"]
        lines += [*indented(indented(indented(last))), "      ;;"]
    lines += ["    *)", '      no_label "$at"', "      return", "      ;;", "  esac", "done"]
    return lines


def package_function(script: Script) -> list[str]:
    """Return the function that runs a file of the package whose name only the run knows."""
    scope = Scope(script, next(iter(script.functions)), "", write_node)
    lines = [
        "# A file of the package. $1: its path there, $2: its name as written, $3: the text of the arguments.",
        "package_file() {",
        "  case $1 in",
    ]
    for path in sorted(script.paths):
        if not script.may_be(path):
            continue
        lower = path.lower()
        if path in script.functions:
            lines.append(f'    {literal(path)}) invoke {script.functions[path]} \'\' "$2" "${{3# }}" ;;')
        elif lower.endswith(BATCH) or not lower.endswith((".exe", ".com")):
            continue
        else:
            try:
                words = started(scope, path)
            except NotTaken:
                continue
            lines.append(f"    {literal(path)}) {' '.join(['run_text', chr(34) + '$3' + chr(34), *words])} ;;")
    return [*lines, '    *) unknown "$2" ;;', "  esac", "}"]
