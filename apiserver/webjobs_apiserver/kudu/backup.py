"""The route ``/api/backup``: a whole site as one tar, out and in. It is not Kudu's."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from webjobs_apiserver.http import responses
from webjobs_apiserver.kudu.files.zips import attachment
from webjobs_apiserver.kudu.jobs import Facade

TAR = "application/x-tar"
"""Media type of a backup."""


def router(facade: Facade) -> APIRouter:
    """Return the routes of backups: GET and PUT."""
    routes = APIRouter(prefix="/api/backup")
    service = facade.service

    @routes.get("")
    async def make(request: Request) -> Response:
        site = facade.site_of(request)
        content = await service.dump.make(site)
        name = f"{site.name}-{service.clock():%Y%m%d-%H%M%S}.tar"
        return StreamingResponse(content, headers={"Content-Type": TAR, "Content-Disposition": attachment(name)})

    @routes.put("")
    async def restore(request: Request) -> Response:
        dry_run = request.query_params.get("dryRun", "").lower() in ("1", "true", "all")
        report = await service.load.restore(facade.site_of(request), request.stream(), dry_run=dry_run)
        return responses.json_answer(
            {"restored": dict(report.restored), "kept": dict(report.kept), "notes": report.notes, "dryRun": dry_run}
        )

    return routes
