"""Kudu's route ``/api/hooks``: web hooks, and what is posted to them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from webjobs.model import WebJobRun
from webjobs_apiserver.errors import BadRequest, Exists
from webjobs_apiserver.http import responses
from webjobs_apiserver.kudu import bodies
from webjobs_apiserver.kudu.jobs import Facade, read_body
from webjobs_apiserver.service.hooks.hooks import Hook
from webjobs_apiserver.service.jobs import Job

_NO_OBJECT = "Send a JSON object with event and url."


def posted(run: WebJobRun, job: Job, base: str) -> bytes:
    """Return what is posted of a run: its object, indented, without nulls and defaults."""
    now = datetime.now().astimezone()  # of no account: the run has ended
    body = bodies.run(run, job_name=job.name, base=base, now=now)
    kept = {key: value for key, value in body.items() if value not in (None, bodies.NEVER)}
    return json.dumps(kept, ensure_ascii=False, indent=2).encode("utf-8", "replace")


def body_of(hook: Hook) -> dict[str, Any]:
    """Return a hook as clients see it."""
    return {
        "id": hook.id,
        "event": hook.event,
        "url": hook.url,
        "insecure_ssl": hook.insecure_ssl,
        "last_status": hook.last_status,
        "last_reason": hook.last_reason,
        "last_datetime": hook.last_datetime or bodies.NEVER,
        "last_context": hook.last_context,
    }


def router(facade: Facade) -> APIRouter:
    """Return the routes of web hooks: GET, POST, DELETE."""
    routes = APIRouter(prefix="/api/hooks")
    hooks, limits = facade.service.hooks, facade.service.limits

    @routes.get("")
    async def every(request: Request) -> Response:
        return responses.json_answer([body_of(hook) for hook in await hooks.all(facade.site_of(request))])

    @routes.get("/{identifier}")
    async def get(request: Request, identifier: str) -> Response:
        return responses.json_answer(body_of(await hooks.get(facade.site_of(request), identifier)))

    @routes.delete("/{identifier}")
    async def delete(request: Request, identifier: str) -> Response:
        await hooks.remove(facade.site_of(request), identifier)
        return responses.empty()

    @routes.post("")
    async def subscribe(request: Request) -> Response:
        content = await read_body(request, limit=limits.settings_bytes)
        try:
            given = json.loads(content.decode("utf-8-sig"))
            event, url, insecure = given["event"], given["url"], given.get("insecure_ssl", False)
        except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
            raise BadRequest(_NO_OBJECT) from None
        if not isinstance(event, str) or not isinstance(url, str) or not isinstance(insecure, bool):
            raise BadRequest(_NO_OBJECT)
        base = responses.base_url(request)
        try:
            hook = await hooks.add(facade.site_of(request), event=event, url=url, insecure_ssl=insecure, base=base)
        except Exists:
            return responses.empty(409)
        return responses.json_answer(body_of(hook), status=201)

    return routes
