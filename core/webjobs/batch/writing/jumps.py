"""Where a batch file goes on: labels that are jumped to, what is never reached, and delayed expansion. Pure.

Delayed expansion is a matter of the run in cmd. Here it has to be known for each statement: from the ``setlocal``
before it, and at a label from all places that jump there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from webjobs.batch.cells import Text, lstrip, plain, strip, words
from webjobs.batch.errors import NotTaken
from webjobs.batch.reading.syntax import Block, Broken, Chain, Command, For, If, Item, Label, Node
from webjobs.batch.writing.commands.flow import label_name
from webjobs.batch.writing.effects import command_word, nodes_of

Stack = tuple[bool, ...]
"""Delayed expansion, switched on or not, for each ``setlocal`` that is open."""
_ANY = "\0any"


@dataclass(frozen=True)
class Jump:
    """A ``goto`` or a ``call`` of a label; the name is ``_ANY`` when only the run knows it."""

    name: str
    is_call: bool


def jumps_in(node: Node) -> list[Jump]:
    """Return the jumps to labels in a statement."""
    found: list[Jump] = []
    for part in nodes_of(node):
        if not isinstance(part, Command):
            continue
        word = command_word(part)
        if word not in ("goto", "call"):
            continue
        text = lstrip((*part.name[4:], *part.rest), " \t,;=")
        if word == "call" and text[:1] != (":",):
            continue
        target = words(text)[0] if words(text) else Text()
        name = plain(target)
        if name is None or "%" in name or "!" in name:
            found.append(Jump(_ANY, word == "call"))
        elif not name.lower().startswith(":eof"):
            found.append(Jump(label_name(name), word == "call"))
    return found


def ends_here(node: Node) -> bool:
    """Tell whether nothing of the file runs behind a statement, unless a label is jumped to."""
    match node:
        case Command():
            word = command_word(node)
            return word in ("goto", "exit")
        case Block():
            return any(ends_here(child) for child in node.nodes)
        case Chain():
            return node.operator == "&" and (ends_here(node.left) or ends_here(node.right))
        case If():
            return node.otherwise is not None and ends_here(node.then) and ends_here(node.otherwise)
        case For():
            return False


def reached(items: Sequence[Item]) -> list[Item]:
    """Return the items that can be reached from the beginning of a file, with the labels that are jumped to.

    Raises ``NotTaken`` when one of them can't be read.
    """
    places = {item.name: i for i, item in reversed(list(enumerate(items))) if isinstance(item, Label)}
    every = [i for i, item in enumerate(items) if isinstance(item, Label)]
    wanted, seen, targets = [0], set[int](), set[str]()
    while wanted:
        at = wanted.pop()
        while at < len(items) and at not in seen:
            seen.add(at)
            item = items[at]
            at += 1
            if isinstance(item, Broken):
                raise NotTaken(item.construct, item.advice, item.line)
            if isinstance(item, Label):
                continue
            for jump in jumps_in(item):
                targets.add(jump.name)
                if jump.name == _ANY:
                    wanted += every
                else:
                    wanted += [i for i in every if items[i] == Label(jump.name, items[i].line)]
            if ends_here(item):
                break
    named = set(places) if _ANY in targets else targets
    return [
        item for i, item in enumerate(items) if i in seen and not (isinstance(item, Label) and item.name not in named)
    ]


def after(node: Node, stack: Stack) -> Stack:
    """Return the state behind a statement."""
    for part in nodes_of(node):
        if not isinstance(part, Command):
            continue
        word = command_word(part)
        if word == "setlocal":
            options = (plain(strip((*part.name[8:], *part.rest))) or "").lower()
            top = "enabledelayed" in options or (stack[-1] and "disabledelayed" not in options)
            stack = (*stack, top)
        elif word == "endlocal" and len(stack) > 1:
            stack = stack[:-1]
    return stack


def states(items: Sequence[Item]) -> dict[int, Stack]:
    """Return the state in which each statement begins, by its index.

    Raises ``NotTaken`` for a statement with ``!`` that is reached in two ways, once with delayed expansion and once
    without.
    """
    found: dict[int, Stack] = {}
    wanted: list[tuple[int, Stack]] = [(0, (False,))]
    while wanted:
        at, stack = wanted.pop()
        while at < len(items):
            if at in found:
                _check(items[at], found[at], stack)
                break
            found[at] = stack
            item = items[at]
            at += 1
            if isinstance(item, Label | Broken):
                continue
            behind = after(item, stack)
            for jump in jumps_in(item):
                for i, other in enumerate(items):
                    if isinstance(other, Label) and jump.name in (other.name, _ANY):
                        wanted.append((i, (behind[-1],) if jump.is_call else behind))
            stack = behind
            if ends_here(item):
                break
    return found


def _check(item: Item, first: Stack, second: Stack) -> None:
    if first[-1] != second[-1] and not isinstance(item, Label | Broken) and _has_mark(item):
        raise NotTaken(
            '"!" is expanded on one way to this line, and not on another one',
            "use setlocal enabledelayedexpansion once, at the top",
            item.line,
        )


def _has_mark(node: Node) -> bool:
    for part in nodes_of(node):
        if isinstance(part, Command) and ("!" in part.name or "!" in part.rest):
            return True
        if isinstance(part, If) and ("!" in part.condition.left or "!" in part.condition.right):
            return True
        if isinstance(part, For) and "!" in part.items:
            return True
    return False


def shows_commands(items: Sequence[Item]) -> list[bool]:
    """Tell for each item whether ``echo`` may still be on, in a file without ``echo on``."""
    shown: list[bool] = []
    on = True
    sure = True
    for item in items:
        shown.append(on)
        if isinstance(item, Label):
            sure = False
        elif not isinstance(item, Broken):
            if sure and _switches_off(item):
                on = False
            if jumps_in(item):
                sure = False
    return shown


def _switches_off(node: Node) -> bool:
    match node:
        case Command():
            text = plain(node.rest)
            return command_word(node) == "echo" and text is not None and text.strip().lower() == "off"
        case Block():
            return any(_switches_off(child) for child in node.nodes)
        case Chain():
            return node.operator == "&" and (_switches_off(node.left) or _switches_off(node.right))
        case _:
            return False
