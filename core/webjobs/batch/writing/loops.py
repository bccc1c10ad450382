"""``for`` as sh: the items become lines in R, and the loop goes over them."""

from __future__ import annotations

from collections.abc import Callable

from webjobs.batch.cells import DELIMITERS, Text, is_value, plain, strip, unescaped, words
from webjobs.batch.reading.for_options import ForOptions, bare_options, for_options
from webjobs.batch.reading.parser import parse_command
from webjobs.batch.reading.syntax import For, Node
from webjobs.batch.writing.names import loop_variable
from webjobs.batch.writing.quoting import chained, indented, is_simple, literal
from webjobs.batch.writing.scope import Scope
from webjobs.batch.writing.values import word

Traced = Callable[[Scope, Node], list[str]]


def write_for(scope: Scope, node: For, traced: Traced) -> list[str]:
    """Return the lines of a loop. ``traced`` gives the lines that show a command."""
    for letter in node.letters:
        scope.locals.add(loop_variable(letter))
    if node.kind == "f":
        return _over_lines(scope, node, traced)
    variable = loop_variable(node.letter)
    items = scope.text(node.items)
    static = [plain(item) for item in words(items)] if node.kind == "" else [None]
    if all(item is not None and not set(item) & set("*?") for item in static):
        shown = " ".join(literal(str(item)) for item in static)
        return _loop(scope, node, f"for {variable} in {shown}; do" if shown else f"for {variable} in; do", [], traced)
    text = word(scope, strip(items))
    match node.kind:
        case "":
            first = f"items {text}"
        case "d":
            first = f"items {text} folders"
        case "l":
            first = f"count {text}"
        case _:
            kind = "folders" if node.kind == "dr" else "files"
            top = word(scope, strip(scope.text(node.options))) if node.options else "."
            first = f"tree_items {top} {text} {kind}"
    return [*scope.take_setup(), first, *_loop(scope, node, f"for {variable} in $R; do", [], traced)]


def _loop(scope: Scope, node: For, head: str, first: list[str], traced: Traced) -> list[str]:
    with scope.loop():
        shown = traced(scope, node.body)
        body = scope.write(scope, node.body)
    return [head, *indented([*first, *shown, *body] or [":"]), "done"]


def _over_lines(scope: Scope, node: For, traced: Traced) -> list[str]:
    options = for_options(bare_options(plain(node.options) or ""))
    lines, head = _lines(scope, node, options)
    scope.locals.add("line")
    first = _taken_apart(node, options)
    loop = _loop(scope, node, "for line in $R; do", first, traced)
    if options.skip:
        head = [*head, f"skip_lines {options.skip}"]
    return [*lines, *head, *loop]


def _lines(scope: Scope, node: For, options: ForOptions) -> tuple[list[str], list[str]]:
    """Return the lines that leave in R what the loop goes over, those that have to come first apart."""
    items = strip(scope.text(node.items))
    first, last = (items[0], items[-1]) if items else ("", "")
    command, text = ("`", "'") if options.backquotes else ("'", '"')
    if len(items) > 1 and first == last == command:
        return [], _command_output(scope, items[1:-1])
    if len(items) > 1 and first == last == text:
        value = word(scope, items[1:-1])
        return scope.take_setup(), [f"R={value}"]
    names = word(scope, items)
    if not options.backquotes and items and is_value(first):
        return scope.take_setup(), [f"value_lines {names}"]
    return scope.take_setup(), [f"file_lines {names} || :"]


def _command_output(scope: Scope, text: Text) -> list[str]:
    inner = unescaped(text)
    if len(inner) > 1 and inner[0] == inner[-1] == '"' and inner.count('"') != 2:
        inner = inner[1:-1]
    with scope.inside(subshell=True, command_line=True):
        scope.scopes = [False]
        tree = parse_command(inner, scope.line)
        lines = scope.write(scope, tree) if tree else [":"]
    if is_simple(lines):
        return [f"R=$({lines[0]})", "without_returns"]
    return ["R=$(", *indented(lines), ")", "without_returns"]


def _taken_apart(node: For, options: ForOptions) -> list[str]:
    """Return the lines that fill the variables of the loop from ``line``."""
    names = [loop_variable(letter) for letter in node.letters]
    if not options.delimiters and options.tokens in ((), (1,)) and not (options.rest and options.tokens):
        left_out = f"case $line in {literal(options.end_of_line)}*) continue ;; esac"
        return [*([left_out] if options.end_of_line else []), f"{names[0]}=$line"]
    numbers = [str(number) for number in options.tokens] + (["*"] if options.rest else [])
    pattern = literal(bracket(options.delimiters))
    taken = f'fields "$line" {literal(options.end_of_line)} {pattern} {literal(",".join(numbers or ["1"]))}'
    assigned = " ".join(f"{name}=$r{i}" for i, name in enumerate(names, 1))
    return [*chained([taken], "||", ["continue"]), assigned]


def bracket(chars: str) -> str:
    """Return a pattern of sh that fits one of these characters; one that fits nothing when there are none."""
    if not chars:
        return "[]"
    if any(char in DELIMITERS or char.isalnum() for char in chars) and not set(chars) & set("]^!-\\["):
        return f"[{chars}]"
    ordered = ("]" if "]" in chars else "") + "".join(c for c in chars if c not in "]^!-\\")
    ordered += "\\\\" if "\\" in chars else ""
    ordered += "".join(c for c in "^!" if c in chars)
    if ordered in ("^", "!", "^!"):
        # Alone they would turn the pattern round.
        return f"\\{ordered}" if len(ordered) == 1 and "-" not in chars else f"[-{ordered}]"
    return f"[{ordered}{'-' if '-' in chars else ''}]"
