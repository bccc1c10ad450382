"""The addresses that the Azure CLI asks of a cloud before it calls Resource Manager.

They are the cloud's addresses, a token for a service principal, which is the user name and password of a site, and the
subscriptions. The token endpoint is of the kind that the CLI knows as ADFS, where no directory of Microsoft's is asked.
Sources: OAuth 2.0 (RFC 6749, sections 4.4 and 5), OpenID Connect Discovery, and the CLI's own ``az cloud register``.
"""

from __future__ import annotations

from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from starlette.responses import Response

from webjobs_apiserver import sites
from webjobs_apiserver.arm.bodies import Body
from webjobs_apiserver.arm.paths import ADFS, METADATA, ROOT
from webjobs_apiserver.auth import tickets
from webjobs_apiserver.auth.admission import Admitted, Asked
from webjobs_apiserver.auth.authenticator import Keeper
from webjobs_apiserver.auth.credentials import ROLES
from webjobs_apiserver.auth.headers import Basic
from webjobs_apiserver.errors import TooLarge
from webjobs_apiserver.http.responses import base_url, json_answer
from webjobs_apiserver.kudu.jobs import read_body

NO_ID = "00000000-0000-0000-0000-000000000000"
"""Id of the tenant and of the subscription: the CLI wants one of each."""
_BODY_BYTES = 16384


def router(keeper: Keeper) -> APIRouter:
    """Return the routes of the cloud.

    Routes that are asked before a login take no credentials.
    """
    routes = APIRouter()

    @routes.get(METADATA)
    async def metadata(request: Request) -> Response:
        return json_answer(cloud(base_url(request)))

    @routes.get(f"{ADFS}/.well-known/openid-configuration")
    async def discovery(request: Request) -> Response:
        issuer = base_url(request) + ADFS
        addresses = {"authorization_endpoint": f"{issuer}/oauth2/authorize", "token_endpoint": f"{issuer}/oauth2/token"}
        return json_answer({"issuer": issuer, **addresses, "grant_types_supported": ["client_credentials"]})

    @routes.post(f"{ADFS}/oauth2/token")
    async def token(request: Request) -> Response:
        return await _token(request, keeper)

    @routes.get(ROOT)
    async def subscriptions(request: Request) -> Response:
        return json_answer({"value": [described(NO_ID, site=sites.of_request(request).name)]})

    @routes.get(f"{ROOT}/{{subscription}}")
    async def one(request: Request, subscription: str) -> Response:
        return json_answer(described(subscription, site=sites.of_request(request).name))

    return routes


def cloud(base: str) -> Body:
    """Return the addresses of the cloud, as ``az cloud register`` reads them."""
    return {
        "name": "webjobs",
        "resourceManager": base,
        "authentication": {
            "loginEndpoint": base + ADFS,
            "audiences": [base],
            "tenant": NO_ID,
            "identityProvider": "ADFS",
        },
        "suffixes": {},
    }


def described(identifier: str, *, site: str) -> Body:
    """Return a subscription: a site has one, and any name is right for it."""
    return {
        "id": f"{ROOT}/{identifier}",
        "subscriptionId": identifier,
        "tenantId": NO_ID,
        "displayName": site,
        "state": "Enabled",
    }


async def _token(request: Request, keeper: Keeper) -> Response:
    try:
        content = await read_body(request, limit=_BODY_BYTES)
    except TooLarge:
        return _refused(400, "invalid_request", f"The body has more than {_BODY_BYTES} bytes.")
    sent = parse_qs(content.decode("utf-8", "replace"), keep_blank_values=True)
    if sent.get("grant_type") != ["client_credentials"]:
        text = "Log in with a service principal: grant_type must be client_credentials."
        return _refused(400, "unsupported_grant_type", text)
    (name, *more), (password, *others) = sent.get("client_id", [""]), sent.get("client_secret", [""])
    if more or others or not name or not password:
        return _refused(400, "invalid_request", "client_id and client_secret are needed, each once.")
    host = keeper.sites.of_host(request.headers.get("host", ""))
    asked = Asked(needs=(), roles=frozenset(ROLES), meant=host, host=host) if host else None
    found = await keeper.admit(asked, Basic(username=name.encode(), password=password.encode()), request.scope)
    if isinstance(found, Admitted) and (ticket := await keeper.ticket(found, use="token")):
        seconds = int(tickets.LIFETIME.total_seconds())
        body = {"token_type": "Bearer", "expires_in": seconds, "access_token": tickets.shown(ticket)}
        return _uncached(json_answer(body))
    if isinstance(found, Admitted) or found.status == 401:
        return _refused(401, "invalid_client", "client_id or client_secret is wrong: they are those of the site.")
    response = _refused(found.status, "temporarily_unavailable", found.message)
    if found.wait:
        response.headers["Retry-After"] = str(found.wait)
    return response


def _refused(status: int, error: str, description: str) -> Response:
    return _uncached(json_answer({"error": error, "error_description": description}, status=status))


def _uncached(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
