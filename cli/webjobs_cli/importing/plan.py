"""The plan of an import: the comparison of source and target, and what is to be done with each job. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from webjobs import names
from webjobs.model import JobType
from webjobs.model.site.site_settings import linux_name
from webjobs_cli.errors import UsageError
from webjobs_cli.importing.layout import without_mirrors
from webjobs_cli.importing.model import SourceJob, Step, TargetJob
from webjobs_cli.pack import LocalFile

Key = tuple[JobType, str]
"""Type and folded name of a job."""

_EXACT = 2**63
"""Bound of numbers that Kubernetes keeps exactly; it keeps larger ones as floats."""
SITE_SETTINGS = ("WEBSITE_TIME_ZONE",)
"""Settings of a site that concern WebJobs, beside those with the prefix."""
SITE_PREFIX = "WEBJOBS_"
"""Prefix of the settings of a site that concern WebJobs."""


def key(job: SourceJob) -> Key:
    """Return type and folded name of a job."""
    return job.job_type, names.fold(job.name)


def digests(files: Mapping[str, LocalFile], job_type: JobType) -> dict[str, str]:
    """Return sha256 of a job's files by path: what two copies of it are compared by."""
    return {path: file.sha256 for path, file in without_mirrors(files, job_type).items()}


def chosen(jobs: Sequence[SourceJob], wanted: Iterable[str] | None) -> list[SourceJob]:
    """Return the jobs of the given names, or all; triggered ones first, each type by name.

    Raises UsageError for an unknown name.
    """
    ordered = sorted(jobs, key=lambda job: names.listing_key(job.job_type, job.name))
    if wanted is None:
        return ordered
    for name in wanted:
        if not any(names.same(job.name, name) for job in jobs):
            raise UsageError(f"The source has no job {name!r}.")
    return [job for job in ordered if any(names.same(job.name, name) for name in wanted)]


def step(job: SourceJob, there: TargetJob | None) -> Step:
    """Return what is to be done with one job.

    ``there``: the job as the target has it; None: it is not there.
    """
    if job.problem:
        return Step(job=job, action="refuse", why=job.problem)
    if there is None:
        return Step(job=job, action="create")
    differs = []
    if digests(job.files, job.job_type) != dict(there.digests):
        differs.append("files")
    if not same_settings(job.settings, there.settings):
        differs.append("settings")
    if job.stopped != there.stopped:
        differs.append("stopped" if job.stopped else "started")
    return Step(job=job, action="update" if differs else "none", why=", ".join(differs))


def same_settings(one: Any, other: Any) -> bool:
    """Return whether two settings are equal once Kubernetes has stored them.

    It keeps no 60.0 and no endless integers.
    """
    return bool(_plain(one) == _plain(other))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return ("text", value) if isinstance(value, str) else ("word", str(value))
    if isinstance(value, int):
        if abs(value) < _EXACT:
            return ("number", value)
        return ("number", float(value) if abs(value) < 10**308 else math.inf)
    return ("number", int(value) if value.is_integer() and abs(value) < _EXACT else value)


def wanted_settings(source: Mapping[str, str], *, every: bool) -> tuple[dict[str, str], list[str]]:
    """Return the settings of a site that are carried over (those of WebJobs, or all), by their names here.

    Beside them stand the names that no setting can have here.
    """
    wanted: dict[str, str] = {}
    refused: list[str] = []
    for name, value in sorted(source.items()):
        if every or name.upper().startswith(SITE_PREFIX) or name.upper() in SITE_SETTINGS:
            here = linux_name(name)
            if here is None or wanted.get(here, value) != value:  # two names there that are one here
                refused.append(name)
            else:
                wanted[here] = value
    return wanted, refused


def changed_settings(wanted: Mapping[str, str], there: Mapping[str, str]) -> dict[str, str]:
    """Return the wanted settings that the target lacks or has with another value."""
    return {name: value for name, value in wanted.items() if there.get(name) != value}
