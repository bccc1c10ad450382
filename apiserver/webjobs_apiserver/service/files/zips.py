"""The file tree as zips: a folder out, and a zip in over what is there."""

from __future__ import annotations

import asyncio
import tempfile
import zipfile
from collections.abc import AsyncIterable, AsyncIterator
from datetime import UTC
from functools import partial
from typing import IO, cast

from webjobs.files import tree
from webjobs.store import ObjectStore
from webjobs.store.guard import uploading
from webjobs.store.job_files import Change, View
from webjobs.store.packages import PackageError
from webjobs_apiserver.config import LimitsConfig
from webjobs_apiserver.errors import Exists, Forbidden, Missing
from webjobs_apiserver.service.files.nodes import FileNode, FolderNode, Node
from webjobs_apiserver.service.files.reading import Reading, place
from webjobs_apiserver.service.files.site_zip import Addition, SiteZip
from webjobs_apiserver.service.files.writing import Writing, check_room
from webjobs_apiserver.service.job_logs import begun
from webjobs_apiserver.service.room import Room
from webjobs_apiserver.service.uploads import receive
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
            zip_file = SiteZip(file, size=received, base=path, limits=self._limits)
            await self._room.take(site, await asyncio.to_thread(zip_file.check))
            async with uploading(self._store, namespace=site.namespace):
                stored = await asyncio.to_thread(zip_file.store, self._store, namespace=site.namespace)
                for addition in stored.jobs:
                    await self._writing.change(site, addition.job_type, addition.name, partial(_decide, addition))
        return zip_file.ignored


def _decide(addition: Addition, view: View | None) -> Change:
    for path in addition.puts:
        check_room(view, path)
    if view and any(folder in view.files for folder in addition.folders):
        raise Exists("A file is where the zip has a folder.")
    return Change(puts=addition.puts, adds_folders=addition.empty_folders, lenient=True)
