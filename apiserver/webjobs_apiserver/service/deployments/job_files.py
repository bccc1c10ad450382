"""What a deployment changes in the files of one job. Pure."""

from __future__ import annotations

from collections.abc import Collection

from webjobs.files import tree
from webjobs.store.job_files import Change, View
from webjobs.store.packages import File, Manifest
from webjobs_apiserver.errors import Exists


def change_of(view: View | None, wanted: Manifest, *, earlier: Collection[str], clean: bool) -> Change:
    """Return the change that puts the files of a zip into a job.

    ``view``: the files of the job as they are; None for a job that is not there. ``earlier``: paths that deployments
    before put there; those that the zip lacks go, as with Kudu's manifest, and others stay. ``clean``: these go, too.
    A file with the same content stays as it is, whatever its time: a build that changes nothing restarts nothing.
    """
    files = view.files if view else {}
    gone = {path for path in files if path not in wanted.files and (clean or path in earlier)}
    left = {path for path in files if path not in gone}
    held = {folder for path in left for folder in tree.parents(path)}
    for path in wanted.files:
        if path in held:
            raise Exists(f"{path}: the WebJob has a folder there.")
        if any(folder in left and folder not in wanted.files for folder in tree.parents(path)):
            raise Exists(f"{path}: a part of the path is a file of the WebJob.")
    known = {path: there for path, there in files.items() if isinstance(there, File)}
    puts = {path: file for path, file in wanted.files.items() if not _same(known.get(path), file)}
    folders = (view.folders if view else frozenset()) if clean else frozenset[str]()
    return Change(
        puts=puts,
        deletes=frozenset(gone),
        adds_folders=wanted.folders,
        removes_folders=folders - wanted.folders,
        lenient=True,
    )


def same_files(one: Manifest, other: Manifest) -> bool:
    """Return whether two packages have the same files with the same contents, whatever their times."""
    return one.files.keys() == other.files.keys() and all(
        _same(there, other.files[path]) for path, there in one.files.items()
    )


def _same(there: File | None, wanted: File) -> bool:
    return there is not None and (there.sha256, there.mode) == (wanted.sha256, wanted.mode)
