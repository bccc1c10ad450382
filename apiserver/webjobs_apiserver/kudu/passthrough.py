"""Kudu's route ``/api/continuouswebjobs/{name}/passthrough/{path}``: any request, answered by the job itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from webjobs_apiserver.auth.tickets import COOKIE
from webjobs_apiserver.http import responses
from webjobs_apiserver.kudu.jobs import Facade
from webjobs_apiserver.service.passthrough import Answer, Headers, Unanswered

METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE", "PATCH")
"""Verbs that go through to a job."""
_ORIGINS = frozenset(
    {
        "alt-svc",
        "clear-site-data",
        "nel",
        "public-key-pins",
        "report-to",
        "service-worker-allowed",
        "strict-transport-security",
    }
)
"""Headers by which an answer says something of its whole origin, which is not the job's."""
_SLASH = re.compile("/|%2F", re.IGNORECASE)


def target_of(raw_path: bytes) -> str:
    """Return what follows ``passthrough`` in a URL as the client escaped it, in any of the URL's spellings."""
    raw = raw_path.partition(b"?")[0].decode("latin-1")
    # The router takes an escaped slash for a slash, and so the address of the job may have some.
    slashes = [found.end() for found in _SLASH.finditer(raw)]
    parts = [unquote(part).lower() for part in _SLASH.split(raw)[1:3]]
    before = 6 if parts == ["api", "jobs"] else 5
    return raw[slashes[before - 1] :] if len(slashes) >= before else ""


def to_job(headers: Iterable[tuple[str, str]]) -> Headers:
    """Return the headers of a request without our own cookie."""
    return [(name, kept) for name, value in headers if (kept := _without_ours(name, value)) is not None]


def _without_ours(name: str, value: str) -> str | None:
    """Return what is left of a header's value; None for nothing."""
    if name.lower() != "cookie":
        return value
    return ";".join(one for one in value.split(";") if not _is_ours(one)).strip() or None


def to_client(headers: Iterable[tuple[str, str]]) -> Headers:
    """Return the headers of a job's answer without those that say something of all of our origin."""
    return [
        (name, value)
        for name, value in headers
        if name.lower() not in _ORIGINS and not (name.lower() == "set-cookie" and _is_ours(value))
    ]


def _is_ours(cookie: str) -> bool:
    # A cookie without a name, "=a=b", is sent as a=b by browsers.
    return cookie.strip().lstrip("= \t").partition("=")[0].strip().lower() == COOKIE


class _Proxied(StreamingResponse):
    """A job's answer; the connection to the job ends with it."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.content, status_code=answer.status)
        headers = to_client(answer.headers)
        self.raw_headers = [(key.lower().encode("latin-1"), value.encode("latin-1")) for key, value in headers]
        self._stack = answer.stack

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._stack:
            await super().__call__(scope, receive, send)


def router(facade: Facade) -> APIRouter:
    """Return the routes of passthrough: all verbs, with and without a path."""
    routes = APIRouter(prefix="/api/continuouswebjobs/{name}/passthrough")
    passthrough = facade.service.passthrough

    async def proxy(request: Request, name: str) -> Response:
        raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
        query = request.scope["query_string"].decode("latin-1")
        has_body = "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"
        try:
            answer = await passthrough.send(
                facade.site_of(request),
                name,
                method=request.method,
                target=target_of(raw) + (f"?{query}" if query else ""),
                headers=to_job((key.decode("latin-1"), value.decode("latin-1")) for key, value in request.headers.raw),
                body=request.stream() if has_body else None,
            )
        except Unanswered as error:
            return responses.http_error(str(error), status=404)
        return _Proxied(answer)

    for method in METHODS:
        for path in ("", "/{path:path}"):
            routes.add_api_route(path, proxy, methods=[method], include_in_schema=method != "HEAD")
    return routes
