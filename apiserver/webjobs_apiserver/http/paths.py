"""The one reading of a request's path: all spellings of a place as one (docs/kudu-contract.md, section 1.1).

It comes before rights and before routes, so that both speak of the same place. Names keep their case, the fixed
segments don't count it, and one trailing slash is accepted. In paths of files a backslash is a slash, and empty
segments don't count.
"""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from webjobs.files import tree

_TYPES = ("triggered", "continuous")
_ROOT = re.compile(r"(triggered|continuous|)(?:web)?jobs")
_DEPLOYING = frozenset({"zipdeploy", "publish", "deployments", "isdeploying"})
_TELLING = frozenset({"environment", "scm", "diagnostics", "dump"})
_NEIGHBOURS = frozenset({"vfs", "zip", "logs", "logstream", "settings", "hooks"}) | _DEPLOYING | _TELLING
"""Routes beside those of jobs, with and without ``/api``."""
_FILES = frozenset({"vfs", "zip"})
"""Neighbours with paths of the file tree."""
_FREE = frozenset({*_FILES, "logstream"})
"""Neighbours whose paths are the site's own, slash and all."""
_SWAGGER = "triggeredwebjobsswagger"
_VERBS = frozenset({"run", "history", "script", "settings", "start", "stop", "passthrough"})

UNESCAPED = "!$&'()*+,;=:@~"
"""What stays as it is in a segment of a URL that .NET escapes."""


def without_line_feeds(path: str) -> str:
    """Return a path in which no line feed ends the pattern of a route: it becomes NUL, which is in no name either."""
    return path.replace("\n", "\0")


def canonical(path: str) -> str:
    """Return a path in the current spelling, ``/api/{type}webjobs...`` or ``/api/vfs/...``; others as they are.

    A path of files that no file can have stays as it is, too. ``path``: decoded, with its leading slash.
    """
    path = without_line_feeds(path)
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
    if first in _FILES and rest:
        return f"/api/{first}/{_file('/'.join(rest))}"
    if first not in _FREE and rest and rest[-1] == "" and (len(rest) == 1 or rest[-2]):
        rest = rest[:-1]
    if first == "logs" or first in _TELLING:
        rest = [part.lower() for part in rest]
    if first == "deployments":
        rest = [part.lower() if part.lower() in ("latest", "log") else part for part in rest]
    return "/".join([f"/api/{first}", *rest])


def _file(path: str) -> str:
    try:
        return tree.canonical(path)
    except tree.PathError:
        return path


def _jobs(job_type: str, rest: list[str]) -> str:
    verb = rest[1].lower() if len(rest) > 1 else ""
    if verb in _VERBS:
        rest = [rest[0], verb, *rest[2:]]
    if rest and rest[-1] == "" and verb != "passthrough" and (len(rest) == 1 or rest[-2]):
        rest = rest[:-1]
    return "/".join([f"/api/{job_type}webjobs", *rest])


class CanonicalPaths:
    """ASGI middleware: all behind it see the canonical path only; ``raw_path`` stays as the client sent it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "path": canonical(scope["path"])}
        await self._app(scope, receive, send)
