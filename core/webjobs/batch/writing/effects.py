"""What a statement changes, and so which of its values have to be read before it begins. Pure.

cmd puts the values of ``%X%`` into a whole statement, with all its blocks, before any of it runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from webjobs.batch.cells import Argument, Text, Value, Variable, lstrip, plain, shown, values
from webjobs.batch.reading.syntax import Block, Chain, Command, For, If, Node
from webjobs.batch.writing.names import CLOCK, key_of

ALL = "*"
"""Stands for all variables."""
ARGUMENTS = "%"
"""Stands for the arguments."""
_KEEP = frozenset(["echo", "rem", "title", "color", "cls", "pause", "prompt", "verify", "break", "path"])
_NAME = re.compile(r"\s*\"?([^=\"]+)=")


def nodes_of(node: Node) -> Iterator[Node]:
    """Yield a node and all below it, in the order in which they run."""
    yield node
    match node:
        case Block():
            children: list[Node] = node.nodes
        case Chain():
            children = [node.left, node.right]
        case If():
            children = [node.then, *([node.otherwise] if node.otherwise else [])]
        case For():
            children = [node.body]
        case _:
            children = []
    for child in children:
        yield from nodes_of(child)


def command_word(node: Command) -> str:
    """Return the name of an own command of cmd, in lower case; empty when the first word is none."""
    text = (plain(node.name) or "").lower()
    found = re.match(r"[a-z]+", text)
    return found[0] if found and text[found.end() : found.end() + 1] in ("", *'./\\:+[]("`') else text


def set_name(node: Command) -> str | None:
    """Return the name that a ``set`` with a name in the file sets; None for all else."""
    if command_word(node) != "set":
        return None
    text = shown(lstrip((*node.name[3:], *node.rest)))
    text = re.sub(r"^/p\s*", "", text, flags=re.IGNORECASE)
    found = _NAME.match(text)
    if not found or text[:2].lower() == "/a" or "%" in found[1] or "!" in found[1]:
        return None
    return found[1]


def changes(node: Command) -> set[str]:
    """Return the keys of the variables that one command may change."""
    word = command_word(node)
    if word in _KEEP or word.startswith("rem"):
        return set()
    if word == "set":
        name = set_name(node)
        return {"ERRORLEVEL", key_of(name) if name else ALL}
    if word in ("cd", "chdir", "pushd", "popd"):
        return {"CD", "ERRORLEVEL"}
    if word == "shift":
        return {ARGUMENTS}
    if word in ("setlocal", "endlocal", "call"):
        return {ALL}
    return {"ERRORLEVEL"}


def read_before(node: Node) -> list[Value]:
    """Return the values of ``%X%`` in a statement that can't be read where they stand."""
    found: dict[Value, None] = {}
    _walk(node, set(), found, False)
    return list(found)


def _texts(node: Node) -> Iterator[Text]:
    for redirection in node.redirections:
        yield redirection.target
    match node:
        case Command():
            yield node.name
            yield node.rest
        case If():
            yield node.condition.left
            yield node.condition.right
        case For():
            yield node.options
            yield node.items


def all_values(node: Node) -> list[Value]:
    """Return all values in a statement, those of ``%X%`` only."""
    return [value for part in nodes_of(node) for text in _texts(part) for value in values(text)]


def _walk(node: Node, changed: set[str], found: dict[Value, None], later: bool) -> bool:
    """Note values that are read after a change; returns True once a command has run."""
    if isinstance(node, For):
        for part in nodes_of(node.body):
            if isinstance(part, Command):
                changed |= changes(part)
        later = True
    for text in _texts(node):
        for value in values(text):
            if _needs(value, changed, later):
                found[value] = None
    match node:
        case Command():
            changed |= changes(node)
            return True
        case Block():
            for child in node.nodes:
                later = _walk(child, changed, found, later)
        case Chain():
            later = _walk(node.left, changed, found, later)
            later = _walk(node.right, changed, found, later)
        case If():
            later = _walk(node.then, changed, found, later)
            if node.otherwise:
                later = _walk(node.otherwise, changed, found, later)
        case For():
            _walk(node.body, changed, found, later)
    return later


def _needs(value: Value, changed: set[str], later: bool) -> bool:
    if isinstance(value, Variable):
        if value.delayed:
            return False
        key = key_of(plain(value.name) or "")
        return value.change is not None or key in changed or ALL in changed or (later and key in CLOCK)
    if isinstance(value, Argument):
        own = value.index == "0" and value.modifiers is not None and not set(value.modifiers) - set("fdpnxs")
        return (value.modifiers is not None and not own) or ARGUMENTS in changed or ALL in changed
    return False
