"""The page with the sites that a visitor may see."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from webjobs_apiserver.auth.authenticator import Keeper
from webjobs_apiserver.ui import addresses
from webjobs_apiserver.ui.door import Visitor
from webjobs_apiserver.ui.rendering import Renderer
from webjobs_apiserver.ui.routing import Routes


def add(routes: Routes, *, keeper: Keeper, renderer: Renderer) -> None:
    """Add the page."""

    @routes.get("/sites", stands_for="GET /api/webjobs")
    async def show(request: Request, visitor: Visitor) -> Response:
        others = await keeper.sites_of(visitor.session, site=visitor.site)
        # Each has a login of its own: a session is of one host.
        found = [
            (one.name, f"{request.url.scheme}://{one.host}{addresses.ROOT}/")
            for one in others
            if one.host and one != visitor.site
        ]
        return renderer.page(request, "sites.html", visitor=visitor, others=found)
