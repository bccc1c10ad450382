"""Copying of one store into another: ``python3 -m webjobs.store.migrate FROM TO``, by the URLs of two stores.

It can be repeated: what is there already is not copied again. So most of it is copied while the installation runs, and
what came meanwhile once its processes are away.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import obstore

from webjobs.store import FAILURES, UMASK, ObjectStore, open_store, read_stream

if TYPE_CHECKING:
    from obstore import ObjectMeta

AT_ONCE = 16
"""Objects that are copied at once."""
SKEW = timedelta(minutes=5)
"""Longest time by which the clocks of two stores may differ."""
_PASSING = "guard"
"""Folder of a namespace with announcements of processes (``webjobs.store.guard``), which are not copied."""
_TOLD_EACH = 1000


@dataclass
class Migration:
    """What came of the objects of a store."""

    copied: int = 0
    """Objects that were copied."""
    bytes: int = 0
    """Bytes of these."""
    there: int = 0
    """Objects that the target had already."""
    failed: list[str] = field(default_factory=list)
    """Keys that could not be copied, each with the reason."""

    @property
    def seen(self) -> int:
        """Objects that were dealt with."""
        return self.copied + self.there + len(self.failed)


def is_there(source: ObjectMeta, target: ObjectMeta | None) -> bool:
    """Return whether a target has an object as its source has it.

    An object that was written over has the later time, be its size the same. The clocks of both may differ by SKEW:
    what was written shortly before it was copied is copied once more.
    """
    return (
        target is not None
        and target["size"] == source["size"]
        and target["last_modified"] - source["last_modified"] > SKEW
    )


def is_kept(key: str) -> bool:
    """Return whether an object is copied: announcements of processes are not."""
    return key.split("/")[1:2] != [_PASSING]


async def migrate(source: ObjectStore, target: ObjectStore) -> AsyncIterator[Migration]:
    """Copy all objects of a store into another; yield what came of them, from time to time and at the end.

    One that can't be copied does not stop the others; one that goes meanwhile counts for nothing.
    """
    done, told = Migration(), 0
    running: set[asyncio.Task[None]] = set()
    for batch in obstore.list(source):
        for meta in batch:
            if not is_kept(meta["path"]):
                continue
            while len(running) >= AT_ONCE:
                _, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            running.add(asyncio.create_task(_one(source, target, meta, done)))
        if done.seen - told >= _TOLD_EACH:
            told = done.seen
            yield done
    if running:
        await asyncio.wait(running)
    yield done


async def _one(source: ObjectStore, target: ObjectStore, meta: ObjectMeta, done: Migration) -> None:
    key = meta["path"]
    try:
        if is_there(meta, await _head(target, key)):
            done.there += 1
            return
        found = await read_stream(source, key)
        if found is None:
            return
        size, pieces = found
        await obstore.put_async(target, key, pieces)
        after = await _head(target, key)
        if after is None or after["size"] != size:
            done.failed.append(f"{key}: the target has {after['size'] if after else 'nothing'} of its {size} bytes")
            return
        done.copied += 1
        done.bytes += size
    except FAILURES as error:
        done.failed.append(f"{key}: {error}")


async def _head(store: ObjectStore, key: str) -> ObjectMeta | None:
    try:
        return await obstore.head_async(store, key)
    except FileNotFoundError:
        return None


async def _main(source: str, target: str) -> int:
    """Migrate, and tell how far it is; return the exit code."""
    if source.rstrip("/") == target.rstrip("/"):
        print("FROM and TO are the same store.", file=sys.stderr)
        return 2
    done = Migration()
    async for done in migrate(open_store(source), open_store(target)):
        print(f"{done.copied} copied ({done.bytes} bytes), {done.there} there already", flush=True)
    for problem in done.failed:
        print(problem, file=sys.stderr)
    if done.failed:
        print(f"{len(done.failed)} objects could not be copied: run it once more.", file=sys.stderr)
    return 1 if done.failed else 0


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python3 -m webjobs.store.migrate", description="Copy a store into another.")
    parser.add_argument("source", metavar="FROM", help="URL of the store that is there, as store.url of the chart")
    parser.add_argument("target", metavar="TO", help="URL of the new store")
    options = parser.parse_args()
    # As the processes do: another user of the same group can go on with the files.
    os.umask(UMASK)
    code = asyncio.run(_main(options.source, options.target))
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads of obstore still let go of objects of Python's. One that does so while the interpreter ends aborts
    # the process, and a migration that is done would have failed.
    os._exit(code)


if __name__ == "__main__":
    main()
