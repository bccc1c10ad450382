"""A guard between uploads and the collection of garbage, by announcements in the store itself.

An upload announces itself and then looks for a collection; a collection announces itself and then looks for uploads.
Stores show what is written at once, so of two that meet at least one sees the other: the upload waits, the collection
gives up. Announcements of processes that died are old by the store's own clock, and then don't count.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from uuid import uuid4

import obstore

from webjobs.store import FAILURES, ObjectStore

log = logging.getLogger(__name__)

UPLOAD_LIMIT = timedelta(minutes=15)
"""Longest time that storing an upload may take; then it fails."""
_UPLOAD_VOID = UPLOAD_LIMIT + timedelta(minutes=5)
COLLECTION_LIMIT = timedelta(minutes=1)
"""Longest time after a collection's announcement in which a deletion may begin."""
_COLLECTION_VOID = COLLECTION_LIMIT + timedelta(minutes=2)
PATIENCE = timedelta(seconds=20)
"""Longest time that an upload waits for a collection, which is over in a moment as a rule."""
_PAUSE = 0.25

Sleep = Callable[[float], Awaitable[None]]


class Occupied(OSError):
    """A collection that does not end while an upload waits for it."""


def _uploads(namespace: str) -> str:
    return f"{namespace}/guard/uploads"


def _collections(namespace: str) -> str:
    return f"{namespace}/guard/collections"


@asynccontextmanager
async def uploading(store: ObjectStore, *, namespace: str, sleep: Sleep = asyncio.sleep) -> AsyncIterator[None]:
    """Hold off collections of a namespace for as long as the context lasts.

    For the writing of blobs and of a manifest that lists them, or of a manifest that lists blobs of another. Raises
    Occupied, and TimeoutError after UPLOAD_LIMIT.
    """
    async with _announced(store, _uploads(namespace)) as since, asyncio.timeout(UPLOAD_LIMIT.total_seconds()):
        for _ in range(int(PATIENCE.total_seconds() / _PAUSE)):
            if not await _others(store, _collections(namespace), since=since, void=_COLLECTION_VOID):
                break
            await sleep(_PAUSE)
        else:
            raise Occupied(f"packages of {namespace} are being collected")
        yield


@asynccontextmanager
async def collecting(store: ObjectStore, *, namespace: str) -> AsyncIterator[bool]:
    """Announce a collection for as long as the context lasts, in which blobs and manifests are deleted.

    Gives whether anything may be deleted: False while an upload goes on.
    """
    async with _announced(store, _collections(namespace)) as since:
        yield not await _others(store, _uploads(namespace), since=since, void=_UPLOAD_VOID)


@asynccontextmanager
async def _announced(store: ObjectStore, folder: str) -> AsyncIterator[datetime]:
    """Announce something for as long as the context lasts; give when it was announced, by the store's clock."""
    key = f"{folder}/{uuid4().hex}"
    await obstore.put_async(store, key, b"\n")
    try:
        yield (await obstore.head_async(store, key))["last_modified"]
    finally:
        try:
            await obstore.delete_async(store, key)
        except FAILURES as error:
            log.warning("announcement %s stays until it is void: %s", key, error)


async def _others(store: ObjectStore, folder: str, *, since: datetime, void: timedelta) -> bool:
    """Return whether somebody else has announced something that counts; remove announcements that don't count."""
    found = False
    async for batch in obstore.list(store, folder):
        for one in batch:
            if since - one["last_modified"] < void:
                found = True
            else:
                await obstore.delete_async(store, one["path"])
    return found
