"""Kudu's route ``/api/zip``: folders as zips, out and in (docs/kudu-contract.md, section 1.5)."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from webjobs_apiserver.http import responses
from webjobs_apiserver.kudu.files.vfs import at_root, told
from webjobs_apiserver.kudu.files.zip_body import zip_of
from webjobs_apiserver.kudu.jobs import Facade

_ROOT_NAME = "home"
IGNORED = "X-WebJobs-Ignored-Files"
"""Header of an answer: number of files of the zip that belong to no job."""


def router(facade: Facade) -> APIRouter:
    """Return the routes of zips: GET and PUT."""
    routes = APIRouter(prefix="/api/zip")
    zips = facade.service.zips

    @told
    async def read(request: Request, path: str) -> Response:
        name, content = await zips.read(facade.site_of(request), path)
        file_name = request.query_params.get("fileName") or f"{name or _ROOT_NAME}.zip"
        headers = {"Content-Type": "application/zip", "Content-Disposition": attachment(file_name)}
        return StreamingResponse(content, headers=headers)

    @told
    async def write(request: Request, path: str) -> Response:
        async with zip_of(facade, request) as body:
            ignored = await zips.write(facade.site_of(request), path, body=body.content, size=body.size)
        answer = responses.empty()
        if ignored:
            answer.headers[IGNORED] = str(ignored)
        return answer

    for route in ("", "/{path:path}"):
        for handler, method in ((read, "GET"), (write, "PUT")):
            routes.add_api_route(route, at_root(handler) if not route else handler, methods=[method])
    return routes


def attachment(file_name: str) -> str:
    """Return a Content-Disposition for any file name (RFC 6266)."""
    plain = "".join(char if " " <= char <= "~" and char not in '"\\' else "_" for char in file_name)
    extended = "" if plain == file_name else f"; filename*=UTF-8''{quote(file_name, safe='')}"
    return f'attachment; filename="{plain}"{extended}'
