"""The first page: a site at a glance."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from webjobs_apiserver.service.service import Service
from webjobs_apiserver.ui import addresses, live
from webjobs_apiserver.ui.door import Visitor
from webjobs_apiserver.ui.live import Parts
from webjobs_apiserver.ui.overview import overview
from webjobs_apiserver.ui.pages.rows import Rows
from webjobs_apiserver.ui.rendering import Renderer
from webjobs_apiserver.ui.routing import Routes
from webjobs_apiserver.watching.watch import Feed

_STANDS_FOR = "GET /api/webjobs"


def add(routes: Routes, *, rows: Rows, service: Service, feed: Feed, renderer: Renderer) -> None:
    """Add the page and its stream of changes."""

    async def look(visitor: Visitor) -> Parts:
        known = [one.row for one in await rows.all(visitor.site)]
        text = renderer.text("parts/overview.html", one=overview(known, now=service.clock()))
        return Parts(single={"overview": text})

    @routes.get("/", stands_for=_STANDS_FOR)
    async def show(request: Request, visitor: Visitor) -> Response:
        seen = live.position(feed.changes(visitor.site.namespace).count)
        parts = await look(visitor)
        return renderer.page(
            request,
            "overview.html",
            visitor=visitor,
            overview=parts.single["overview"],
            is_watched=feed.known(visitor.site.namespace) is not None,
            live=f"{addresses.ROOT}/live?seen={seen}",
        )

    @routes.part("/live", stands_for=_STANDS_FOR)
    async def changes(request: Request, visitor: Visitor) -> Response:
        async def parts() -> Parts:
            return await look(visitor)

        return live.answer(request, feed, visitor, parts=parts, stands_for=_STANDS_FOR)
