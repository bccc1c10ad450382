"""Rights that the bearer of a token needs for a request. Pure tables; nothing here knows what exists."""

from __future__ import annotations

import re
from dataclasses import dataclass

from webjobs.files import tree
from webjobs_apiserver.http.paths import canonical

_JOBS = re.compile(r"/api/(triggered|continuous|)webjobs(?:/([^/]+)(?:/([^/]+)(/.+)?)?)?")


@dataclass(frozen=True, kw_only=True)
class Need:
    """A right: a verb on a resource in the site's namespace."""

    verb: str
    """Verb of Kubernetes, such as ``get``."""
    resource: str
    """Plural name of the resource."""
    group: str = "webjobs.dev"
    """API group of the resource."""


_GET = (Need(verb="get", resource="webjobs"),)
_LIST = (Need(verb="list", resource="webjobs"),)
_UPDATE = (Need(verb="update", resource="webjobs"),)
_SAVE = (Need(verb="create", resource="webjobs"), Need(verb="update", resource="webjobs"))
_DELETE = (Need(verb="delete", resource="webjobs"),)
_RUN = (Need(verb="create", resource="webjobruns"),)
_CANCEL = (Need(verb="patch", resource="webjobruns"),)
_LIST_RUNS = (Need(verb="list", resource="webjobruns"),)
_GET_RUN = (Need(verb="get", resource="webjobruns"),)
_ALL_FILES = _GET + _LIST + _GET_RUN + _LIST_RUNS
_DEPLOY = _SAVE + _DELETE + _LIST
_OURS = ("webjobs", "webjobruns", "webjobschedules")
_CORE = ("secrets", "configmaps")
# All that a backup shows, one right for each kind. App settings are Secrets; who has the rights has them of all names.
_BACKUP = (
    *(Need(verb=verb, resource=resource) for resource in _OURS for verb in ("get", "list")),
    *(Need(verb="get", resource=resource, group="") for resource in _CORE),
)
# Who has the deploy password may do the rest of it without a token, and for longer than the token lasts.
_PROFILE = (*_SAVE, Need(verb="get", resource="secrets", group=""))
_RESTORE = (
    *(Need(verb=verb, resource=resource) for resource in _OURS for verb in ("get", "create", "update")),
    *(Need(verb=verb, resource=resource, group="") for resource in _CORE for verb in ("get", "update")),
)


def needs(method: str, path: str) -> tuple[Need, ...]:
    """Return all rights that the bearer of a token needs for a request, by what ``kubectl`` would need for it.

    Routes that are not known here need the most that their method can do, be they there or not.
    """
    reads = method in ("GET", "HEAD")
    whole = canonical(path)
    found = _JOBS.fullmatch(whole)
    if found is None:
        return _elsewhere(whole, reads=reads, deletes=method == "DELETE")
    _, name, verb, more = found.groups()
    match name, verb:
        case None, _:
            return _LIST if reads else _UPDATE
        case _, None:
            return _GET if reads else _DELETE if method == "DELETE" else _SAVE
        case _, "history":
            if method == "DELETE" and more:
                return _CANCEL
            return _GET_RUN if reads and more else _LIST_RUNS if reads else _UPDATE
        case _, "run":
            return _RUN
        case _, "script" | "settings":
            return _GET if reads else _UPDATE
    return _UPDATE  # start, stop, passthrough


def _elsewhere(path: str, *, reads: bool, deletes: bool) -> tuple[Need, ...]:
    first, _, rest = path.removeprefix("/api/").partition("/")
    if first == "backup":
        return _BACKUP if reads else _BACKUP + _RESTORE
    if first in ("publishprofile", "publishxml"):
        return _PROFILE
    if first == "triggeredwebjobsswagger" and reads:
        return _LIST
    if first in ("vfs", "zip"):
        if reads:
            return _reads_files(rest, is_zip=first == "zip")
        return _DELETE + _UPDATE if deletes else _SAVE
    if first in ("logstream", "logs") and reads:
        return _GET_RUN
    if first in ("zipdeploy", "publish", "deployments") or (first, rest) == ("extensions", "onedeploy"):
        return _LIST if reads else _DEPLOY
    if first == "dump" and reads:
        return _ALL_FILES
    if first in ("isdeploying", "environment", "scm", "diagnostics") and reads:
        return _LIST
    # App settings can hold secrets, and hooks addresses: who may not change them may not read them either.
    return _UPDATE


def _reads_files(path: str, *, is_zip: bool) -> tuple[Need, ...]:
    """Return what it needs to read at a path of the file tree: of a zip, what all below it needs."""
    try:
        there = tree.place(path)
    except tree.PathError:
        return _ALL_FILES
    match there:
        case tree.JobFiles():
            return _GET
        case tree.JobData(job_type="triggered", parts=()):
            return _GET_RUN + _LIST_RUNS
        case tree.JobData():
            return _GET_RUN
        case tree.JobList(data=False):
            return _GET + _LIST
        case tree.JobList():
            return _GET_RUN + _LIST + (_LIST_RUNS if is_zip else ())
    first = next(iter(tree.segments(path)), "").lower()
    if first in (tree.DATA[0], tree.LOG_FILES[0].lower()):
        return _GET_RUN + _LIST + _LIST_RUNS if is_zip else _GET_RUN
    if not is_zip:
        return _GET
    return _GET + _LIST if first else _ALL_FILES


_READ = ("GET", "HEAD")


def kragle_needs(method: str, path: str) -> tuple[Need, ...]:
    """Return all rights that the bearer of a token needs for a request to the Kragle API.

    ``path``: below its root, for example ``/jobs/5``. Its Schedules are kept with its Jobs, which are WebJobSchedules:
    the same rights are for both.
    """
    resource = "webjobs" if path.startswith("/blockstacks") else "webjobschedules"
    if method in _READ:
        return (Need(verb="get" if "/by" in path else "list", resource=resource),)
    verb = {"POST": "create", "PUT": "update", "DELETE": "delete"}.get(method, "update")
    return (Need(verb=verb, resource="webjobschedules"),)
