"""The site's file tree: which path is what (docs/kudu-contract.md, sections 1.5 and 8).

Root is the site's HOME. Files of jobs lie in ``site/wwwroot/App_Data/jobs/{type}/{name}/``, with the old second place
``site/jobs/...`` as another name for the same files; logs in ``data/jobs/{type}/{name}/``, with ``LogFiles/jobs/...``
as another name for the same logs. Nothing else holds files.
Fixed names don't count case, as on Kudu's file system; names of jobs and files keep theirs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from webjobs.model import JobType

BINARIES = ("site", "wwwroot", "App_Data", "jobs")
"""Folder with the files of all jobs, as parts of a path."""
SECOND_BINARIES = ("site", "jobs")
"""Second folder that shows the files of all jobs, as parts of a path."""
DATA = ("data", "jobs")
"""Folder with the logs of all jobs, as parts of a path."""
LOG_FILES = ("LogFiles", "jobs")
"""Second folder that shows the logs of all jobs, as parts of a path: tools look for logs in LogFiles."""
TYPES: tuple[JobType, ...] = ("triggered", "continuous")
"""Types of jobs, each of which has a folder."""

_LONGEST_SEGMENT = 255
"""Most bytes of one part of a path, as Linux file systems hold them."""
_LONGEST_PATH = 512


class PathError(ValueError):
    """A path that no file here can have; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """A folder that is always there."""

    children: tuple[str, ...]
    """Names of the folders in the folder."""


@dataclass(frozen=True, kw_only=True)
class JobList:
    """The folder that holds one folder for each job of a type."""

    job_type: JobType
    """Type of the jobs."""
    data: bool
    """True for the folder of logs, False for the folder of files."""


@dataclass(frozen=True, kw_only=True)
class JobFiles:
    """A place in the files of a job."""

    job_type: JobType
    """Type of the job."""
    name: str
    """Name of the job, as the path has it."""
    path: str
    """Path relative to the job's folder, with ``/``; empty for the folder itself."""


@dataclass(frozen=True, kw_only=True)
class JobData:
    """A place in the logs of a job."""

    job_type: JobType
    """Type of the job."""
    name: str
    """Name of the job, as the path has it."""
    parts: tuple[str, ...]
    """Parts of the path below the job's folder."""


@dataclass(frozen=True, kw_only=True)
class Outside:
    """A place where no file can be."""


Place = Fixed | JobList | JobFiles | JobData | Outside
"""A place in the file tree, by what it is."""

_ROOTS: tuple[tuple[str, ...], ...] = tuple((*root, job_type) for root in (BINARIES, DATA) for job_type in TYPES)


def segments(path: str) -> tuple[str, ...]:
    """Return the parts of a path; empty ones don't count.

    Raises PathError for a path that could lead elsewhere, and for one that is too long.
    """
    parts = tuple(part for part in path.replace("\\", "/").split("/") if part)
    if any(part in (".", "..") for part in parts):
        raise PathError("The path must not contain '.' or '..' as a part.")
    if any(ord(char) < 32 or ord(char) == 127 or 0xD800 <= ord(char) < 0xE000 for part in parts for char in part):
        raise PathError("The path must not contain control characters.")
    if any(len(part.encode()) > _LONGEST_SEGMENT for part in parts):
        raise PathError(f"A part of the path has more than {_LONGEST_SEGMENT} bytes.")
    if sum(len(part.encode()) + 1 for part in parts) > 2 * _LONGEST_PATH:
        raise PathError("The path is too long.")
    return parts


def spelled(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the parts of a path with the folders on the way to the files of jobs as they are spelled here."""
    same = 0
    while same < min(len(parts), len(BINARIES)) and parts[same].lower() == BINARIES[same].lower():
        same += 1
    return (*BINARIES[:same], *parts[same:])


def canonical(path: str) -> str:
    """Return a path in the one spelling of it, without a slash at its front; one that means a folder ends with a slash.

    Raises PathError.
    """
    parts = segments(path)
    return "/".join(parts) + ("/" if parts and path.endswith(("/", "\\")) else "")


def place(path: str) -> Place:
    """Return what is at a path relative to the root of the file tree.

    Raises PathError.
    """
    parts = segments(path)
    folded = tuple(part.lower() for part in parts)
    for root, data in ((BINARIES, False), (SECOND_BINARIES, False), (DATA, True), (LOG_FILES, True)):
        depth = len(root)
        if folded[:depth] != tuple(part.lower() for part in root) or folded[depth : depth + 1] not in (
            ("triggered",),
            ("continuous",),
        ):
            continue
        job_type = cast(JobType, folded[depth])
        rest = parts[depth + 1 :]
        if not rest:
            return JobList(job_type=job_type, data=data)
        if data:
            return JobData(job_type=job_type, name=rest[0], parts=rest[1:])
        inner = "/".join(rest[1:])
        if len(inner.encode()) > _LONGEST_PATH:
            raise PathError(f"The path within the job has more than {_LONGEST_PATH} bytes.")
        return JobFiles(job_type=job_type, name=rest[0], path=inner)
    if folded in (SECOND_BINARIES, _lower(LOG_FILES)):
        return Fixed(children=TYPES)
    if folded == _lower(LOG_FILES[:1]):
        return Fixed(children=LOG_FILES[1:])
    below = {
        root[len(parts)]: None for root in _ROOTS if _lower(root[: len(parts)]) == folded and len(root) > len(parts)
    }
    return Fixed(children=tuple(below)) if below else Outside()


def _lower(parts: Iterable[str]) -> tuple[str, ...]:
    return tuple(part.lower() for part in parts)


@dataclass(frozen=True, kw_only=True)
class Children:
    """Names of the folders and files that a folder of a job holds."""

    folders: tuple[str, ...]
    """Names of the folders, sorted."""
    files: tuple[str, ...]
    """Names of the files, sorted."""


def parents(path: str) -> list[str]:
    """Return the folders above a file, the one at the root first; the root itself is not among them."""
    return [path[:at] for at, char in enumerate(path) if char == "/"]


def folders_of(files: Iterable[str], folders: Iterable[str] = ()) -> dict[str, Children]:
    """Return all folders of a tree by their paths (empty: the root), each with the names directly in it.

    ``files`` and ``folders`` are whole paths; a folder is there by its own or by a file somewhere below it. One pass:
    an upload may have thousands of each, and who looks for each of them anew is busy for minutes.
    """
    found: dict[str, tuple[set[str], set[str]]] = {"": (set(), set())}

    def add(folder: str) -> None:
        for path in (*parents(folder), folder):
            if path not in found:
                found[path] = (set(), set())
                above, _, name = path.rpartition("/")
                found[above][0].add(name)

    for folder in folders:
        add(folder)
    for path in files:
        above, _, name = path.rpartition("/")
        if above not in found:
            add(above)
        found[above][1].add(name)
    return {
        path: Children(folders=tuple(sorted(inside[0])), files=tuple(sorted(inside[1])))
        for path, inside in found.items()
    }
