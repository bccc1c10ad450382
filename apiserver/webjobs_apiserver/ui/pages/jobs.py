"""The page with all jobs of a site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from cachetools import LRUCache
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from webjobs.model import WebJobRun
from webjobs_apiserver.service.service import Service
from webjobs_apiserver.sites import Site
from webjobs_apiserver.ui import addresses, live
from webjobs_apiserver.ui.door import Abilities, Visitor
from webjobs_apiserver.ui.job_row import PER_PAGE, Filter, JobRow
from webjobs_apiserver.ui.live import Parts
from webjobs_apiserver.ui.rendering import Renderer
from webjobs_apiserver.ui.routing import Routes
from webjobs_apiserver.watching.job import Job
from webjobs_apiserver.watching.watch import Feed

_STANDS_FOR = "GET /api/webjobs"
_ROWS_IN = "rows"
_SITES = 64
"""Sites whose rows are remembered."""


@dataclass(kw_only=True)
class _Rendered:
    """A row that was rendered."""

    count: int
    """Changes of the job up to then."""
    row: JobRow
    """What is shown."""
    html: dict[Abilities, Markup] = field(default_factory=dict)
    """HTML of the row, by what a visitor may do."""


class Rows:
    """Renderer of the rows of jobs, each once for all pages until the job changes."""

    def __init__(self, *, service: Service, feed: Feed, renderer: Renderer) -> None:
        self._service = service
        self._feed = feed
        self._renderer = renderer
        self._known: LRUCache[str, dict[str, _Rendered]] = LRUCache(_SITES)

    async def all(self, site: Site) -> list[_Rendered]:
        """Return the rows of all jobs of a site, in the order of their names."""
        before = self._known.get(site.namespace, {})
        jobs = await self._service.jobs.list(site)
        known = self._feed.known(site.namespace)
        if known is None:  # its watch is broken: what was rendered before may be old
            latest = await self._service.runs.latest(site)
            return [_rendered(job, [run] if (run := latest.get(job.object_name)) else []) for job in jobs]
        now = dict[str, _Rendered]()
        for job in jobs:
            count, name = known.changes.of(job.object_name), job.object_name
            there = before.get(name)
            same = there and there.count == count
            now[name] = there if there and same else _rendered(job, known.runs(name), count=count)
        self._known[site.namespace] = now
        return list(now.values())

    def html(self, one: _Rendered, abilities: Abilities) -> Markup:
        """Return a row as HTML."""
        if abilities not in one.html:
            one.html[abilities] = self._renderer.text("parts/job_row.html", row=one.row, can=abilities)
        return one.html[abilities]


def add(routes: Routes, *, service: Service, feed: Feed, renderer: Renderer) -> None:
    """Add the page and its stream of changes."""
    rows = Rows(service=service, feed=feed, renderer=renderer)

    async def look(visitor: Visitor, chosen: Filter, abilities: Abilities) -> tuple[Parts, int, int]:
        """Return the parts of a page of the list, the number of its jobs on all pages, and that of all jobs."""
        known = await rows.all(visitor.site)
        by_key = {one.row.key: one for one in known}
        found = chosen.select(one.row for one in known)
        shown = chosen.page_of(found)
        html = {row.key: rows.html(by_key[row.key], abilities) for row in shown}
        return Parts(rows=html, rows_in=_ROWS_IN), len(found), len(known)

    @routes.get("/jobs", stands_for=_STANDS_FOR)
    async def show(request: Request, visitor: Visitor) -> Response:
        chosen, abilities = Filter.of(request.query_params), await Abilities.of(visitor)
        seen = live.position(feed.changes(visitor.site.namespace).count)
        parts, found, every = await look(visitor, chosen, abilities)
        return renderer.page(
            request,
            "jobs.html",
            visitor=visitor,
            can=abilities,
            chosen=chosen,
            rows=parts.rows.values(),
            found=found,
            every=every,
            more=_more(chosen, found),
            live=f"{addresses.JOBS}/live?{urlencode({**chosen.query, 'page': str(chosen.page), 'seen': seen})}",
        )

    @routes.get("/jobs/live", stands_for=_STANDS_FOR)
    async def changes(request: Request, visitor: Visitor) -> Response:
        chosen, abilities = Filter.of(request.query_params), await Abilities.of(visitor)

        async def parts() -> Parts:
            return (await look(visitor, chosen, abilities))[0]

        return live.answer(request, feed, visitor, parts=parts, stands_for=_STANDS_FOR)


def _rendered(job: Job, known: Sequence[WebJobRun], *, count: int = -1) -> _Rendered:
    return _Rendered(count=count, row=JobRow.of(job, known))


def _more(chosen: Filter, found: int) -> list[tuple[str, str]]:
    """Return names and addresses of the pages before and after one."""
    pages = {"Previous": chosen.page - 1, "Next": chosen.page + 1}
    last = (found + PER_PAGE - 1) // PER_PAGE
    return [
        (name, f"{addresses.JOBS}?{urlencode({**chosen.query, 'page': str(number)})}")
        for name, number in pages.items()
        if 1 <= number <= last
    ]
