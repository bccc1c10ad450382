"""The commands backup and restore: a whole site as one file, through the REST shim."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import IO, Any

from webjobs_cli import new_file, output, text
from webjobs_cli.errors import OK, CliError, UsageError
from webjobs_cli.progress import Progress
from webjobs_cli.session import Session

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,99}\.tar")
_END = bytes(1024)
_PIECE_BYTES = 2**18
_WORDS = {"WebJob": "WebJobs", "WebJobRun": "WebJobRuns", "WebJobSchedule": "WebJobSchedules", "file": "files"}


async def backup(session: Session) -> int:
    """Download a backup of the site into a file, or to the standard output."""
    given: str | None = session.options.file
    async with session.rest() as rest, rest.backup() as (name, pieces):
        if given == "-":
            await _written(pieces, sys.stdout.buffer, session.progress("backing up"))
            return OK
        fallback = f"site-{session.clock():%Y%m%d-%H%M%S}.tar"
        path = given or (name if _NAME.fullmatch(name) else fallback)
        part = f"{path}.part"
        try:
            new_file.refuse_over(path)
            with new_file.create(part, over=True) as out:
                size = await _written(pieces, out, session.progress(f"backing up into {path}"))
            os.replace(part, path)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(part)
    if session.options.output in ("json", "yaml"):
        session.print(output.dump({"file": path, "bytes": size}, session.options.output), end="")
    else:
        session.print(f"backed up into {path}: {text.size(size)}. It holds the app settings: keep it like a password.")
    return OK


async def _written(pieces: AsyncIterator[bytes], out: IO[bytes], progress: Progress) -> int:
    size, last = 0, b""
    with progress:
        async for piece in pieces:
            await asyncio.to_thread(out.write, piece)
            size, last = size + len(piece), (last + piece)[-len(_END) :]
            progress.moved(size)
    out.flush()
    if last != _END:
        raise CliError("The backup was cut off, and is of no use: try again.")
    return size


async def restore(session: Session) -> int:
    """Upload a backup: restore a site, or only show what would be done."""
    options = session.options
    source, total = await asyncio.to_thread(_opened, options.file)
    with source:
        async with session.rest() as rest:
            with session.progress(f"restoring {options.file}", total=total) as progress:
                report = await rest.restore(_read(source, progress), dry_run=options.dry_run)
    if options.output in ("json", "yaml"):
        session.print(output.dump(report, options.output), end="")
        return OK
    session.print(text.table(*_table(report)), end="")
    for note in report.get("notes", []):
        session.tell(f"note: {text.plain(str(note))}")
    if options.dry_run:
        session.tell("Nothing was changed (--dry-run).")
    return OK


def _opened(file: str) -> tuple[IO[bytes], int | None]:
    """Return a backup that can be read, and its size."""
    if file == "-":
        return sys.stdin.buffer, None
    if not os.path.isfile(file):
        raise UsageError(f"There is no file {file!r}: give one that 'kubectl webjob backup' wrote.")
    return open(file, "rb"), os.path.getsize(file)


def _table(report: dict[str, Any]) -> tuple[list[str], list[list[str]]]:
    restored, kept = report.get("restored", {}), report.get("kept", {})
    rows = [[word, str(restored.get(key, 0)), str(kept.get(key, 0))] for key, word in _WORDS.items()]
    return ["WHAT", "RESTORED", "THERE ALREADY"], rows


async def _read(source: IO[bytes], progress: Progress) -> AsyncIterator[bytes]:
    sent = 0
    while piece := await asyncio.to_thread(source.read, _PIECE_BYTES):
        yield piece
        sent += len(piece)
        progress.moved(sent)
