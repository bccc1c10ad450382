"""Kudu's routes in ARM mode (docs/kudu-contract.md, section 1.6): requests with the header ``x-ms-geo-location``.

That is how ARM itself asks a site, with its own address in ``Referer``. A route that is not here answers as without the
header.
"""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope

from webjobs.model import JobType
from webjobs_apiserver.arm import bodies, paths
from webjobs_apiserver.arm.facade import REGION, Facade
from webjobs_apiserver.errors import BadRequest
from webjobs_apiserver.http import caller, responses
from webjobs_apiserver.kudu import bodies as kudu_bodies
from webjobs_apiserver.kudu.jobs import load_settings, read_body
from webjobs_apiserver.kudu.triggered import arguments_of, trigger_of

_NO_SETTINGS = "The body must be an object with properties.settings, which is the job's settings."


class _ArmRoute(APIRoute):
    """A route of requests with the header; requests without it go on to Kudu's route of the same path."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and REGION not in Headers(scope=scope):
            return Match.NONE, {}
        return super().matches(scope)


def identifier_of(request: Request) -> str:
    """Return the path of the resource: ARM's own when the request says it, else the request's."""
    try:
        referer = unquote(urlsplit(request.headers.get("referer", "")).path)
    except ValueError:
        referer = ""
    return referer or unquote(paths.sent(request.scope))


async def _list(facade: Facade, request: Request, job_type: JobType | None) -> Response:
    found = await facade.jobs(request, await facade.service.jobs.list(facade.site(request), job_type))
    entries = [(body["name"], bodies.job(body)) for body in found]
    value = facade.listed(request, entries, identifier=identifier_of(request))
    return responses.tagged(request, responses.dump({"value": value}), etag=bodies.etag(found))


def routers(facade: Facade) -> list[APIRouter]:
    """Return Kudu's routes in ARM mode, for a place before Kudu's others."""
    return [_all_jobs(facade), _jobs(facade, "triggered"), _jobs(facade, "continuous"), _triggered(facade)]


def _all_jobs(facade: Facade) -> APIRouter:
    routes = APIRouter(route_class=_ArmRoute)

    @routes.get("/api/webjobs")
    async def every(request: Request) -> Response:
        return await _list(facade, request, None)

    return routes


def _jobs(facade: Facade, job_type: JobType) -> APIRouter:
    service = facade.service
    routes = APIRouter(prefix=f"/api/{job_type}webjobs", route_class=_ArmRoute)

    @routes.get("")
    async def every(request: Request) -> Response:
        return await _list(facade, request, job_type)

    @routes.get("/{name}")
    async def get(request: Request, name: str) -> Response:
        body = await facade.job(request, await service.jobs.get(facade.site(request), job_type, name))
        return responses.json_answer(facade.envelope(request, bodies.job(body), identifier=identifier_of(request)))

    @routes.put("/{name}")
    async def put(request: Request, name: str) -> Response:
        sent = load_settings(await read_body(request, limit=service.limits.settings_bytes))
        properties = sent.get("properties")
        settings = properties.get("settings") if isinstance(properties, dict) else None
        if not isinstance(settings, dict):
            raise BadRequest(_NO_SETTINGS)
        await service.jobs.set_settings(facade.site(request), job_type, name, settings)
        return responses.empty()

    @routes.put("/{name}/settings")
    async def put_settings(request: Request, name: str) -> Response:
        raise HTTPException(404)  # has no such form

    return routes


def _triggered(facade: Facade) -> APIRouter:
    service = facade.service
    routes = APIRouter(prefix="/api/triggeredwebjobs/{name}", route_class=_ArmRoute)

    @routes.post("/run")
    async def run(request: Request, name: str) -> Response:
        job, run_id = await service.runs.start(
            facade.site(request),
            name,
            arguments=arguments_of(request),
            trigger=trigger_of(request),
            by=caller.of(request.scope),
        )
        accepted = responses.empty(200)
        base = responses.base_url(request)
        accepted.headers["Location"] = kudu_bodies.location(base, job_name=job.name, run_id=run_id)
        return accepted

    @routes.get("/history")
    async def history(request: Request, name: str) -> Response:
        job, known = await service.runs.history(facade.site(request), name)
        found = facade.runs(request, job, known)
        entries = [(body["id"], bodies.run(body)) for body in found]
        value = facade.listed(request, entries, identifier=identifier_of(request))
        etag = kudu_bodies.history_etag({"runs": found}, job_name=job.name)
        return responses.tagged(request, responses.dump({"value": value}), etag=etag)

    @routes.get("/history/{run_id}")
    async def one(request: Request, name: str, run_id: str) -> Response:
        job, found = await service.runs.get(facade.site(request), name, run_id)
        (body,) = facade.runs(request, job, [found])
        return responses.json_answer(facade.envelope(request, bodies.run(body), identifier=identifier_of(request)))

    return routes
