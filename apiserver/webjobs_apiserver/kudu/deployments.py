"""Kudu's routes of deployments: zipdeploy, publish, and the records (docs/kudu-contract.md, section 11)."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from webjobs import times
from webjobs.objects import Object
from webjobs_apiserver.errors import BadRequest, Exists, Missing, Refused
from webjobs_apiserver.http import responses
from webjobs_apiserver.kudu import deployment_bodies as bodies
from webjobs_apiserver.kudu.jobs import Facade, announced_size, media_type, read_body
from webjobs_apiserver.service.deployments.deployments import Asked
from webjobs_apiserver.service.deployments.places import ROOT, base_of
from webjobs_apiserver.service.deployments.records import FAILED, SUCCESS, Deployment, State
from webjobs_apiserver.service.deployments.rollout import Lost
from webjobs_apiserver.service.files.nodes import tag

ZIP_DEPLOY, ONE_DEPLOY = "ZipDeploy", "OneDeploy"
"""Names of the deployers that Kudu gives to requests that name none."""
_MESSAGE = "Created via a push deployment"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_RETRY_SECONDS = 3
_NO_URL = "A packageUri is not fetched here: send the zip itself."
_NO_SCRIPT = (
    "type: a site has no startup command and no deployment scripts here. What runs is the script of a WebJob: send it "
    "with type=static and path=App_Data/jobs/{triggered|continuous}/NAME/run.sh."
)
_TYPES = ("war", "jar", "ear", "lib", "static", "startup", "script", "zip")
_NO_RECORD = "status: send 3 (failed) or 4 (success) to record a deployment, or an empty body to deploy this one again."
_TAKEN_OVER = "Another process of the REST shim goes on with this deployment: see /api/deployments/latest."


def router(facade: Facade) -> APIRouter:
    """Return the routes of deployments."""
    routes = APIRouter()
    service = facade.service
    deployments = service.deployments

    def shown(request: Request, one: Deployment, state: State) -> dict[str, Any]:
        site = facade.site_of(request)
        return bodies.deployment(one, base=responses.base_url(request), site=site.name, active=state.active)

    async def begin(request: Request, asked: Asked, *, is_async: bool) -> Response:
        site = facade.site_of(request)
        if media_type(request) == "application/json":
            raise BadRequest(_NO_URL)
        one = await deployments.deploy(site, asked, body=request.stream(), size=announced_size(request))
        if is_async:
            return _accepted(request, one)
        return await end_of(one)

    async def end_of(one: Deployment) -> Response:
        ended = await deployments.ended(one.id)
        if isinstance(ended.error, Lost):
            raise Refused(_TAKEN_OVER)
        if ended.error:
            raise ended.error
        return responses.empty()

    async def zipdeploy(request: Request) -> Response:
        return await begin(request, _asked(request, ZIP_DEPLOY, base=ROOT), is_async=_flag(request, "isAsync"))

    async def publish(request: Request) -> Response:
        kind = request.query_params.get("type", "").lower()
        if kind and kind not in _TYPES:
            return responses.json_answer(f"type='{request.query_params['type']}' not recognized", status=400)
        is_async = _flag(request, "async") or _flag(request, "isAsync")
        if kind in ("static", "script", "startup"):
            return await one_file(request, kind, is_async=is_async)
        if kind not in ("", "zip"):
            raise BadRequest(f"Artifact type '{kind}' not supported")
        # Without a type, as dotnet publish sends it, a zip is meant.
        base = base_of(request.query_params.get("path", ""))
        return await begin(request, _asked(request, ONE_DEPLOY, base=base), is_async=is_async)

    async def one_file(request: Request, kind: str, *, is_async: bool) -> Response:
        """Write one file of a WebJob, and record it."""
        path = request.query_params.get("path", "")
        if kind != "static" and not path:
            raise BadRequest(_NO_SCRIPT)
        site, now = facade.site_of(request), times.rfc3339(service.clock())
        at = base_of(path)
        await service.writing.put(site, at, body=request.stream(), size=announced_size(request), if_match="*")
        asked = _asked(request, ONE_DEPLOY, base=at)
        new = Deployment(
            id=uuid.uuid4().hex,
            status=SUCCESS,
            deployer=asked.deployer,
            message=asked.message,
            received=now,
            start=now,
            end=times.rfc3339(service.clock()),
        )
        await deployments.record(site, new, active=False)
        return _accepted(request, new) if is_async else responses.empty()

    for path, handler in (("zipdeploy", zipdeploy), ("publish", publish)):
        routes.add_api_route(f"/api/{path}", handler, methods=["POST", "PUT"])

    @routes.get("/api/deployments")
    async def every(request: Request) -> Response:
        state = await deployments.all(facade.site_of(request))
        content = responses.dump([shown(request, one, state) for one in state.deployments])
        return responses.tagged(request, content, etag=tag(content.decode()))

    @routes.get("/api/deployments/latest")
    async def latest(request: Request) -> Response:
        state = await deployments.all(facade.site_of(request))
        one = state.latest
        answer = responses.json_answer(shown(request, one, state), status=200 if one.is_over else 202)
        if not one.is_over:
            answer.headers["Location"] = str(request.url)
            answer.headers["Retry-After"] = str(_RETRY_SECONDS)
        return answer

    @routes.get("/api/deployments/{identifier}")
    async def get(request: Request, identifier: str) -> Response:
        state = await deployments.all(facade.site_of(request))
        return responses.json_answer(shown(request, _found(state, identifier), state))

    @routes.put("/api/deployments/{identifier}")
    async def put(request: Request, identifier: str) -> Response:
        site = facade.site_of(request)
        given = _object(await read_body(request, limit=service.limits.settings_bytes))
        if given is None or "status" not in given:
            one = await deployments.again(site, _found(await deployments.all(site), identifier).id)
            await end_of(one)
        else:
            one = _recorded(identifier, given, now=times.rfc3339(service.clock()))
            try:
                await deployments.record(site, one, active=given.get("active") is True)
            except Exists as error:
                raise Refused(error.message) from None
        state = await deployments.all(site)
        return responses.json_answer(shown(request, state.get(one.id), state))

    @routes.delete("/api/deployments/{identifier}")
    async def delete(request: Request, identifier: str) -> Response:
        site = facade.site_of(request)
        await deployments.delete(site, _found(await deployments.all(site), identifier).id)
        return responses.empty(204)

    @routes.get("/api/deployments/{identifier}/log")
    async def log(request: Request, identifier: str) -> Response:
        state = await deployments.all(facade.site_of(request))
        return responses.json_answer(bodies.lines(_found(state, identifier)))

    @routes.get("/api/deployments/{identifier}/log/{line}")
    async def details(request: Request, identifier: str, line: str) -> Response:
        one = _found(await deployments.all(facade.site_of(request)), identifier)
        if line not in {bodies.line_id(one, number) for number in range(len(one.log))}:
            raise Missing
        return responses.json_answer([])  # a line says all that there is

    @routes.get("/api/isdeploying")
    async def is_deploying(request: Request) -> Response:
        state = await deployments.all(facade.site_of(request))
        return responses.json_answer({"value": str(state.pending is not None)})

    return routes


def _found(state: State, identifier: str) -> Deployment:
    """Return a deployment by its id or as ``latest``. Raises Missing."""
    return state.latest if identifier.lower() == "latest" else state.get(identifier)


def _accepted(request: Request, one: Deployment) -> Response:
    """Return the answer to a deployment that goes on, with the address at which clients look for its end."""
    stamp = times.parse_time(one.received).strftime("%Y-%m-%d_%H-%M-%SZ")
    query = urlencode({"deployer": one.deployer, "time": stamp})
    headers = {
        "Location": f"{responses.base_url(request)}/api/deployments/latest?{query}",
        "Retry-After": str(_RETRY_SECONDS),
        "SCM-DEPLOYMENT-ID": one.id,
    }
    return Response(status_code=202, headers=headers)


def _flag(request: Request, name: str) -> bool:
    return request.query_params.get(name, "").lower() in ("true", "1")


def _asked(request: Request, deployer: str, *, base: str) -> Asked:
    query = request.query_params
    return Asked(
        deployer=query.get("deployer") or deployer,
        message=query.get("message") or _MESSAGE,
        author=query.get("author", ""),
        author_email=query.get("authorEmail", ""),
        clean=_flag(request, "clean"),
        base=base,
    )


def _object(content: bytes) -> Object | None:
    if not content.strip():
        return None
    try:
        given = json.loads(content)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise BadRequest("Send a JSON object, or nothing to deploy again.")
    return given


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
