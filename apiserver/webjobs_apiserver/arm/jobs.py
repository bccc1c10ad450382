"""ARM's routes ``.../webjobs``, ``.../triggeredwebjobs`` and ``.../continuouswebjobs``: list, get and delete jobs."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from webjobs import names
from webjobs.model import JobType
from webjobs_apiserver.arm import bodies, paging, paths
from webjobs_apiserver.arm.facade import Facade
from webjobs_apiserver.errors import Missing
from webjobs_apiserver.http import responses
from webjobs_apiserver.watching.job import Job


def _key(job: Job) -> str:
    """Return the key by which jobs are ordered as in Kudu's lists: triggered ones first, each type by name."""
    order = "1" if job.webjob.spec.type == "continuous" else "0"
    return f"{order}{names.fold(job.name)}\0{job.object_name}"


def next_link(request: Request, *, after: str | None) -> dict[str, str]:
    """Return what a list says of its next page; empty for the last page."""
    if after is None:
        return {}
    url = f"{responses.base_url(request)}{paths.sent(request.scope)}"
    return {"nextLink": paging.link(url, request.url.query, after=after)}


async def _page(facade: Facade, request: Request, job_type: JobType | None) -> Response:
    jobs = await facade.service.jobs.list(facade.site(request), job_type)
    jobs, after = paging.page(jobs, key=_key, after=paging.after_of(request.url.query))
    entries = [(body["name"], bodies.job(body)) for body in await facade.jobs(request, jobs)]
    found = facade.listed(request, entries, identifier=request.scope["path"])
    return responses.json_answer({"value": found, **next_link(request, after=after)})


async def _one(facade: Facade, request: Request, job: Job) -> Response:
    properties = bodies.job(await facade.job(request, job))
    return responses.json_answer(facade.envelope(request, properties, identifier=request.scope["path"]))


def all_jobs(facade: Facade, prefix: str) -> APIRouter:
    """Return the routes below ``.../webjobs``: jobs of both types."""
    service = facade.service
    routes = APIRouter(prefix=f"{prefix}/webjobs")

    @routes.get("")
    async def every(request: Request) -> Response:
        return await _page(facade, request, None)

    @routes.get("/{name}")
    async def get(request: Request, name: str) -> Response:
        site = facade.site(request)
        job = await service.jobs.find(site, "triggered", name) or await service.jobs.find(site, "continuous", name)
        if job is None:
            raise Missing
        return await _one(facade, request, job)

    return routes


def jobs_of(facade: Facade, prefix: str, job_type: JobType) -> APIRouter:
    """Return the routes that jobs of each type have."""
    service = facade.service
    routes = APIRouter(prefix=f"{prefix}/{job_type}webjobs")

    @routes.get("")
    async def every(request: Request) -> Response:
        return await _page(facade, request, job_type)

    @routes.get("/{name}")
    async def get(request: Request, name: str) -> Response:
        return await _one(facade, request, await service.jobs.get(facade.site(request), job_type, name))

    @routes.delete("/{name}")
    async def delete(request: Request, name: str) -> Response:
        was_there = await service.jobs.delete(facade.site(request), job_type, name)
        return responses.empty(200 if was_there else 204)

    return routes
