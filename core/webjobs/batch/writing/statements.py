"""Statements of a batch file as lines of sh."""

from __future__ import annotations

from webjobs.batch.cells import Text, plain
from webjobs.batch.reading.syntax import Block, Chain, Command, For, If, Node, Redirection
from webjobs.batch.writing.commands import write_command
from webjobs.batch.writing.conditions import given_sides, write_if
from webjobs.batch.writing.echoes import shown_command
from webjobs.batch.writing.effects import command_word, nodes_of, read_before
from webjobs.batch.writing.loops import write_for
from webjobs.batch.writing.quoting import chained, grouped, indented
from webjobs.batch.writing.scope import Scope
from webjobs.batch.writing.values import direct_reference, fill, word

_LATE = ("rd", "rmdir", "popd")
"""Commands that set ERRORLEVEL only where ``||`` follows."""


def write_statement(scope: Scope, node: Node) -> list[str]:
    """Return the lines of a whole statement: what is read before it, what is shown of it, and what it does."""
    scope.begin_statement()
    for value in read_before(node):
        direct = direct_reference(scope, value)
        if direct is None:
            fill(scope, value)
        scope.setup.append(f"{scope.snapshot(value)}=${direct or 'R'}")
    lines = [*scope.take_setup(), *given_sides(scope, node)]
    return [*lines, *traced(scope, node), *write_node(scope, node)]


def traced(scope: Scope, node: Node) -> list[str]:
    """Return the lines that show a command with the prompt before it; none where nothing has to be shown."""
    shown = shown_command(node)
    if not scope.traced or not shown:
        return []
    line = f"trace {word(scope, shown)}"
    return [*scope.take_setup(), line]


def write_node(scope: Scope, node: Node) -> list[str]:
    """Return the lines of one node of the tree. Their last status is what ``&&`` and ``||`` go by."""
    scope.line = node.line
    match node:
        case Command():
            lines = write_command(scope, node)
        case Block():
            lines = [line for child in node.nodes for line in write_node(scope, child)]
        case Chain():
            lines = _chain(scope, node)
        case If():
            lines = write_if(scope, node)
        case For():
            lines = write_for(scope, node, traced)
    return _redirected(scope, lines, node.redirections) if node.redirections else lines


def _chain(scope: Scope, node: Chain) -> list[str]:
    if node.operator == "|":
        with scope.inside(subshell=True):
            left = _in_pipe(scope, node.left)
            right = _in_pipe(scope, node.right)
        return [*chained(left, "|", right), "leave $?"]
    left = write_node(scope, node.left)
    if node.operator == "&":
        return [*left, *write_node(scope, node.right)]
    if node.operator == "||" and _fails_late(node.left):
        left = chained(left, "||", ["failed"])
    return chained(left, node.operator, write_node(scope, node.right))


def _in_pipe(scope: Scope, node: Node) -> list[str]:
    before = scope.scopes
    scope.scopes = list(before)
    lines = write_node(scope, node)
    scope.scopes = before
    return lines


def _fails_late(node: Node) -> bool:
    """Tell whether something in a node may fail without setting ERRORLEVEL, or with another code than it sets."""
    for part in nodes_of(node):
        if part.redirections:
            return True
        if isinstance(part, Command) and (command_word(part) in _LATE or plain(part.name) is None):
            return True
    return False


def _redirected(scope: Scope, lines: list[str], redirections: list[Redirection]) -> list[str]:
    """Return the lines with redirections; a file that can't be opened keeps them from running."""
    guards: list[str] = []
    ends: list[str] = []
    files = [r for r in redirections if not r.operator.endswith("&") and not _device(scope, r.target)]
    setup: list[str] = []
    for redirection in redirections:
        handle = "" if redirection.handle == (0 if redirection.operator[0] == "<" else 1) else str(redirection.handle)
        device = _device(scope, redirection.target)
        if redirection.operator.endswith("&"):
            ends.append(f"{handle}{redirection.operator}{redirection.target[0]}")
        elif device:
            ends.append(f"{handle}{redirection.operator}{device}")
        else:
            opened = "origin" if redirection.operator == "<" else "target"
            guard = f"{opened} {word(scope, scope.text(redirection.target))}"
            setup += scope.take_setup()
            if len(files) == 1:
                ends.append(f'{handle}{redirection.operator}"$R"')
            else:
                kept = scope.temporary()
                guard = f"{{ {guard} && {kept}=$R; }}"
                ends.append(f'{handle}{redirection.operator}"${kept}"')
            guards.append(guard)
    group = grouped(lines)
    if len(files) == 1 and len(group) == 1 and "$R" in group[0]:
        group = ["{", *indented(group), "}"]
    group[-1] = " ".join([group[-1], *ends])
    if guards:
        group[0] = " && ".join([*guards, group[0]])
    return [*setup, *group]


def _device(scope: Scope, target: Text) -> str:
    """Return the file of Linux for a device of Windows; empty for files."""
    name = (plain(scope.text(target)) or "").strip('"').lower().rstrip(":")
    return "/dev/null" if name in ("nul", "con", "conout$", "conin$", "\\\\.\\nul") else ""
