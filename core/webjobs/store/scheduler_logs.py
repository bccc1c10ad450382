"""``job_scheduler.log`` of each triggered job, in two files of bounded size."""

from __future__ import annotations

import obstore

from webjobs.logs.scheduler_lines import FILE_NAME, PREVIOUS_FILE_NAME
from webjobs.store import ObjectStore

LARGEST = 2**16
"""Bytes after which the file becomes the previous one. Kudu has 1 MiB; object stores can't append, and each line writes
the file anew."""


def key(*, namespace: str, webjob: str, file_name: str = FILE_NAME) -> str:
    """Return the key of the scheduler's log (or of the previous one); ``webjob`` is the object name."""
    return f"{namespace}/data/jobs/triggered/{webjob}/{file_name}"


async def append(store: ObjectStore, *, namespace: str, webjob: str, text: bytes) -> None:
    """Store whole lines at the end of the scheduler's log.

    One writer at a time: of two that write at once, one's lines are lost.
    """
    own = key(namespace=namespace, webjob=webjob)
    try:
        found = await obstore.get_async(store, own)
        before = bytes(await found.bytes_async())
    except FileNotFoundError:
        before = b""
    if len(before) > LARGEST:
        previous = key(namespace=namespace, webjob=webjob, file_name=PREVIOUS_FILE_NAME)
        await obstore.put_async(store, previous, before)
        before = b""
    await obstore.put_async(store, own, before + text)


async def delete(store: ObjectStore, *, namespace: str, webjob: str) -> None:
    """Delete both files of the scheduler's log; do nothing when they are gone already."""
    for name in (FILE_NAME, PREVIOUS_FILE_NAME):
        try:
            await obstore.delete_async(store, key(namespace=namespace, webjob=webjob, file_name=name))
        except FileNotFoundError:
            continue
