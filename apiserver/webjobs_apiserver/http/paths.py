"""Kudu's four spellings of every jobs URL, as one (docs/kudu-contract.md, section 1.1).

Names keep their case, the fixed segments don't count it, and one trailing slash is accepted.
"""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from webjobs_apiserver.http import responses

_TYPES = ("triggered", "continuous")
_ROOT = re.compile(r"(triggered|continuous|)(?:web)?jobs")
_NEIGHBOURS = frozenset({"vfs", "zip", "logs", "logstream", "settings", "hooks"})
"""Routes beside those of jobs, with and without ``/api``."""
_FREE = frozenset({"vfs", "zip", "logstream"})
"""Neighbours whose paths are the site's own, slash and all."""
_FILES = ("/api/vfs/", "/api/zip/")
_SWAGGER = "triggeredwebjobsswagger"
_VERBS = frozenset({"run", "history", "settings", "start", "stop", "passthrough"})

UNESCAPED = "!$&'()*+,;=:@~"
"""What stays as it is in a segment of a URL that .NET escapes."""


def canonical(path: str) -> str:
    """Return a path in the current spelling, ``/api/{type}webjobs...`` or ``/api/vfs/...``; others as they are.

    ``path``: decoded, with its leading slash.
    """
    first, *rest = path.removeprefix("/").split("/")
    first = first.lower()
    if not path.startswith("/") or first not in ("api", "jobs", *_NEIGHBOURS):
        return path
    if first == "api":
        if not rest:
            return path
        first, *rest = rest
        first = first.lower()
        if first in _NEIGHBOURS:
            return _neighbour(first, rest)
        if first == _SWAGGER and rest in ([], [""]):
            return f"/api/{_SWAGGER}"
        if first != "jobs":
            known = _ROOT.fullmatch(first)
            return _jobs(known[1], rest) if known else path
    if first in _NEIGHBOURS:
        return _neighbour(first, rest)
    if rest and rest[0].lower() in _TYPES:
        return _jobs(rest[0].lower(), rest[1:])
    return _jobs("", rest)


def _neighbour(first: str, rest: list[str]) -> str:
    if first not in _FREE and rest and rest[-1] == "" and (len(rest) == 1 or rest[-2]):
        rest = rest[:-1]
    if first == "logs":
        rest = [part.lower() for part in rest]
    return "/".join([f"/api/{first}", *rest])


def _jobs(job_type: str, rest: list[str]) -> str:
    verb = rest[1].lower() if len(rest) > 1 else ""
    if verb in _VERBS:
        rest = [rest[0], verb, *rest[2:]]
    if rest and rest[-1] == "" and verb != "passthrough" and (len(rest) == 1 or rest[-2]):
        rest = rest[:-1]
    return "/".join([f"/api/{job_type}webjobs", *rest])


class CanonicalPaths:
    """ASGI middleware: routers see the canonical path only; ``raw_path`` stays as the client sent it.

    It answers 400 to a line feed in the path of a file, which a route's pattern does not match, or takes for the path's
    end.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app: ASGIApp = self._app
        if scope["type"] == "http":
            path = canonical(scope["path"])
            if "\n" in path and path.startswith(_FILES):
                app = responses.http_error("The path must not contain control characters.", status=400)
            scope = {**scope, "path": path}
        await app(scope, receive, send)
