"""Archived logs of runs."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from datetime import datetime

import obstore

from webjobs.store import ObjectStore, read_stream

OUTPUT = "output_log.txt"
ERRORS = "error_log.txt"


def run_log_key(*, namespace: str, webjob: str, run_id: str, file_name: str = OUTPUT) -> str:
    """Key of a run's log, or of a file beside it; ``webjob`` is the object name."""
    return f"{namespace}/data/jobs/triggered/{webjob}/{run_id}/{file_name}"


def error_log_key(key: str) -> str:
    """Key of the log with the lines of stderr, beside a run's log."""
    return f"{key.removesuffix(OUTPUT)}{ERRORS}"


async def write(store: ObjectStore, key: str, content: AsyncIterable[bytes]) -> None:
    """Stores a log as it comes, in bounded memory; readers see the old one or the whole new one."""
    await obstore.put_async(store, key, content)


async def read(
    store: ObjectStore, key: str, *, span: tuple[int, int] | None = None
) -> tuple[int, AsyncIterator[bytes]] | None:
    """Size in bytes and content in pieces (only ``span`` of it); None when there is none."""
    return await read_stream(store, key, span=span)


async def head(store: ObjectStore, key: str) -> tuple[int, datetime] | None:
    """Size in bytes and time of the last change (aware); None when there is none."""
    try:
        found = await obstore.head_async(store, key)
    except FileNotFoundError:
        return None
    return found["size"], found["last_modified"]


async def delete(store: ObjectStore, key: str) -> None:
    """Removes a log; fine when it is gone already."""
    try:
        await obstore.delete_async(store, key)
    except FileNotFoundError:
        return
