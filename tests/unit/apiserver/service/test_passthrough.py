"""Requests that go through to a job, over real sockets of this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from aiohttp import web

from tests.fakes.objects import pod, webjob_body
from tests.fakes.shim import Shim, shim
from webjobs_apiserver.kudu.passthrough import METHODS, target_of, to_client, to_job
from webjobs_apiserver.service.passthrough import end_to_end, is_ready, url_of
from webjobs_apiserver.service.service import Service

WORK = "/api/continuouswebjobs/work/passthrough"
READY = [{"type": "Ready", "status": "True"}]


async def _echo(request: web.Request) -> web.StreamResponse:
    if request.path == "/redirect":
        raise web.HTTPFound("/elsewhere")
    if request.path == "/stream":
        response = web.StreamResponse(headers={"X-Mine": "1", "Set-Cookie": "a=b"})
        await response.prepare(request)
        for at in range(3):
            await response.write(f"{at}\n".encode())
        return response
    if request.path == "/page":
        headers = [
            ("Content-Security-Policy", "default-src 'self'"),
            ("X-Content-Type-Options", "sniff"),
            ("Set-Cookie", "mine=1; Path=/"),
            ("Set-Cookie", "auth_tkt=owner.9.x; Path=/api/v1"),
            ("Strict-Transport-Security", "max-age=9"),
        ]
        return web.Response(text="<script>1</script>", content_type="text/html", headers=headers)
    told = {
        "cookies": request.headers.getall("Cookie", []),
        "method": request.method,
        "path": request.raw_path,
        "headers": sorted(name.lower() for name in request.headers),
        "body": (await request.read()).decode(),
    }
    return web.json_response(told, status=418 if request.path == "/teapot" else 200)


@pytest.fixture
async def one(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Shim]:
    """A shim with a continuous job whose pod is a server here."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", _echo)
    runner = web.AppRunner(app)
    await runner.setup()
    server = web.TCPSite(runner, "127.0.0.1", 0)
    await server.start()
    build = Service.build

    def built(**parts: Any) -> Service:
        service = build(**parts)
        service.passthrough.port = runner.addresses[0][1]
        return service

    monkeypatch.setattr(Service, "build", built)
    with shim() as made:
        made.kube.add(webjob_body({"type": "continuous"}, name="work"))
        body = pod(phase="Running", labels={"webjobs.dev/webjob": "work"})
        body["status"] |= {"podIP": "127.0.0.1", "conditions": READY}
        made.kube.add(body)
        yield made
    await runner.cleanup()


@pytest.mark.parametrize("method", [method for method in METHODS if method != "HEAD"])
async def test_all_verbs_go_through(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, f"{WORK}/A/b%2Fc%20d/?x=1&x=%26", content=b"hello", headers={"X-Y": "z"})
    told = answer.json()
    assert (told["method"], told["path"], told["body"]) == (method, "/A/b%2Fc%20d/?x=1&x=%26", "hello")
    assert {"x-y", "user-agent", "host"} <= set(told["headers"])
    assert "authorization" not in told["headers"]


async def test_bodies_of_unknown_length(client: httpx.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"a" * 100_000
        yield b"b"

    assert (await client.post(f"{WORK}/", content=pieces())).json()["body"] == "a" * 100_000 + "b"


async def test_answers_come_back_as_they_are(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"{WORK}/teapot")).status_code == 418
    streamed = await client.get("/jobs/continuous/work/PASSTHROUGH/stream")
    assert (streamed.text, streamed.headers["x-mine"], streamed.headers["set-cookie"]) == ("0\n1\n2\n", "1", "a=b")
    assert "transfer-encoding" not in streamed.headers
    head = await client.head(f"{WORK}/x")
    assert (head.status_code, head.content) == (200, b"")
    moved = await client.get(f"{WORK}/redirect")
    assert (moved.status_code, moved.headers["location"]) == (302, "/elsewhere")
    assert (await client.get(WORK)).json()["path"] == "/"


async def test_a_jobs_page_is_an_origin_of_its_own(client: httpx.AsyncClient) -> None:
    for spelling in (WORK, "/jobs/continuous/work/PASSTHROUGH"):
        page = await client.get(f"{spelling}/page")
        policies = page.headers.get_list("content-security-policy")
        assert policies == ["default-src 'self'", "sandbox allow-downloads allow-forms allow-popups allow-scripts"]
        assert page.headers.get_list("x-content-type-options") == ["nosniff"]
        assert page.headers.get_list("set-cookie") == ["mine=1; Path=/"]
        assert "strict-transport-security" not in page.headers
    missing = await client.get("/api/continuouswebjobs/none/passthrough/page")
    assert missing.headers["content-security-policy"].startswith("sandbox")


async def test_our_login_does_not_reach_the_job(client: httpx.AsyncClient) -> None:
    headers = {"Cookie": "a=1; auth_tkt=owner.9.x; b=2", "Proxy-Authorization": "Basic x"}
    told = (await client.get(f"{WORK}/x", headers=headers)).json()
    assert told["cookies"] == ["a=1; b=2"]
    assert not {"authorization", "proxy-authorization"} & set(told["headers"])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a=1", "a=1"),
        ("a=1; b=auth_tkt=2", "a=1; b=auth_tkt=2"),
        ("auth_tkt=1", None),
        ("AUTH_TKT = 1 ;auth_tkt=2; a=1", "a=1"),
        ("a=1;=auth_tkt=2", "a=1"),
        ("auth_tkt", None),
        ("", None),
    ],
)
def test_cookies_for_a_job(given: str, expected: str | None) -> None:
    assert to_job([("cookie", given), ("X", "auth_tkt=1")]) == [
        *([("cookie", expected)] if expected else []),
        ("X", "auth_tkt=1"),
    ]


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        ("Set-Cookie", "a=auth_tkt=1", True),
        ("Set-Cookie", "xauth_tkt=1", True),
        ("Set-Cookie", "auth_tkt=1; Path=/api/v1", False),
        ("set-cookie", " Auth_Tkt =1", False),
        ("SET-COOKIE", "=auth_tkt=1", False),  # browsers send it as auth_tkt=1
        ("Set-Cookie", "= =auth_tkt=1", False),
        ("Set-Cookie", "auth_tkt;", True),  # a value without a name
        ("Clear-Site-Data", '"cookies"', False),
        ("Alt-Svc", 'h3=":443"', False),
        ("NEL", "{}", False),
        ("Service-Worker-Allowed", "/", False),
        ("Content-Type", "text/html", True),
    ],
)
def test_headers_of_a_job(name: str, value: str, kept: bool) -> None:
    assert to_client([(name, value)]) == ([(name, value)] if kept else [])


@pytest.mark.parametrize(
    ("changes", "name", "message"),
    [
        ({}, "none", "There is no continuous WebJob 'none'."),
        ({"conditions": [{"type": "Ready", "status": "False"}]}, "work", "No instance of the WebJob 'work' is ready."),
        ({"podIP": ""}, "work", "No instance of the WebJob 'work' is ready."),
        (
            {"podIP": "127.0.0.1x"},
            "work",
            "The WebJob 'work' does not answer on its port (ClientConnectorDNSError).",
        ),
    ],
)
async def test_whatever_goes_wrong_is_404(
    one: Shim, client: httpx.AsyncClient, changes: dict[str, Any], name: str, message: str
) -> None:
    one.set_status("Pod", "job-pod", **changes)
    answer = await client.get(f"/api/continuouswebjobs/{name}/passthrough/x")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json; charset=utf-8")
    assert answer.json() == {"Message": message}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"/api/continuouswebjobs/n/passthrough", ""),
        (b"/api/continuouswebjobs/n/passthrough/", ""),
        (b"/api/continuousjobs/n/passthrough/a%2Fb/", "a%2Fb/"),
        (b"/API/jobs/continuous/n/passthrough/passthrough/x?y", "passthrough/x"),
        (b"/jobs/continuous/passthrough/passthrough//x", "/x"),
        (b"/api%2Fcontinuousjobs/n%2fpassthrough/a%2Fb?c", "a%2Fb"),
        (b"/%61pi/%4Aobs/continuous/n/passthrough/x", "x"),
    ],
)
def test_target(raw: bytes, expected: str) -> None:
    assert target_of(raw) == expected


def test_headers_for_the_next_hop_only() -> None:
    given = [("Connection", "close, X-Hop"), ("x-hop", "1"), ("Upgrade", "h2c"), ("TE", "x"), ("Kept", "1")]
    assert end_to_end(given) == [("Kept", "1")]


def test_addresses() -> None:
    body = pod()
    assert not is_ready(body)
    body["status"] |= {"podIP": "fd00::1", "conditions": READY}
    assert is_ready(body)
    assert str(url_of(body, "//a?b", port=1)) == "http://[fd00::1]:1/a?b"
    body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert not is_ready(body)
