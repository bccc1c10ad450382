"""The settings of a site: the switches that concern all jobs, and app settings, whose values are shown one by one."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from webjobs.model.site.site_settings import SiteSettings
from webjobs_apiserver.errors import BadRequest
from webjobs_apiserver.service.app_settings import AppSettings
from webjobs_apiserver.ui import addresses
from webjobs_apiserver.ui.door import Visitor
from webjobs_apiserver.ui.rendering import Renderer
from webjobs_apiserver.ui.routing import Routes, done, field_of

_READ, _WRITE = "GET /api/settings", "POST /api/settings"
_DELETE = "DELETE /api/settings/{name}"
SWITCHES = (
    ("WEBJOBS_STOPPED", "Stop the whole site", "No run starts, continuous jobs are stopped, schedules don't fire."),
    ("WEBJOBS_DISABLE_SCHEDULE", "Turn schedules off", "Schedules don't fire; runs by hand still work."),
)
"""App settings that are on or off for all jobs, with what they do."""


def add(routes: Routes, *, settings: AppSettings, renderer: Renderer) -> None:
    """Add the page and its forms."""

    async def page(request: Request, visitor: Visitor, *, shown: str = "") -> Response:
        values = await settings.all(visitor.site)
        effective = SiteSettings.read(values)
        return renderer.page(
            request,
            "settings.html",
            visitor=visitor,
            names=sorted(values),
            shown=shown,
            value=values.get(shown, ""),
            switches=SWITCHES,
            on={"WEBJOBS_STOPPED": effective.stopped, "WEBJOBS_DISABLE_SCHEDULE": effective.schedules_disabled},
            effective=effective,
        )

    @routes.get("/settings", stands_for=_READ)
    async def show(request: Request, visitor: Visitor) -> Response:
        return await page(request, visitor)

    @routes.get("/settings/{name}", stands_for="GET /api/settings/{name}")
    async def show_one(request: Request, visitor: Visitor) -> Response:
        name = request.path_params["name"]
        await settings.get(visitor.site, name)  # it is there
        return await page(request, visitor, shown=name)

    @routes.post("/settings", stands_for=_WRITE)
    async def change(request: Request, visitor: Visitor) -> Response:
        name = (await field_of(request, "name")).strip()
        if not name:
            raise BadRequest("A setting needs a name.")
        # Lines of a form end with CR LF, which nobody has typed.
        value = (await field_of(request, "value")).replace("\r\n", "\n")
        await settings.merge(visitor.site, {name: value})
        return done(addresses.SETTINGS)

    @routes.post("/settings/{name}/delete", stands_for=_DELETE)
    async def delete(request: Request, visitor: Visitor) -> Response:
        await settings.delete(visitor.site, request.path_params["name"])
        return done(addresses.SETTINGS)
