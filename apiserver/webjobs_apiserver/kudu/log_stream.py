"""Kudu's routes ``/api/logstream`` and ``/api/logs/recent``: what jobs write, as it comes.

They are described in docs/kudu-contract.md, section 1.5.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from webjobs import times
from webjobs.files import tree
from webjobs.model import JobType
from webjobs_apiserver.errors import Missing
from webjobs_apiserver.http import responses
from webjobs_apiserver.kudu.jobs import Facade
from webjobs_apiserver.service.log_stream import Line

_DEFAULT_LINES = 100
_MOST_LINES = 1000
_ALL = ((), ("application",), ("jobs",))
"""Kudu's folders of logs that mean everything here."""


def job_of(path: str) -> tuple[JobType | None, str | None]:
    """Return type and name of the jobs that a path means, ``[data/]jobs/{type}/{name}``.

    None for both means all jobs, None for the name all jobs of the type. Raises Missing for another path.
    """
    try:
        parts = tree.segments(path)
    except tree.PathError:
        raise Missing from None
    folded = tuple(part.lower() for part in parts)
    if folded[:1] == ("data",):
        parts, folded = parts[1:], folded[1:]
    if folded in _ALL:
        return None, None
    if folded[0] == "jobs" and folded[1] in tree.TYPES and len(folded) <= 3:
        return folded[1], parts[2] if len(parts) == 3 else None
    raise Missing


def _recent(line: Line) -> dict[str, object]:
    return {
        "timestamp": times.kudu_time(line.when),
        "level": "Information",
        "pid": 0,
        "message": f"{line.job}: {line.text}",
    }


def router(facade: Facade) -> APIRouter:
    """Return the routes of the log stream and of recent lines."""
    routes = APIRouter(prefix="/api")
    streams = facade.service.streams

    async def stream(request: Request, path: str = "") -> Response:
        job_type, name = job_of(path)
        lines = await streams.follow(facade.site_of(request), job_type, name)
        headers = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        return StreamingResponse(_encoded(lines), headers=headers)

    async def stream_all(request: Request) -> Response:
        return await stream(request)

    routes.add_api_route("/logstream", stream_all, methods=["GET"])
    routes.add_api_route("/logstream/{path:path}", stream, methods=["GET"])

    @routes.get("/logs/recent")
    async def recent(request: Request) -> Response:
        top = request.query_params.get("top", "")
        count = int(top) if top.isascii() and top.isdecimal() and len(top) < 9 else _DEFAULT_LINES
        found = await streams.recent(facade.site_of(request), count=min(max(count, 1), _MOST_LINES))
        return responses.json_answer([_recent(line) for line in found])

    return routes


async def _encoded(lines: AsyncIterator[str]) -> AsyncIterator[bytes]:
    async for line in lines:
        yield line.encode("utf-8", "replace")
