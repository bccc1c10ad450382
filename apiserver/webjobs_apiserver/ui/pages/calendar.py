"""The page with the starts of the day to come."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial

from cachetools import LRUCache
from starlette.requests import Request
from starlette.responses import Response

from webjobs_apiserver.service.service import Service
from webjobs_apiserver.sites import Site
from webjobs_apiserver.ui.calendar import Calendar
from webjobs_apiserver.ui.door import Visitor
from webjobs_apiserver.ui.rendering import Renderer
from webjobs_apiserver.ui.routing import Routes

_FRESH = timedelta(minutes=1)
"""Time for which a calendar is shown again: of a thousand jobs it takes a second to make one."""
_SITES = 64


def add(routes: Routes, *, service: Service, renderer: Renderer) -> None:
    """Add the page."""
    made: LRUCache[str, tuple[datetime, Calendar]] = LRUCache(_SITES)
    at_once = asyncio.Semaphore(1)

    async def calendar(site: Site) -> Calendar:
        async with at_once:  # who comes at the same time takes the same
            now = service.clock()
            if (there := made.get(site.namespace)) and now - there[0] < _FRESH:
                return there[1]
            jobs = await service.jobs.list(site, "triggered")
            settings = await service.settings.effective(site)
            schedules = await service.scheduled.of_webjobs(site)
            found = await asyncio.to_thread(partial(Calendar.of, jobs, schedules, settings=settings, now=now))
            made[site.namespace] = now, found
            return found

    @routes.get("/calendar", stands_for="GET /api/webjobs")
    async def show(request: Request, visitor: Visitor) -> Response:
        return renderer.page(request, "calendar.html", visitor=visitor, one=await calendar(visitor.site))
