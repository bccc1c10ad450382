"""Packages and logs in an object store (a local folder, S3, Azure Blob, GCS, memory; by URL).

Every key begins with the namespace of its job: what one namespace stored can't be reached, nor its presence be
guessed, through another.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import obstore
from obstore.store import LocalStore, MemoryStore, ObjectStore, from_url

__all__ = ["ObjectStore", "open_store", "read_stream"]


def open_store(url: str) -> ObjectStore:
    """The store at a URL: ``file:///path`` (the folder is created), ``memory:///``, ``s3://bucket/prefix`` ..."""
    if url.startswith("memory:"):
        return MemoryStore()
    if url.startswith("file://"):
        return LocalStore(url.removeprefix("file://"), mkdir=True, automatic_cleanup=True)
    return from_url(url)


async def read_stream(
    store: ObjectStore, key: str, *, span: tuple[int, int] | None = None
) -> tuple[int, AsyncIterator[bytes]] | None:
    """Size in bytes and content in pieces of what is stored under a key; None when there is nothing.

    ``span``: only these bytes of it, from the first up to and without the second; the size is that of the whole.
    """
    try:
        found = await obstore.get_async(store, key, options={"range": span} if span else None)
    except FileNotFoundError:
        return None

    async def pieces() -> AsyncIterator[bytes]:
        async for piece in found.stream():
            yield bytes(piece)

    return found.meta["size"], pieces()
