"""The dashboard: an application of its own below ``/ui`` of the shim, and the address of Kudu's dashboard."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from webjobs_apiserver.auth.authenticator import Keeper
from webjobs_apiserver.auth.oidc.issuer import Issuer
from webjobs_apiserver.service.service import Service
from webjobs_apiserver.ui import addresses
from webjobs_apiserver.ui.door import Door
from webjobs_apiserver.ui.once import Once
from webjobs_apiserver.ui.pages import (
    calendar,
    deployments,
    job,
    job_acts,
    job_edit,
    jobs,
    login,
    overview,
    run,
    run_log,
    settings,
    single_sign_on,
    sites,
    upload,
)
from webjobs_apiserver.ui.pages.job import JobPages
from webjobs_apiserver.ui.pages.job_edit import Editor
from webjobs_apiserver.ui.pages.rows import Rows
from webjobs_apiserver.ui.rendering import Renderer
from webjobs_apiserver.ui.routing import Routes, Told
from webjobs_apiserver.ui.schedule_ahead import ScheduleAhead
from webjobs_apiserver.watching.watch import Feed

_SMALLEST = 1000
"""Bytes from which an answer is compressed."""


def ui_routes(
    *, service: Service, feed: Feed, keeper: Keeper, issuer: Issuer | None, told: Callable[[Exception], Told]
) -> Sequence[BaseRoute]:
    """Return the routes of the dashboard.

    ``issuer``: of the single sign-on; None: there is none. ``told`` returns what clients are told of an error, or
    raises it again.
    """
    renderer = Renderer()
    door = Door(keeper)
    page = login.LoginPage(door=door, renderer=renderer, has_sign_on=issuer is not None)
    routes = Routes(door, renderer, settings_of=service.settings.effective, told=told)
    rows = Rows(service=service, feed=feed, renderer=renderer)
    overview.add(routes, rows=rows, service=service, feed=feed, renderer=renderer)
    jobs.add(routes, rows=rows, feed=feed, renderer=renderer)
    calendar.add(routes, service=service, renderer=renderer)
    sites.add(routes, keeper=keeper, renderer=renderer)
    settings.add(routes, settings=service.settings, renderer=renderer)
    deployments.add(routes, service=service, renderer=renderer)
    ahead = ScheduleAhead(service=service, renderer=renderer)
    upload.add(routes, service=service, renderer=renderer, ahead=ahead)
    job.add(routes, JobPages(service=service, feed=feed, renderer=renderer, told=told), feed=feed)
    job_acts.add(routes, service=service, renderer=renderer, once=Once())
    job_edit.add(routes, Editor(service=service, renderer=renderer, ahead=ahead, told=told), ahead=ahead)
    run.add(routes, service=service, feed=feed, renderer=renderer)
    run_log.add(routes, service=service, renderer=renderer)

    async def asset(request: Request) -> Response:
        return renderer.asset(request.path_params["name"])

    async def nothing(request: Request) -> Response:
        return renderer.failure(request, None, status=404, message="There is no such page.")

    async def azurejobs(request: Request) -> Response:
        return renderer.page(request, "azurejobs.html")

    application = Starlette(
        routes=[
            Route("/static/{name}", asset),
            *login.routes(page),
            *(single_sign_on.routes(page, issuer) if issuer else ()),
            *routes.collected,
            Route("/{path:path}", nothing, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ],
        middleware=[Middleware(GZipMiddleware, minimum_size=_SMALLEST)],
    )
    return [
        Mount(addresses.ROOT, application),
        # extra_info_url of a job: what stands behind # is for the browser only.
        *(Route(path, azurejobs) for path in (addresses.AZUREJOBS, f"{addresses.AZUREJOBS}/")),
    ]
