"""The tables of routes (docs/kudu-contract.md, sections 1.2 and 1.5), and what else the shim serves."""

from __future__ import annotations

from dataclasses import dataclass

JOB, WORKER = "/api/triggeredwebjobs/{n}", "/api/continuouswebjobs/{n}"
PASSTHROUGH = f"{WORKER}/passthrough"
VERBS = ("GET", "PUT", "POST", "DELETE", "PATCH")
"""Verbs that Kudu's catch-all answers with 404."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """A line of the table."""

    method: str
    path: str
    statuses: tuple[int, ...]
    """All that the contract names; 401 goes without saying."""
    never: tuple[int, ...] = ()
    """Those that no request can lead to here."""

    @property
    def name(self) -> str:
        """As rows name it."""
        return f"{self.method} {self.path}"


def _route(name: str, *statuses: int, never: tuple[int, ...] = ()) -> Route:
    method, _, path = name.partition(" ")
    return Route(method=method, path=path, statuses=statuses, never=never)


# 500 is what Kudu says of itself. 503 is a read-only file system: here there is none. A PUT's 500 for a broken zip or
# name is 400 here (docs/rest.md). The 409 of a PUT was never raised by Kudu either. The 409 of start and stop is an
# error of the file system.
JOBS = (
    _route("GET /api/webjobs", 200, 304, 500, never=(500,)),
    _route("GET /api/triggeredwebjobs", 200, 304, 500, never=(500,)),
    _route(f"GET {JOB}", 200, 404),
    _route(f"PUT {JOB}", 200, 400, 409, 500, never=(409, 500)),
    _route(f"DELETE {JOB}", 200),
    _route(f"POST {JOB}/run", 202, 404, 409, 503, never=(503,)),
    _route(f"GET {JOB}/history", 200, 304, 404),
    _route(f"GET {JOB}/history/{{id}}", 200, 404),
    _route(f"GET {JOB}/settings", 200),
    _route(f"PUT {JOB}/settings", 200, 400, 404, 415),
    _route("GET /api/triggeredwebjobsswagger", 200),
    _route("GET /api/continuouswebjobs", 200, 304, 500, never=(500,)),
    _route(f"GET {WORKER}", 200, 404),
    _route(f"PUT {WORKER}", 200, 400, 500, never=(500,)),
    _route(f"DELETE {WORKER}", 200),
    _route(f"POST {WORKER}/start", 200, 404, 409, never=(409,)),
    _route(f"POST {WORKER}/stop", 200, 404, 409, never=(409,)),
    _route(f"GET {WORKER}/settings", 200),
    _route(f"PUT {WORKER}/settings", 200, 400, 404, 415),
    *(
        _route(f"{verb} {PASSTHROUGH}{path}", 200, 404)
        for verb in ("GET", "HEAD", "PUT", "POST", "DELETE", "PATCH")
        for path in ("", "/{path}")
    ),
)

NEIGHBOURS = (
    _route("GET /api/vfs", 200, 307),
    _route("HEAD /api/vfs", 200),
    _route("PUT /api/vfs", 403),
    _route("DELETE /api/vfs", 403),
    _route("GET /api/vfs/{path}", 200, 206, 304, 307, 404, 416),
    _route("HEAD /api/vfs/{path}", 200, 304, 307, 404),
    _route("PUT /api/vfs/{path}", 201, 204, 403, 409, 412),
    _route("DELETE /api/vfs/{path}", 200, 403, 404, 409, 412),
    _route("GET /api/zip", 200),
    _route("PUT /api/zip", 200, 400),
    _route("GET /api/zip/{path}", 200, 404),
    _route("PUT /api/zip/{path}", 200, 400, 403, 404),
    _route("GET /api/settings", 200),
    _route("POST /api/settings", 204, 400),
    _route("PUT /api/settings", 204, 400),
    _route("GET /api/settings/{n}", 200, 404),
    _route("DELETE /api/settings/{n}", 204),
    _route("GET /api/logstream", 200),
    _route("GET /api/logstream/{path}", 200, 404),
    _route("GET /api/logs/recent", 200),
    _route("GET /api/hooks", 200),
    _route("POST /api/hooks", 201, 400, 409),
    _route("GET /api/hooks/{id}", 200, 404),
    _route("DELETE /api/hooks/{id}", 200),
)

TABLE = JOBS + NEIGHBOURS

OURS = (
    f"DELETE {JOB}/history/{{id}}",  # cancels a run
    *(f"GET /api/{kind}webjobs/{{n}}/script" for kind in ("triggered", "continuous")),
    "GET /api/backup",
    "PUT /api/backup",
    *(f"{verb} /api/{path}" for path in ("zipdeploy", "publish") for verb in ("POST", "PUT")),
    *(f"GET /api/{path}" for path in ("deployments", "deployments/latest", "isdeploying", "environment", "scm/info")),
    *(f"{verb} /api/deployments/{{identifier}}" for verb in ("GET", "PUT", "DELETE")),
    *(f"GET /api/{path}" for path in ("deployments/{identifier}/log", "deployments/{identifier}/log/{line}")),
    *(f"GET /api/{path}" for path in ("diagnostics/runtime", "dump")),
    "GET /api/publishprofile",
    "GET /openapi.json",
    "GET /docs",
    "GET /healthz",
    "GET /readyz",
)
"""Not of the contract; they have tests of their own, as has what pods fetch below ``/internal/``."""
