"""ARM's routes ``.../triggeredwebjobs/{name}``: run, history."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response

from webjobs.model import WebJobRun
from webjobs.runs import runs
from webjobs_apiserver.arm import bodies, paging
from webjobs_apiserver.arm.facade import Facade
from webjobs_apiserver.arm.jobs import next_link
from webjobs_apiserver.http import caller, responses
from webjobs_apiserver.kudu.triggered import arguments_of, trigger_of


def _key(run: WebJobRun) -> str:
    return f"{runs.run_id(run)}\0{run.metadata.name}"


def router(facade: Facade, prefix: str) -> APIRouter:
    """Return the routes that only triggered jobs have."""
    service = facade.service
    routes = APIRouter(prefix=f"{prefix}/triggeredwebjobs/{{name}}")

    @routes.post("/run")
    async def run(request: Request, name: str) -> Response:
        _, run_id = await service.runs.start(
            facade.site(request),
            name,
            arguments=arguments_of(request),
            trigger=trigger_of(request),
            by=caller.of(request.scope),
        )
        accepted = responses.empty(200)  # SDKs take a 202 for a failure
        path = quote(request.scope["path"].removesuffix("/run"))
        accepted.headers["Location"] = f"{responses.base_url(request)}{path}/history/{run_id}"
        return accepted

    @routes.get("/history")
    async def history(request: Request, name: str) -> Response:
        job, known = await service.runs.history(facade.site(request), name)
        after = paging.after_of(request.url.query)
        known, after = paging.page(known, key=_key, after=after, descending=True)
        entries = [(body["id"], bodies.run(body)) for body in facade.runs(request, job, known)]
        found = facade.listed(request, entries, identifier=request.scope["path"])
        return responses.json_answer({"value": found, **next_link(request, after=after)})

    @routes.get("/history/{run_id}")
    async def one(request: Request, name: str, run_id: str) -> Response:
        job, found = await service.runs.get(facade.site(request), name, run_id)
        (body,) = facade.runs(request, job, [found])
        return responses.json_answer(facade.envelope(request, bodies.run(body), identifier=request.scope["path"]))

    return routes
