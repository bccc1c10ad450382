"""ARM's routes ``.../continuouswebjobs/{name}``: start, stop."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from webjobs_apiserver.arm.facade import Facade
from webjobs_apiserver.http import responses


def router(facade: Facade, prefix: str) -> APIRouter:
    """Return the routes that only continuous jobs have."""
    jobs = facade.service.jobs
    routes = APIRouter(prefix=f"{prefix}/continuouswebjobs/{{name}}")

    @routes.post("/start")
    async def start(request: Request, name: str) -> Response:
        await jobs.set_stopped(facade.site(request), name, stopped=False)
        return responses.empty()

    @routes.post("/stop")
    async def stop(request: Request, name: str) -> Response:
        await jobs.set_stopped(facade.site(request), name, stopped=True)
        return responses.empty()

    return routes
