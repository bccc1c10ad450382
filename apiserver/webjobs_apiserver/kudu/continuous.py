"""Kudu's routes ``/api/continuouswebjobs``: start, stop."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from webjobs_apiserver.http import responses
from webjobs_apiserver.kudu.jobs import Facade


def router(facade: Facade) -> APIRouter:
    """Return the routes that only continuous jobs have."""
    jobs = facade.service.jobs
    routes = APIRouter(prefix="/api/continuouswebjobs/{name}")

    @routes.post("/start")
    async def start(request: Request, name: str) -> Response:
        await jobs.set_stopped(facade.site_of(request), name, stopped=False)
        return responses.empty()

    @routes.post("/stop")
    async def stop(request: Request, name: str) -> Response:
        await jobs.set_stopped(facade.site_of(request), name, stopped=True)
        return responses.empty()

    return routes
