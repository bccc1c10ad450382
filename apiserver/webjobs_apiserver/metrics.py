"""The shim's metrics, for Prometheus at ``/metrics`` of a port of its own: requests by route, and what is open."""

from __future__ import annotations

import time

from prometheus_client import Counter, Gauge, Histogram, start_http_server
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ROUTE = "webjobs.route"
"""Key of the route in the state of the ASGI scope, which all copies of the scope share."""
_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"})

SECONDS = Histogram(
    "webjobs_http_request_duration_seconds",
    "From the head of a request to the head of its answer. The route is the template of its path, none for no route.",
    ("route", "method", "code"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)
"""Histogram of the seconds to the head of an answer: an upload counts with its body, a log that is followed without."""
OPEN = Gauge("webjobs_http_requests_open", "Requests whose answer has not ended, logs and pages that are followed too.")
"""Gauge of the requests whose answer has not ended."""

HOOKS = Counter(
    "webjobs_hook_deliveries", "Deliveries to web hooks that came to an end, by what came of them.", ("result",)
)
"""Counter of deliveries to web hooks: ``delivered``, or ``failed`` after all tries."""
WATCH_AGE = Gauge("webjobs_watch_age_seconds", "Since the watch of a site broke; 0 while it stands.", ("namespace",))
"""Gauge of the seconds since the watch of a namespace broke."""


def serve(port: int) -> None:
    """Serve the metrics on all addresses from a thread of its own, until the process ends."""
    start_http_server(port)


class Measured:
    """ASGI middleware that counts requests and times their answers; the access log stands before it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin, state = time.perf_counter(), scope["state"]
        state[_ROUTE] = "none"
        code = 0

        def told(status: int) -> None:
            nonlocal code
            code = status
            method = scope["method"] if scope["method"] in _METHODS else "other"
            SECONDS.labels(state[_ROUTE], method, str(status)).observe(time.perf_counter() - begin)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                told(message["status"])
            await send(message)

        with OPEN.track_inprogress():
            try:
                await self._app(scope, receive, sending)
            except Exception:
                if not code:
                    told(500)
                raise


class Routed:
    """ASGI middleware next to the routes: it notes which one has answered, before its answer goes out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and (route := _template(scope)):
                scope["state"][_ROUTE] = route
            await send(message)

        await self._app(scope, receive, sending if scope["type"] == "http" else send)


def _template(scope: Scope) -> str:
    """Return the template of the path that a request has matched, with that of what is mounted; empty for none."""
    found: str = getattr(scope.get("route"), "path", "")
    return f"{scope.get('root_path', '')}{found}"
