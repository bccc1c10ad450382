"""Archived logs of runs."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from datetime import datetime

import obstore

from webjobs.store import ObjectStore, read_stream

OUTPUT = "output_log.txt"
"""Name of a run's log."""
ERRORS = "error_log.txt"
"""Name of the log with a run's lines of stderr."""


def run_log_key(*, namespace: str, webjob: str, run_id: str, file_name: str = OUTPUT) -> str:
    """Return the key of a run's log, or of a file beside it; ``webjob`` is the object name."""
    return f"{namespace}/data/jobs/triggered/{webjob}/{run_id}/{file_name}"


def error_log_key(key: str) -> str:
    """Return the key of the log with the lines of stderr, beside the run's log under ``key``."""
    return f"{key.removesuffix(OUTPUT)}{ERRORS}"


async def write(store: ObjectStore, key: str, content: AsyncIterable[bytes]) -> None:
    """Store a log as it comes, in bounded memory; readers see the old log or the whole new one."""
    await obstore.put_async(store, key, content)


async def read(
    store: ObjectStore, key: str, *, span: tuple[int, int] | None = None
) -> tuple[int, AsyncIterator[bytes]] | None:
    """Return the size of a log in bytes and its content in pieces (only ``span`` of it); None when there is none."""
    return await read_stream(store, key, span=span)


async def head(store: ObjectStore, key: str) -> tuple[int, datetime] | None:
    """Return the size of a log in bytes and the time of its last change (aware); None when there is none."""
    try:
        found = await obstore.head_async(store, key)
    except FileNotFoundError:
        return None
    return found["size"], found["last_modified"]


async def delete(store: ObjectStore, key: str) -> None:
    """Delete a log; do nothing when it is gone already."""
    try:
        await obstore.delete_async(store, key)
    except FileNotFoundError:
        return
