"""What a deployment stores before anything changes: a package for each job, and one for the site's content."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import IO

from webjobs.model.site.site_content import SiteContent
from webjobs.store import ObjectStore, packages
from webjobs.store.packages import Manifest
from webjobs_apiserver.config import LimitsConfig
from webjobs_apiserver.errors import BadRequest
from webjobs_apiserver.service.deployments.places import ROOT
from webjobs_apiserver.service.deployments.records import DeployedJob, Deployment
from webjobs_apiserver.service.deployments.rollout import Progress
from webjobs_apiserver.service.files.site_zip import SiteZip
from webjobs_apiserver.service.room import Room
from webjobs_apiserver.sites import Site

NO_JOBS = (
    "The zip has no WebJob, so nothing was deployed. Files of a WebJob lie in App_Data/jobs/triggered/NAME/ or "
    "App_Data/jobs/continuous/NAME/ of the zip."
)
"""Text of a deployment that would be empty."""
MISPLACED = (
    "{} files are left out, as they lie where folders of WebJobs are. Files of a WebJob lie in a folder with its name."
)
"""Line of the log of a deployment with files in ``App_Data/jobs/triggered`` itself, for example."""
MOST_JOBS = 1000
"""Most jobs of a deployment: the record that names them all has to fit into an object of Kubernetes."""
CONTENT_LIMIT = "apiserver.limits.siteContentBytes"
"""Value of the chart that bounds the content of a site."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """The files that are to be deployed; they are in the store."""

    jobs: tuple[DeployedJob, ...]
    """Jobs of the zip."""
    content: SiteContent | None
    """Content of the site; None: it stays as it is."""


async def known(deployment: Deployment, progress: Progress) -> Prepared:
    """Return what a deployment has stored already."""
    return Prepared(jobs=deployment.jobs or (), content=deployment.content)


class Preparation:
    """The first part of a deployment: its zip is looked at and stored."""

    def __init__(self, store: ObjectStore, *, room: Room, limits: LimitsConfig, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._room = room
        self._limits = limits
        self._clock = clock

    def zip_file(self, file: IO[bytes], *, size: int, base: str) -> SiteZip:
        """Return a received zip that is unpacked over a folder of the file tree."""
        # Only the zip of the whole site says what its content is.
        content_bytes = self._limits.site_content_bytes if base == ROOT else 0
        return SiteZip(file, size=size, base=base, limits=self._limits, content_bytes=content_bytes)

    async def store(self, site: Site, zip_file: SiteZip, progress: Progress) -> Prepared:
        """Store the jobs of a zip, each as a package of its own, and the content of the site; return them.

        Raises BadRequest for a zip that can't be used, and TooLarge when the site has no room.
        """
        says_content = zip_file.content_is_kept
        size = await asyncio.to_thread(zip_file.check)
        await self._room.take(site, size)
        progress.text = "Storing the files"
        jobs, content = await asyncio.to_thread(self._stored, site, zip_file)
        if zip_file.ignored:
            text = f"{zip_file.ignored} files outside of App_Data/jobs are left out."
            if says_content:
                text += f" They have more than {self._limits.site_content_bytes} bytes ({CONTENT_LIMIT} of the chart)."
            progress.say(text, now=self._clock(), type_=1 if says_content else 0)
        if zip_file.misplaced:
            progress.say(MISPLACED.format(zip_file.misplaced), now=self._clock(), type_=1)
        if not jobs:
            raise BadRequest(NO_JOBS)
        if len(jobs) > MOST_JOBS:
            raise BadRequest(f"The zip has {len(jobs)} WebJobs, and a deployment may have {MOST_JOBS}.")
        return Prepared(jobs=jobs, content=content if says_content else None)

    def _stored(self, site: Site, zip_file: SiteZip) -> tuple[tuple[DeployedJob, ...], SiteContent]:
        commit = partial(packages.commit, self._store, namespace=site.namespace)
        stored = zip_file.store(self._store, namespace=site.namespace)
        jobs = []
        for one in stored.jobs:
            digest = commit(manifest=Manifest(files=one.puts, folders=one.empty_folders))
            jobs.append(DeployedJob(job_type=one.job_type, name=one.name, package=digest))
        other = stored.content
        content = SiteContent(digest=commit(manifest=other), size=other.size, files=len(other.files))
        return tuple(jobs), content
