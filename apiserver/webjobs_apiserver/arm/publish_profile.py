"""ARM's route ``.../publishxml``: the publish profile of a site."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from webjobs_apiserver.arm.facade import Facade
from webjobs_apiserver.auth.authenticator import Keeper
from webjobs_apiserver.errors import BadRequest
from webjobs_apiserver.kudu.deployments import publish_profile
from webjobs_apiserver.kudu.jobs import object_of, read_body

_BODY_BYTES = 16384
_NO_OBJECT = 'Send nothing, or a JSON object such as {"format": "WebDeploy"}.'
_NO_FTP = "format: only WebDeploy. There is no FTP here."


def check_format(content: bytes) -> None:
    """Raise BadRequest for the body of a request for a publish profile in a form that there is not. Pure."""
    form = object_of(content, otherwise=_NO_OBJECT).get("format")
    if form is not None and not (isinstance(form, str) and form.lower() == "webdeploy"):
        raise BadRequest(_NO_FTP)


def router(facade: Facade, keeper: Keeper, prefix: str) -> APIRouter:
    """Return the route of the publish profile of a site, or of a slot."""
    routes = APIRouter(prefix=prefix)

    @routes.post("/publishxml")
    async def publish_xml(request: Request) -> Response:
        check_format(await read_body(request, limit=_BODY_BYTES, what="The body has"))
        return await publish_profile.answer(request, keeper, base=facade.base(request))

    return routes
