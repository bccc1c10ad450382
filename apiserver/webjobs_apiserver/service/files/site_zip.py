"""The zip of a web site, read for the jobs in it, and for the other files that jobs may need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from webjobs import names
from webjobs.files import tree
from webjobs.files.unpack import Entry, Limits, UploadError, too_large, zip_entries
from webjobs.model import JobType
from webjobs.store import ObjectStore, packages
from webjobs.store.packages import File, Manifest
from webjobs_apiserver.config import LimitsConfig
from webjobs_apiserver.errors import BadRequest
from webjobs_apiserver.service.uploads import check_name

_PIECE_BYTES = 2**20
_ROOT = tree.BINARIES[:2]


@dataclass
class Addition:
    """The files and folders that a zip has for one job."""

    job_type: JobType
    """Type of the job."""
    name: str
    """Name of the job, as the zip spells it first."""
    puts: dict[str, File] = field(default_factory=dict)
    """Files by their paths relative to the job's folder; they are in the store."""
    folders: set[str] = field(default_factory=set)
    """Paths of the folders that the zip names."""

    @property
    def empty_folders(self) -> frozenset[str]:
        """Folders without a file below them."""
        held = {folder for path in self.puts for folder in tree.parents(path)}
        return frozenset(self.folders - held)


@dataclass(frozen=True, kw_only=True)
class Stored:
    """The files of a zip that are in the store."""

    jobs: list[Addition]
    """Files of jobs, by job."""
    content: Manifest
    """Other files by their paths relative to the folder of the web site, as far as they are kept."""


class SiteZip:
    """A received zip that is unpacked over a folder of the file tree. All methods block.

    Files of jobs count. Others are the content of the site, and are kept up to ``content_bytes`` together; beyond that,
    and where 0 is said, they are ignored, because the zip of a whole web site holds many.
    """

    def __init__(self, file: IO[bytes], *, size: int, base: str, limits: LimitsConfig, content_bytes: int = 0) -> None:
        self._file = file
        self._size = size
        self._base = base
        self._limits = limits
        self._content_bytes = content_bytes
        self.content_is_kept = content_bytes > 0
        """False when the content is ignored; known once the zip was checked."""
        self.ignored = 0
        """Number of files that are ignored, as of the last reading."""
        self.misplaced = 0
        """Number of files that lie where folders of jobs are, as of the last reading: as content they would be
        in the way of these folders. 0 while all content is ignored."""

    def check(self) -> int:
        """Return the bytes of the files that are kept.

        Raises BadRequest when the zip or a name in it can't be used.
        """
        folders: set[str] = set()
        content: set[str] = set()
        of_jobs = of_content = 0
        most = self._limits.unpacked_bytes
        try:
            for entry in self._kept(folders):
                if self._job_files(entry.path):
                    of_jobs += _read(entry, most=most - of_jobs)
                    if of_jobs > most:  # room that the content leaves is none for jobs
                        raise too_large(most)
                    continue
                content.add(_spelled(entry.path))
                of_content += _read(entry, most=self._content_bytes - of_content)
                self.content_is_kept = of_content <= self._content_bytes
            for path in folders:
                self._place(path)
            if both := next((path for path in content if not content.isdisjoint(tree.parents(path))), None):
                raise UploadError(f"The zip has a file and a folder with one name on the way to {both!r}.")
        except (UploadError, tree.PathError) as error:
            raise BadRequest(str(error)) from error
        return of_jobs + (of_content if self.content_is_kept else 0)

    def store(self, store: ObjectStore, *, namespace: str) -> Stored:
        """Store the files that are kept as blobs; return them. To be called after ``check``."""
        found: dict[tuple[JobType, str], Addition] = {}
        content: dict[str, File] = {}
        folders: set[str] = set()
        written = packages.write(store, namespace=namespace, entries=self._kept(folders))
        for path in [*written.files, *sorted(folders), ""]:
            there = self._place(path)
            if not isinstance(there, tree.JobFiles):
                if path in written.files:
                    content[_spelled(path)] = written.files[path]
                continue
            check_name(there.name)
            key = (there.job_type, names.fold(there.name))
            addition = found.setdefault(key, Addition(job_type=there.job_type, name=there.name))
            if path in written.files:
                addition.puts[there.path] = written.files[path]
            else:
                addition.folders |= {there.path} - {""}
        return Stored(jobs=list(found.values()), content=Manifest(files=content))

    def job_files(self) -> Iterator[tuple[tree.JobFiles, IO[bytes]]]:
        """Yield place and content of each file of a job; to be called after ``check``.

        A content is to be read before the next one is asked for.
        """
        for entry in self._kept(set()):
            if there := self._job_files(entry.path):
                yield there, entry.content

    def _kept(self, folders: set[str]) -> Iterator[Entry]:
        """Yield the files that are kept; count the others. Raises UploadError, BadRequest."""
        total = self._limits.unpacked_bytes
        if self._content_bytes:
            total += self._content_bytes + _PIECE_BYTES  # it is read beyond its own limit before that is known
        limits = Limits(total_bytes=total, files=self._limits.files)
        self._file.seek(0)
        self.ignored = self.misplaced = 0
        for entry in zip_entries(self._file, size=self._size, limits=limits, folders_seen=folders):
            if there := self._job_files(entry.path):
                check_name(there.name)
                yield entry
            elif not self.content_is_kept:
                self.ignored += 1
            elif isinstance(self._place(entry.path), tree.Outside):
                yield entry
            else:
                self.misplaced += 1

    def _job_files(self, path: str) -> tree.JobFiles | None:
        """Return the place of a job's file; None for another file."""
        there = self._place(path)
        return there if isinstance(there, tree.JobFiles) and there.path else None

    def _place(self, path: str) -> tree.Place:
        return tree.place(f"{self._base}/{path}")


def _spelled(path: str) -> str:
    """Return the path of a file of the content with App_Data and jobs as pods have them.

    To a web site made on Windows case does not matter, and jobs look for the file beside their own folders.
    """
    return "/".join(tree.spelled((*_ROOT, *path.split("/")))[len(_ROOT) :])


def _read(entry: Entry, *, most: int) -> int:
    """Read a file to its end, or until it has more than ``most`` bytes; return the bytes that were read.

    Before anything is stored, so that nothing is left of a zip that can't be used.
    """
    size = 0
    while size <= most and (piece := entry.content.read(_PIECE_BYTES)):
        size += len(piece)
    return size
