"""The facade of the ARM routers: Kudu's objects of a site, and envelopes around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fastapi import Request

from webjobs.model import WebJobRun
from webjobs_apiserver import sites
from webjobs_apiserver.arm import bodies
from webjobs_apiserver.arm.bodies import Body
from webjobs_apiserver.http import responses
from webjobs_apiserver.kudu import bodies as kudu_bodies
from webjobs_apiserver.service.service import Service
from webjobs_apiserver.watching.job import Job

REGION = "x-ms-geo-location"
"""Header of ARM's own requests to a site: their mark, and the region of the site."""


@dataclass(frozen=True, kw_only=True)
class Facade:
    """The service, and the bodies of ARM's answers, for the routers."""

    service: Service
    """Operations on sites."""

    def site(self, request: Request) -> sites.Site:
        """Return the site that the gate has found."""
        return sites.of_request(request)

    async def job(self, request: Request, job: Job) -> Body:
        """Return Kudu's object of a job."""
        if job.webjob.spec.type == "continuous":
            return kudu_bodies.continuous(job, base=self.base(request))
        latest = await self.service.runs.latest_of(self.site(request), job)
        return self._triggered(request, job, latest)

    async def jobs(self, request: Request, jobs: Sequence[Job]) -> list[Body]:
        """Return Kudu's objects of jobs, by not more than one read."""
        latest: Mapping[str, WebJobRun] = {}
        if any(job.webjob.spec.type == "triggered" for job in jobs):
            latest = await self.service.runs.latest(self.site(request))
        base = self.base(request)
        return [
            kudu_bodies.continuous(job, base=base)
            if job.webjob.spec.type == "continuous"
            else self._triggered(request, job, latest.get(job.object_name))
            for job in jobs
        ]

    def _triggered(self, request: Request, job: Job, latest: WebJobRun | None) -> Body:
        return kudu_bodies.triggered(job, latest=latest, base=self.base(request), now=self.service.clock())

    def runs(self, request: Request, job: Job, known: Sequence[WebJobRun]) -> list[Body]:
        """Return Kudu's objects of runs."""
        base, now = self.base(request), self.service.clock()
        return [kudu_bodies.run(run, job_name=job.name, base=base, now=now) for run in known]

    def base(self, request: Request) -> str:
        """Return scheme and host of Kudu's URLs of the site, which is not always that of the request's host."""
        own = self.site(request).host
        if not own or sites.host_name(request.url.netloc) == own:
            return responses.base_url(request)
        port = f":{request.url.port}" if request.url.port else ""
        return f"{request.url.scheme}://{own}{port}"

    def envelope(self, request: Request, properties: Body, *, identifier: str) -> Body:
        """Return a resource: properties in ARM's envelope.

        ``identifier``: path of the resource.
        """
        return bodies.envelope(properties, identifier=identifier, location=request.headers.get(REGION))

    def listed(self, request: Request, entries: Sequence[tuple[str, Body]], *, identifier: str) -> list[Body]:
        """Return the resources of a list: of names and properties, below the path of the list."""
        return bodies.listed(entries, identifier=identifier, location=request.headers.get(REGION))
