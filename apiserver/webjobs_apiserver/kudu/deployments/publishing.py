"""Kudu's routes zipdeploy and publish (docs/kudu-contract.md, section 10.1)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from fastapi import APIRouter, Request
from starlette.responses import Response

from webjobs import times
from webjobs_apiserver.errors import BadRequest
from webjobs_apiserver.http import responses
from webjobs_apiserver.kudu.deployments.answers import accepted, end_of
from webjobs_apiserver.kudu.files.zip_body import zip_of
from webjobs_apiserver.kudu.jobs import Facade, announced_size
from webjobs_apiserver.service.deployments.deployments import Asked
from webjobs_apiserver.service.deployments.places import ROOT, base_of
from webjobs_apiserver.service.deployments.records import SUCCESS, Deployment

ZIP_DEPLOY, ONE_DEPLOY = "ZipDeploy", "OneDeploy"
"""Names of the deployers that Kudu gives to requests that name none."""
_MESSAGE = "Created via a push deployment"
_NO_SCRIPT = (
    "type: a site has no startup command and no deployment scripts here. What runs is the script of a WebJob: send it "
    "with type=static and path=App_Data/jobs/{triggered|continuous}/NAME/run.sh."
)
_TYPES = ("war", "jar", "ear", "lib", "static", "startup", "script", "zip")


def router(facade: Facade) -> APIRouter:
    """Return the routes by which something is deployed."""
    routes = APIRouter()

    async def zipdeploy(request: Request) -> Response:
        asked = _asked(request.query_params, ZIP_DEPLOY, base=ROOT)
        return await _zip(facade, request, asked, is_async=_flag(request.query_params, "isAsync"))

    async def publish(request: Request) -> Response:
        query = request.query_params
        if (known := query.get("type", "")) and known.lower() not in _TYPES:
            return responses.json_answer(f"type='{known}' not recognized", status=400)
        kind, asked = kind_of(query), asked_of(query, ONE_DEPLOY)
        is_async = _flag(query, "async") or _flag(query, "isAsync")
        if kind in ("static", "script"):
            return await _file(facade, request, asked, is_async=is_async)
        return await _zip(facade, request, asked, is_async=is_async)

    for method in ("POST", "PUT"):
        routes.add_api_route("/api/zipdeploy", zipdeploy, methods=[method])
        routes.add_api_route("/api/publish", publish, methods=[method])
    return routes


async def _zip(facade: Facade, request: Request, asked: Asked, *, is_async: bool) -> Response:
    deployments, site = facade.service.deployments, facade.site_of(request)
    async with zip_of(facade, request) as body:
        one = await deployments.deploy(site, asked, body=body.content, size=body.size)
    if is_async:
        return accepted(request, one)
    await end_of(deployments, one)
    return responses.empty()


async def _file(facade: Facade, request: Request, asked: Asked, *, is_async: bool) -> Response:
    """Write one file of a WebJob, and record it."""
    service, site = facade.service, facade.site_of(request)
    begin = times.rfc3339(service.clock())
    body, size = request.stream(), announced_size(request)
    await service.writing.put(site, asked.base, body=body, size=size, if_match="*")
    one = Deployment(
        id=uuid.uuid4().hex,
        status=SUCCESS,
        deployer=asked.deployer,
        message=asked.message,
        received=begin,
        start=begin,
        end=times.rfc3339(service.clock()),
    )
    await service.deployments.record(site, one, active=False)
    return accepted(request, one) if is_async else responses.empty()


def kind_of(query: Mapping[str, str]) -> str:
    """Return what is published by a query, or by the properties of an ARM resource: zip, static or script.

    Empty, as dotnet publish sends it: a zip is meant. Raises BadRequest for what no WebJob can be.
    """
    kind = query.get("type", "").lower()
    if kind == "startup" or (kind == "script" and not query.get("path")):
        raise BadRequest(_NO_SCRIPT)
    if kind not in ("", "zip", "static", "script"):
        raise BadRequest(f"Artifact type '{kind}' not supported")
    return kind


def asked_of(query: Mapping[str, str], deployer: str) -> Asked:
    """Return what a client says of what it publishes. ``deployer``: of one that does not say. Raises BadRequest."""
    return _asked(query, deployer, base=base_of(query.get("path", "")))


def _flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "").lower() in ("true", "1")


def _asked(query: Mapping[str, str], deployer: str, *, base: str) -> Asked:
    return Asked(
        deployer=query.get("deployer") or deployer,
        message=query.get("message") or _MESSAGE,
        author=query.get("author", ""),
        author_email=query.get("authorEmail", ""),
        clean=_flag(query, "clean"),
        base=base,
    )
