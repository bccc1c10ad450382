"""The decision on a package as its spec holds it, with the project's own translator of batch files. Pure."""

from __future__ import annotations

from collections.abc import Collection

from webjobs import batch
from webjobs.model import scripts
from webjobs.model.program import NeededRuntime, PackageProgram, ProgramProblem
from webjobs.runtimes.batch_files import Starts, texts
from webjobs.runtimes.choice import Choice, choose
from webjobs.runtimes.needs import Need
from webjobs.runtimes.package import Package, Read

_SENTENCE, _NOTES, _VERSION = 1024, 32, 64


def program_of(paths: Collection[str], read: Read) -> PackageProgram | None:
    """Return what runs a package; None when the script's name says it all, and when there is none.

    ``paths``: its files relative to its root, with ``/``. ``read``: returns the first ``HEAD`` bytes of one.
    """
    choice = choose(paths, read, batch.translate)
    return None if choice is None or _is_plain(choice) else _wire(choice)


def script_of(path: str, paths: Collection[str], read: Read) -> bytes:
    """Return the shell script that a batch file runs as. Raises batch.Untranslatable.

    ``path``: of the batch file; ``paths`` and ``read`` as for ``program_of``.
    """
    package = Package(paths, read)
    files, _ = texts(package)
    return batch.translate(path, files, paths=package.paths, resolve=Starts(package).resolve).content


def _is_plain(choice: Choice) -> bool:
    """Return whether a choice says no more than the extension of the script does."""
    selected = scripts.entrypoint(choice.path)
    if selected is None or not selected.has_shell:
        return False
    more = choice.version or choice.also or choice.notes or choice.missing or choice.problem
    return not more and choice.runtime == selected.host.runtime and list(choice.words) == selected.words


def _wire(choice: Choice) -> PackageProgram:
    """Return a decision as the spec holds it: sentences have bounds there."""
    problem = choice.problem
    return PackageProgram(
        host=choice.host,
        runtime=_needed(Need(runtime=choice.runtime, version=choice.version)),
        also=[_needed(need) for need in choice.also] or None,
        command=list(choice.words) or None,
        why=choice.why[:_SENTENCE],
        notes=[note[:_SENTENCE] for note in choice.notes[:_NOTES]] or None,
        missing=choice.missing[:_SENTENCE] if choice.missing else None,
        problem=ProgramProblem(reason=problem.reason, message=problem.message[: 2 * _SENTENCE]) if problem else None,
    )


def _needed(need: Need) -> NeededRuntime:
    return NeededRuntime(name=need.runtime, version=need.version[:_VERSION] if need.version else None)
