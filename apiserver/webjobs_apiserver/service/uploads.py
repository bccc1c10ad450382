"""Uploads, from the request's body to the WebJob that runs them.

Everything is checked and stored before the WebJob is touched: a failed upload leaves the old job as it was.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterable, Iterator
from functools import partial
from typing import IO

from webjobs import names
from webjobs.files.unpack import Entry, Limits, UploadError, safe_path, survey, zip_entries
from webjobs.model import JobType, job_settings, scripts
from webjobs.objects import Object
from webjobs.runtimes.package_program import program_of
from webjobs.store import ObjectStore, packages
from webjobs.store.guard import uploading
from webjobs.store.job_files import beside_script
from webjobs.store.packages import Manifest
from webjobs_apiserver.config import LimitsConfig
from webjobs_apiserver.errors import BadRequest, TooLarge
from webjobs_apiserver.service.jobs import Edit, Job, Jobs
from webjobs_apiserver.service.room import Room
from webjobs_apiserver.sites import Site

NOTHING_RUNNABLE = "No runnable script file was found."
"""Message of an upload without a script (docs/kudu-contract.md, section 2.5)."""
_WRITE_BYTES = 2**20


class Uploads:
    """Operations on the packages of jobs."""

    def __init__(self, store: ObjectStore, *, jobs: Jobs, room: Room, limits: LimitsConfig) -> None:
        self._store = store
        self._jobs = jobs
        self._room = room
        self._limits = limits

    async def put(
        self,
        site: Site,
        job_type: JobType,
        name: str,
        *,
        file_name: str,
        is_zip: bool,
        body: AsyncIterable[bytes],
        size: int | None,
        edit: Edit | None = None,
    ) -> Job:
        """Create a job from an upload, or replace its files and settings; other fields of the WebJob stay.

        ``file_name``: of the script, when it is no zip. ``size``: announced bytes of the body, if any. ``edit``: a
        further change of the spec, in the same write. Raises BadRequest and TooLarge.
        """
        check_name(name)
        with tempfile.TemporaryFile() as file:
            received = await receive(body, size=size, file=file, limit=self._limits.upload_bytes)
            try:
                entries = partial(self._entries, file, received, file_name=file_name, is_zip=is_zip)
                sizes = await asyncio.to_thread(self._check, entries())
                await self._room.take(site, sum(sizes.values()))
                async with uploading(self._store, namespace=site.namespace):
                    put_package = await asyncio.to_thread(self._store_package, site, entries(), job_type)

                    def edit_spec(spec: Object) -> None:
                        put_package(spec)
                        if edit:
                            edit(spec)

                    return await self._jobs.save(site, job_type, name, edit_spec)
            except UploadError as error:
                raise BadRequest(str(error)) from error

    def _entries(self, file: IO[bytes], size: int, *, file_name: str, is_zip: bool) -> Iterator[Entry]:
        limits = Limits(total_bytes=self._limits.unpacked_bytes, files=self._limits.files)
        file.seek(0)
        if is_zip:
            return zip_entries(file, size=size, limits=limits)
        return iter([Entry(path=safe_path(file_name, limits=limits), content=file)])

    def _check(self, entries: Iterator[Entry]) -> dict[str, int]:
        """Return the sizes of the files of an upload that can be used. Raises UploadError. Blocks."""
        sizes = survey(entries)
        if scripts.select_script(sizes) is None:
            raise UploadError(NOTHING_RUNNABLE)
        path = beside_script(sizes, job_settings.FILE_NAME)
        if path is not None and sizes[path] > self._limits.settings_bytes:
            raise UploadError(f"{path} has more than {self._limits.settings_bytes} bytes.")
        return sizes

    def _store_package(self, site: Site, entries: Iterator[Entry], job_type: JobType) -> _PackageEdit:
        """Store the files and return what they mean for the WebJob. Blocks."""
        manifest = packages.write(self._store, namespace=site.namespace, entries=entries)
        selected = scripts.select_script(manifest.files)
        if selected is None:
            raise UploadError(NOTHING_RUNNABLE)
        stored_settings, unreadable = self._settings(site, manifest)
        stopped = job_type == "continuous" and beside_script(manifest.files, job_settings.DISABLE_FILE_NAME) is not None
        digest = packages.commit(self._store, namespace=site.namespace, manifest=manifest)
        package: Object = {
            "digest": digest,
            "entrypoint": selected.path,
            "size": manifest.size,
            "files": len(manifest.files),
        }
        head = partial(packages.read_head, self._store, namespace=site.namespace)
        program = program_of(manifest.files, lambda path: head(file=manifest.files[path]))
        if program:
            package["program"] = program.to_wire()
        if unreadable:
            package["settingsError"] = unreadable[:1024]
        return _PackageEdit(package=package, settings=stored_settings, stopped=stopped)

    def _settings(self, site: Site, manifest: Manifest) -> tuple[Object, str | None]:
        """Return the settings of a package, and why its settings.job can't be read; None: it can."""
        path = beside_script(manifest.files, job_settings.FILE_NAME)
        if path is None:
            return {}, None
        content = packages.read_file(self._store, namespace=site.namespace, file=manifest.files[path])
        try:
            return job_settings.load_file(content), None
        except job_settings.Unreadable as error:
            return {}, str(error)  # as Kudu, the upload is good; the operator's condition says what is lost


class _PackageEdit:
    """An edit that puts an uploaded package into a WebJob's spec.

    What kubectl set beside it (env, image ...) stays.
    """

    def __init__(self, *, package: Object, settings: Object, stopped: bool) -> None:
        self._package = package
        self._settings = settings
        self._stopped = stopped

    def __call__(self, spec: Object) -> None:
        spec.pop("script", None)
        spec["package"] = self._package
        spec["settings"] = self._settings
        # As Kudu: the old disable.job went with the old files, so an upload starts a stopped job.
        if self._stopped:
            spec["stopped"] = True
        else:
            spec.pop("stopped", None)


async def receive(body: AsyncIterable[bytes], *, size: int | None, file: IO[bytes], limit: int) -> int:
    """Write a request's body into a file; return its size in bytes.

    Raises TooLarge beyond ``limit`` bytes.
    """
    too_large = TooLarge(f"The upload has more than {limit} bytes (apiserver.limits.uploadBytes of the chart).")
    if size is not None and size > limit:
        raise too_large
    received, pending = 0, bytearray()
    async for piece in body:
        received += len(piece)
        if received > limit:
            raise too_large
        pending += piece
        if len(pending) >= _WRITE_BYTES:
            await asyncio.to_thread(file.write, bytes(pending))
            pending.clear()
    await asyncio.to_thread(file.write, bytes(pending))
    return received


def check_name(name: str) -> None:
    """Raise BadRequest for a name that no job can have."""
    try:
        names.check(name)
    except names.JobNameError as error:
        raise BadRequest(str(error)) from error
