"""Zips that are fetched from an address that a client sends: from which hosts, how, and what is told of a failure."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
from aiohttp import web

from tests.fakes.shim import Shim, shim, zipped
from webjobs_apiserver.config import LimitsConfig
from webjobs_apiserver.http.destinations import Destinations
from webjobs_apiserver.service.package_sources import REDIRECTS, permits

ZIP = zipped({"App_Data/jobs/triggered/report/run.sh": "echo", "index.html": "x"})
SECRET = "sig=very-secret"  # noqa: S105
LIMIT = 20_000
ARM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/site"
OPEN = ["localhost", "127.0.0.0/8", "::1"]


@pytest.mark.parametrize(
    ("allow", "address", "clear", "expected"),
    [
        ([], "1.1.1.1", False, True),
        ([], "1.1.1.1", True, False),  # the Internet by TLS only
        ([], "10.0.0.1", False, False),
        ([], "169.254.169.254", False, False),
        (["storage.example"], "10.0.0.1", False, False),  # a name alone opens no private address
        (["10.0.0.0/8"], "10.0.0.1", False, True),
        (["10.0.0.0/8"], "10.0.0.1", True, True),
        (["10.0.0.0/8"], "::ffff:10.0.0.1", True, True),
        (["10.0.0.0/8"], "192.168.0.1", False, False),
    ],
)
def test_which_addresses_of_a_listed_host_are_asked(
    allow: list[str], address: str, clear: bool, expected: bool
) -> None:
    assert permits(Destinations.of(allow=allow), ipaddress.ip_address(address), clear=clear) is expected


@asynccontextmanager
async def host() -> AsyncIterator[str]:
    """A server of zips; gives its address."""
    routes = web.RouteTableDef()

    @routes.get("/site.zip")
    async def good(request: web.Request) -> web.Response:
        assert "Authorization" not in request.headers
        return web.Response(body=ZIP)

    @routes.get("/moved/{times}")
    async def moved(request: web.Request) -> web.Response:
        left = int(request.match_info["times"])
        raise web.HTTPFound(f"/moved/{left - 1}" if left else "/site.zip")

    @routes.get("/away")
    async def away(request: web.Request) -> web.Response:
        raise web.HTTPFound("http://elsewhere.example/site.zip")

    @routes.get("/file")
    async def scheme(request: web.Request) -> web.Response:
        raise web.HTTPFound("file:///etc/passwd")

    @routes.get("/large")
    async def large(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for _ in range(5):
            await answer.write(b"x" * (LIMIT // 4))
        return answer

    @routes.get("/cut")
    async def cut(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "10000"})
        await answer.prepare(request)
        await answer.write(b"x")
        assert request.transport
        request.transport.close()
        return answer

    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://localhost:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
def one() -> Iterator[Shim]:
    with shim(limits=LimitsConfig(upload_bytes=LIMIT), settings={"package_uri": {"allow": OPEN}}) as made:
        yield made


async def put(client: httpx.AsyncClient, address: str, path: str = "/api/zipdeploy") -> httpx.Response:
    method = "PUT" if path.startswith("/api/zip/") else "POST"
    return await client.request(method, path, json={"packageUri": address})


@pytest.mark.parametrize("path", ["/api/zipdeploy", "/api/publish?type=zip", "/api/zip/site/wwwroot/"])
async def test_a_zip_is_fetched(one: Shim, client: httpx.AsyncClient, path: str) -> None:
    async with host() as server:
        answer = await put(client, f"{server}/site.zip?{SECRET}", path)
    assert (answer.status_code, answer.text) == (200, "")
    assert [job["name"] for job in (await client.get("/api/webjobs")).json()] == ["report"]


async def test_one_deploy(one: Shim, client: httpx.AsyncClient) -> None:
    async with host() as server:
        body = {"properties": {"packageUri": f"{server}/site.zip", "type": "Zip", "Clean": True, "path": None}}
        answer = await client.put(f"{ARM}/extensions/onedeploy?api-version=2024-04-01", json=body)
        assert answer.status_code == 202
        told = answer.json()
        assert told["properties"]["provisioningState"] == "InProgress"
        assert told["id"] == f"{ARM}/deployments/{told['properties']['id']}"
        assert answer.headers["Location"] == f"https://s{told['id']}?api-version=2024-04-01"
        ended = await client.get("/api/deployments/latest")
        while ended.status_code == 202:
            ended = await client.get("/api/deployments/latest")
    for path in (f"/deployments/{told['properties']['id']}", "/deployments/latest", "/extensions/onedeploy"):
        assert (await client.get(f"{ARM}{path}")).json()["properties"]["provisioningState"] == "Succeeded"
    (listed,) = (await client.get(f"{ARM}/deployments")).json()["value"]
    assert listed["id"] == told["id"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "properties"),
        (b"[]", "properties"),
        (b'{"properties": 1}', "properties"),
        (b'{"properties": {"packageUri": 5}}', "properties.packageUri"),
        (b'{"properties": {"type": "zip"}}', "packageUri"),
        (b'{"properties": {"packageUri": "https://localhost/x", "type": "war"}}', "war"),
        (b'{"properties": {"packageUri": "https://localhost/x", "type": "static", "path": "a"}}', "static"),
        (b'{"properties": {"packageUri": "https://localhost/x", "path": "../x"}}', "path"),
    ],
)
async def test_one_deploy_that_can_not_be(one: Shim, client: httpx.AsyncClient, body: bytes, says: str) -> None:
    answer = await client.put(f"{ARM}/extensions/onedeploy", content=body)
    assert answer.status_code == 400
    assert says in answer.json()["Message"]
    assert (await client.get("/api/deployments/latest")).status_code == 404


async def test_redirects(one: Shim, client: httpx.AsyncClient) -> None:
    async with host() as server:
        assert (await put(client, f"{server}/moved/{REDIRECTS - 1}")).status_code == 200
        endless = await put(client, f"{server}/moved/{REDIRECTS}?{SECRET}")
        assert (endless.status_code, endless.text) == (400, "packageUri: localhost redirects more than 5 times.")
        away = await put(client, f"{server}/away")
        assert (away.status_code, "from elsewhere.example" in away.text) == (400, True)
        assert (await put(client, f"{server}/file")).status_code == 400


@pytest.mark.parametrize(
    ("address", "status", "says"),
    [
        ("/nothing", 400, "localhost answers 404"),
        ("/large", 413, "apiserver.limits.uploadBytes"),
        ("/cut", 400, "can't be read"),
    ],
)
async def test_hosts_that_give_no_zip(
    one: Shim, client: httpx.AsyncClient, address: str, status: int, says: str
) -> None:
    async with host() as server:
        answer = await put(client, f"{server}{address}?{SECRET}")
    assert (answer.status_code, says in answer.text) == (status, True), answer.text
    assert "secret" not in answer.text
    assert (await client.get("/api/deployments/latest")).status_code == 404
    assert not one.kube.writes


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("", "packageUri"),
        ("x", "https"),
        ("ftp://localhost/x", "https"),
        ("https://", "https"),
        ("http://[", "packageUri"),
        ("https://elsewhere.example/x", "apiserver.packageUri.allow"),
        ("https://169.254.169.254/latest/meta-data", "apiserver.packageUri.allow"),
        ("http://2130706433/x", "can't be read"),  # 127.0.0.1 in another spelling: allowed here, and nobody answers
        ("http://localhost:1/x", "can't be read"),
        ("http://user:secret@localhost:1/x", "can't be read"),
    ],
)
async def test_addresses_that_are_not_asked(one: Shim, client: httpx.AsyncClient, address: str, says: str) -> None:
    answer = await put(client, address)
    assert (answer.status_code, says in answer.text) == (400, True), answer.text
    assert "secret" not in answer.text


async def test_nothing_is_fetched_without_a_list() -> None:
    with shim() as plain:
        async with plain.client() as client:
            answer = await put(client, "https://example.com/x.zip")
    assert (answer.status_code, "example.com" in answer.text, "allow" in answer.text) == (400, True, True)


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b"{}", b'{"packageUri": 1}', b'{"packageUri": ""}'])
async def test_bodies_that_name_no_address(one: Shim, client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/api/zipdeploy", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, "packageUri" in answer.text) == (400, True)
