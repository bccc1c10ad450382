"""The file tree as zips: a folder out, and a zip in over what is there."""

from __future__ import annotations

import asyncio
import tempfile
import zipfile
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC
from functools import partial
from typing import IO, cast

from webjobs import names
from webjobs.files import tree
from webjobs.files.unpack import Entry, Limits, UploadError, survey, zip_entries
from webjobs.model import JobType
from webjobs.store import ObjectStore, packages
from webjobs.store.guard import uploading
from webjobs.store.job_files import Change, View
from webjobs.store.packages import File, PackageError
from webjobs_apiserver.config import LimitsConfig
from webjobs_apiserver.errors import BadRequest, Exists, Forbidden, Missing
from webjobs_apiserver.service.files.nodes import FileNode, FolderNode, Node
from webjobs_apiserver.service.files.reading import Reading, place
from webjobs_apiserver.service.files.writing import Writing, check_room
from webjobs_apiserver.service.job_logs import begun
from webjobs_apiserver.service.room import Room
from webjobs_apiserver.service.uploads import check_name, receive
from webjobs_apiserver.sites import Site

_PIECE_BYTES = 2**16
LOST = "UNREADABLE.txt"
"""File at the root of a zip that names what could not be read; no job has a file there."""
READ_ONLY = "Logs can't be written."
"""Message to a zip that would be unpacked over logs."""


class _Sink:
    """A buffer that takes what zipfile writes until it is fetched.

    It can't seek, so zipfile writes sizes after the content.
    """

    def __init__(self) -> None:
        self._pending = bytearray()

    def write(self, data: bytes) -> int:
        self._pending += data
        return len(data)

    def flush(self) -> None:
        return

    def take(self) -> bytes:
        data = bytes(self._pending)
        self._pending.clear()
        return data

    def __len__(self) -> int:
        return len(self._pending)


async def zipped(folder: FolderNode) -> AsyncIterator[bytes]:
    """Yield a zip of all below a folder, in memory bounded by one piece of a file.

    What the store has lost is left out, and named in a file at the zip's root: one bad job takes no other along.
    """
    sink, lost = _Sink(), list[str]()
    with zipfile.ZipFile(cast(IO[bytes], sink), "w", zipfile.ZIP_DEFLATED) as archive:
        async for path, node in _walk(folder, lost):
            info = zipfile.ZipInfo(path, date_time=_date(node))
            if isinstance(node, FolderNode):
                info.external_attr = 0o40755 << 16 | 0x10
                archive.writestr(info, b"")
                continue
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (0o100000 | node.mode) << 16
            try:
                content = await node.open(None)
            except PackageError as error:
                lost.append(f"{path}: {error}")
                continue
            with archive.open(info, "w", force_zip64=node.size is None or node.size >= 2**31) as out:
                async for piece in content:
                    await asyncio.to_thread(out.write, piece)
                    if len(sink) >= _PIECE_BYTES:
                        yield sink.take()
            if len(sink) >= _PIECE_BYTES:
                yield sink.take()
        if lost:
            archive.writestr(LOST, "".join(f"{line}\r\n" for line in lost))
    yield sink.take()


async def _walk(folder: FolderNode, lost: list[str], prefix: str = "") -> AsyncIterator[tuple[str, Node]]:
    """Yield all below a folder with their paths; a folder is told of only when it is empty.

    ``lost`` gets the folders below it that can't be read.
    """
    for node in await folder.children():
        path = prefix + node.name
        if isinstance(node, FileNode):
            yield path, node
            continue
        empty = True
        try:
            async for found in _walk(node, lost, f"{path}/"):
                empty = False
                yield found
        except PackageError as error:
            lost.append(f"{path}/: {error}")
            continue
        if empty:
            yield f"{path}/", node


def _date(node: Node) -> tuple[int, int, int, int, int, int]:
    utc = node.mtime.astimezone(UTC)
    return (
        (utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second) if utc.year >= 1980 else (1980, 1, 1, 0, 0, 0)
    )


@dataclass
class _Addition:
    """The files and folders that a zip adds to one job."""

    job_type: JobType
    name: str
    puts: dict[str, File] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)


class Zips:
    """Zips of the file tree of a site."""

    def __init__(
        self, store: ObjectStore, *, reading: Reading, writing: Writing, room: Room, limits: LimitsConfig
    ) -> None:
        self._store = store
        self._room = room
        self._reading = reading
        self._writing = writing
        self._limits = limits

    async def read(self, site: Site, path: str) -> tuple[str, AsyncIterator[bytes]]:
        """Return name and zip of a folder.

        Raises Missing for a file and for nothing.
        """
        node = await self._reading.find(site, path)
        if not isinstance(node, FolderNode):
            raise Missing
        return node.name, await begun(zipped(node))

    async def write(self, site: Site, path: str, *, body: AsyncIterable[bytes], size: int | None) -> int:
        """Unpack a zip over a folder; return how many files were ignored.

        Nothing is deleted, folders are made. Files of jobs are written, all of one job at once; others have no place
        here and are ignored, because the zip of a whole web site holds many. Nothing is written when the zip or a name
        in it can't be used. Without its trailing slash the folder must be there, else Missing; Forbidden below
        ``data``.
        """
        place(path)  # refuses what leads elsewhere
        first = next(iter(tree.segments(path)), "")
        if first.lower() == tree.DATA[0]:
            raise Forbidden(READ_ONLY)
        if first and not path.endswith("/") and not isinstance(await self._reading.find(site, path), FolderNode):
            raise Missing
        with tempfile.TemporaryFile() as file:
            received = await receive(body, size=size, file=file, limit=self._limits.upload_bytes)
            try:
                await self._room.take(site, await asyncio.to_thread(self._check, path, file, received))
            except (UploadError, tree.PathError) as error:
                raise BadRequest(str(error)) from error
            async with uploading(self._store, namespace=site.namespace):
                additions, ignored = await asyncio.to_thread(self._store_files, site, path, file, received)
                for addition in additions:
                    await self._writing.change(site, addition.job_type, addition.name, partial(_decide, addition))
        return ignored

    def _of_jobs(self, base: str, file: IO[bytes], size: int, folders: set[str]) -> Iterator[Entry | None]:
        """Yield the files of jobs in a zip; None for each that has no place here. Raises UploadError, BadRequest."""
        limits = Limits(total_bytes=self._limits.unpacked_bytes, files=self._limits.files)
        file.seek(0)
        for entry in zip_entries(file, size=size, limits=limits, folders_seen=folders):
            there = tree.place(f"{base}/{entry.path}")
            if isinstance(there, tree.JobFiles) and there.path:
                check_name(there.name)
                yield entry
            else:
                yield None

    def _check(self, base: str, file: IO[bytes], size: int) -> int:
        """Return the bytes of the files of jobs in a zip that can be used. Raises UploadError, PathError. Blocks."""
        folders: set[str] = set()
        sizes = survey(entry for entry in self._of_jobs(base, file, size, folders) if entry)
        for path in folders:
            tree.place(f"{base}/{path}")
        return sum(sizes.values())

    def _store_files(self, site: Site, base: str, file: IO[bytes], size: int) -> tuple[list[_Addition], int]:
        """Store the files of jobs; return them by job, and how many files were ignored. Blocks."""
        found: dict[tuple[JobType, str], _Addition] = {}
        ignored = 0

        def addition(there: tree.JobFiles) -> _Addition:
            check_name(there.name)
            key = (there.job_type, names.fold(there.name))
            return found.setdefault(key, _Addition(job_type=there.job_type, name=there.name))

        folders: set[str] = set()

        def of_jobs() -> Iterator[Entry]:
            nonlocal ignored
            for entry in self._of_jobs(base, file, size, folders):
                if entry:
                    yield entry
                else:
                    ignored += 1

        written = packages.write(self._store, namespace=site.namespace, entries=of_jobs())
        for path, stored in written.files.items():
            there = tree.place(f"{base}/{path}")
            if isinstance(there, tree.JobFiles):
                addition(there).puts[there.path] = stored
        for path in [*folders, ""]:
            there = tree.place(f"{base}/{path}")
            if isinstance(there, tree.JobFiles):
                addition(there).folders |= {there.path} - {""}
        return list(found.values()), ignored


def _decide(addition: _Addition, view: View | None) -> Change:
    for path in addition.puts:
        check_room(view, path)
    if view and any(folder in view.files for folder in addition.folders):
        raise Exists("A file is where the zip has a folder.")
    there = {folder for folder in addition.folders if _has_file_below(folder, addition.puts)}
    return Change(puts=addition.puts, adds_folders=frozenset(addition.folders - there), lenient=True)


def _has_file_below(folder: str, puts: dict[str, File]) -> bool:
    return any(path.startswith(f"{folder}/") for path in puts)
