"""The zip of all logs of a site, as support asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime

from webjobs.files import tree
from webjobs_apiserver.service.files.nodes import FileNode, FolderNode, Node, in_memory, tag
from webjobs_apiserver.service.files.reading import Reading
from webjobs_apiserver.service.files.zips import zipped
from webjobs_apiserver.service.job_logs import begun
from webjobs_apiserver.sites import Site


@dataclass(frozen=True, kw_only=True)
class Text:
    """A small file of a dump."""

    path: str
    """Path in the zip."""
    content: bytes
    """Content of the file."""


async def dumped(reading: Reading, site: Site, texts: Iterable[Text], *, now: datetime) -> AsyncIterator[bytes]:
    """Return a zip of some texts and of the logs of all jobs."""
    logs = await reading.find(site, f"{tree.LOG_FILES[0]}/")
    files = [_file(one, now) for one in texts]

    async def children() -> list[Node]:
        return [*files, logs]

    return await begun(zipped(FolderNode(name="", mtime=now, crtime=now, children=children)))


def _file(text: Text, now: datetime) -> FileNode:
    data = text.content
    etag = tag(data.decode("utf-8", "replace"))
    return FileNode(name=text.path, size=len(data), mtime=now, crtime=now, etag=etag, open=in_memory(data))
