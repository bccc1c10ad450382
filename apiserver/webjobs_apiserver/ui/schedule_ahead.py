"""The look ahead at a schedule that somebody writes, for the pages with fields for one."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from webjobs_apiserver.errors import BadRequest
from webjobs_apiserver.service.service import Service
from webjobs_apiserver.ui.door import Visitor
from webjobs_apiserver.ui.jobs.schedule_preview import Preview, preview
from webjobs_apiserver.ui.rendering import Renderer

_ANY = "0 0 0 * * *"


class ScheduleAhead:
    """Looks ahead at schedules under the settings of a site."""

    def __init__(self, *, service: Service, renderer: Renderer) -> None:
        self._service = service
        self._renderer = renderer

    async def of(self, visitor: Visitor, schedule: str, *, zone: str) -> tuple[str, Preview]:
        """Return the time zone of schedules of a site that name none, and what is to be known of a schedule there.

        ``zone`` empty: the site's.
        """
        settings = visitor.settings or await self._service.settings.effective(visitor.site)
        usual = settings.time_zone or "UTC"
        return usual, preview(schedule, zone=zone.strip() or usual, now=self._service.clock())

    async def check(self, visitor: Visitor, schedule: str, *, zone: str) -> None:
        """Raise BadRequest for a schedule or a time zone that can't be used; both may be empty."""
        # A zone is looked at without a schedule, too: it would be wrong for the next one.
        _, ahead = await self.of(visitor, schedule or _ANY, zone=zone)
        if ahead.problem:
            raise BadRequest(ahead.problem)

    async def fragment(self, request: Request, visitor: Visitor) -> Response:
        """Return what is to be known of the schedule in the query of a request, as a part of a page."""
        query = request.query_params
        _, ahead = await self.of(visitor, query.get("schedule", ""), zone=query.get("zone", ""))
        return self._renderer.page(request, "parts/ahead.html", visitor=visitor, ahead=ahead)
