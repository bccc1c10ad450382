"""The dashboard: an application of its own below ``/ui`` of the shim, and the address of Kudu's dashboard."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from webjobs_apiserver.auth.authenticator import Keeper
from webjobs_apiserver.service.service import Service
from webjobs_apiserver.ui import addresses
from webjobs_apiserver.ui.door import Door
from webjobs_apiserver.ui.pages import jobs, login, run, run_log
from webjobs_apiserver.ui.rendering import Renderer
from webjobs_apiserver.ui.routing import Routes, Told
from webjobs_apiserver.watching.watch import Feed

_SMALLEST = 1000
"""Bytes from which an answer is compressed."""


def ui_routes(
    *, service: Service, feed: Feed, keeper: Keeper, told: Callable[[Exception], Told]
) -> Sequence[BaseRoute]:
    """Return the routes of the dashboard. ``told`` returns what clients are told of an error, or raises it again."""
    renderer = Renderer()
    door = Door(keeper)
    routes = Routes(door, renderer, told=told)
    jobs.add(routes, service=service, feed=feed, renderer=renderer)
    run.add(routes, service=service, feed=feed, renderer=renderer)
    run_log.add(routes, service=service, renderer=renderer)

    async def asset(request: Request) -> Response:
        return renderer.asset(request.path_params["name"])

    async def root(request: Request) -> Response:
        return RedirectResponse(addresses.JOBS, status_code=303)

    async def azurejobs(request: Request) -> Response:
        return renderer.page(request, "azurejobs.html")

    application = Starlette(
        routes=[
            Route("/", root),
            Route("/static/{name}", asset),
            *login.routes(door, renderer),
            *routes.collected,
        ],
        middleware=[Middleware(GZipMiddleware, minimum_size=_SMALLEST)],
    )
    return [
        Mount(addresses.ROOT, application),
        # extra_info_url of a job: what stands behind # is for the browser only.
        *(Route(path, azurejobs) for path in (addresses.AZUREJOBS, f"{addresses.AZUREJOBS}/")),
    ]
