"""Changes of the file tree: each is one conditional write of one WebJob, decided anew on what is there then.

Blobs and manifest are stored first. A package is content-addressed, so a change of one file stores that file and a
manifest; a write that loses a race leaves only blobs behind that nobody refers to.
"""

from __future__ import annotations

import asyncio
import io
import tempfile
from collections.abc import AsyncIterable, Callable
from datetime import datetime
from functools import partial
from typing import IO

from webjobs.files import tree
from webjobs.files.unpack import Entry
from webjobs.model import JobType
from webjobs.model.job_settings import FILE_NAME, Unreadable
from webjobs.objects import Object
from webjobs.store import ObjectStore, job_files, packages
from webjobs.store.guard import uploading
from webjobs.store.job_files import Change, Content, Outcome, View
from webjobs.store.packages import File
from webjobs_apiserver.config import LimitsConfig
from webjobs_apiserver.errors import BadRequest, Changed, Exists, Forbidden, Missing, TooLarge
from webjobs_apiserver.service.files.nodes import FileNode, etag_of
from webjobs_apiserver.service.files.reading import Reading, place
from webjobs_apiserver.service.jobs import Edit, Job, Jobs
from webjobs_apiserver.service.room import Room
from webjobs_apiserver.service.uploads import check_name, receive
from webjobs_apiserver.sites import Site

Decide = Callable[[View | None], Change]
"""A function that returns the change for the files as they are; it gets None for a job that is not there. It raises
what refuses the change."""

READ_ONLY = "Only files of WebJobs can be written, below site/wwwroot/App_Data/jobs/{triggered|continuous}/{name}/."
"""Message to a write outside of jobs."""
STALE = "ETag does not represent the latest state of the resource."
"""Message to a write whose ETag is not that of the file."""
NO_TAG = "The file exists: send its ETag, or *, as If-Match."
"""Message to a write over a file without an ETag."""
OWN_IMAGE = (
    "The WebJob runs an image of its own: besides settings.job it takes only files with a script that runs in it."
)
"""Message to files that would hide a job with an image of its own."""


def matches(if_match: str | None, etag: str) -> bool:
    """Return whether an If-Match header fits the ETag of what is there."""
    tags = [tag.strip().removeprefix("W/").strip('"') for tag in (if_match or "").split(",")]
    return "*" in tags or etag in tags


def _check_match(if_match: str | None, etag: str) -> None:
    if not matches(if_match, etag):
        raise Changed(STALE if if_match else NO_TAG, etag=etag)


class Writing:
    """Writes of the file tree of a site."""

    def __init__(
        self,
        store: ObjectStore,
        *,
        jobs: Jobs,
        reading: Reading,
        room: Room,
        limits: LimitsConfig,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._reading = reading
        self._room = room
        self._limits = limits
        self._clock = clock

    async def put(
        self, site: Site, path: str, *, body: AsyncIterable[bytes], size: int | None, if_match: str | None
    ) -> tuple[bool, str]:
        """Write one file; return whether it is new, and its ETag.

        Raises Forbidden outside of jobs, Exists where a folder is, Changed when ``if_match`` does not fit.
        """
        at = self._writable(path)
        if not at.path:
            raise Exists("A folder is there.")
        check_name(at.name)
        with tempfile.TemporaryFile() as file:
            await self._room.take(site, await receive(body, size=size, file=file, limit=self._limits.upload_bytes))
            file.seek(0)
            entry = Entry(path=at.path, content=file, mtime=int(self._clock().timestamp()))
            async with uploading(self._store, namespace=site.namespace):
                created, new = await self._put(site, at, entry, if_match=if_match)
        there = await self._reading.find(site, path)  # a file that mirrors a field can be shown in another form
        return created, (there.etag if isinstance(there, FileNode) else None) or etag_of(new)

    async def _put(self, site: Site, at: tree.JobFiles, entry: Entry, *, if_match: str | None) -> tuple[bool, File]:
        """Store a file; return whether it is new, and what is stored."""
        written = await asyncio.to_thread(packages.write, self._store, namespace=site.namespace, entries=[entry])
        new = written.files[at.path]
        created = True

        def decide(view: View | None) -> Change:
            nonlocal created
            files = view.files if view else {}
            check_room(view, at.path)
            there = files.get(at.path)
            created = there is None
            if there:
                _check_match(if_match, etag_of(there))
            return Change(puts={at.path: new})

        await self.change(site, at.job_type, at.name, decide)
        return created, new

    async def make_folder(self, site: Site, path: str) -> None:
        """Make a folder with those above it.

        Raises Exists when something is there.
        """
        at = self._writable(path)
        check_name(at.name)

        def decide(view: View | None) -> Change:
            if view is not None and not at.path:
                raise Exists("The folder exists already.")
            if at.path:
                check_room(view, at.path)
                if view and at.path in view.files:
                    raise Exists("A file is there.")
            return Change(adds_folders=frozenset({at.path} if at.path else ()))

        async with uploading(self._store, namespace=site.namespace):
            await self.change(site, at.job_type, at.name, decide)

    async def delete(self, site: Site, path: str, *, recursive: bool, if_match: str | None) -> None:
        """Delete a file (its ETag as ``if_match``) or a folder (when it is empty, or ``recursive``).

        The folder of a job goes with the job. Raises Missing, Changed, Exists for a folder that is not empty, and
        Forbidden outside of jobs.
        """
        await self._reading.find(site, path)  # what is not there is that first of all
        at = self._writable(path)

        def decide(view: View | None) -> Change:
            if view is None:
                raise Missing
            there = view.files.get(at.path)
            if there:
                _check_match(if_match, etag_of(there))
                return Change(deletes=frozenset({at.path}))
            inside = view.tree.get(at.path)
            if inside is None:
                raise Missing
            if (inside.files or inside.folders) and not recursive:
                raise Exists("The folder is not empty: delete it with ?recursive=true.")
            return Change(
                deletes=frozenset(path for path in view.files if path.startswith(f"{at.path}/")),
                removes_folders=frozenset(
                    path for path in view.folders if path == at.path or path.startswith(f"{at.path}/")
                ),
            )

        if at.path:
            async with uploading(self._store, namespace=site.namespace):
                await self.change(site, at.job_type, at.name, decide)
            return
        job = await self._jobs.get(site, at.job_type, at.name, scriptless=True)
        if not recursive:
            decide(await self._reading.view(site, job))
        await self._jobs.delete(site, at.job_type, at.name)

    def _writable(self, path: str) -> tree.JobFiles:
        there = place(path)
        if not isinstance(there, tree.JobFiles):
            raise Forbidden(READ_ONLY)
        return there

    async def change(self, site: Site, job_type: JobType, name: str, decide: Decide, *, dry_run: bool = False) -> Job:
        """Change the files of a job (which is made when there is none), and with them what they stand for.

        To be called while ``uploading``: the new manifest lists blobs of the old one. ``dry_run``: only raise what
        the change would raise.
        """
        check_name(name)

        async def plan(job: Job | None) -> Edit:
            return await asyncio.to_thread(self._plan, site, job_type, job, decide)

        return await self._jobs.save_planned(site, job_type, name, plan, dry_run=dry_run)

    def _plan(self, site: Site, job_type: JobType, job: Job | None, decide: Decide) -> Edit:
        """Return the edit of a WebJob that a change of its files means. Blocks."""
        spec = job.webjob.spec if job else None
        read = partial(self._reading.read, site)
        manifest = self._reading.manifest(site, job) if job else None
        view = job_files.view(spec, manifest, read=read) if spec else None
        change = decide(view)
        for path, file in change.puts.items():
            if path.rpartition("/")[2].lower() == FILE_NAME and file.size > self._limits.settings_bytes:
                raise TooLarge(f"{FILE_NAME} has more than {self._limits.settings_bytes} bytes.")
        own = {path: self._as_blob(site, one) for path, one in job_files.stored(spec, manifest).items()} if spec else {}
        folders = manifest.folders if manifest else frozenset()
        try:
            outcome = job_files.apply(
                change,
                job_type=job_type,
                spec=spec,
                own=own,
                folders=folders,
                read=read,
                read_head=partial(self._reading.read_head, site),
            )
        except Unreadable as error:
            raise BadRequest(f"Nothing was written. {error}") from None
        if outcome.manifest:
            if spec and spec.image and not (spec.package or spec.script or outcome.entrypoint):
                raise BadRequest(OWN_IMAGE)  # else the file would hide the job and stop it
            if len(outcome.manifest.files) + len(outcome.manifest.folders) > self._limits.files:
                raise BadRequest(
                    f"The WebJob would have more than {self._limits.files} files (apiserver.limits.files of the chart)."
                )
            if outcome.manifest.size > self._limits.unpacked_bytes:
                raise BadRequest(
                    f"The files of the WebJob would have more than {self._limits.unpacked_bytes} bytes "
                    "(apiserver.limits.unpackedBytes of the chart)."
                )
            packages.commit(self._store, namespace=site.namespace, manifest=outcome.manifest)
        return partial(_edit, outcome)

    def _as_blob(self, site: Site, source: job_files.Source) -> File:
        if not isinstance(source, Content):
            return source
        content: IO[bytes] = io.BytesIO(source.data)
        entry = Entry(path="file", content=content)
        return packages.write(self._store, namespace=site.namespace, entries=[entry]).files["file"]


def check_room(view: View | None, path: str) -> None:
    """Raise Exists when a folder is at the path, or a file where a folder above it would be."""
    if view is None:
        return
    if path in view.tree:
        raise Exists("A folder is there.")
    if any(parent in view.files for parent in tree.parents(path)):
        raise Exists("A part of the path is a file.")


def _edit(outcome: Outcome, spec: Object) -> None:
    if outcome.manifest:
        spec.pop("script", None)
        before = spec.get("package", {}).get("settingsError")
        error = before if outcome.settings is None else outcome.settings_error
        spec["package"] = {
            "digest": outcome.manifest.digest,
            **({"entrypoint": outcome.entrypoint} if outcome.entrypoint else {}),
            **({"program": outcome.program.to_wire()} if outcome.program else {}),
            "size": outcome.manifest.size,
            "files": len(outcome.manifest.files),
            **({"settingsError": error[:1024]} if error else {}),
        }
    if outcome.settings is not None:
        spec["settings"] = outcome.settings
    if outcome.stopped:
        spec["stopped"] = True
    elif outcome.stopped is not None:
        spec.pop("stopped", None)
