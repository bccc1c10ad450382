"""The places where App Service keeps the files of jobs: from the paths of a site to its jobs. Pure.

Taken are a site's HOME (``site/wwwroot/App_Data/jobs/...``), a wwwroot (``App_Data/jobs/...``), the folder of jobs
itself (``triggered/...``), each perhaps below one more folder, as zips have it. Fixed names don't count case.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar, cast

from webjobs import names
from webjobs.model import JobType, job_settings
from webjobs.store import job_files

T = TypeVar("T")
Key = tuple[JobType, str]
"""Type and name of a job."""

_PRIMARY = ("app_data", "jobs")
_SECONDARY = ("site", "jobs")
_TYPES = ("triggered", "continuous")
_DEEPEST = 4
"""Folders above App_Data that are looked through: a copy in the depth of a web site is not what runs."""


class LayoutError(ValueError):
    """Files that are not laid out as a site's; the message says what is expected, or what is twice there."""


def split(paths: Mapping[str, T]) -> dict[Key, dict[str, T]]:
    """Return the files of each job by their path in its folder.

    Where both places have a job of one name, that below wwwroot counts, as on App Service. Raises LayoutError when
    there are no jobs at all.
    """
    primary, secondary = _below(paths, _PRIMARY), _below(paths, _SECONDARY)
    found = primary or secondary or _below(paths, ())
    if not found:
        raise LayoutError(
            "no WebJobs are in it: expected App_Data/jobs/triggered/NAME/... or App_Data/jobs/continuous/NAME/... "
            "as in a wwwroot, or the folders triggered and continuous themselves"
        )
    if primary:
        known = {(job_type, names.fold(name)) for job_type, name in primary}
        found |= {key: files for key, files in secondary.items() if (key[0], names.fold(key[1])) not in known}
    _check_unique(found)
    return found


def _below(paths: Mapping[str, T], root: tuple[str, ...]) -> dict[Key, dict[str, T]]:
    found: dict[Key, dict[str, T]] = {}
    for path, value in paths.items():
        parts = path.split("/")
        folded = [part.lower() for part in parts]
        at = _start(folded, root)
        if at is None or len(parts) < at + 3:
            continue
        key = (cast(JobType, folded[at]), parts[at + 1])
        found.setdefault(key, {})["/".join(parts[at + 2 :])] = value
    return found


def _start(folded: list[str], root: tuple[str, ...]) -> int | None:
    """Return where the type's folder is in a path; None when it is no file of a job."""
    for above in range(min(_DEEPEST, len(folded)) if root else 2):
        at = above + len(root)
        if tuple(folded[above:at]) == root and folded[at : at + 1] and folded[at] in _TYPES:
            return at
    return None


def _check_unique(found: Mapping[Key, object]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for job_type, name in found:
        other = seen.setdefault((job_type, names.fold(name)), name)
        if other != name:
            raise LayoutError(f"the {job_type} jobs {other!r} and {name!r} are one for App Service: rename one of them")


def without_mirrors(files: Mapping[str, T], job_type: JobType) -> dict[str, T]:
    """Return a job's files without settings.job and disable.job, which follow fields of the WebJob."""
    mirrors = [job_settings.FILE_NAME] + ([job_settings.DISABLE_FILE_NAME] if job_type == "continuous" else [])
    hidden = {job_files.beside_script(files, name) for name in mirrors}
    return {path: file for path, file in files.items() if path not in hidden}
