"""ARM's routes of a site itself: where it is, and how deploy clients log in there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.fakes.shim import USER, Shim, shim
from webjobs_apiserver.auth.authenticator import DEPLOYS_ONLY

GROUP = "/subscriptions/0/resourceGroups/g/providers/Microsoft.Web/sites"
SITE = f"{GROUP}/site"
DEPLOY = "only to deploy, and nothing else"
READER = ("reader", "only to read, and nothing else")
CREDENTIALS = f"{SITE}/config/publishingcredentials/list"


@pytest.fixture
def one() -> Iterator[Shim]:
    with shim() as made:
        (made.directory / "readonlyUsername").write_text(READER[0])
        (made.directory / "readonlyPassword").write_text(READER[1])
        (made.directory / "deployPassword").write_text(DEPLOY)
        yield made


@pytest.mark.parametrize("path", [SITE, f"{SITE}/", SITE.replace("Microsoft.Web", "microsoft.web"), f"{SITE}?x=1"])
async def test_a_site(one: Shim, client: httpx.AsyncClient, path: str) -> None:
    found = (await client.get(path)).json()
    assert (found["name"], found["type"], found["kind"]) == ("site", "Microsoft.Web/sites", "app")
    properties: dict[str, Any] = found["properties"]
    assert properties["enabledHostNames"] == ["s"]
    (scm,) = [host["name"] for host in properties["hostNameSslStates"] if host["hostType"] == "Repository"]
    assert scm == "s"
    assert "serverFarmId" in properties


@pytest.mark.parametrize("path", [GROUP, f"{GROUP}/", "/subscriptions/0/providers/Microsoft.Web/sites"])
async def test_the_list_of_sites(one: Shim, client: httpx.AsyncClient, path: str) -> None:
    (found,) = (await client.get(path)).json()["value"]
    assert (await client.get(found["id"])).json()["properties"]["name"] == found["properties"]["name"]


@pytest.mark.parametrize(
    "path", ["/subscriptions/0/providers/Microsoft.Web/plans", "/subscriptions/0/x/g/providers/Microsoft.Web/sites"]
)
async def test_other_lists_are_nothing(one: Shim, client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_what_clients_ask_beside_it(one: Shim, client: httpx.AsyncClient) -> None:
    for kind, allow in (("scm", True), ("ftp", False)):
        policy = (await client.get(f"{SITE}/basicPublishingCredentialsPolicies/{kind}")).json()
        assert policy["properties"] == {"allow": allow}
    assert (await client.get(f"{SITE}/config/web")).status_code == 200
    for method in ("GET", "PUT"):
        logs = (await client.request(method, f"{SITE}/config/logs", json={})).json()["properties"]
        assert logs["applicationLogs"]["fileSystem"]["level"] == "Verbose"


async def test_who_may(one: Shim) -> None:
    async with one.client(auth=READER) as reader:
        for method, path in (
            ("GET", SITE),
            ("POST", CREDENTIALS),
            ("GET", f"{SITE}/config/web"),
            ("POST", f"{SITE}/publishxml"),
        ):
            assert (await reader.request(method, path)).status_code == 401, path
    async with one.client(auth=(USER, DEPLOY)) as deployer:
        for answer in (await deployer.get(SITE), await deployer.post(CREDENTIALS)):
            assert (answer.status_code, DEPLOYS_ONLY in answer.text) == (403, True)
    async with one.client(auth=(USER, "wrong")) as stranger:
        assert (await stranger.get(SITE)).status_code == 401
