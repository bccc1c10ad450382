"""Files and folders on their way to a client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from webjobs import times
from webjobs.store import ObjectStore, packages
from webjobs.store.job_files import Content, Source
from webjobs.store.packages import File
from webjobs_apiserver.watching.job import Job

Span = tuple[int, int]
"""Bytes from the first up to and without the second."""


@dataclass(frozen=True, kw_only=True)
class FileNode:
    """A file of the tree."""

    name: str
    """Name of the file."""
    size: int | None
    """Size of the file in bytes; None for a log that still grows."""
    mtime: datetime
    """When the file was changed last; aware."""
    crtime: datetime
    """When the file was created; aware."""
    etag: str | None
    """ETag of the file, 16 hex digits without quotes; None for a log that still grows."""
    open: Callable[[Span | None], Awaitable[AsyncIterator[bytes]]]
    """Function that returns the content of the file or a part of it. It raises before the first byte what can be known
    by then."""
    mode: int = 0o644
    """Permission bits of the file."""


@dataclass(frozen=True, kw_only=True)
class FolderNode:
    """A folder of the tree."""

    name: str
    """Name of the folder."""
    mtime: datetime
    """When the folder was changed last; aware."""
    crtime: datetime
    """When the folder was created; aware."""
    children: Callable[[], Awaitable[list[Node]]]
    """Function that returns what the folder holds."""


Node = FileNode | FolderNode
"""A file or folder of the tree."""


def etag_of(source: Source) -> str:
    """Return the ETag of a job's file.

    Kudu makes it of the time alone, and so can't tell two writes of one moment.
    """
    if isinstance(source, Content):
        return tag(sha256(source.data).hexdigest())
    return tag(f"{source.sha256}:{source.mtime}")


def tag(text: str) -> str:
    """Return 16 hex digits that stand for a text."""
    return sha256(text.encode()).hexdigest()[:16]


def in_memory(data: bytes) -> Callable[[Span | None], Awaitable[AsyncIterator[bytes]]]:
    """Return ``open`` of a small file."""

    async def pieces(span: Span | None) -> AsyncIterator[bytes]:
        yield data[slice(*span)] if span else data

    async def open_(span: Span | None) -> AsyncIterator[bytes]:
        return pieces(span)

    return open_


async def nothing() -> AsyncIterator[bytes]:
    """Yield no bytes."""
    return
    yield b""


def in_store(
    store: ObjectStore, *, namespace: str, file: File
) -> Callable[[Span | None], Awaitable[AsyncIterator[bytes]]]:
    """Return ``open`` of a file of a package."""

    async def open_(span: Span | None) -> AsyncIterator[bytes]:
        return await packages.open_file(store, namespace=namespace, file=file, span=span)

    return open_


def folder(name: str, when: datetime, children: Callable[[], Awaitable[list[Node]]]) -> FolderNode:
    """Return a folder that was made at a time, and not changed since. ``children``: returns what it holds."""
    return FolderNode(name=name, mtime=when, crtime=when, children=children)


def created_at(job: Job) -> datetime:
    """Return when the WebJob of a job was created."""
    return times.parse_time(job.webjob.metadata.creation_timestamp)
