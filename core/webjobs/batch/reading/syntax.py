"""The syntax tree of a batch file. Pure.

Every node has the number of its line, whether ``@`` stands before it, and its redirections. Texts are as they stand
after ``%`` and ``^``; ``!`` is still in them, because it is expanded when a command runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from webjobs.batch.cells import Text


@dataclass(frozen=True)
class Redirection:
    """A redirection: handle, operator (``>``, ``>>``, ``<``, ``>&``, ``<&``) and target (a file, or a handle)."""

    handle: int
    operator: str
    target: Text


@dataclass
class _Base:
    line: int
    quiet: bool = field(default=False, kw_only=True)
    redirections: list[Redirection] = field(default_factory=list, kw_only=True)


@dataclass
class Command(_Base):
    """One command: its first word, and all text behind that as it stands."""

    name: Text
    rest: Text


@dataclass
class Block(_Base):
    """``( ... )``."""

    nodes: list[Node]


@dataclass
class Chain(_Base):
    """Two commands with ``&``, ``&&``, ``||`` or ``|`` between them."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Condition:
    """What ``if`` asks: ``kind`` is ``exist``, ``defined``, ``errorlevel``, ``cmdextversion``, ``==`` or ``EQU`` ...

    ``left`` is empty where only one text is asked for.
    """

    kind: str
    left: Text
    right: Text
    negated: bool
    ignore_case: bool
    before: str = ""
    """What stands before ``left``, or before ``right`` where there is no ``left``, as the file has it."""
    operator: str = "=="
    """The comparison as the file has it."""


@dataclass
class If(_Base):
    """``if ... else ...``."""

    condition: Condition
    then: Node
    otherwise: Node | None
    word: str = "if"
    """``if`` as the file has it."""


@dataclass
class For(_Base):
    """``for``: ``kind`` is empty, ``d``, ``r``, ``dr``, ``l`` or ``f``; ``options`` stands before the letter."""

    kind: str
    options: Text
    letter: str
    items: Text
    body: Node
    word: str = "for"
    """``for`` as the file has it."""
    letters: str = ""
    """All letters that the loop sets, in order: one, or with ``/f`` one a token."""


Node = Command | Block | Chain | If | For


@dataclass(frozen=True)
class Label:
    """``:name`` on a line of its own, in lower case."""

    name: str
    line: int


@dataclass(frozen=True)
class Broken:
    """A statement that can't be read: nothing but its line and the reason. It matters only when it can be reached."""

    line: int
    construct: str
    advice: str


Item = Label | Broken | Node
