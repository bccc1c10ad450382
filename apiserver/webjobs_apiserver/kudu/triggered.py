"""Kudu's routes ``/api/triggeredwebjobs``: run, history."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from starlette.responses import Response

from webjobs.model import WebJobRun
from webjobs_apiserver.http import caller, responses
from webjobs_apiserver.kudu import bodies
from webjobs_apiserver.kudu.jobs import Facade


def arguments_of(request: Request) -> str | None:
    """Return the first ``arguments`` of a request's query, decoded; None when there is none or it is empty."""
    query = request.scope["query_string"].decode("latin-1")
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name.lower() == "arguments":
            return value or None
    return None


def trigger_of(request: Request) -> str:
    """Return what a run was started by, with Kudu's trailing blank when the client doesn't say who it is."""
    return f"External - {request.headers.get('user-agent', '')}"


_RENDERED_HERE = 1000
"""Most runs of a list that is rendered without a thread: it keeps no other request waiting."""


def _rendered(render: Callable[[list[WebJobRun]], bodies.Body], known: list[WebJobRun]) -> tuple[bodies.Body, bytes]:
    body = render(known)
    return body, responses.dump(body)


def router(facade: Facade) -> APIRouter:
    """Return the routes that only triggered jobs have."""
    service = facade.service
    routes = APIRouter(prefix="/api/triggeredwebjobs/{name}")

    @routes.post("/run")
    async def run(request: Request, name: str) -> Response:
        job, run_id = await service.runs.start(
            facade.site_of(request),
            name,
            arguments=arguments_of(request),
            trigger=trigger_of(request),
            by=caller.of(request.scope),
        )
        accepted = responses.empty(202)
        accepted.headers["Location"] = bodies.location(responses.base_url(request), job_name=job.name, run_id=run_id)
        return accepted

    @routes.get("/history")
    async def history(request: Request, name: str) -> Response:
        site = facade.site_of(request)
        job, known = await service.runs.history(site, name)
        render = partial(bodies.history, job_name=job.name, base=responses.base_url(request), now=service.clock())
        etag = bodies.history_etag(render(known[:1]), job_name=job.name)
        if known and (same := responses.unchanged(request, etag=etag)):
            return same  # older runs move no ETag
        known = [*known, *await service.runs.older(site, job, known)]
        if len(known) > _RENDERED_HERE:
            body, content = await asyncio.to_thread(_rendered, render, known)
        else:
            body, content = _rendered(render, known)
        return responses.tagged(request, content, etag=bodies.history_etag(body, job_name=job.name))

    @routes.get("/history/{run_id}")
    async def one(request: Request, name: str, run_id: str) -> Response:
        job, run = await service.runs.get(facade.site_of(request), name, run_id)
        base = responses.base_url(request)
        return responses.json_answer(bodies.run(run, job_name=job.name, base=base, now=service.clock()))

    @routes.delete("/history/{run_id}")
    async def cancel(request: Request, name: str, run_id: str) -> Response:
        # Not Kudu's: its users asked for it.
        await service.runs.cancel(facade.site_of(request), name, run_id, by=caller.of(request.scope))
        return responses.empty(200)

    return routes
