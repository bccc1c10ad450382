"""``/api/vfs``: the log files that job and run objects point to (contract, section 1.5)."""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from webjobs_apiserver.errors import Missing
from webjobs_apiserver.joblogs import LogFile
from webjobs_apiserver.kudu import responses
from webjobs_apiserver.kudu.jobs import Facade

_HOME = "/home"
"""What stands for the site's HOME in messages."""


def router(facade: Facade) -> APIRouter:
    """GET and HEAD of logs."""
    routes = APIRouter(prefix="/api/vfs")

    @routes.api_route("/{path:path}", methods=["GET", "HEAD"])
    async def read(request: Request, path: str) -> Response:
        try:
            log = await _log(facade, request, path)
        except Missing:
            return responses.http_error(f"'{_HOME}/{path}' not found.", status=404)
        return _answer(log, head=request.method == "HEAD")

    return routes


async def _log(facade: Facade, request: Request, path: str) -> LogFile:
    logs, site = facade.service.logs, facade.site_of(request)
    match path.split("/"):
        case [*fixed, name, run_id, file] if _is(fixed, "data/jobs/triggered") and _is([file], "output_log.txt"):
            return await logs.of_run(site, name, run_id)
        case [*fixed, name, file] if _is(fixed, "data/jobs/continuous") and _is([file], "job_log.txt"):
            return await logs.of_job(site, name)
    raise Missing


def _is(segments: list[str], wanted: str) -> bool:
    """Kudu's file system does not count case."""
    return "/".join(segments).lower() == wanted


def _answer(log: LogFile, *, head: bool) -> Response:
    headers = {"Content-Type": "text/plain"}
    if log.size is not None:
        headers["Content-Length"] = str(log.size)
    return StreamingResponse(_nothing() if head else log.content, headers=headers)


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield b""
