"""What an account may do, by its role. Pure tables; nothing here knows what exists."""

from __future__ import annotations

import re

from webjobs.files import tree
from webjobs_apiserver.auth.credentials import ROLES, Role
from webjobs_apiserver.http.paths import canonical

_READ = frozenset({"GET", "HEAD"})
_PUT = frozenset({"PUT"})
_ALL = _READ | _PUT | {"POST", "DELETE"}

_SHOWN = re.compile(r"/api/(?:webjobs|triggeredwebjobs|continuouswebjobs)(?:/[^/]+)?")
_JOB = r"/api/(?:triggered|continuous)webjobs/[^/]+"
_DEPLOYING = tuple(
    (methods, re.compile(pattern))
    for methods, pattern in (
        (_READ, _SHOWN.pattern),
        (_PUT, _JOB),
        (_READ | _PUT, f"{_JOB}/settings"),  # settings.job, which is a file of the job
        (_PUT | {"POST"}, r"/api/(?:zipdeploy|publish)"),
        (_READ | _PUT | {"POST"}, r"/api/extensions/onedeploy"),  # ARM's
        (_ALL, r"/api/deployments(?:/.+)?"),
        (_READ, r"/api/(?:isdeploying|environment|scm/info|diagnostics/runtime)"),
        (_READ, r"/api/logstream(?:/.*)?"),
    )
)
"""What a pipeline does beside files: methods, and paths."""
_FILES = re.compile(r"/api/(?:vfs|zip)/(.+)")


def allowed(method: str, path: str) -> frozenset[Role]:
    """Return the roles whose accounts may send a request to Kudu's API.

    ``path``: decoded, in any spelling.
    """
    may = {"owner": True, "reader": reader_may(method, path), "deployer": deployer_may(method, path)}
    return frozenset(role for role in ROLES if may[role])


def reader_may(method: str, path: str) -> bool:
    """Return whether a read-only account may send a request: lists and single jobs (docs/kudu-contract.md, section 9).

    ``path``: decoded, in any spelling.
    """
    return method in _READ and _SHOWN.fullmatch(canonical(path)) is not None


def deployer_may(method: str, path: str) -> bool:
    """Return whether the deploy password is enough for a request: what a pipeline does (docs/security.md).

    ``path``: decoded, in any spelling.
    """
    whole = canonical(path)
    if files := _FILES.fullmatch(whole):
        return method in _READ | _PUT and _is_file(files[1])
    return any(method in methods and pattern.fullmatch(whole) for methods, pattern in _DEPLOYING)


def _is_file(path: str) -> bool:
    """Return whether a path of the file tree is one of files, and not of logs or of everything."""
    try:
        first, *_ = tree.segments(path) or ("",)
    except tree.PathError:
        return False
    return first.lower() == tree.BINARIES[0]


def kragle_allowed(method: str, *, is_login: bool = False) -> frozenset[Role]:
    """Return the roles whose accounts may send a request with a method to the Kragle API, or log in there."""
    return frozenset({"owner", "reader"}) if is_login or method in _READ else frozenset({"owner"})
