"""Kudu's routes that tell of the site itself: diagnostics/runtime, environment, scm/info, isdeploying, dump."""

from __future__ import annotations

import os

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from webjobs_apiserver.http import responses
from webjobs_apiserver.kudu.deployments import bodies
from webjobs_apiserver.kudu.files.zips import attachment
from webjobs_apiserver.kudu.jobs import Facade
from webjobs_apiserver.service.files.dump import Text, dumped

VERSION = "100.0.0"
"""Version of Kudu that clients are told: some ask for a least one."""


def router(facade: Facade) -> APIRouter:
    """Return the routes that tell of the site."""
    routes = APIRouter()
    service = facade.service

    @routes.get("/api/diagnostics/runtime")
    async def runtime() -> Response:
        system = {"os_name": "Linux", "os_build_lab_ex": "", "cores": os.cpu_count() or 1}
        return responses.json_answer({"nodejs": [], "dotnetcore": {"shared": {}, "sdk": []}, "system": system})

    @routes.get("/api/environment")
    async def environment(request: Request) -> Response:
        return responses.json_answer({"version": VERSION, "siteName": facade.site_of(request).name})

    @routes.get("/api/scm/info")
    async def scm_info(request: Request) -> Response:
        # Kudu names the address also where there is no repository, and clients take none for a fault.
        url = f"{responses.base_url(request)}/{facade.site_of(request).name}.git"
        return responses.json_answer({"Type": "None", "GitUrl": url})

    @routes.get("/api/isdeploying")
    async def is_deploying(request: Request) -> Response:
        state = await service.deployments.all(facade.site_of(request))
        return responses.json_answer({"value": str(state.pending is not None)})

    @routes.get("/api/dump")
    async def dump(request: Request) -> Response:
        site = facade.site_of(request)
        state = await service.deployments.all(site)
        texts = []
        for one in state.deployments:
            shown = bodies.deployment(one, base=responses.base_url(request), site=site.name, active=state.active)
            for name, value in (("status.json", shown), ("log.json", bodies.lines(one))):
                texts.append(Text(path=f"deployments/{one.id}/{name}", content=responses.dump(value)))
        content = await dumped(service.reading, site, texts, now=service.clock())
        name = f"dump-{service.clock():%m-%d-%H-%M-%S}.zip"
        headers = {"Content-Type": "application/zip", "Content-Disposition": attachment(name)}
        return StreamingResponse(content, headers=headers)

    return routes
