"""The zip of a web site, read for the jobs in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from webjobs import names
from webjobs.files import tree
from webjobs.files.unpack import Entry, Limits, UploadError, survey, zip_entries
from webjobs.model import JobType
from webjobs.store import ObjectStore, packages
from webjobs.store.packages import File
from webjobs_apiserver.config import LimitsConfig
from webjobs_apiserver.errors import BadRequest
from webjobs_apiserver.service.uploads import check_name


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
        return frozenset(
            folder for folder in self.folders if not any(path.startswith(f"{folder}/") for path in self.puts)
        )


class SiteZip:
    """A received zip that is unpacked over a folder of the file tree. All methods block.

    Files of jobs count; others have no place here and are ignored, because the zip of a whole web site holds many.
    """

    def __init__(self, file: IO[bytes], *, size: int, base: str, limits: LimitsConfig) -> None:
        self._file = file
        self._size = size
        self._base = base
        self._limits = limits
        self.ignored = 0
        """Number of files that are no job's, as of the last reading."""

    def check(self) -> int:
        """Return the bytes of the files of jobs.

        Raises BadRequest when the zip or a name in it can't be used.
        """
        folders: set[str] = set()
        try:
            sizes = survey(self._of_jobs(folders))
            for path in folders:
                self._place(path)
        except (UploadError, tree.PathError) as error:
            raise BadRequest(str(error)) from error
        return sum(sizes.values())

    def store(self, store: ObjectStore, *, namespace: str) -> list[Addition]:
        """Store the files of jobs as blobs; return them by job. To be called after ``check``."""
        found: dict[tuple[JobType, str], Addition] = {}
        folders: set[str] = set()
        written = packages.write(store, namespace=namespace, entries=self._of_jobs(folders))
        for path in [*written.files, *sorted(folders), ""]:
            there = self._place(path)
            if not isinstance(there, tree.JobFiles):
                continue
            check_name(there.name)
            key = (there.job_type, names.fold(there.name))
            addition = found.setdefault(key, Addition(job_type=there.job_type, name=there.name))
            if path in written.files:
                addition.puts[there.path] = written.files[path]
            else:
                addition.folders |= {there.path} - {""}
        return list(found.values())

    def _of_jobs(self, folders: set[str]) -> Iterator[Entry]:
        """Yield the files of jobs; count the others. Raises UploadError, BadRequest."""
        limits = Limits(total_bytes=self._limits.unpacked_bytes, files=self._limits.files)
        self._file.seek(0)
        self.ignored = 0
        for entry in zip_entries(self._file, size=self._size, limits=limits, folders_seen=folders):
            there = self._place(entry.path)
            if isinstance(there, tree.JobFiles) and there.path:
                check_name(there.name)
                yield entry
            else:
                self.ignored += 1

    def _place(self, path: str) -> tree.Place:
        return tree.place(f"{self._base}/{path}")
