"""The log of a run: a page of its lines, what comes while the run goes on, and the file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from webjobs_apiserver.service.job_logs import LogFile
from webjobs_apiserver.service.service import Service
from webjobs_apiserver.ui import addresses, live
from webjobs_apiserver.ui.door import Visitor
from webjobs_apiserver.ui.rendering import HEADERS, Renderer
from webjobs_apiserver.ui.routing import Routes
from webjobs_apiserver.ui.runs.log_lines import Chosen, Line, Selection, chunks
from webjobs_apiserver.ui.runs.run_view import RunView

_RUN = "/jobs/triggered/{name}/runs/{run_id}"
_LOG = f"{_RUN}/log"
_OF_LOG = "GET /api/vfs/data/jobs/triggered/{name}/{run_id}/output_log.txt"
_OF_ERRORS = "GET /api/vfs/data/jobs/triggered/{name}/{run_id}/error_log.txt"
_MOST_BYTES = 2**26
"""Bytes of a log that are read for a page; the file has the rest."""
_MOST_SECONDS = 10.0
"""Seconds for which a log is read for a page."""
_ENDED = "event: ended\ndata: {}\n\n"


@dataclass(frozen=True, kw_only=True)
class LogView:
    """The log of a run as a page shows it."""

    url: str
    """Address of the page of the log alone."""
    chosen: Chosen
    """What the page shows."""
    selection: Selection
    """Lines of the page."""
    live: str
    """Address of what comes after them; empty when nothing does."""


async def look(request: Request, visitor: Visitor, service: Service, *, run: RunView) -> LogView:
    """Return the log of a run as the query of a request wants it."""
    chosen = Chosen.of(request.query_params)
    selection = Selection(chosen=chosen)
    clock = asyncio.get_running_loop().time
    until = clock() + _MOST_SECONDS
    source = await service.tails.lines(visitor.site, run.job_name, run.run_id)
    async with aclosing(source) as several:  # type: ignore[type-var]
        async for lines in several:
            selection.feed(lines)
            if selection.size >= _MOST_BYTES or clock() > until:
                selection.cut = True
                break
            await asyncio.sleep(0)  # others get their turn
    url = addresses.log(run.job_name, run.run_id)
    goes_on = chosen.is_end and not run.ended and not selection.cut
    return LogView(
        url=url, chosen=chosen, selection=selection, live=f"{url}/live?from={selection.total}" if goes_on else ""
    )


def add(routes: Routes, *, service: Service, renderer: Renderer) -> None:
    """Add the page of the log alone, the parts that come later, and the files."""

    async def view(request: Request, visitor: Visitor) -> RunView:
        job, run = await service.runs.get(visitor.site, *_names(request))
        return RunView.of(run, job_name=job.name)

    @routes.get(_LOG, stands_for=_OF_LOG)
    async def show(request: Request, visitor: Visitor) -> Response:
        run = await view(request, visitor)
        log = await look(request, visitor, service, run=run)
        return renderer.page(request, "run_log.html", visitor=visitor, run=run, log=log)

    @routes.part(f"{_LOG}/part", stands_for=_OF_LOG)
    async def part(request: Request, visitor: Visitor) -> Response:
        log = await look(request, visitor, service, run=await view(request, visitor))
        return renderer.page(request, "parts/log_part.html", visitor=visitor, log=log)

    @routes.part(f"{_LOG}/live", stands_for=_OF_LOG)
    async def tail(request: Request, visitor: Visitor) -> Response:
        after = _count(request.headers.get("last-event-id") or request.query_params.get("from", ""))
        name, run_id = _names(request)
        method, _, path = _OF_LOG.format_map(request.path_params).partition(" ")

        async def stays() -> bool:
            return await visitor.may(method, path)

        source = await service.tails.follow(visitor.site, name, run_id, after=after)
        content = _events(source, renderer, after=after, stays=stays)
        headers = {**HEADERS, "X-Accel-Buffering": "no"}
        return StreamingResponse(content, media_type="text/event-stream", headers=headers)

    @routes.part(f"{_RUN}/output_log.txt", stands_for=_OF_LOG)
    async def output(request: Request, visitor: Visitor) -> Response:
        return _file(await service.logs.of_run(visitor.site, *_names(request)), f"{_names(request)[1]}_output_log.txt")

    @routes.part(f"{_RUN}/error_log.txt", stands_for=_OF_ERRORS)
    async def errors(request: Request, visitor: Visitor) -> Response:
        found = await service.logs.errors_of_run(visitor.site, *_names(request))
        return _file(found, f"{_names(request)[1]}_error_log.txt")


async def _events(
    source: AsyncIterator[list[bytes]], renderer: Renderer, *, after: int, stays: Callable[[], Awaitable[bool]]
) -> AsyncIterator[bytes]:
    """Yield the lines of a log as events; the id of each is the number of its last line."""
    number, clock = after, asyncio.get_running_loop().time
    asked = told = clock()
    yield b": connected\n\n"
    async with aclosing(source) as several:  # type: ignore[type-var]
        async for raw in several:
            if raw:
                lines = [Line.of(number + place, one) for place, one in enumerate(raw, start=1)]
                number += len(raw)
                told = clock()
                html = renderer.text("parts/log_chunks.html", chunks=chunks(lines), wanted=None)
                yield live.event(html, identifier=str(number))
            elif clock() >= told + live.HEARTBEAT_SECONDS:
                told = clock()
                yield b": alive\n\n"
            if clock() >= asked + live.HEARTBEAT_SECONDS:
                asked = clock()
                if not await stays():
                    return
    yield _ENDED.format(number).encode()


def _names(request: Request) -> tuple[str, str]:
    return request.path_params["name"], request.path_params["run_id"]


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else 0


def _file(log: LogFile, name: str) -> Response:
    """Return a log as a file that browsers save: what a job wrote is never shown as a page."""
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    if log.size is not None:
        headers["Content-Length"] = str(log.size)
    return StreamingResponse(log.content, media_type="text/plain; charset=utf-8", headers=headers)
