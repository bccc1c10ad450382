"""Where a published artifact goes: the folder of the file tree that a request's ``path`` means. Pure."""

from __future__ import annotations

from webjobs.files import tree
from webjobs_apiserver.errors import BadRequest

ROOT = "site/wwwroot"
"""Folder of the web site, over which a zip is unpacked as a rule."""
_JOBS = "App_Data/jobs"
_NO_PLACE = (
    "path: there is nothing but WebJobs here. Use site/wwwroot, App_Data/jobs, or the folder of a type or of a WebJob "
    "below that."
)


def base_of(path: str) -> str:
    """Return the folder that a path names, relative to HOME.

    As Kudu's: relative to wwwroot, or absolute below /home. Raises BadRequest for one where no job can be.
    """
    try:
        parts = tree.segments(path)
    except tree.PathError as error:
        raise BadRequest(f"path: {error}") from error
    folded = tuple(part.lower() for part in parts)
    if path.startswith(("/", "\\")) and folded[:1] == ("home",):
        parts, folded = parts[1:], folded[1:]
    whole = "/".join(parts)
    if folded[:1] == ("jobs",):
        whole = f"{ROOT}/App_Data/{whole}"
    elif folded[:1] == ("data",) and folded[:2] == tree.DATA:
        whole = f"{ROOT}/{_JOBS}/{'/'.join(parts[2:])}".rstrip("/")
    elif folded[:1] != ("site",):
        whole = f"{ROOT}/{whole}".rstrip("/")
    there = tree.place(whole)
    if isinstance(there, tree.Outside | tree.JobData) or (isinstance(there, tree.JobList) and there.data):
        raise BadRequest(_NO_PLACE)
    return whole
