"""Kudu's routes below ``/api/deployments`` (docs/kudu-contract.md, section 10.2)."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from webjobs import times
from webjobs.objects import Object
from webjobs_apiserver.errors import BadRequest, Exists, Missing, Refused
from webjobs_apiserver.http import responses
from webjobs_apiserver.kudu.deployments import bodies
from webjobs_apiserver.kudu.deployments.answers import RETRY_SECONDS, end_of
from webjobs_apiserver.kudu.jobs import Facade, object_of, read_body
from webjobs_apiserver.service.deployments.records import FAILED, SUCCESS, Deployment, State
from webjobs_apiserver.service.files.nodes import tag

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_NO_OBJECT = "Send a JSON object, or nothing to deploy again."
_NO_RECORD = "status: send 3 (failed) or 4 (success) to record a deployment, or an empty body to deploy this one again."


def router(facade: Facade) -> APIRouter:
    """Return the routes of records: what was deployed, and how it went."""
    routes = APIRouter(prefix="/api/deployments")
    deployments = facade.service.deployments

    async def found(request: Request, identifier: str) -> tuple[Deployment, State]:
        state = await deployments.all(facade.site_of(request))
        return state.named(identifier), state

    def shown(request: Request, one: Deployment, state: State) -> dict[str, Any]:
        site = facade.site_of(request)
        return bodies.deployment(one, base=responses.base_url(request), site=site.name, active=state.active)

    @routes.get("")
    async def every(request: Request) -> Response:
        state = await deployments.all(facade.site_of(request))
        content = responses.dump([shown(request, one, state) for one in state.deployments])
        return responses.tagged(request, content, etag=tag(content.decode()))

    @routes.get("/latest")
    async def latest(request: Request) -> Response:
        one, state = await found(request, "latest")
        answer = responses.json_answer(shown(request, one, state), status=200 if one.is_over else 202)
        if not one.is_over:
            answer.headers["Location"] = str(request.url)
            answer.headers["Retry-After"] = str(RETRY_SECONDS)
        return answer

    @routes.get("/{identifier}")
    async def get(request: Request, identifier: str) -> Response:
        return responses.json_answer(shown(request, *await found(request, identifier)))

    @routes.put("/{identifier}")
    async def put(request: Request, identifier: str) -> Response:
        one = await _put(facade, request, identifier)
        return responses.json_answer(shown(request, *await found(request, one.id)))

    @routes.delete("/{identifier}")
    async def delete(request: Request, identifier: str) -> Response:
        one, _ = await found(request, identifier)
        await deployments.delete(facade.site_of(request), one.id)
        return responses.empty(204)

    @routes.get("/{identifier}/log")
    async def log(request: Request, identifier: str) -> Response:
        return responses.json_answer(bodies.lines((await found(request, identifier))[0]))

    @routes.get("/{identifier}/log/{line}")
    async def details(request: Request, identifier: str, line: str) -> Response:
        one, _ = await found(request, identifier)
        if line not in {shown_line["id"] for shown_line in bodies.lines(one)}:
            raise Missing(f"The log of deployment {one.id} has no line {line}.")
        return responses.json_answer([])  # a line says all that there is

    return routes


async def _put(facade: Facade, request: Request, identifier: str) -> Deployment:
    """Deploy an earlier deployment again, or keep a client's record; return it."""
    service, site = facade.service, facade.site_of(request)
    content = await read_body(request, limit=service.limits.settings_bytes, what="The body has")
    given = object_of(content, otherwise=_NO_OBJECT)
    if "status" not in given:
        one = await service.deployments.again(site, identifier)
        await end_of(service.deployments, one)
        return one
    one = _recorded(identifier, given, now=times.rfc3339(service.clock()))
    try:
        return await service.deployments.record(site, one, active=given.get("active") is True)
    except Exists as error:
        raise Refused(error.message) from None


def _recorded(identifier: str, given: Object, *, now: str) -> Deployment:
    """Return the record that a client wants kept. Raises BadRequest."""
    if not _ID.fullmatch(identifier) or identifier.lower() == "latest":
        raise BadRequest("id: use letters, digits, '.', '_' and '-', at most 128 of them, and not 'latest'.")
    status = given["status"]
    if isinstance(status, bool) or status not in (FAILED, SUCCESS):
        raise BadRequest(_NO_RECORD)
    return Deployment(
        id=identifier,
        status=status,
        message=_text(given, "message"),
        deployer=_text(given, "deployer") or "N/A",
        author=_text(given, "author") or "N/A",
        author_email=_text(given, "author_email") or "N/A",
        received=now,
        start=_time(given, "start_time", now),
        end=_time(given, "end_time", now),
    )


def _text(given: Object, name: str) -> str:
    value = given.get(name)
    if value is not None and not isinstance(value, str):
        raise BadRequest(f"{name}: send a text.")
    return value or ""


def _time(given: Object, name: str, now: str) -> str:
    text = _text(given, name)
    try:
        return times.rfc3339(times.parse_time(text)) if text else now
    except (ValueError, OverflowError):
        raise BadRequest(f"{name}: send a time like {now}.") from None
