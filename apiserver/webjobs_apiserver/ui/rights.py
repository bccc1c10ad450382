"""What a visitor of the dashboard may do: what the request to Kudu's API may that a page or form stands for. Pure."""

from __future__ import annotations

import re

from webjobs_apiserver.auth import rights, roles
from webjobs_apiserver.auth.admission import Asked
from webjobs_apiserver.auth.credentials import Role
from webjobs_apiserver.http.paths import canonical
from webjobs_apiserver.sites import Site

_READABLE = re.compile(
    r"/api/(?:webjobs|deployments(?:/.*)?|triggeredwebjobs/[^/]+/history(?:/[^/]+)?|vfs/data/jobs/.+)"
    r"|/api/(?:triggered|continuous)webjobs/[^/]+(?:/script)?"
)
"""Paths that a read-only account may read on pages: jobs, runs and logs, and not settings, which hold secrets."""
_DEPLOYER: frozenset[Role] = frozenset({"deployer"})
_READER: frozenset[Role] = frozenset({"reader"})


def asked(method: str, path: str, *, site: Site | None) -> Asked | None:
    """Return what a visitor asks who is shown a page, or sends a form; None at a host that is no site's.

    ``method`` and ``path``: of the request to Kudu's API for which it stands, decoded. ``site``: of the host. A
    read-only account sees runs and logs, too, which Kudu's API keeps from it (docs/security.md).
    """
    if site is None:
        return None
    allowed = roles.allowed(method, path) - _DEPLOYER
    if method == "GET" and _READABLE.fullmatch(canonical(path)):
        allowed |= _READER
    return Asked(needs=rights.needs(method, path), roles=allowed, meant=site, host=site)
