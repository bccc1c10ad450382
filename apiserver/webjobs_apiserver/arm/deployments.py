"""ARM's routes of deployments: ``extensions/onedeploy``, which fetches a zip, and the records of deployments."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from webjobs.objects import Object
from webjobs_apiserver.arm.facade import Facade
from webjobs_apiserver.errors import BadRequest
from webjobs_apiserver.http import responses
from webjobs_apiserver.kudu.deployments import bodies, publishing
from webjobs_apiserver.kudu.deployments.answers import RETRY_SECONDS
from webjobs_apiserver.kudu.files.zip_body import fetched
from webjobs_apiserver.kudu.jobs import object_of, read_body
from webjobs_apiserver.service.deployments.records import Deployment, State

_MOST_BYTES = 2**16
_NO_OBJECT = 'Send {"properties": {"packageUri": "https://...", "type": "zip"}}.'


def properties_of(content: bytes) -> Object:
    """Return the properties of a request to deploy, with their names in lower case as queries have them, as texts.

    ``packageUri`` keeps its name. Raises BadRequest. Pure.
    """
    properties = object_of(content, otherwise=_NO_OBJECT).get("properties")
    if not isinstance(properties, dict):
        raise BadRequest(_NO_OBJECT)
    found: Object = {}
    for name, value in properties.items():
        key = "packageUri" if name.lower() == "packageuri" else name.lower()
        found[key] = str(value).lower() if isinstance(value, bool) else value
    for name, value in found.items():
        if not isinstance(value, str | None):
            raise BadRequest(f"properties.{name} must be a text, true or false.")
    return {name: value or "" for name, value in found.items()}


def router(facade: Facade, prefix: str) -> APIRouter:
    """Return the routes of the deployments of a site, or of a slot."""
    routes = APIRouter(prefix=prefix)
    deployments = facade.service.deployments

    def shown(request: Request, one: Deployment, state: State) -> dict[str, Any]:
        site = facade.site(request)
        return bodies.deployment(one, base=facade.base(request), site=site.name, active=state.active)

    def resource(request: Request, one: Deployment, state: State, *, status: int = 200) -> Response:
        root = request.scope["path"].partition("/extensions/")[0].partition("/deployments")[0]
        identifier = f"{root}/deployments/{one.id}"
        body = facade.envelope(request, shown(request, one, state), identifier=identifier)
        answer = responses.json_answer(body, status=status)
        if status == 202:
            version = request.query_params.get("api-version", "")
            base = responses.base_url(request)
            answer.headers["Location"] = f"{base}{root}/deployments/{one.id}?api-version={version}"
            answer.headers["Retry-After"] = str(RETRY_SECONDS)
        return answer

    async def one_deploy(request: Request) -> Response:
        sent = properties_of(await read_body(request, limit=_MOST_BYTES, what="The body has"))
        kind = publishing.kind_of(sent)
        if kind not in ("", "zip"):
            raise BadRequest(f"properties.type: '{kind}' is not fetched. Send the file itself to /api/publish.")
        asked = publishing.asked_of(sent, publishing.ONE_DEPLOY)
        site = facade.site(request)
        async with fetched(facade.service, sent) as body:
            one = await deployments.deploy(site, asked, body=body.content, size=body.size)
        return resource(request, one, await deployments.all(site), status=202)

    for method in ("PUT", "POST"):
        routes.add_api_route("/extensions/onedeploy", one_deploy, methods=[method])

    @routes.get("/extensions/onedeploy")
    async def latest(request: Request) -> Response:
        state = await deployments.all(facade.site(request))
        return resource(request, state.latest, state)

    @routes.get("/deployments")
    async def every(request: Request) -> Response:
        state = await deployments.all(facade.site(request))
        entries = [(one.id, shown(request, one, state)) for one in state.deployments]
        value = facade.listed(request, entries, identifier=request.scope["path"])
        return responses.json_answer({"value": value})

    @routes.get("/deployments/{identifier}")
    async def get(request: Request, identifier: str) -> Response:
        state = await deployments.all(facade.site(request))
        return resource(request, state.named(identifier), state)

    return routes
