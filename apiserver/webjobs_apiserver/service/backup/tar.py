"""A tar as a stream: written and read entry by entry, with no more of it in memory than a piece."""

from __future__ import annotations

import tarfile
from collections.abc import AsyncIterator
from dataclasses import dataclass

from webjobs_apiserver.errors import BadRequest, TooLarge

END = bytes(2 * tarfile.BLOCKSIZE)
"""The end of a tar."""
_LONGEST_NAME = 4096
_NO_TAR = "The body is no backup: send the file as 'kubectl webjob backup' wrote it."


def head(name: str, size: int, *, when: float) -> bytes:
    """Return what comes before the content of a file."""
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, int(when), 0o600
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def padding(size: int) -> bytes:
    """Return what comes after the content of a file."""
    return bytes(-size % tarfile.BLOCKSIZE)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file of a tar that is being read."""

    name: str
    size: int
    content: AsyncIterator[bytes]
    """Content in pieces. What is not taken is skipped."""

    async def read(self, *, limit: int) -> bytes:
        """Return the whole content.

        Raises TooLarge beyond ``limit`` bytes.
        """
        if self.size > limit:
            raise TooLarge(f"{self.name} has {self.size} bytes, and at most {limit} are taken.")
        return b"".join([piece async for piece in self.content])


async def entries(source: AsyncIterator[bytes]) -> AsyncIterator[Entry]:
    """Yield the files of a tar in their order.

    Raises BadRequest for what is no tar, for one that is cut off, and for anything but plain files.
    """
    stream, name = _Stream(source), ""
    while True:
        block = await stream.exactly(tarfile.BLOCKSIZE)
        if not any(block):
            await stream.drain()
            return
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError:
            raise BadRequest(_NO_TAR) from None
        if info.size < 0:
            raise BadRequest(_NO_TAR)
        if info.type == tarfile.GNUTYPE_LONGNAME and info.size <= _LONGEST_NAME:
            name = (await stream.exactly(info.size)).rstrip(b"\0").decode("utf-8", "surrogateescape")
        elif info.type in (tarfile.REGTYPE, tarfile.AREGTYPE):
            stream.left = info.size
            yield Entry(name=name or info.name, size=info.size, content=stream.pieces())
            name = ""
            async for _ in stream.pieces():
                pass
        else:
            raise BadRequest(f"{info.name[:200]!r} is no plain file: {_NO_TAR}")
        await stream.exactly(-info.size % tarfile.BLOCKSIZE)


class _Stream:
    def __init__(self, source: AsyncIterator[bytes]) -> None:
        self._source = aiter(source)
        self._pending = b""
        self.left = 0
        """Bytes of the present entry that were not taken yet."""

    async def _more(self) -> None:
        piece = await anext(self._source, None)
        if piece is None:
            raise BadRequest("The backup is cut off: send the whole file.")
        self._pending += piece

    async def exactly(self, count: int) -> bytes:
        while len(self._pending) < count:
            await self._more()
        taken, self._pending = self._pending[:count], self._pending[count:]
        return taken

    async def pieces(self) -> AsyncIterator[bytes]:
        while self.left:
            if not self._pending:
                await self._more()
            piece, self._pending = self._pending[: self.left], self._pending[self.left :]
            self.left -= len(piece)
            yield piece

    async def drain(self) -> None:
        """Take what comes after the end."""
        async for _ in self._source:
            pass
