"""The page of a job: what it is, its runs or instances, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from cachetools import LRUCache
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from webjobs.model import JobType, WebJobRun
from webjobs.model.command_line import split_arguments
from webjobs.model.site.site_settings import SiteSettings
from webjobs.runs import runs
from webjobs_apiserver.errors import Missing
from webjobs_apiserver.http.responses import base_url
from webjobs_apiserver.service.service import Service
from webjobs_apiserver.ui import addresses, live
from webjobs_apiserver.ui.door import Visitor
from webjobs_apiserver.ui.jobs import job_view, plots
from webjobs_apiserver.ui.jobs.job_runs import RESULTS, Choice, RunLine, bars
from webjobs_apiserver.ui.jobs.job_view import JobView
from webjobs_apiserver.ui.live import Parts
from webjobs_apiserver.ui.rendering import Renderer
from webjobs_apiserver.ui.routing import Routes, Told, job_type
from webjobs_apiserver.watching.job import Job
from webjobs_apiserver.watching.watch import Feed

STANDS_FOR = "GET /api/{kind}webjobs/{name}"
"""Request to Kudu's API for which the page stands."""
_ROWS_IN = "runs"
_LINES = 200
"""Newest lines of a continuous job's log that are shown."""
_LOG_BYTES = 2**16
"""Most bytes of them."""
_REMEMBERED = 2000
"""Rows of runs that are remembered as HTML: equal ones are the same text."""


@dataclass(kw_only=True)
class Look:
    """What one visitor sees of one job, on the page and in its stream of changes."""

    visitor: Visitor
    """Who sees it."""
    job_type: JobType
    """Type of the job."""
    name: str
    """Name of the job."""
    sees_runs: bool
    """True: the visitor may see the history, or the log of a continuous job."""
    settings: SiteSettings
    """Settings of the site, as they were when the page was opened."""
    choice: Choice
    """Which runs are listed."""
    more: bool = False
    """True: there are runs on further pages."""
    trouble: str = ""
    """Why runs that are stored can't be shown; empty when they can."""
    stored_at: str = ""
    """What was known of the stored runs when they were looked up."""
    stored_ids: Sequence[str] = ()
    """Ids of the stored runs, newest first."""
    stored: Sequence[WebJobRun] = ()
    """Stored runs with the result that is asked for, newest first."""


class JobPages:
    """Reads and renders what pages show of jobs."""

    def __init__(self, *, service: Service, feed: Feed, renderer: Renderer, told: Callable[[Exception], Told]) -> None:
        self._service = service
        self._feed = feed
        self._renderer = renderer
        self._told = told
        self._rows: LRUCache[RunLine, Markup] = LRUCache(_REMEMBERED)

    async def look(self, request: Request, visitor: Visitor) -> Look:
        """Return the look of a visitor at the job in the path of a request."""
        kind, name = job_type(request), request.path_params["name"]
        needed = f"/api/vfs/data/jobs/continuous/{name}/job_log.txt"
        if kind == "triggered":
            needed = f"{addresses.api_job(kind, name)}/history"
        return Look(
            visitor=visitor,
            job_type=kind,
            name=name,
            sees_runs=await visitor.may("GET", needed),
            settings=visitor.settings or await self._service.settings.effective(visitor.site),
            choice=Choice.of(request.query_params),
        )

    async def page(self, request: Request, visitor: Visitor) -> Response:
        """Return the page of the job in the path of a request."""
        look = await self.look(request, visitor)
        seen = live.position(self._feed.changes(visitor.site.namespace).count)
        job = await self._service.jobs.get(visitor.site, look.job_type, look.name)
        parts = await self._parts(look, job)
        arguments, url = request.query_params.get("arguments", ""), addresses.job(look.job_type, job.name)
        continuous = look.job_type == "continuous"
        lines, trouble = await self._log(look, job) if continuous and look.sees_runs else ((), "")
        return self._renderer.page(
            request,
            "job.html",
            visitor=visitor,
            look=look,
            parts=parts.single,
            rows=parts.rows.values(),
            job=job,
            kind=look.job_type,
            job_url=url,
            arguments=arguments,
            words=split_arguments(arguments),
            results=[(name, f"{url}?{urlencode({'result': name})}#runs") for name in RESULTS],
            more=_more(look, url),
            links=job_view.links(job),
            commands=job_view.commands(job, site=visitor.site, base=base_url(request)),
            replicas=job_view.replicas(job.webjob),
            scalable=continuous and not job.webjob.singleton,
            lines=lines,
            trouble=trouble,
            live=f"{url}/live?{urlencode({**look.choice.query(look.choice.page), 'seen': seen})}",
        )

    async def parts(self, look: Look) -> Parts:
        """Return the parts of a page that change."""
        try:
            job = await self._service.jobs.get(look.visitor.site, look.job_type, look.name)
        except Missing:
            return Parts(single={"job-head": self._renderer.text("parts/job_gone.html", name=look.name)})
        return await self._parts(look, job)

    async def _parts(self, look: Look, job: Job) -> Parts:
        site, text = look.visitor.site, self._renderer.text
        known = await self._service.runs.of_job(site, job) if look.job_type == "triggered" else []
        shown = known if look.sees_runs else known[:1]  # the newest is in the list of jobs, too
        view = JobView.of(job, shown, site=look.settings, now=self._service.clock())
        values = {
            "view": view,
            "row": view.row,
            "can": look.visitor.can,
            "job_url": addresses.job(look.job_type, job.name),
        }
        single = {
            "job-head": text("parts/job_head.html", **values),
            "job-program": text("parts/job_program.html", **values),
        }
        if look.job_type == "continuous":
            single["job-instances"] = text("parts/job_instances.html", **values)
            return Parts(single=single)
        single["job-schedule"] = text("parts/job_schedule.html", **values)
        single["job-times"] = text("parts/job_times.html", **values)
        if not look.sees_runs:
            return Parts(single=single)
        listed = await self._listed(look, job, known)
        if look.choice == Choice():
            drawn = bars(listed, job_name=job.name)
            numbers, plot = plots.numbers(drawn), plots.durations(drawn)
            single["job-plot"] = text("parts/job_plot.html", numbers=numbers, plot=plot)
        lines = [RunLine.of(run, job_name=job.name) for run in listed]
        return Parts(single=single, rows={line.key: self._row(line) for line in lines}, rows_in=_ROWS_IN)

    def _row(self, line: RunLine) -> Markup:
        if line not in self._rows:
            self._rows[line] = self._renderer.text("parts/run_row.html", line=line)
        return self._rows[line]

    async def _listed(self, look: Look, job: Job, known: Sequence[WebJobRun]) -> list[WebJobRun]:
        """Return the runs of the page of the list, and note whether there are further ones."""
        chosen, span = look.choice.select(known), look.choice.span
        stored = job.webjob.status.stored_runs
        if stored is None or len(chosen) > span.stop:
            look.more = len(chosen) > span.stop
            return chosen[span]
        try:
            older = await self._older(look, job, known, begin=span.start - len(chosen), end=span.stop - len(chosen))
            look.trouble = ""
        except Exception as error:
            look.trouble, older = self._told(error).message, []
        return [*chosen[span], *older]

    async def _older(
        self, look: Look, job: Job, known: Sequence[WebJobRun], *, begin: int, end: int
    ) -> Sequence[WebJobRun]:
        """Return some of the stored runs of a list, by their places after the others."""
        site, service = look.visitor.site, self._service.runs
        there = {runs.run_id(run) for run in known}
        stored = job.webjob.status.stored_runs
        state = f"{stored.newest if stored else ''} {len(known)}"  # a run that goes to the store leaves the others
        if look.stored_at != state:
            look.stored_ids = await service.older_ids(site, job, there)
            if look.choice.result:
                look.stored = look.choice.select(await service.older_of(site, job, look.stored_ids))
            look.stored_at = state
        part = slice(max(begin, 0), max(end, 0))
        if look.choice.result:
            look.more = len(look.stored) > part.stop
            return look.stored[part]
        look.more = len(look.stored_ids) > part.stop
        return await service.older_of(site, job, look.stored_ids[part])

    async def _log(self, look: Look, job: Job) -> tuple[Sequence[str], str]:
        """Return the newest lines of a continuous job's log, or why they can't be shown."""
        try:
            found = await self._service.logs.of_job(look.visitor.site, job)
            if found is None:
                return (), ""
            begin = max(found.size - _LOG_BYTES, 0)
            content = b"".join([piece async for piece in await found.open((begin, found.size))])
        except Exception as error:
            return (), self._told(error).message or "The log is not there any more."
        lines = content.decode("utf-8", "replace").splitlines()
        return lines[1 if begin else 0 :][-_LINES:], ""


def add(routes: Routes, pages: JobPages, *, feed: Feed) -> None:
    """Add the page and its stream of changes."""

    @routes.get("/jobs/{kind}/{name}", stands_for=STANDS_FOR)
    async def show(request: Request, visitor: Visitor) -> Response:
        return await pages.page(request, visitor)

    @routes.part("/jobs/{kind}/{name}/live", stands_for=STANDS_FOR)
    async def changes(request: Request, visitor: Visitor) -> Response:
        look = await pages.look(request, visitor)

        async def parts() -> Parts:
            return await pages.parts(look)

        stands_for = STANDS_FOR.format_map(request.path_params)
        return live.answer(request, feed, visitor, parts=parts, stands_for=stands_for)


def _more(look: Look, url: str) -> list[tuple[str, str]]:
    """Return names and addresses of the pages before and after one of the list of runs."""
    page = look.choice.page
    pages = [("Newer", page - 1)] * (page > 1) + [("Older", page + 1)] * look.more
    queries = [(name, urlencode(look.choice.query(number))) for name, number in pages]
    return [(name, f"{url}{'?' if query else ''}{query}#runs") for name, query in queries]
