"""The runtimes that a batch file needs, by its translation. Pure.

The translator is given, so that what it knows of cmd, and what is known here of programs, stay apart.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from webjobs.batch import Resolve, Run
from webjobs.model import lenient_json
from webjobs.model.scripts import RUNTIME_CONFIG
from webjobs.runtimes import versions
from webjobs.runtimes.dependencies import missing
from webjobs.runtimes.needs import Need, numbers, ordered
from webjobs.runtimes.package import Package, TooLarge
from webjobs.runtimes.programs import FILE, Problem, Start, start
from webjobs.runtimes.shell_scripts import installs

_EXTENSIONS = (".cmd", ".bat")
_OWN_FOLDER = re.compile(r"%~dp0", re.IGNORECASE)
_WORD = re.compile(r"[^\s\"'/\\|&<>()^%,;=]+")
"""A word of a batch file, or the last part of a path in it."""


class Translation(Protocol):
    """A batch file as a shell script, as far as the choice of runtimes asks."""

    @property
    def runtimes(self) -> Collection[str]:
        """Keys of the runtimes that it calls."""

    @property
    def versions(self) -> Mapping[str, str]:
        """Versions that paths of interpreters name, by keys of runtimes."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences worth knowing."""


class Translate(Protocol):
    """A translator of batch files."""

    def __call__(
        self, path: str, files: Mapping[str, bytes], *, paths: Collection[str], resolve: Resolve
    ) -> Translation:
        """Return a batch file as a shell script.

        ``files``: all batch files by path; ``paths``: all files. Raises ValueError when it can't be translated; its
        attribute ``wine`` is true when Wine's cmd runs it.
        """


@dataclass(frozen=True, kw_only=True)
class BatchFile:
    """A batch file's runtimes."""

    needs: tuple[Need, ...]
    """Runtimes that it calls, the main one first."""
    why: str
    """Sentence of the facts that decided."""
    translated: bool = False
    """True when a shell script stands for it."""
    words: tuple[str, ...] = ()
    """Command line of a batch file that Wine's cmd runs; empty for any other."""
    notes: tuple[str, ...] = ()
    """Sentences worth knowing."""
    missing: str | None = None
    """Sentence about dependencies that the package names and does not hold; None: it holds or installs them."""
    problem: Problem | None = None
    """Reason why only Windows can run it."""


def read(package: Package, path: str, translate: Translate) -> BatchFile:
    """Return the runtimes of a batch file of a package."""
    files, too_large = texts(package)
    if path in too_large:
        return _refused(path, Problem(reason="BatchTooLarge", message=too_large[path]), [])
    notes = [f"{each} can't be called by {path}: {error}" for each, error in too_large.items()]
    starts = Starts(package)
    try:
        translation = translate(path, files, paths=package.paths, resolve=starts.resolve)
    except ValueError as error:
        return _untranslated(path, error, starts.known, notes)
    return _translated(package, path, files, translation, starts.known, notes)


def texts(package: Package) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return the batch files of a package by path, and what is wrong with those that are too large."""
    found, too_large = dict[str, bytes](), dict[str, str]()
    for each in package.paths:
        if PurePosixPath(each).suffix.lower() in _EXTENSIONS:
            try:
                found[each] = package.text(each)
            except TooLarge as error:
                too_large[each] = str(error)
    return found, too_large


class Starts:
    """The program files of a package that a batch file starts."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self.known: dict[str, Start] = {}
        """How each one is started, by its path."""

    def resolve(self, program: str) -> Run | None:
        """Return how a program file is started; None: it is no such file, or can't be."""
        found = self._package.find(program)
        if found is None or PurePosixPath(found).suffix.lower() not in (".exe", ".dll"):
            return None
        started = self.known[found] = start(self._package, found)
        if started.problem:
            return None
        # A word that is a path of the package is one for the translator, too: .NET starts X.dll for X.exe.
        return Run(tuple(started.file if word == FILE else word for word in started.words), started.runtime)


def _refused(path: str, problem: Problem, notes: list[str]) -> BatchFile:
    return BatchFile(
        needs=(Need(runtime="windows"),), why=f"{path} needs Windows.", notes=tuple(notes), problem=problem
    )


def _untranslated(path: str, error: ValueError, starts: Mapping[str, Start], notes: list[str]) -> BatchFile:
    if getattr(error, "wine", False):
        return BatchFile(
            needs=(Need(runtime="wine"),),
            why=f"{path} calls nothing but commands and programs of Windows, and Wine's cmd runs it.",
            words=("wine", "cmd", "/c", PurePosixPath(path).name),
            notes=(*notes, str(error)),
        )
    # Of a program that can't be started the translator knows the line, and its start the reason.
    reasons = [started.problem.message for started in starts.values() if started.problem]
    return _refused(path, Problem(reason="BatchNotTranslated", message=" ".join([str(error), *reasons])), notes)


def _translated(
    package: Package,
    path: str,
    files: Mapping[str, bytes],
    translation: Translation,
    starts: Mapping[str, Start],
    notes: list[str],
) -> BatchFile:
    found: dict[str, str | None] = {
        runtime: versions.short(runtime, translation.versions.get(runtime)) for runtime in translation.runtimes
    }
    used = [started for started in starts.values() if started.runtime in found and not started.problem]
    if "dotnet" in found:
        texts = [[files[path]], *([] if used else [list(files.values())])]
        used += [started for started in _named(package, texts) if started not in used]
    for started in used:
        if started.problem:
            return _refused(path, started.problem, notes)
        found[started.runtime] = max((found.get(started.runtime), started.version), key=numbers)
    notes += translation.notes
    text = lenient_json.decode(b"\n".join(files.values()))
    asked = {runtime: versions.asked(runtime, package, path) for runtime in found}
    lacks: list[str] = []
    for runtime, each in asked.items():
        found[runtime] = found[runtime] or each.version
        notes += each.notes
        lacking = missing(runtime, package, path)
        if lacking and not installs(text, lacking.kind):
            lacks.append(lacking.note)
    notes += [note for started in used for note in started.notes]
    needs = ordered(found)
    return BatchFile(
        needs=needs,
        why=_why(path, needs, used),
        translated=True,
        notes=tuple(dict.fromkeys(notes)),
        missing=" ".join(lacks) or None,
    )


def _named(package: Package, texts: Sequence[Sequence[bytes]]) -> list[Start]:
    """Return the starts of the .NET libraries whose names stand in texts: in the first group that names any."""
    libraries = [
        each
        for each in package.paths
        if each.lower().endswith(".dll") and package.find(each[: -len(".dll")] + RUNTIME_CONFIG)
    ]
    for group in texts:
        text = lenient_json.decode(b"\n".join(group)).lower()
        words = set(_WORD.findall(_OWN_FOLDER.sub("/", text)))
        if named := [start(package, each) for each in libraries if PurePosixPath(each).name.lower() in words]:
            return named
    return []


def _why(path: str, needs: tuple[Need, ...], used: list[Start]) -> str:
    if used:
        names = " and ".join(dict.fromkeys(PurePosixPath(started.file).name for started in used))
        return f"{path} runs {names}; " + " ".join(dict.fromkeys(started.why for started in used))
    names = " and ".join(need.runtime for need in needs if need.runtime != "sh")
    called = f"programs of {names}" if names else "nothing but commands of cmd"
    return f"{path} is a batch file that calls {called}; it is translated to a shell script."
