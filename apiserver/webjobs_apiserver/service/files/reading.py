"""Reads of the file tree: what is at a path."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from functools import partial

from webjobs.batch import Untranslatable
from webjobs.files import tree
from webjobs.store import ObjectStore, job_files, packages, translated_scripts
from webjobs.store.job_files import Content, Source, View
from webjobs.store.packages import Manifest, PackageError
from webjobs.times import EPOCH
from webjobs_apiserver.errors import BadRequest, Missing
from webjobs_apiserver.service.files.content_files import ContentFiles
from webjobs_apiserver.service.files.log_files import LogFiles
from webjobs_apiserver.service.files.nodes import (
    FileNode,
    FolderNode,
    Node,
    created_at,
    etag_of,
    folder,
    in_memory,
    in_store,
)
from webjobs_apiserver.service.jobs import Job, Jobs
from webjobs_apiserver.sites import Site

log = logging.getLogger(__name__)


def place(path: str) -> tree.Place:
    """Return what a path means.

    Raises BadRequest for a path that could lead elsewhere.
    """
    try:
        return tree.place(path)
    except tree.PathError as error:
        raise BadRequest(str(error)) from error


class Reading:
    """Reads of the file tree of a site."""

    def __init__(self, store: ObjectStore, *, jobs: Jobs, logs: LogFiles, content: ContentFiles) -> None:
        self._store = store
        self._jobs = jobs
        self._logs = logs
        self._site_content = content

    async def find(self, site: Site, path: str) -> Node:
        """Return the file or folder at a path.

        Raises Missing when there is nothing, BadRequest for a path that nothing can have.
        """
        there = place(path)
        name = (tree.segments(path) or ("",))[-1]
        match there:
            case tree.Fixed():
                return self._fixed(site, "/".join(tree.segments(path)), there, name=name)
            case tree.JobList():
                return folder(name, EPOCH, partial(self._jobs_in, site, there))
            case tree.JobFiles():
                job = await self._jobs.get(site, there.job_type, there.name, scriptless=True)
                return _known(self._in_view(site, job, await self.view(site, job), there.path, name=name))
            case tree.JobData(job_type="triggered"):
                return _known(await self._logs.run_data(site, there, name=name))
            case tree.JobData():
                return _known(await self._logs.continuous_data(site, there, name=name))
            case tree.Outside():
                return _known(await self._site_content.find(site, path))

    def _fixed(self, site: Site, path: str, there: tree.Fixed, *, name: str) -> FolderNode:
        async def children() -> list[Node]:
            found = [await self.find(site, f"{path}/{child}") for child in there.children]
            beside = await self._content_beside(site, path)
            fixed = {child.lower() for child in there.children}
            return [*found, *(node for node in beside if node.name.lower() not in fixed)]

        return folder(name, EPOCH, children)

    async def _content_beside(self, site: Site, path: str) -> list[Node]:
        """Return what the site's content has in a folder; nothing when the store has lost it: jobs are still there."""
        try:
            content = await self._site_content.find(site, path)
        except PackageError as error:
            log.warning("the content of site %s can't be shown: %s", site.namespace, error)
            return []
        return await content.children() if isinstance(content, FolderNode) else []

    async def _jobs_in(self, site: Site, there: tree.JobList) -> list[Node]:
        found: list[Node] = []
        for job in await self._jobs.list(site, there.job_type, scriptless=True):
            if there.data:
                found.append(self._logs.data_folder(site, job))
            else:
                found.append(folder(job.name, created_at(job), partial(self._job_folder, site, job)))
        return found

    async def translated_script(self, site: Site, job: Job) -> bytes:
        """Return the shell script that a job's batch file runs as.

        Raises Missing when no batch file of it is translated, and BadRequest when it can't be any more.
        """
        try:
            found = await asyncio.to_thread(translated_scripts.script_of, self._store, job.webjob)
        except Untranslatable as error:
            raise BadRequest(str(error)) from error
        if found is None:
            raise Missing(f"No batch file of {job.name} runs as a shell script.")
        return found

    async def view(self, site: Site, job: Job) -> View:
        """Return all files of a job as clients see them."""
        return await asyncio.to_thread(self._view, site, job)

    def _view(self, site: Site, job: Job) -> View:
        read = partial(self.read, site)
        return job_files.view(job.webjob.spec, self.manifest(site, job), read=read)

    def manifest(self, site: Site, job: Job) -> Manifest | None:
        """Return the manifest of a job's package; None when it has no package. Blocks.

        Raises PackageError when the store has it no more.
        """
        package = job.webjob.spec.package
        if package is None:
            return None
        try:
            return packages.read_manifest(self._store, namespace=site.namespace, digest=package.digest)
        except PackageError as error:
            raise PackageError(f"WebJob {job.name}: {error}") from error

    def read_head(self, site: Site, file: packages.File) -> bytes:
        """Return the first bytes of a stored file, as much as tells what runs it. Raises PackageError. Blocks."""
        return packages.read_head(self._store, namespace=site.namespace, file=file)

    def read(self, site: Site, file: packages.File) -> bytes:
        """Return the content of a small file of a package. Blocks."""
        return packages.read_file(self._store, namespace=site.namespace, file=file)

    async def _job_folder(self, site: Site, job: Job) -> list[Node]:
        return self._children(site, job, await self.view(site, job), "")

    def _in_view(self, site: Site, job: Job, view: View, path: str, *, name: str) -> Node | None:
        if path in view.files:
            return self._file(site, job, view.files[path], name=name)
        if path not in view.tree:
            return None
        return folder(name, created_at(job), partial(self._children_later, site, job, view, path))

    async def _children_later(self, site: Site, job: Job, view: View, path: str) -> list[Node]:
        return self._children(site, job, view, path)

    def _children(self, site: Site, job: Job, view: View, path: str) -> list[Node]:
        inside = view.tree.get(path)
        names = [*inside.folders, *inside.files] if inside else []
        prefix = f"{path}/" if path else ""
        found = (self._in_view(site, job, view, prefix + name, name=name) for name in names)
        return [node for node in found if node]

    def _file(self, site: Site, job: Job, source: Source, *, name: str) -> FileNode:
        created = created_at(job)
        if isinstance(source, Content):
            size, mtime, content = len(source.data), created, in_memory(source.data)
        else:
            size = source.size
            mtime = datetime.fromtimestamp(source.mtime, UTC) if source.mtime else created
            content = in_store(self._store, namespace=site.namespace, file=source)
        return FileNode(
            name=name,
            size=size,
            mtime=mtime,
            crtime=min(created, mtime),
            etag=etag_of(source),
            open=content,
            mode=source.mode,
        )


def _known(node: Node | None) -> Node:
    if node is None:
        raise Missing
    return node
