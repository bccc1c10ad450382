"""ARM's routes of a site itself, as far as deploy clients ask for them: where it is, and how to log in there.

Only what is true here is told: there is no plan, and no FTP (docs/deployments.md).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import Response

from webjobs_apiserver.arm import paths
from webjobs_apiserver.arm.bodies import Body
from webjobs_apiserver.arm.facade import Facade
from webjobs_apiserver.auth import authenticator, tickets
from webjobs_apiserver.auth.authenticator import Keeper
from webjobs_apiserver.errors import Refused
from webjobs_apiserver.http import responses
from webjobs_apiserver.sites import Site

_NO_TICKET = (
    "There can be no password for this user of Kubernetes: it has too many groups, or the site has no account. Send "
    "the token itself, as Bearer, to the site's own routes."
)


def site(one: Site, *, base: str, group: str) -> Body:
    """Return the properties of a site. ``base``: scheme and host at which it is reached. Pure."""
    host = urlsplit(base).netloc
    return {
        "name": one.name,
        "state": "Running",
        "enabled": True,
        "hostNames": [host],
        "enabledHostNames": [host],
        "defaultHostName": host,
        "repositorySiteName": one.name,
        "hostNameSslStates": [
            {"name": host, "sslState": "SniEnabled", "hostType": "Standard"},
            {"name": host, "sslState": "SniEnabled", "hostType": "Repository"},
        ],
        "resourceGroup": group,
        # Clients look for these keys: without a plan, and no Linux App Service with its own rules of deployments.
        "serverFarmId": None,
        "reserved": False,
    }


def publishing_credentials(one: Site, *, base: str, password: str) -> Body:
    """Return the properties of the login by which clients go on to Kudu's routes. Pure."""
    return {
        "name": one.name,
        "publishingUserName": one.publishing_user,
        "publishingPassword": password,
        "scmUri": f"https://{urlsplit(base).netloc}",
    }


def beside_sites(facade: Facade) -> APIRouter:
    """Return the route of the list of sites: the one that the host of the request is for."""
    routes = APIRouter()

    @routes.get(paths.SITES)
    async def every(request: Request, subscription: str) -> Response:
        one = facade.site(request)
        where = paths.SITE.format(subscription=subscription, group=one.namespace, site=one.name)
        properties = site(one, base=facade.base(request), group=one.namespace)
        return responses.json_answer({"value": [_envelope(facade, request, properties, identifier=where)]})

    return routes


def router(facade: Facade, keeper: Keeper, prefix: str) -> APIRouter:
    """Return the routes of a site, or of a slot."""
    routes = APIRouter(prefix=prefix)

    @routes.get("")
    async def get(request: Request, group: str) -> Response:
        one = facade.site(request)
        properties = site(one, base=facade.base(request), group=group)
        return responses.json_answer(_envelope(facade, request, properties, identifier=request.scope["path"]))

    @routes.get("/basicpublishingcredentialspolicies/{kind}")
    async def policy(request: Request, kind: str) -> Response:
        return _resource(facade, request, {"allow": kind.lower() == "scm"})

    @routes.post("/config/publishingcredentials/list")
    async def credentials(request: Request) -> Response:
        ticket = await keeper.lasting(authenticator.asker(request), use="password")
        if ticket is None:
            raise Refused(_NO_TICKET)
        one, password = facade.site(request), tickets.shown(ticket)
        properties = publishing_credentials(one, base=facade.base(request), password=password)
        answer = _resource(facade, request, properties)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    @routes.get("/config/web")
    async def web(request: Request) -> Response:
        return _resource(facade, request, {"numberOfWorkers": 1, "alwaysOn": True, "ftpsState": "Disabled"})

    @routes.get("/config/logs")
    @routes.put("/config/logs")
    async def logs(request: Request) -> Response:
        # Clients switch logs on before they show them. They are always on, and the answer is what is in force.
        return _resource(facade, request, {"applicationLogs": {"fileSystem": {"level": "Verbose"}}})

    return routes


def _resource(facade: Facade, request: Request, properties: Body) -> Response:
    return responses.json_answer(facade.envelope(request, properties, identifier=request.scope["path"]))


def _envelope(facade: Facade, request: Request, properties: Body, *, identifier: str) -> Body:
    """Return a site as a resource. ``kind``: that of an app on Windows, which clients deploy to without more ado."""
    return {**facade.envelope(request, properties, identifier=identifier), "kind": "app"}
