"""The verdicts on the jobs of a zip before it is deployed: which of them run here as they are. Nothing is stored."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterable, Collection, Sequence
from dataclasses import dataclass
from typing import IO

from webjobs import names
from webjobs.model import JobType
from webjobs.runtimes.package import HEAD
from webjobs.verdict import Verdict, judge, schedule_of
from webjobs_apiserver.config import LimitsConfig
from webjobs_apiserver.errors import BadRequest
from webjobs_apiserver.service.deployments.places import ROOT
from webjobs_apiserver.service.deployments.preparation import NO_JOBS
from webjobs_apiserver.service.files.site_zip import SiteZip
from webjobs_apiserver.service.jobs import Jobs
from webjobs_apiserver.service.uploads import receive
from webjobs_apiserver.sites import Site

Key = tuple[JobType, str]
"""Type and folded name of a job."""


@dataclass(frozen=True, kw_only=True)
class JobVerdict:
    """The verdict on a job of a zip."""

    job_type: JobType
    """Type of the job."""
    name: str
    """Name of the job, as the zip spells it first."""
    files: int
    """Number of its files."""
    schedule: str
    """Schedule as settings.job says it; empty for none."""
    is_new: bool
    """False: the site has a job of that type and name."""
    verdict: Verdict
    """Verdict whether it runs here as it is."""


class Heads:
    """The beginnings of the files of one job, in a temporary file that all jobs of a zip share."""

    def __init__(self, spool: IO[bytes], *, name: str) -> None:
        self.name = name
        """Name of the job, as the zip spells it first."""
        self._spool = spool
        self._places: dict[str, tuple[int, int]] = {}

    def add(self, path: str, content: IO[bytes]) -> None:
        """Keep the first ``HEAD`` bytes of a file."""
        begin = self._spool.seek(0, 2)
        self._places[path] = (begin, self._spool.write(content.read(HEAD)))

    @property
    def paths(self) -> Collection[str]:
        """Paths of the files relative to the job's folder."""
        return self._places.keys()

    def read(self, path: str) -> bytes:
        """Return what is kept of a file."""
        begin, size = self._places[path]
        self._spool.seek(begin)
        return self._spool.read(size)


class Verdicts:
    """Looks into zips that could be deployed."""

    def __init__(self, *, jobs: Jobs, limits: LimitsConfig) -> None:
        self._jobs = jobs
        self._limits = limits

    async def of_zip(self, site: Site, *, body: AsyncIterable[bytes], size: int | None) -> Sequence[JobVerdict]:
        """Return the verdict on each job of a zip of the site, triggered ones first, each type by name.

        Raises BadRequest for a zip that a deployment would refuse, and TooLarge.
        """
        there = {(job.webjob.spec.type, names.fold(job.name)) for job in await self._jobs.list(site, scriptless=True)}
        with tempfile.TemporaryFile() as file:
            received = await receive(body, size=size, file=file, limit=self._limits.upload_bytes)
            zip_file = SiteZip(file, size=received, base=ROOT, limits=self._limits)
            return await asyncio.to_thread(self._looked_into, zip_file, there)

    def _looked_into(self, zip_file: SiteZip, there: Collection[Key]) -> Sequence[JobVerdict]:
        zip_file.check()
        found: dict[Key, Heads] = {}
        with tempfile.TemporaryFile() as spool:
            for place, content in zip_file.job_files():
                key = (place.job_type, names.fold(place.name))
                found.setdefault(key, Heads(spool, name=place.name)).add(place.path, content)
            if not found:
                raise BadRequest(NO_JOBS)
            jobs = sorted(found.items(), key=lambda one: names.listing_key(one[0][0], one[1].name))
            return [self._judged(key[0], heads, is_new=key not in there) for key, heads in jobs]

    def _judged(self, job_type: JobType, heads: Heads, *, is_new: bool) -> JobVerdict:
        found = judge(job_type, heads.paths, heads.read)
        return JobVerdict(
            job_type=job_type,
            name=heads.name,
            files=len(heads.paths),
            schedule=schedule_of(job_type, found.settings),
            is_new=is_new,
            verdict=found.verdict,
        )
