"""The files of one job as clients see them, and what a change of them means for the WebJob. Pure.

Two files mirror fields of the WebJob: ``settings.job`` shows ``spec.settings`` (the file's own bytes as long as they
mean what the field says), and ``disable.job`` of a continuous job is there exactly while ``spec.stopped`` is true. The
field is the truth: the file follows it, and writing the file writes the field.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from webjobs.files.tree import Children, folders_of
from webjobs.model import JobType, PackageProgram, WebJobSpec, job_settings, scripts
from webjobs.objects import Object
from webjobs.runtimes.package_program import program_of
from webjobs.store.packages import File, Manifest

Read = Callable[[File], bytes]
"""A function that returns the content of a stored file."""

SCRIPT_MODE = 0o755
"""Permission bits of a script."""


@dataclass(frozen=True, kw_only=True)
class Content:
    """A file that is no blob of the store."""

    data: bytes
    """Bytes of the file."""
    mode: int = 0o644
    """Permission bits of the file."""


Source = File | Content
"""A file as the store or the WebJob itself holds it."""


@dataclass(frozen=True, kw_only=True)
class View:
    """The files of a job by path, and the folders that are there without a file."""

    files: dict[str, Source]
    """Files by their paths relative to the job's folder."""
    folders: frozenset[str] = frozenset()
    """Paths of folders that are there without a file in them."""

    @cached_property
    def tree(self) -> Mapping[str, Children]:
        """What each folder holds, by its path; the root's is empty."""
        return folders_of(self.files, self.folders)


def beside_script(paths: Collection[str], file_name: str) -> str | None:
    """Return the path of a file in the script's directory, by its name in any case; None when it is not there."""
    directory = scripts.script_directory(paths)
    for path in paths:
        pure = PurePosixPath(path)
        if str(pure.parent) == directory and pure.name.lower() == file_name:
            return path
    return None


def _place(paths: Mapping[str, object], file_name: str) -> str:
    """Return where a file of the script's directory is or would be."""
    directory = scripts.script_directory(paths)
    return beside_script(paths, file_name) or (file_name if directory == "." else f"{directory}/{file_name}")


def stored(spec: WebJobSpec, manifest: Manifest | None) -> dict[str, Source]:
    """Return the files that a WebJob really holds: those of its package, or its inline script."""
    if manifest:
        return dict(manifest.files)
    if spec.script:
        return {spec.script.file_name: Content(data=spec.script.text.encode(), mode=SCRIPT_MODE)}
    return {}


def view(spec: WebJobSpec, manifest: Manifest | None, *, read: Read) -> View:
    """Return the files of a job as clients see them.

    ``read`` is called for a small settings.job only.
    """
    own = stored(spec, manifest)
    files = dict(own)
    settings_path = _place(own, job_settings.FILE_NAME)
    wanted = spec.settings or {}
    there = own.get(settings_path)
    if _meaning(_bytes(there, read), spec) != wanted if there else wanted:
        files[settings_path] = Content(data=render_settings(wanted))
    if spec.type == "continuous":
        disable_path = _place(own, job_settings.DISABLE_FILE_NAME)
        files.pop(disable_path, None)
        if spec.stopped:
            files[disable_path] = own.get(disable_path, Content(data=b""))
    return View(files=files, folders=manifest.folders if manifest else frozenset())


def _meaning(content: bytes, spec: WebJobSpec) -> Object | None:
    """Return the settings that a file stands for; None for one that can't be read, once settings were put instead."""
    try:
        return job_settings.load_file(content)
    except job_settings.Unreadable:
        return {} if spec.package and spec.package.settings_error else None


def render_settings(value: Object) -> bytes:
    """Return a settings object as the bytes of a file."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _bytes(source: Source, read: Read) -> bytes:
    return source.data if isinstance(source, Content) else read(source)


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change of a job's files; all paths are relative to the job's folder."""

    puts: Mapping[str, File] = field(default_factory=dict)
    """Files that are written, by path."""
    deletes: frozenset[str] = frozenset()
    """Paths of files that are deleted."""
    adds_folders: frozenset[str] = frozenset()
    """Paths of folders that are made."""
    removes_folders: frozenset[str] = frozenset()
    """Paths of folders that are removed."""
    lenient: bool = False
    """True: a settings.job that can't be read is taken all the same, as by an upload."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a change of a job's files means for its WebJob."""

    manifest: Manifest | None
    """Manifest of the new package; None: ``spec.package`` and ``spec.script`` stay."""
    entrypoint: str | None = None
    """Path of the script that the new package runs; None when it has none."""
    program: PackageProgram | None = None
    """What runs that script."""
    settings: Object | None = None
    """The new ``spec.settings``; None: it stays as it is."""
    settings_error: str | None = None
    """Why settings.job can't be read, where it was taken all the same."""
    stopped: bool | None = None
    """The new ``spec.stopped``; None: it stays as it is."""


def apply(
    change: Change,
    *,
    job_type: JobType,
    spec: WebJobSpec | None,
    own: Mapping[str, File],
    folders: frozenset[str],
    read: Read,
    read_head: Read,
) -> Outcome:
    """Return what a change of a job's files means for its WebJob.

    Raises job_settings.Unreadable, unless the change is lenient. ``read_head`` returns the first bytes of a file, as
    ``webjobs.runtimes`` wants them. ``spec``: of the WebJob; None for a job that is not
    there yet. ``own``: what ``stored`` gives, all in the store by now. ``folders``: the folders without a file that the
    package remembers.
    """
    before = _place(own, job_settings.FILE_NAME)
    files = {path: file for path, file in own.items() if path not in change.deletes} | dict(change.puts)
    stopped = None
    if job_type == "continuous":
        disable = _place(files, job_settings.DISABLE_FILE_NAME)
        if disable in change.puts:
            stopped = True
        elif _place(own, job_settings.DISABLE_FILE_NAME) in change.deletes:
            stopped = False
        files.pop(disable, None)
    after = beside_script(files, job_settings.FILE_NAME)
    new_settings: Object | None = None
    settings_error: str | None = None
    if after is not None and (after in change.puts or after != before):
        try:
            new_settings = job_settings.load_file(read(files[after]))
        except job_settings.Unreadable as error:
            if not change.lenient:
                raise
            new_settings, settings_error = {}, str(error)
    elif after is None and before in change.deletes:
        new_settings = {}
    mirrors = {job_settings.FILE_NAME} | ({job_settings.DISABLE_FILE_NAME} if job_type == "continuous" else set())
    if spec and spec.package is None and _names(change) <= mirrors and not change.adds_folders:
        return Outcome(manifest=None, settings=new_settings, stopped=stopped)  # the image or inline script stays
    selected = scripts.select_script(files)
    kept = {folder for folder in folders | change.adds_folders if folder not in change.removes_folders}
    return Outcome(
        manifest=Manifest(files=files, folders=frozenset(kept)),
        entrypoint=selected.path if selected else None,
        program=program_of(files, lambda path: read_head(files[path])),
        settings=new_settings,
        settings_error=settings_error,
        stopped=stopped,
    )


def _names(change: Change) -> set[str]:
    return {path.lower() for path in [*change.puts, *change.deletes]}
