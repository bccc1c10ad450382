"""Parts of the log of a run that goes on: what was read so far of each pod, in numbered objects beside the log to come.

A part is text, a line of it ``<level> <stamped line>``: as it was read, so that the log can be made from it later. A
level with ``+`` was not read as such: the line came among those of both streams.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from typing import cast

import obstore

from webjobs.logs.kudu_lines import Level, Output
from webjobs.store import ObjectStore, read_stream
from webjobs.store.run_logs import OUTPUT


def _folder(log_key: str) -> str:
    return f"{log_key.removesuffix(OUTPUT)}parts"


async def write(store: ObjectStore, log_key: str, *, pod: str, number: int, lines: Iterable[Output]) -> None:
    """Store a part of a run's log; the numbers of a pod's parts begin with 0 and go up."""
    text = "".join(f"{line.level}{'+' * line.joined} {line.stamped}\n" for line in lines)
    await obstore.put_async(store, f"{_folder(log_key)}/{pod}/{number:06d}", text.encode("utf-8", "replace"))


async def keys(store: ObjectStore, log_key: str) -> dict[str, list[str]]:
    """Return the keys of a run's stored parts in their order, by the pod's name."""
    found: dict[str, list[str]] = {}
    async for batch in obstore.list(store, prefix=_folder(log_key)):
        for meta in batch:
            found.setdefault(meta["path"].rsplit("/", 2)[1], []).append(meta["path"])
    return {pod: sorted(own) for pod, own in sorted(found.items())}


async def read(store: ObjectStore, parts: Iterable[str]) -> AsyncGenerator[Output]:
    """Yield the lines of stored parts, in bounded memory."""
    for key in parts:
        found = await read_stream(store, key)
        rest = b""
        async for piece in found[1] if found else _nothing():
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                level, _, stamped = line.decode().partition(" ")
                yield Output(stamped, cast(Level, level.rstrip("+")), level.endswith("+"))


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


async def delete(store: ObjectStore, log_key: str) -> None:
    """Delete all parts of a run's log; do nothing when there are none."""
    found = await keys(store, log_key)
    for own in found.values():
        await obstore.delete_async(store, own)
