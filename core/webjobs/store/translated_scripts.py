"""The shell scripts that batch files of WebJobs run as. They are made anew of the stored files, always the same."""

from __future__ import annotations

from webjobs.model import WebJob
from webjobs.runtimes import package_program
from webjobs.runtimes.package import Read
from webjobs.store import ObjectStore, packages


def script_of(store: ObjectStore, webjob: WebJob) -> bytes | None:
    """Return the shell script that a WebJob's batch file runs as; None when no batch file is translated. Blocks.

    Raises PackageError when the files are not in the store, and Untranslatable when this version does not take what an
    earlier one took.
    """
    paths, read, path = _files(store, webjob)
    package = webjob.spec.package
    choice = package.program if package else package_program.program_of(paths, read)
    if choice is None or not choice.is_translated or path is None:
        return None
    return package_program.script_of(path, paths, read)


def _files(store: ObjectStore, webjob: WebJob) -> tuple[list[str], Read, str | None]:
    """Return the paths of a WebJob's files, how to read one's first bytes, and which runs."""
    script, package = webjob.spec.script, webjob.spec.package
    if script:
        content = script.text.encode()
        return [script.file_name], lambda _: content, script.file_name
    if package is None:
        return [], lambda _: b"", None
    namespace = webjob.metadata.namespace
    files = packages.read_manifest(store, namespace=namespace, digest=package.digest).files

    def read(path: str) -> bytes:
        return packages.read_head(store, namespace=namespace, file=files[path])

    return list(files), read, package.entrypoint
