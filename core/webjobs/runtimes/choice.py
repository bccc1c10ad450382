"""The one decision: which file of a package runs, by which runtime and version, with which command line, and why. Pure.

Upload makes it, the operator reads it, and the import shows it. The order of files is in ``webjobs.model.scripts``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath

from webjobs.model import scripts
from webjobs.model.scripts import Selected
from webjobs.runtimes import batch_files, programs, shell_scripts, versions
from webjobs.runtimes.batch_files import Translate
from webjobs.runtimes.dependencies import missing
from webjobs.runtimes.needs import Need
from webjobs.runtimes.package import Package, Read
from webjobs.runtimes.programs import FILE, Problem


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The decision on a package. ``dataclasses.asdict`` makes JSON of it."""

    path: str
    """File that runs, relative to the package's root."""
    host: str
    """Kudu's class name of the file's host."""
    runtime: str
    """Key of the runtime that runs it among the chart's runtimes; windows when nothing else can, none when nothing."""
    version: str | None = None
    """Version of the runtime that is asked for; None for any."""
    also: tuple[Need, ...] = ()
    """Further runtimes that a batch file calls."""
    words: tuple[str, ...] = ()
    """Command line before a run's arguments, in the script's directory. Empty for ``batch``, or with a problem."""
    batch: bool = False
    """True for a batch file that a shell script stands for."""
    why: str
    """Sentence that a user understands: the facts that decided."""
    notes: tuple[str, ...] = ()
    """Sentences worth knowing."""
    missing: str | None = None
    """Sentence about dependencies that the package names and does not hold; None: it holds them."""
    problem: Problem | None = None
    """Reason why it can't run here; on a Windows node it may."""


def choose(paths: Collection[str], read: Read, translate: Translate) -> Choice | None:
    """Return the decision on a package; None when it holds no script.

    ``paths``: its files relative to its root, with ``/``. ``read``: returns the first ``HEAD`` bytes of one.
    ``translate``: the translator of batch files.
    """
    selected = scripts.select_script(paths)
    if selected is None:
        return None
    package = Package(paths, read)
    if selected.host is scripts.DNX:
        return _nothing(selected)
    if selected.host is scripts.DOTNET or selected.path.lower().endswith(".exe"):
        return _program(package, selected)
    if selected.host is scripts.WINDOWS:
        return _batch(package, selected, translate)
    if selected.host is scripts.BASH:
        return _shell(package, selected)
    return _script(package, selected)


def fill(words: tuple[str, ...], file: str) -> tuple[str, ...]:
    """Return a command line for the folder of the file that ``{file}`` stands for.

    ``file``: its path.
    """
    name = PurePosixPath(file).name
    # As the first word it would be looked for on PATH, and after a program it would be an option.
    safe = f"./{name}" if words[:1] == (FILE,) or name.startswith("-") else name
    return tuple(safe if word == FILE else word for word in words)


def _nothing(selected: Selected) -> Choice:
    message = f"Nothing runs {selected.path} any more (DNX): build it anew for .NET 8 or later."
    return Choice(
        path=selected.path,
        host=selected.host.name,
        runtime="none",
        why=f"{selected.path} is a project of DNX.",
        problem=Problem(reason="UnknownScript", message=message),
    )


def _program(package: Package, selected: Selected) -> Choice:
    started = programs.start(package, selected.path)
    why = started.why if started.file == selected.path else f"{selected.path} runs {started.file}; {started.why}"
    return Choice(
        path=selected.path,
        host=selected.host.name,
        runtime=started.runtime,
        version=started.version,
        words=fill(started.words, started.file),
        why=why,
        notes=started.notes,
        problem=started.problem,
    )


def _batch(package: Package, selected: Selected, translate: Translate) -> Choice:
    found = batch_files.read(package, selected.path, translate)
    main, *also = found.needs
    return Choice(
        path=selected.path,
        host=selected.host.name,
        runtime=main.runtime,
        version=main.version,
        also=tuple(also),
        words=found.words,
        batch=found.translated,
        why=found.why,
        notes=found.notes,
        missing=found.missing,
        problem=found.problem,
    )


def _shell(package: Package, selected: Selected) -> Choice:
    found = shell_scripts.read(package, selected.path)
    return Choice(
        path=selected.path,
        host=selected.host.name,
        runtime=found.need.runtime,
        version=found.need.version,
        words=tuple(selected.words),
        why=found.why,
        notes=found.notes,
        missing=found.missing,
    )


def _script(package: Package, selected: Selected) -> Choice:
    runtime = selected.host.runtime or "none"
    asked = versions.asked(runtime, package, selected.path)
    lacking = missing(runtime, package, selected.path)
    notes = [*asked.notes]
    if runtime == "ps1":
        notes.append("It runs in PowerShell 7, not in Windows PowerShell.")
    return Choice(
        path=selected.path,
        host=selected.host.name,
        runtime=runtime,
        version=asked.version,
        words=tuple(selected.words),
        why=f"{selected.path} is run by {selected.host.command[0]}.{asked.sentence}",
        notes=tuple(notes),
        missing=lacking.note if lacking else None,
    )
