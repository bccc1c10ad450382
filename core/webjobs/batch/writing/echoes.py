"""How cmd shows a command before it runs, until ``echo off``. Pure.

The command is put together again from its tree: two blanks before a redirection, one behind a text, the parts of a
block one below the other.
"""

from __future__ import annotations

from webjobs.batch.cells import Cell, ForVariable, Text
from webjobs.batch.reading.syntax import Block, Chain, Command, For, If, Node


def shown_command(node: Node) -> Text:
    """Return the text of a command as cmd shows it; empty for one behind ``@``."""
    return tuple(_node(node, ""))


def _node(node: Node, bound: str) -> list[Cell]:
    if node.quiet:
        return []
    match node:
        case Command():
            out = [*_text(node.name, bound), *_text(node.rest, bound), *(" " if node.rest else "")]
        case Block():
            out = _block(node, bound)
        case Chain():
            out = [*_node(node.left, bound), *f" {node.operator} ", *_node(node.right, bound)]
        case If():
            out = _if(node, bound)
        case For():
            out = _for(node, bound)
    for redirection in node.redirections:
        operator = redirection.operator
        out += [*f"{redirection.handle}{operator}", *_text(redirection.target, bound), " "]
    return out


def _block(node: Block, bound: str) -> list[Cell]:
    out: list[Cell] = ["("]
    lines = len(node.nodes) > 1 and not (isinstance(node.nodes[0], Chain) and node.nodes[0].operator == "&")
    if lines:
        out.append("\n")
    for i, child in enumerate(node.nodes):
        out += _node(child, bound)
        if i < len(node.nodes) - 1:
            out += " \n "
    if lines:
        out.append("\n")
    return [*out, *") "]


def _if(node: If, bound: str) -> list[Cell]:
    asked = node.condition
    out: list[Cell] = [*node.word, *(f" {asked.before}" if asked.before else "")]
    if asked.left:
        out += [" ", *_text(asked.left, bound), *f" {asked.operator}"]
    out += [" ", *_text(asked.right, bound), " ", *_node(node.then, bound)]
    if node.otherwise:
        out += [*" else ", *_node(node.otherwise, bound)]
    return out


def _for(node: For, bound: str) -> list[Cell]:
    out: list[Cell] = [*node.word, *"".join(f" /{switch.upper()}" for switch in node.kind)]
    if node.options:
        out += [" ", *_text(node.options, bound)]
    out += [*f" %{node.letter} in (", *_text(node.items, bound), *") do "]
    return out + _node(node.body, bound + node.letters)


def _text(text: Text, bound: str) -> list[Cell]:
    """Return a text; variables of loops that are shown with it stand there by their names."""
    out: list[Cell] = []
    for cell in text:
        if isinstance(cell, ForVariable) and cell.letter in bound:
            modifiers = "" if cell.modifiers is None else f"~{cell.modifiers}"
            out += f"%{modifiers}{cell.letter}"
        else:
            out.append(cell)
    return out
