"""What is known while a batch file is written as sh."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from webjobs.batch.cells import Text, Value
from webjobs.batch.reading.expansion import expand_delayed
from webjobs.batch.reading.syntax import Node

Write = Callable[["Scope", Node], list[str]]


@dataclass(frozen=True)
class Run:
    """How a program file is started: ``words``, of which ``{file}`` stands for its path, and the runtime's key."""

    words: tuple[str, ...]
    runtime: str


Resolve = Callable[[str], Run | None]


@dataclass
class Script:
    """What all batch files of one script share."""

    files: Mapping[str, bytes]
    paths: Collection[str]
    resolve: Resolve
    assigned: frozenset[str] = frozenset()
    """Keys of all variables that some file sets by name."""
    contents: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Names of the programs that a variable may hold, by its key."""
    reads: dict[str, str] = field(default_factory=dict)
    """Keys of variables that are read, with the name as the file has it."""
    functions: dict[str, str] = field(default_factory=dict)
    """Functions of batch files, by path, in the order in which they are reached."""
    runtimes: dict[str, str] = field(default_factory=dict)
    """Runtimes that are called, with the version that a path asks for, or nothing."""
    notes: list[str] = field(default_factory=list)
    uses: set[str] = field(default_factory=set)
    dispatches: bool = False
    """True when a program is chosen only when the script runs."""
    candidates: set[str] = field(default_factory=set)
    """Names of those programs, in lower case and without endings; ``*`` when it may be any."""

    def may_be(self, path: str) -> bool:
        """Tell whether a file of the package may be a program that is chosen when the script runs."""
        name = path.rpartition("/")[2].lower()
        return bool(self.candidates & {"*", name, name.rpartition(".")[0]})

    def function_of(self, path: str) -> str:
        """Return the function of a batch file, and see to it that it is written."""
        self.uses.add(path)
        return self.functions.setdefault(path, f"file_{len(self.functions) + 1}")

    def needs(self, runtime: str, version: str = "") -> None:
        """Note that a runtime is called."""
        self.runtimes[runtime] = version or self.runtimes.get(runtime, "")

    def note(self, text: str) -> None:
        """Add a remark for the author of the file, once."""
        if text not in self.notes:
            self.notes.append(text)


@dataclass
class Scope:
    """The batch file that is written, and the place in it."""

    script: Script
    path: str
    function: str
    write: Write
    labels: dict[str, list[int]] = field(default_factory=dict)
    """Lines of the labels that are jumped to, by their names."""
    line: int = 0
    scopes: list[bool] = field(default_factory=lambda: [False])
    """Delayed expansion, switched on or not, for each ``setlocal`` that is open."""
    traced: bool = True
    """True when commands may have to be shown before they run."""
    loops: int = 0
    """Loops of sh around this place."""
    subshell: bool = False
    """True inside a pipe, ``cmd /c`` and the command of ``for /f``: jumps can't leave them."""
    command_line: bool = False
    """True inside ``cmd /c`` and the like, where ``set /a`` shows its result."""
    called: bool = False
    """True for the command behind ``call``."""
    setup: list[str] = field(default_factory=list)
    """Lines that have to run before the command that is being written."""
    snapshots: dict[Value, str] = field(default_factory=dict)
    """Values that were read before the statement, and where they are."""
    locals: set[str] = field(default_factory=set)
    """Variables of sh that belong to the function."""
    _temporaries: int = 0
    _snapshots: int = 0

    @property
    def is_cmd(self) -> bool:
        """True in a .cmd file, where some commands set ERRORLEVEL to 0 that don't in a .bat file."""
        return self.path.lower().endswith(".cmd")

    @property
    def delayed(self) -> bool:
        """True where ``!X!`` is expanded."""
        return self.scopes[-1]

    @property
    def folder(self) -> str:
        """Folder of the file below the package's root; empty for the root."""
        return self.path.rpartition("/")[0]

    def text(self, text: Text) -> Text:
        """Return a text as its command gets it."""
        return expand_delayed(text) if self.delayed else text

    def temporary(self) -> str:
        """Return a variable of sh for a value within one command."""
        self._temporaries += 1
        return self._own(f"t{self._temporaries}")

    def snapshot(self, value: Value) -> str:
        """Return a variable of sh for a value that is read before the statement."""
        if value not in self.snapshots:
            self._snapshots += 1
            self.snapshots[value] = self._own(f"p{self._snapshots}")
        return self.snapshots[value]

    def begin_statement(self) -> None:
        """Forget what belongs to the statement before."""
        self.snapshots = {}
        self._snapshots = self._temporaries = 0

    def take_setup(self) -> list[str]:
        """Return the lines that have to run first, and forget them."""
        lines, self.setup = self.setup, []
        return lines

    def _own(self, name: str) -> str:
        self.locals.add(name)
        return name

    @contextmanager
    def inside(self, *, subshell: bool = False, command_line: bool = False) -> Iterator[None]:
        """Write something that runs in a shell of its own."""
        before = self.subshell, self.command_line, self.traced, list(self.scopes)
        self.subshell |= subshell
        self.command_line |= command_line
        self.traced = False
        try:
            yield
        finally:
            self.subshell, self.command_line, self.traced, self.scopes = before

    @contextmanager
    def loop(self) -> Iterator[None]:
        """Write the body of a loop."""
        self.loops += 1
        try:
            yield
        finally:
            self.loops -= 1
