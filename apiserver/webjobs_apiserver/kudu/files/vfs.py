"""Kudu's route ``/api/vfs``: files of jobs and their logs, read and written (docs/kudu-contract.md, section 1.5)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import wraps
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from webjobs.times import parse_http_date
from webjobs_apiserver import errors
from webjobs_apiserver.http import media_types, ranges, responses
from webjobs_apiserver.http.paths import UNESCAPED
from webjobs_apiserver.kudu.jobs import Facade, announced_size
from webjobs_apiserver.service.files.nodes import FileNode, FolderNode, Node, nothing

Handler = Callable[[Request, str], Awaitable[Response]]
"""A handler of requests for a path of the tree."""

_SLASHES = re.compile(r"(?:[/\\]|%2F|%5C)+\Z", re.IGNORECASE)
"""Slashes at the end of a URL, however they are spelled."""
HOME = "/home"
"""Stand-in for the site's HOME in messages."""


def told(handler: Handler) -> Handler:
    """Return a handler that answers errors of the service as VFS does: by HttpError objects."""

    @wraps(handler)
    async def wrapped(request: Request, path: str) -> Response:
        try:
            return await handler(request, path)
        except errors.Missing:
            return responses.http_error(f"'{HOME}/{path}' not found.", status=404)
        except errors.Changed as error:
            answer = responses.http_error(error.message, status=412)
            answer.headers["ETag"] = f'"{error.etag}"'
            return answer
        except errors.Exists as error:
            return responses.http_error(f"'{HOME}/{path}': {error.message}", status=409)
        except errors.Forbidden as error:
            return responses.http_error(error.message, status=403)
        except errors.BadRequest as error:
            return responses.http_error(error.message, status=400)
        except errors.TooLarge as error:
            return responses.http_error(error.message, status=413)

    return wrapped


def router(facade: Facade) -> APIRouter:
    """Return the routes of files: GET, HEAD, PUT and DELETE."""
    routes = APIRouter(prefix="/api/vfs")
    reading, writing = facade.service.reading, facade.service.writing

    @told
    async def read(request: Request, path: str) -> Response:
        node = await reading.find(facade.site_of(request), path)
        wants_folder = request.scope["path"].endswith("/")
        if isinstance(node, FolderNode) != wants_folder:
            return redirect(request, to_folder=isinstance(node, FolderNode))
        if isinstance(node, FolderNode):
            listing = [entry(request, one, path=path) for one in await node.children()]
            answer = responses.json_answer(listing)
            return _without_body(answer) if request.method == "HEAD" else answer
        return await file_answer(request, node)

    @told
    async def put(request: Request, path: str) -> Response:
        site = facade.site_of(request)
        if path.endswith("/") or not path:
            await writing.make_folder(site, path)
            return responses.empty(201)
        created, etag = await writing.put(
            site,
            path,
            body=request.stream(),
            size=announced_size(request),
            if_match=request.headers.get("if-match"),
        )
        answer = responses.empty(201 if created else 204)
        answer.headers["ETag"] = f'"{etag}"'
        return answer

    @told
    async def delete(request: Request, path: str) -> Response:
        recursive = request.query_params.get("recursive", "").lower() == "true"
        await writing.delete(
            facade.site_of(request), path, recursive=recursive, if_match=request.headers.get("if-match")
        )
        return responses.empty()

    for route in ("", "/{path:path}"):
        for handler, methods in ((read, ["GET", "HEAD"]), (put, ["PUT"]), (delete, ["DELETE"])):
            for method in methods:
                routes.add_api_route(
                    route,
                    at_root(handler) if not route else handler,
                    methods=[method],
                    include_in_schema=method != "HEAD",
                )
    return routes


def at_root(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return a handler for the root, whose path is empty."""

    async def root(request: Request) -> Response:
        return await handler(request, "")

    return root


def asked_url(request: Request) -> str:
    """Return the URL as the client spelled it, escaped, without the query."""
    raw: bytes = request.scope.get("raw_path") or quote(request.scope["path"]).encode()
    return responses.base_url(request) + raw.split(b"?")[0].decode("latin-1")


def _query(request: Request) -> str:
    query: str = request.scope["query_string"].decode("latin-1")
    return f"?{query}" if query else ""


def redirect(request: Request, *, to_folder: bool) -> Response:
    """Return a 307 to the path of the request with or without its slash."""
    url = asked_url(request)
    url = f"{url}/" if to_folder else _SLASHES.sub("", url)
    answer = responses.empty(307)
    answer.headers["Location"] = url + _query(request)
    return answer


def entry(request: Request, node: Node, *, path: str) -> dict[str, Any]:
    """Return an entry of a listing; the order of the keys is Kudu's."""
    is_folder = isinstance(node, FolderNode)
    folder, above = path.removesuffix("/"), _SLASHES.sub("", asked_url(request))
    return {
        "name": node.name,
        "size": 0 if isinstance(node, FolderNode) else node.size or 0,
        "mtime": _stamp(node.mtime),
        "crtime": _stamp(node.crtime),
        "mime": media_types.FOLDER if is_folder else media_types.media_type(node.name),
        "href": f"{above}/{quote(node.name, safe=UNESCAPED)}{'/' if is_folder else ''}{_query(request)}",
        "path": f"{HOME}/{folder}/{node.name}" if folder else f"{HOME}/{node.name}",
    }


def _stamp(when: datetime) -> str:
    """Return a time with offset, as .NET writes a DateTimeOffset."""
    utc = when.astimezone(UTC)
    fraction = f".{utc.microsecond:06d}".rstrip("0") if utc.microsecond else ""
    return f"{utc:%Y-%m-%dT%H:%M:%S}{fraction}+00:00"


async def file_answer(request: Request, node: FileNode) -> Response:
    """Return a file, a part of it, or a 304 when the client has it already."""
    head = request.method == "HEAD"
    modified = node.mtime.astimezone(UTC).replace(microsecond=0)
    headers = {
        "Content-Type": media_types.media_type(node.name),
        "Last-Modified": format_datetime(modified, usegmt=True),
    }
    if node.size is None or node.etag is None:  # it grows while we send it
        content = nothing() if head else await node.open(None)
        return StreamingResponse(content, headers={"Content-Type": headers["Content-Type"]})
    headers |= {"ETag": f'"{node.etag}"', "Accept-Ranges": "bytes"}
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if f'"{node.etag}"' in known or known == ["*"]:
        return Response(status_code=304, headers={key: headers[key] for key in ("ETag", "Last-Modified")})
    asked = request.headers.get("range") if _if_range(request, node.etag, modified) else None
    span = ranges.parse(asked, size=node.size)
    if span == "unsatisfiable":
        refused = responses.http_error("The range is outside of the file.", status=416)
        refused.headers["Content-Range"] = f"bytes */{node.size}"
        return refused
    status, length = 200, node.size
    if span:
        status, length = 206, span[1] - span[0]
        headers["Content-Range"] = f"bytes {span[0]}-{span[1] - 1}/{node.size}"
    headers["Content-Length"] = str(length)
    content = nothing() if head else await node.open(span)
    return StreamingResponse(content, status_code=status, headers=headers)


def _if_range(request: Request, etag: str, modified: datetime) -> bool:
    """Return whether a range may be sent: the client's part is of this very file."""
    given = request.headers.get("if-range")
    if given is None:
        return True
    if '"' in given:
        return given.strip() == f'"{etag}"'
    return parse_http_date(given) == modified


def _without_body(answer: Response) -> Response:
    answer.body = b""  # the Content-Length stays
    return answer
