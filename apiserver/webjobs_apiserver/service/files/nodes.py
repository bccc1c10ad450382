"""Files and folders on their way to a client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from webjobs.store.job_files import Content, Source

Span = tuple[int, int]
"""Bytes from the first up to and without the second."""


@dataclass(frozen=True, kw_only=True)
class FileNode:
    """One file."""

    name: str
    size: int | None
    """Bytes; None for a log that still grows."""
    mtime: datetime
    """Aware, as all times here."""
    crtime: datetime
    etag: str | None
    """16 hex digits without quotes; None for a log that still grows."""
    open: Callable[[Span | None], Awaitable[AsyncIterator[bytes]]]
    """Its content or a part of it; raises before the first byte what can be known by then."""
    mode: int = 0o644


@dataclass(frozen=True, kw_only=True)
class FolderNode:
    """One folder."""

    name: str
    mtime: datetime
    crtime: datetime
    children: Callable[[], Awaitable[list[Node]]]


Node = FileNode | FolderNode


def etag_of(source: Source) -> str:
    """ETag of a job's file: Kudu makes it of the time alone, and so can't tell two writes of one moment."""
    if isinstance(source, Content):
        return tag(sha256(source.data).hexdigest())
    return tag(f"{source.sha256}:{source.mtime}")


def tag(text: str) -> str:
    """16 hex digits that stand for a text."""
    return sha256(text.encode()).hexdigest()[:16]


def in_memory(data: bytes) -> Callable[[Span | None], Awaitable[AsyncIterator[bytes]]]:
    """``open`` of a small file."""

    async def pieces(span: Span | None) -> AsyncIterator[bytes]:
        yield data[slice(*span)] if span else data

    async def open_(span: Span | None) -> AsyncIterator[bytes]:
        return pieces(span)

    return open_


async def nothing() -> AsyncIterator[bytes]:
    """No bytes."""
    return
    yield b""
