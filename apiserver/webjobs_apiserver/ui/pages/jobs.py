"""The page with all jobs of a site."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from webjobs_apiserver.ui import addresses, live
from webjobs_apiserver.ui.door import Visitor
from webjobs_apiserver.ui.jobs.job_row import PER_PAGE, Filter
from webjobs_apiserver.ui.live import Parts
from webjobs_apiserver.ui.pages.rows import Rows
from webjobs_apiserver.ui.rendering import Renderer
from webjobs_apiserver.ui.routing import Routes
from webjobs_apiserver.watching.watch import Feed

_STANDS_FOR = "GET /api/webjobs"
_ROWS_IN = "rows"


def add(routes: Routes, *, rows: Rows, feed: Feed, renderer: Renderer) -> None:
    """Add the page and its stream of changes."""

    async def look(visitor: Visitor, chosen: Filter) -> tuple[Parts, int, int]:
        """Return the parts of a page of the list, the number of its jobs on all pages, and that of all jobs."""
        known = await rows.all(visitor.site)
        by_key = {one.row.key: one for one in known}
        found = chosen.select(one.row for one in known)
        html = {row.key: rows.html(by_key[row.key], visitor.can) for row in chosen.page_of(found)}
        return Parts(rows=html, rows_in=_ROWS_IN), len(found), len(known)

    @routes.get("/jobs", stands_for=_STANDS_FOR)
    async def show(request: Request, visitor: Visitor) -> Response:
        chosen = Filter.of(request.query_params)
        seen = live.position(feed.changes(visitor.site.namespace).count)
        parts, found, every = await look(visitor, chosen)
        return renderer.page(
            request,
            "jobs.html",
            visitor=visitor,
            chosen=chosen,
            rows=parts.rows.values(),
            found=found,
            every=every,
            more=_more(chosen, found),
            live=f"{addresses.JOBS}/live?{urlencode({**chosen.query, 'page': str(chosen.page), 'seen': seen})}",
        )

    @routes.part("/jobs/live", stands_for=_STANDS_FOR)
    async def changes(request: Request, visitor: Visitor) -> Response:
        chosen = Filter.of(request.query_params)

        async def parts() -> Parts:
            return (await look(visitor, chosen))[0]

        return live.answer(request, feed, visitor, parts=parts, stands_for=_STANDS_FOR)


def _more(chosen: Filter, found: int) -> list[tuple[str, str]]:
    """Return names and addresses of the pages before and after one."""
    pages = {"Previous": chosen.page - 1, "Next": chosen.page + 1}
    last = (found + PER_PAGE - 1) // PER_PAGE
    return [
        (name, f"{addresses.JOBS}?{urlencode({**chosen.query, 'page': str(number)})}")
        for name, number in pages.items()
        if 1 <= number <= last
    ]
