"""The folders of a job's pod, as its process sees them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from webjobs.model import WebJob
from webjobs.model.site import site_content
from webjobs_operator.manifests.program import Program

WORK = "/webjobs/work"
"""WEBJOBS_PATH of a job without the content of its site."""
DATA = "/webjobs/data"
"""WEBJOBS_DATA_PATH of a job without the content of its site."""
TEMP = "/tmp"  # noqa: S108  the pod's own
"""Folder for files that nobody needs later."""


@dataclass(frozen=True, kw_only=True)
class Folders:
    """The folders of a job's pod."""

    files: str = WORK
    """Folder in which the volume with files is mounted."""
    work: str = WORK
    """WEBJOBS_PATH: the job's files."""
    data: str = DATA
    """WEBJOBS_DATA_PATH: the job's data."""
    home: str = TEMP  # the user has no other home
    """HOME."""
    webroot: str | None = None
    """WEBROOT_PATH: the content of the site; None: the job does not get it."""

    @property
    def made(self) -> tuple[str, ...]:
        """Folders that have to be made in the volume with files before the job's container starts."""
        return (self.work, self.data, f"{self.home}/LogFiles") if self.webroot else ()


def folders_of(webjob: WebJob, program: Program) -> Folders:
    """Return the folders of a job's pods: with the content of its site those of App Service, below one HOME."""
    if program.site_content is None:
        return Folders()
    kind, name = webjob.spec.type, webjob.display_name
    return Folders(
        files=site_content.HOME,
        work=site_content.job_folder(job_type=kind, name=name),
        data=site_content.data_folder(job_type=kind, name=name),
        home=site_content.HOME,
        webroot=site_content.WEBROOT,
    )
