"""The first page: a site at a glance."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from cachetools import LRUCache
from starlette.requests import Request
from starlette.responses import Response

from webjobs_apiserver.service.service import Service
from webjobs_apiserver.sites import Site
from webjobs_apiserver.ui import addresses, live
from webjobs_apiserver.ui.door import Abilities, Visitor
from webjobs_apiserver.ui.live import Parts
from webjobs_apiserver.ui.overview import Overview, overview
from webjobs_apiserver.ui.pages.rows import Rows
from webjobs_apiserver.ui.rendering import Renderer
from webjobs_apiserver.ui.routing import Routes
from webjobs_apiserver.watching.watch import Feed

_STANDS_FOR = "GET /api/webjobs"
_FRESH = timedelta(seconds=1)
"""Time for which all pages see one look at all runs of a site: with many runs it takes some hundredths of a second."""
_SITES = 64
"""Sites whose last look is remembered."""


class Overviews:
    """Maker of overviews: at most one a second of each site, for all pages that are open."""

    def __init__(self, rows: Rows, feed: Feed, *, clock: Callable[[], datetime]) -> None:
        self._rows = rows
        self._feed = feed
        self._clock = clock
        self._made: LRUCache[str, tuple[datetime, int, Overview]] = LRUCache(_SITES)

    async def of(self, site: Site) -> Overview:
        """Return a site at a glance."""
        now, count = self._clock(), self._feed.changes(site.namespace).count
        if made := self._made.get(site.namespace):
            when, seen, found = made
            if now - when < (_FRESH if seen != count else timedelta(minutes=1)):
                return found
        rows = {one.job: one.row for one in await self._rows.all(site)}
        known = self._feed.known(site.namespace)
        found = overview(rows, known.all_runs() if known else [], now=now)
        self._made[site.namespace] = now, count, found
        return found


def add(routes: Routes, *, rows: Rows, service: Service, feed: Feed, renderer: Renderer) -> None:
    """Add the page and its stream of changes."""
    made = Overviews(rows, feed, clock=service.clock)

    async def look(visitor: Visitor) -> Parts:
        text = renderer.text("parts/overview.html", one=await made.of(visitor.site))
        return Parts(single={"overview": text})

    @routes.get("/", stands_for=_STANDS_FOR)
    async def show(request: Request, visitor: Visitor) -> Response:
        seen = live.position(feed.changes(visitor.site.namespace).count)
        parts = await look(visitor)
        settings = await service.settings.effective(visitor.site)
        return renderer.page(
            request,
            "overview.html",
            visitor=visitor,
            can=await Abilities.of(visitor),
            overview=parts.single["overview"],
            settings=settings,
            is_watched=feed.known(visitor.site.namespace) is not None,
            live=f"{addresses.ROOT}/live?seen={seen}",
        )

    @routes.get("/live", stands_for=_STANDS_FOR)
    async def changes(request: Request, visitor: Visitor) -> Response:
        async def parts() -> Parts:
            return await look(visitor)

        return live.answer(request, feed, visitor, parts=parts, stands_for=_STANDS_FOR)
