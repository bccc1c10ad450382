"""Reads of the file tree: what is at a path."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from webjobs import times
from webjobs.constants import STATUS_FILE
from webjobs.files import tree
from webjobs.logs import scheduler_lines
from webjobs.model import WebJobRun
from webjobs.runs import runs
from webjobs.store import ObjectStore, continuous_journal, job_files, packages, scheduler_logs
from webjobs.store import run_logs as stored_logs
from webjobs.store.job_files import Content, Source, View
from webjobs.store.packages import Manifest, PackageError
from webjobs.times import EPOCH
from webjobs_apiserver.errors import BadRequest, Missing
from webjobs_apiserver.service.files.content_files import ContentFiles
from webjobs_apiserver.service.files.nodes import (
    FileNode,
    FolderNode,
    Node,
    Span,
    etag_of,
    in_memory,
    in_store,
    nothing,
    tag,
)
from webjobs_apiserver.service.job_logs import JobLogs, archive_key
from webjobs_apiserver.service.jobs import Job, Jobs
from webjobs_apiserver.service.runs import Runs
from webjobs_apiserver.sites import Site

_SCHEDULER_LOGS = (scheduler_lines.PREVIOUS_FILE_NAME, scheduler_lines.FILE_NAME)


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

    def __init__(self, store: ObjectStore, *, jobs: Jobs, runs: Runs, logs: JobLogs, content: ContentFiles) -> None:
        self._store = store
        self._site_content = content
        self._jobs = jobs
        self._runs = runs
        self._logs = logs

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
                return _folder(name, EPOCH, partial(self._jobs_in, site, there))
            case tree.JobFiles():
                job = await self._jobs.get(site, there.job_type, there.name, scriptless=True)
                return _known(self._in_view(site, job, await self.view(site, job), there.path, name=name))
            case tree.JobData(job_type="triggered"):
                return _known(await self._run_data(site, there, name=name))
            case tree.JobData():
                return _known(await self._continuous_data(site, there, name=name))
            case tree.Outside():
                return _known(await self._site_content.find(site, path))

    def _fixed(self, site: Site, path: str, there: tree.Fixed, *, name: str) -> FolderNode:
        async def children() -> list[Node]:
            found = [await self.find(site, f"{path}/{child}") for child in there.children]
            content = await self._site_content.find(site, path)
            beside = await content.children() if isinstance(content, FolderNode) else []
            fixed = {child.lower() for child in there.children}
            return [*found, *(node for node in beside if node.name.lower() not in fixed)]

        return _folder(name, EPOCH, children)

    async def _jobs_in(self, site: Site, there: tree.JobList) -> list[Node]:
        found: list[Node] = []
        for job in await self._jobs.list(site, there.job_type, scriptless=True):
            if there.data:
                found.append(self._data_folder(site, job))
            else:
                found.append(_folder(job.name, _created(job), partial(self._job_folder, site, job)))
        return found

    # Files of a job

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
        return _folder(name, _created(job), partial(self._children_later, site, job, view, path))

    async def _children_later(self, site: Site, job: Job, view: View, path: str) -> list[Node]:
        return self._children(site, job, view, path)

    def _children(self, site: Site, job: Job, view: View, path: str) -> list[Node]:
        inside = view.tree.get(path)
        names = [*inside.folders, *inside.files] if inside else []
        prefix = f"{path}/" if path else ""
        found = (self._in_view(site, job, view, prefix + name, name=name) for name in names)
        return [node for node in found if node]

    def _file(self, site: Site, job: Job, source: Source, *, name: str) -> FileNode:
        created = _created(job)
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

    # Logs

    def _data_folder(self, site: Site, job: Job) -> FolderNode:
        list_ = self._run_folders if job.webjob.spec.type == "triggered" else self._continuous_files
        return _folder(job.name, _created(job), partial(list_, site, job))

    async def _run_folders(self, site: Site, job: Job) -> list[Node]:
        known = {runs.run_id(run): run for run in await self._runs.of_job(site, job)}
        older = await self._runs.older_ids(site, job, known)
        folders: list[Node] = [
            self._run_folder(site, job, run_id, known.get(run_id)) for run_id in sorted([*known, *older])
        ]
        logs = [await self._scheduler_log(site, job, name) for name in _SCHEDULER_LOGS]
        return folders + [log for log in logs if log]

    def _run_folder(self, site: Site, job: Job, run_id: str, run: WebJobRun | None) -> FolderNode:
        """Return the folder of a run.

        ``run``: None for a run in the store, which is not read before somebody looks inside.
        """
        when = runs.start_time(run) if run else runs.time_of_run_id(run_id) or EPOCH
        return _folder(run_id, when, partial(self._run_files, site, job, run_id, run))

    async def _run_files(self, site: Site, job: Job, run_id: str, run: WebJobRun | None) -> list[Node]:
        try:
            run = run or (await self._runs.get(site, job.name, run_id))[1]
        except Missing:
            return []  # it went meanwhile
        errors = await self._error_log(site, run)
        return [*([errors] if errors else []), await self._run_log(site, job, run), self._run_status(run)]

    async def _run_data(self, site: Site, there: tree.JobData, *, name: str) -> Node | None:
        if not there.parts:
            return self._data_folder(site, await self._jobs.get(site, "triggered", there.name, scriptless=True))
        if len(there.parts) == 1 and there.parts[0].lower() in _SCHEDULER_LOGS:
            job = await self._jobs.get(site, "triggered", there.name, scriptless=True)
            return await self._scheduler_log(site, job, there.parts[0].lower())
        job, run = await self._runs.get(site, there.name, there.parts[0])
        match tuple(part.lower() for part in there.parts[1:]):
            case ():
                return self._run_folder(site, job, runs.run_id(run), run)
            case (file,) if file == stored_logs.OUTPUT:
                return await self._run_log(site, job, run)
            case (file,) if file == stored_logs.ERRORS:
                return await self._error_log(site, run)
            case (file,) if file == STATUS_FILE:
                return self._run_status(run)
        return None

    async def _run_log(self, site: Site, job: Job, run: WebJobRun) -> FileNode:
        started = runs.start_time(run)
        key = archive_key(site, run)
        known = await stored_logs.head(self._store, key) if key else None

        async def content(span: Span | None) -> AsyncIterator[bytes]:
            if known and key:
                return await self._content(key, span or (0, known[0]))
            return (await self._logs.of_run(site, job.name, runs.run_id(run))).content

        size, mtime = known or (None, started)
        etag = tag(f"{key}:{size}:{mtime.timestamp()}") if known else None
        return FileNode(name=stored_logs.OUTPUT, size=size, mtime=mtime, crtime=started, etag=etag, open=content)

    async def _error_log(self, site: Site, run: WebJobRun) -> FileNode | None:
        key = archive_key(site, run, errors=True)
        return await self._stored(key, stored_logs.ERRORS, crtime=runs.start_time(run)) if key else None

    async def _scheduler_log(self, site: Site, job: Job, name: str) -> FileNode | None:
        if job.webjob.status.scheduler_log_path is None:
            return None
        key = scheduler_logs.key(namespace=site.namespace, webjob=job.object_name, file_name=name)
        return await self._stored(key, name, crtime=_created(job))

    async def _stored(self, key: str, name: str, *, crtime: datetime) -> FileNode | None:
        known = await stored_logs.head(self._store, key)
        if known is None:
            return None

        async def content(span: Span | None) -> AsyncIterator[bytes]:
            return await self._content(key, span or (0, known[0]))

        size, mtime = known
        etag = tag(f"{key}:{size}:{mtime.timestamp()}")
        return FileNode(name=name, size=size, mtime=mtime, crtime=crtime, etag=etag, open=content)

    async def _content(self, key: str, span: Span) -> AsyncIterator[bytes]:
        """Return some bytes of a log and no more.

        Its length was told, and lines may have come since.
        """
        if span[0] == span[1]:
            return nothing()
        found = await stored_logs.read(self._store, key, span=span)
        if found is None or found[0] < span[1]:
            raise Missing  # it went between two looks, or began anew
        return found[1]

    def _run_status(self, run: WebJobRun) -> FileNode:
        started = runs.start_time(run)
        ended = times.parse_time(run.status.end_time) if run.ended and run.status.end_time else None
        body = {
            "Trigger": runs.trigger(run),
            "Status": run.status.state or "Initializing",
            "StartTime": times.kudu_time(started),
        }
        if ended:
            body["EndTime"] = times.kudu_time(ended)
        return _json_file(STATUS_FILE, body, mtime=ended or started, crtime=started)

    async def _continuous_data(self, site: Site, there: tree.JobData, *, name: str) -> Node | None:
        job = await self._jobs.get(site, "continuous", there.name, scriptless=True)
        if not there.parts:
            return self._data_folder(site, job)
        match tuple(part.lower() for part in there.parts):
            case (continuous_journal.FILE_NAME,):
                return await self._job_log(site, job)
            case (continuous_journal.PREVIOUS_FILE_NAME,):
                return await self._previous_log(site, job)
        found = [node for node in self._instance_files(job) if (node.name,) == there.parts]
        return found[0] if found else None

    async def _continuous_files(self, site: Site, job: Job) -> list[Node]:
        found = [await self._job_log(site, job), await self._previous_log(site, job)]
        return [*(log for log in found if log), *self._instance_files(job)]

    async def _job_log(self, site: Site, job: Job) -> FileNode | None:
        log = await self._logs.of_job(site, job)
        if log is None:
            return None
        created = _created(job)
        return FileNode(
            name=continuous_journal.FILE_NAME,
            size=log.size,
            mtime=max(created, log.modified),
            crtime=created,
            etag=tag(log.version),
            open=log.open,
        )

    async def _previous_log(self, site: Site, job: Job) -> FileNode | None:
        key = await self._logs.previous_key(site, job)
        return await self._stored(key, continuous_journal.PREVIOUS_FILE_NAME, crtime=_created(job)) if key else None

    def _instance_files(self, job: Job) -> list[FileNode]:
        created = _created(job)
        return [
            _json_file(f"status_{instance.id}", {"Status": instance.status}, mtime=created, crtime=created)
            for instance in job.webjob.status.instances or []
        ]


def _created(job: Job) -> datetime:
    return times.parse_time(job.webjob.metadata.creation_timestamp)


def _folder(name: str, when: datetime, children: Callable[[], Awaitable[list[Node]]]) -> FolderNode:
    return FolderNode(name=name, mtime=when, crtime=when, children=children)


def _json_file(name: str, body: dict[str, Any], *, mtime: datetime, crtime: datetime) -> FileNode:
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return FileNode(
        name=name, size=len(data), mtime=mtime, crtime=crtime, etag=tag(data.decode()), open=in_memory(data)
    )


def _known(node: Node | None) -> Node:
    if node is None:
        raise Missing
    return node
