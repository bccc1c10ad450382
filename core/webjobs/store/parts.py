"""What was read so far of the log of a run that goes on, a pod's lines in numbered parts beside the log to come.

A part is text, a line of it ``<level> <stamped line>``: as it was read, so that the log can be made from it later.
A level with ``+`` was not read as such: the line came among those of both streams.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import cast

import obstore

from webjobs import logs
from webjobs.logs import Level, Output
from webjobs.store import ObjectStore, read_stream
from webjobs.store.logs import OUTPUT

Last = dict[Level, tuple[datetime, str]]
"""Moment of the newest line of each stream."""


class Unread:
    """Tells the lines that come after ``last`` from those that a stream gives once more.

    Stamps are looked at no longer than they have to be: a stream's first new line ends it.
    """

    def __init__(self, last: Last) -> None:
        self._last = dict(last)

    def has(self, line: Output) -> bool:
        """Whether the line was not read before."""
        last = self._last.get(line.level)
        if last is None:
            return True
        if logs.moment(line.stamped) <= last:
            return False
        del self._last[line.level]
        return True


def _folder(log_key: str) -> str:
    return f"{log_key.removesuffix(OUTPUT)}parts"


async def write(store: ObjectStore, log_key: str, *, pod: str, number: int, lines: Iterable[Output]) -> None:
    """Stores a part; numbers begin with 0 and go up."""
    text = "".join(f"{line.level}{'+' * line.joined} {line.stamped}\n" for line in lines)
    await obstore.put_async(store, f"{_folder(log_key)}/{pod}/{number:06d}", text.encode("utf-8", "replace"))


async def keys(store: ObjectStore, log_key: str) -> dict[str, list[str]]:
    """Keys of the parts in their order, by the pod's name."""
    found: dict[str, list[str]] = {}
    async for batch in obstore.list(store, prefix=_folder(log_key)):
        for meta in batch:
            found.setdefault(meta["path"].rsplit("/", 2)[1], []).append(meta["path"])
    return {pod: sorted(own) for pod, own in sorted(found.items())}


async def read(store: ObjectStore, parts: Iterable[str], *, last: Last) -> AsyncIterator[Output]:
    """Lines of parts, in bounded memory. ``last`` is brought up to date on the way."""
    for key in parts:
        found = await read_stream(store, key)
        rest, newest = b"", dict[Level, str]()
        async for piece in found[1] if found else _nothing():
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                level, _, stamped = line.decode().partition(" ")
                joined = level.endswith("+")
                newest["INFO" if joined else cast(Level, level)] = stamped
                yield Output(stamped, cast(Level, level.rstrip("+")), joined)
        last |= {level: logs.moment(stamped) for level, stamped in newest.items()}


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""


async def delete(store: ObjectStore, log_key: str) -> None:
    """Removes all parts; fine when there are none."""
    found = await keys(store, log_key)
    for own in found.values():
        await obstore.delete_async(store, own)
