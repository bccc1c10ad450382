"""The publish profile of a site, the XML file with which deploy clients of App Service log in, and its own route.

App Service gives it by its portal and by ARM; ``/api/publishprofile`` is not Kudu's.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from fastapi import APIRouter, Request
from starlette.responses import Response

from webjobs_apiserver import sites
from webjobs_apiserver.auth.authenticator import Keeper
from webjobs_apiserver.errors import BadRequest, Refused
from webjobs_apiserver.http import responses
from webjobs_apiserver.kudu.files.zips import attachment
from webjobs_apiserver.sites import Site

_XML = "application/xml"
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(?::[1-9][0-9]{0,4})?")
_NO_HOST = "host: give a host name, with its port unless that is 443, as shop.scm.example.com."
_NO_PASSWORD = (
    "This site has no deploy password, and a publish profile never holds the owner's. Set the key deployPassword of "  # noqa: S105
    "the site's credentials Secret (for the chart's own: credentials.deploy), not to the same as password."
)
_ODD_PASSWORD = (
    "The deploy password can't be in a publish profile: set deployPassword to printable characters in UTF-8."  # noqa: S105
)


def profile(site: Site, *, base: str, password: str) -> str:
    """Return the publish profile of a site. ``base``: scheme and host at which clients find it. Pure.

    Clients take the first profile, or the one of their method. Web Deploy is not here: the second one is for scripts
    that look for user name and password there. Raises BadRequest for a port that there can't be.
    """
    common = {
        "publishUrl": _with_port(base),
        "userName": site.publishing_user,
        "userPWD": password,
        "destinationAppUrl": base,
        "SQLServerDBConnectionString": "",
        "mySQLDBConnectionString": "",
        "hostingProviderForumLink": "",
        "controlPanelLink": "",
        "webSystem": "WebSites",
    }
    both = (
        {"profileName": f"{site.name} - Zip Deploy", "publishMethod": "ZipDeploy", **common},
        {"profileName": f"{site.name} - Web Deploy", "publishMethod": "MSDeploy", "msdeploySite": site.name, **common},
    )
    return f"<publishData>{''.join(_element(one) for one in both)}</publishData>"


def _element(attributes: dict[str, str]) -> str:
    pairs = (f'{name}="{escape(value, {chr(34): "&quot;"})}"' for name, value in attributes.items())
    return f"<publishProfile {' '.join(pairs)}><databases /></publishProfile>"


def _with_port(base: str) -> str:
    parts = urlsplit(base)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise BadRequest(_NO_HOST) from None
    host = parts.hostname or ""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def as_text(password: bytes) -> str:
    """Return a deploy password as a publish profile holds it. Pure.

    Raises Refused for none, and for one that the XML can't hold.
    """
    if not password:
        raise Refused(_NO_PASSWORD)
    try:
        text = password.decode()
    except UnicodeDecodeError:
        raise Refused(_ODD_PASSWORD) from None
    if not text.isprintable():
        raise Refused(_ODD_PASSWORD)
    return text


def base_at(host: str, site: Site, keeper: Keeper) -> str:
    """Return the address of a site at a host that a client has chosen; it is reached by https.

    Raises BadRequest for what is no host, or another site's: the password would go there.
    """
    if not _HOST.fullmatch(host):
        raise BadRequest(_NO_HOST)
    if keeper.sites.of_host(host) != site:
        raise BadRequest(f"host: {host} is no host of this site.")
    return f"https://{host.lower().removesuffix(':443')}"


async def answer(request: Request, keeper: Keeper, *, base: str) -> Response:
    """Return the publish profile of the request's site. ``base``: its address, unless the query names a host."""
    site = sites.of_request(request)
    host = request.query_params.get("host")
    where = base if host is None else base_at(host, site, keeper)
    accounts = await keeper.credentials[site.namespace].accounts()
    content = profile(site, base=where, password=as_text(accounts.deploy_password))
    name = f"{site.name}.PublishSettings"
    headers = {"Content-Type": _XML, "Content-Disposition": attachment(name), "Cache-Control": "no-store"}
    return Response(content.encode(), headers=headers)


def router(keeper: Keeper) -> APIRouter:
    """Return the route of the publish profile."""
    routes = APIRouter()

    @routes.get("/api/publishprofile")
    async def get(request: Request) -> Response:
        return await answer(request, keeper, base=responses.base_url(request))

    return routes
