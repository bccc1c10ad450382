"""``job_log.txt`` of each continuous job: a file that grows, in a store that can't append.

New lines go into a small object, the journal, which is written anew each time: its first line is JSON and says how far
each instance's story was told, the rest is the newest part of the log. So lines and what is known of them are stored by
one write. When the journal is large, its lines go into the file: first the file is written, then the journal says how
much of it counts. A writer that dies in between leaves a file of which the journal counts the old part only.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError

from webjobs.constants import PREVIOUS_LOG
from webjobs.logs import kudu_lines
from webjobs.logs.continuous_story import Position
from webjobs.store import ObjectStore, read_stream
from webjobs.store import run_logs as stored_logs

log = logging.getLogger(__name__)

FILE_NAME = "job_log.txt"
"""Name of the log of a continuous job."""
PREVIOUS_FILE_NAME = PREVIOUS_LOG
"""Name of the log of a continuous job once it was full and another one began."""
_JOURNAL = "job_log.journal"

LARGEST = 2**20
"""Most bytes of a log; a longer file becomes the previous one before more is added, as in Kudu."""
_JOURNAL_BYTES = 2**16
"""Bytes of lines in the journal, after which they go into the file."""
_STOPPED = 20
"""Instances that are gone and still known, so that late news of one are not taken for a new instance."""


class Changed(Exception):
    """Another writer has changed the journal since it was read."""


@dataclass(frozen=True, kw_only=True)
class Journal:
    """The stored state of a continuous job's log."""

    owner: str
    """UID of the WebJob: a WebJob that was made anew under the name has a log of its own."""
    positions: Mapping[str, Position] = field(default_factory=dict)
    """Position in each pod's story, by the pod's UID."""
    base: int = 0
    """Bytes of the file that count; the journal's lines come after them."""
    rolled: bool = False
    """True when there is a previous file."""
    lines: bytes = b""
    """Newest lines of the log, which are in the journal and not in the file."""
    tag: str | None = None
    """The store's name (ETag) for this version of the journal; None: nothing is stored."""
    modified: datetime = kudu_lines.NEVER[0]
    """When the journal was written last."""

    @property
    def size(self) -> int:
        """Size of the log in bytes."""
        return self.base + len(self.lines)

    def to_bytes(self) -> bytes:
        """Return the journal as it is stored."""
        positions = {uid: position.to_wire() for uid, position in self.positions.items()}
        head = {"owner": self.owner, "base": self.base, "rolled": self.rolled, "positions": positions}
        return json.dumps(head, separators=(",", ":")).encode() + b"\n" + self.lines


def key(*, namespace: str, webjob: str, file_name: str = FILE_NAME) -> str:
    """Return the key of the log (or of the previous one, or of the journal); ``webjob`` is the object name."""
    return f"{folder(namespace)}/{webjob}/{file_name}"


def folder(namespace: str) -> str:
    """Return the key prefix of the logs of all continuous jobs of a namespace, without the slash at its end."""
    return f"{namespace}/data/jobs/continuous"


async def read(store: ObjectStore, *, namespace: str, webjob: str, owner: str) -> Journal:
    """Return the stored journal of the WebJob with a UID.

    An empty one when nothing is stored, when the stored one can't be read, and when it is the log of another WebJob
    under the same name.
    """
    try:
        found = await obstore.get_async(store, key(namespace=namespace, webjob=webjob, file_name=_JOURNAL))
        content = bytes(await found.bytes_async())
    except FileNotFoundError:
        return Journal(owner=owner)
    new = Journal(owner=owner, tag=found.meta["e_tag"] or "", modified=found.meta["last_modified"])
    head, _, lines = content.partition(b"\n")
    try:
        wire = json.loads(head)
        if wire["owner"] != owner:
            return new
        positions = {uid: Position.of_wire(position) for uid, position in wire["positions"].items()}
        return replace(new, positions=positions, base=int(wire["base"]), rolled=bool(wire["rolled"]), lines=lines)
    except (ValueError, LookupError, TypeError, AttributeError):
        log.error("the journal of %s/%s can't be read, its log begins anew", namespace, webjob)
        return new


async def append(
    store: ObjectStore,
    journal: Journal,
    *,
    namespace: str,
    webjob: str,
    text: bytes,
    positions: Mapping[str, Position],
    there: Collection[str] = (),
) -> Journal:
    """Store whole lines at the end of a log with the positions that they reach; roll over before that when it is time.

    ``journal``: as it was just read; ``there``: UIDs of the pods that are there. Returns what is stored now. Raises
    Changed when somebody else was faster, where the store can tell (a folder can't). A call that fails has added all or
    nothing.
    """
    if journal.size > LARGEST:
        await _write_whole(store, journal, namespace=namespace, webjob=webjob, file_name=PREVIOUS_FILE_NAME)
        journal = replace(journal, base=0, lines=b"", rolled=True)
    elif len(journal.lines) > _JOURNAL_BYTES:
        size = await _write_whole(store, journal, namespace=namespace, webjob=webjob, file_name=FILE_NAME)
        journal = replace(journal, base=size, lines=b"")
    known = {**journal.positions, **positions}
    gone = [uid for uid, position in known.items() if position.stage == "stopped" and uid not in there]
    for uid in gone[:-_STOPPED]:
        del known[uid]
    journal = replace(journal, positions=known, lines=journal.lines + text)
    own = key(namespace=namespace, webjob=webjob, file_name=_JOURNAL)
    await _put(store, own, journal.to_bytes(), tag=journal.tag)
    return journal


async def _write_whole(store: ObjectStore, journal: Journal, *, namespace: str, webjob: str, file_name: str) -> int:
    """Store the log as one file; return its size in bytes."""
    whole = b""
    if journal.base:
        file = key(namespace=namespace, webjob=webjob)
        try:
            whole = bytes(await (await obstore.get_async(store, file)).bytes_async())[: journal.base]
        except FileNotFoundError:
            log.error("%s is gone; what is left of the log goes on", file)
    whole += journal.lines
    await obstore.put_async(store, key(namespace=namespace, webjob=webjob, file_name=file_name), whole)
    return len(whole)


async def _put(store: ObjectStore, key: str, content: bytes, *, tag: str | None) -> None:
    try:
        if tag is None:
            await obstore.put_async(store, key, content, mode="create", use_multipart=False)
            return
        try:
            await obstore.put_async(store, key, content, mode={"e_tag": tag}, use_multipart=False)
        except NotImplementedError:  # a folder
            await obstore.put_async(store, key, content)
    except (AlreadyExistsError, PreconditionError) as error:
        raise Changed(key) from error


async def content(
    store: ObjectStore, journal: Journal, *, namespace: str, webjob: str, span: tuple[int, int] | None = None
) -> AsyncIterator[bytes]:
    """Return the content of a log in pieces.

    ``span``: only these bytes of it, from the first up to and without the second. Raises Changed when the log has
    rolled over.
    """
    start, end = span or (0, journal.size)
    pieces: AsyncIterator[bytes] | None = None
    if start < min(end, journal.base):
        file = key(namespace=namespace, webjob=webjob)
        found = await read_stream(store, file, span=(start, min(end, journal.base)))
        if found is None or found[0] < journal.base:
            raise Changed(file)
        pieces = found[1]
    own = journal.lines[max(start - journal.base, 0) : max(end - journal.base, 0)]

    async def both() -> AsyncIterator[bytes]:
        if pieces:
            async for piece in pieces:
                yield piece
        if own:
            yield own

    return both()


async def delete(store: ObjectStore, *, namespace: str, webjob: str) -> None:
    """Delete all that is stored of a log; do nothing when it is gone already.

    The journal goes last: it says what there is.
    """
    for name in (PREVIOUS_FILE_NAME, FILE_NAME, _JOURNAL):
        await stored_logs.delete(store, key(namespace=namespace, webjob=webjob, file_name=name))


async def webjobs(store: ObjectStore, *, namespace: str) -> list[str]:
    """Return the object names of the WebJobs of a namespace that have a log."""
    found = await obstore.list_with_delimiter_async(store, folder(namespace))
    return [str(prefix).rpartition("/")[2] for prefix in found["common_prefixes"]]
