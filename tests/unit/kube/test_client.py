"""KubeClient against an HTTP server on the loopback interface: what goes out, and what errors become."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio.client.configuration import Configuration

from webjobs_kube.client import KubeClient
from webjobs_kube.errors import (
    AlreadyExists,
    ApiError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    Unreachable,
    from_response,
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Api:
    """Serves one handler for everything, and remembers the requests."""

    def __init__(self) -> None:
        self.handler: Handler | None = None
        self.requests: list[tuple[str, str, dict[str, str], str, Any]] = []
        self.url = ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        self.requests.append(
            (request.method, request.path, dict(request.query), request.headers.get("Content-Type", ""), body)
        )
        if self.handler:
            return await self.handler(request)
        return web.json_response({"items": [], "metadata": {}})


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    made = Api()
    runner = web.ServerRunner(web.Server(made.serve))  # type: ignore[arg-type]
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


def _client(url: str) -> KubeClient:
    configuration = Configuration()
    configuration.host = url
    return KubeClient(configuration, manager="tester")


OBJECT: dict[str, Any] = {"kind": "WebJob", "metadata": {"name": "a", "namespace": "n"}, "spec": {}}
PATH = "/apis/webjobs.dev/v1/namespaces/n/webjobs"


async def test_requests(api: Api) -> None:
    async with _client(api.url) as kube:
        await kube.get("WebJob", "n", "a")
        await kube.list("Pod", None, selector="a=b,c")
        await kube.create(OBJECT)
        await kube.replace(OBJECT)
        await kube.patch("WebJob", "n", "a", {"x": None}, subresource="status")
        await kube.apply(OBJECT)
        await kube.delete("WebJob", "n", "a", uid="u")
    manager = {"fieldManager": "tester"}
    plain, merge = "application/json", "application/merge-patch+json"
    options = {"propagationPolicy": "Background", "preconditions": {"uid": "u"}}
    assert api.requests == [
        ("GET", f"{PATH}/a", {}, plain, None),
        ("GET", "/api/v1/pods", {"labelSelector": "a=b,c"}, plain, None),
        ("POST", PATH, manager, plain, OBJECT),
        ("PUT", f"{PATH}/a", manager, plain, OBJECT),
        ("PATCH", f"{PATH}/a/status", manager, merge, {"x": None}),
        ("PATCH", f"{PATH}/a", manager | {"force": "true"}, "application/apply-patch+yaml", OBJECT),
        ("DELETE", f"{PATH}/a", {}, plain, options),
    ]


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (404, "NotFound", NotFound),
        (409, "Conflict", Conflict),
        (409, "AlreadyExists", AlreadyExists),
        (422, "Invalid", Invalid),
        (400, "BadRequest", Invalid),
        (403, "Forbidden", Forbidden),
        (500, "InternalError", ApiError),
    ],
)
async def test_errors(api: Api, status: int, reason: str, kind: type[ApiError]) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({"kind": "Status", "reason": reason, "message": "why"}, status=status)

    api.handler = handler
    async with _client(api.url) as kube:
        with pytest.raises(ApiError) as caught:
            await kube.get("WebJob", "n", "a")
    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.reason, caught.value.message) == (status, reason, "why")


def test_an_error_of_something_in_between() -> None:
    error = from_response(502, b"<html>\xff")
    assert (error.status, error.reason, error.message) == (502, "Unknown", "<html>\ufffd")


async def test_no_server() -> None:
    async with _client("http://127.0.0.1:1") as kube:
        with pytest.raises(Unreachable, match="ClientConnectorError"):
            await kube.list("WebJob", "n")


async def test_a_connection_that_breaks(api: Api) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b'{"items"')
        assert request.transport
        request.transport.close()
        return response

    api.handler = handler
    async with _client(api.url) as kube:
        with pytest.raises(Unreachable):
            await kube.list("WebJob", "n")
        with pytest.raises(Unreachable):
            assert [line async for line in kube.log_lines("n", "p", container="job")] == []


async def test_log_lines(api: Api) -> None:
    long = b"2026-01-01T00:00:00Z " + b"x" * 300_000

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in (b"2026 a\n20", b"26 b\xff\n", long + b"\n", b"2026 end"):
            await response.write(piece)
        return response

    api.handler = handler
    async with _client(api.url) as kube:
        lines = [line async for line in kube.log_lines("n", "p", container="job", previous=True)]
    assert lines[:2] == ["2026 a", "2026 b\ufffd"]
    assert lines[-1] == "2026 end"
    parts = [line.partition(" ") for line in lines[2:-1]]  # a line without an end in sight is cut
    assert {stamp for stamp, _, _ in parts} == {"2026-01-01T00:00:00Z"}
    assert "".join(text for _, _, text in parts) == "x" * 300_000
    assert api.requests[0][1:3] == (
        "/api/v1/namespaces/n/pods/p/log",
        {"container": "job", "timestamps": "true", "previous": "true"},
    )


def _event(event: str, **body: Any) -> bytes:
    return json.dumps({"type": event, "object": body}).encode() + b"\n"


async def test_watch(api: Api) -> None:
    large = _event("ADDED", metadata={"name": "large"}, spec={"text": "x" * 500_000})
    pieces = [_event("ADDED", a=1) + large[:5], large[5:250_000], large[250_000:] + b"\n", _event("BOOKMARK", b=2)]

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        return response

    api.handler = handler
    async with _client(api.url) as kube, kube.watch("WebJob", "n", since="7", seconds=60) as events:
        found = [(kind, body) async for kind, body in events]
    assert [kind for kind, _ in found] == ["ADDED", "ADDED", "BOOKMARK"]
    assert len(found[1][1]["spec"]["text"]) == 500_000
    query = {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": "7", "timeoutSeconds": "60"}
    assert api.requests[0][1:3] == (PATH, query)


async def test_a_watch_from_too_long_ago(api: Api) -> None:
    status = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}

    async def told_at_once(request: web.Request) -> web.StreamResponse:
        return web.json_response(status, status=410)

    async def told_later(request: web.Request) -> web.StreamResponse:
        return web.Response(body=_event("ERROR", **status))

    async with _client(api.url) as kube:
        for api.handler in (told_at_once, told_later):
            with pytest.raises(Gone, match="too old"):
                async with kube.watch("WebJob", "n", since="1", seconds=60) as events:
                    assert [event async for event in events] == []


async def test_a_dead_watch_is_noticed(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    done = asyncio.Event()

    async def silent(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await done.wait()
        return response

    api.handler = silent
    monkeypatch.setattr("webjobs_kube.client._WATCH_GRACE", 0.05)
    async with _client(api.url) as kube:
        with pytest.raises(Unreachable):
            async with kube.watch("WebJob", "n", since="1", seconds=0) as events:
                assert [event async for event in events] == []
    done.set()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"authenticated": True, "audiences": ["aud"], "user": {"username": "me"}}, "me"),
        ({"authenticated": True, "audiences": ["other"], "user": {"username": "me"}}, None),
        ({"authenticated": True, "user": {"username": "me"}}, None),
        ({"authenticated": False, "audiences": ["aud"], "user": {"username": "me"}}, None),
        ({}, None),
    ],
)
async def test_review_token(api: Api, status: dict[str, Any], expected: str | None) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({"status": status})

    api.handler = handler
    async with _client(api.url) as kube:
        assert await kube.review_token("t", audience="aud") == expected
    assert api.requests[0][4]["spec"] == {"token": "t", "audiences": ["aud"]}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"authenticated": True, "user": {"username": "me", "groups": ["g"]}}, {"username": "me", "groups": ["g"]}),
        ({"authenticated": True, "user": {}}, None),
        ({"user": {"username": "me"}}, None),
        ({}, None),
    ],
)
async def test_authenticate(api: Api, status: dict[str, Any], expected: dict[str, Any] | None) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({"status": status})

    api.handler = handler
    async with _client(api.url) as kube:
        assert await kube.authenticate("t") == expected
    assert api.requests[0][4]["spec"] == {"token": "t"}


@pytest.mark.parametrize(("status", "expected"), [({"allowed": True}, True), ({"allowed": False}, False), ({}, False)])
async def test_is_allowed(api: Api, status: dict[str, Any], expected: bool) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({"status": status})

    api.handler = handler
    user = {"username": "me", "uid": "u", "groups": ["g"], "extra": {"k": ["v"]}}
    async with _client(api.url) as kube:
        assert await kube.is_allowed(user, namespace="n", verb="get", resource="webjobs") is expected
    assert api.requests[0][1] == "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    assert api.requests[0][4]["spec"] == {
        "user": "me",
        "uid": "u",
        "groups": ["g"],
        "extra": {"k": ["v"]},
        "resourceAttributes": {"namespace": "n", "verb": "get", "group": "webjobs.dev", "resource": "webjobs"},
    }


async def test_a_right_on_one_object_s_subresource(api: Api) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({"status": {"allowed": True}})

    api.handler = handler
    async with _client(api.url) as kube:
        assert await kube.is_allowed(
            {"username": "me"}, namespace="", verb="get", resource="pods/log", group="", name="x"
        )
    attributes = {"namespace": "", "verb": "get", "group": "", "resource": "pods", "subresource": "log", "name": "x"}
    assert api.requests[0][4]["spec"]["resourceAttributes"] == attributes


@pytest.mark.parametrize(
    ("date", "expected"),
    [("Thu, 01 Jan 2026 12:00:00 GMT", datetime(2026, 1, 1, 12, tzinfo=UTC)), ("noon", None)],
)
async def test_version_and_time_of_the_server(api: Api, date: str, expected: datetime | None) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.json_response({"gitVersion": "v1.36.3"}, headers={"Date": date})

    api.handler = handler
    async with _client(api.url) as kube:
        assert await kube.about() == ({"gitVersion": "v1.36.3"}, expected)
    assert api.requests[0][:2] == ("GET", "/version")


async def test_asking_a_pod_through_the_server(api: Api) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(text="no credentials", status=503 if request.path.endswith("readyz") else 200)

    api.handler = handler
    async with _client(api.url) as kube:
        assert await kube.ask_pod("n", "a-1", port=8080, path="healthz") == "no credentials"
        with pytest.raises(ApiError) as caught:
            await kube.ask_pod("n", "a-1", port=8080, path="readyz")
    assert api.requests[0][:2] == ("GET", "/api/v1/namespaces/n/pods/a-1:8080/proxy/healthz")
    assert (caught.value.status, caught.value.reason, caught.value.message) == (503, "Unknown", "no credentials")


async def test_pages(api: Api) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        last = request.query.get("continue") == "next"
        metadata = {} if last else {"continue": "next"}
        return web.json_response({"items": [{"number": 2 if last else 1}], "metadata": metadata})

    api.handler = handler
    async with _client(api.url) as kube:
        assert [page async for page in kube.pages("WebJobRun", "n", size=5)] == [[{"number": 1}], [{"number": 2}]]
    assert [asked[2] for asked in api.requests] == [{"limit": "5"}, {"limit": "5", "continue": "next"}]


async def test_an_object_that_is_in_no_namespace(api: Api) -> None:
    async with _client(api.url) as kube:
        await kube.get("Namespace", None, "shop")
        await kube.get("CustomResourceDefinition", None, "webjobs.webjobs.dev")
    assert [asked[1] for asked in api.requests] == [
        "/api/v1/namespaces/shop",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/webjobs.webjobs.dev",
    ]


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../../etc", "x/status", "a%2Fb", "..%2f..", "x/../../api/v1/secrets/y"]
)
async def test_a_name_that_is_a_path_goes_nowhere(api: Api, name: str) -> None:
    """Names come from statuses, which others may write, and the API server takes an escaped slash for a slash."""
    async with _client(api.url) as kube:
        with pytest.raises(NotFound):
            await kube.get("WebJobRun", "site", name)
        with pytest.raises(NotFound):
            await kube.delete("WebJobRun", "site", name)
        with pytest.raises(NotFound):
            await kube.patch("WebJobRun", name, "job-1", {})
    assert api.requests == []


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("failed to create typed patch object (a/b; apps/v1, Kind=Deployment): .spec.x: field not declared", Invalid),
        ("failed to convert new object (a/b; apps/v1, Kind=Deployment) to proper version: quantities", Invalid),
        ("etcdserver: request timed out", ApiError),
    ],
)
def test_a_manifest_of_a_wrong_form_is_told_as_that(message: str, kind: type[ApiError]) -> None:
    """The API server says 500, and would say so for ever."""
    body = json.dumps({"kind": "Status", "code": 500, "message": message}).encode()
    assert type(from_response(500, body)) is kind
