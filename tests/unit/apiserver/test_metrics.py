"""Metrics of the shim: which requests are counted, and under which names."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from prometheus_client import REGISTRY
from starlette.types import Message, Receive, Scope, Send

from tests.fakes.shim import Shim, script, shim
from webjobs_apiserver.metrics import Measured


@pytest.fixture
async def one() -> AsyncIterator[Shim]:
    with shim() as made:
        async with made.running():
            yield made


def count(route: str, method: str, code: int) -> float:
    labels = {"route": route, "method": method, "code": str(code)}
    return REGISTRY.get_sample_value("webjobs_http_request_duration_seconds_count", labels) or 0.0


async def test_requests_are_counted_by_route(one: Shim) -> None:
    client, nobody = one.client(), one.client(auth=None)
    await client.put("/api/triggeredwebjobs/mail", content=b"echo", headers=script())
    cases = [
        (client, "GET", "/jobs/triggered/mail/", "/api/triggeredwebjobs/{name}", 200),
        (client, "GET", "/api/triggeredwebjobs/none", "/api/triggeredwebjobs/{name}", 404),
        (client, "GET", "/api/vfs/none", "/api/vfs/{path:path}", 404),
        (nobody, "GET", "/api/webjobs", "none", 401),
        (client, "GET", "/no/such/../place", "none", 404),
        (nobody, "GET", "/ui/jobs/triggered/mail", "/ui/jobs/{kind}/{name}", 303),
        (client, "PURGE", "/api/webjobs", "/api/webjobs", 405),
    ]
    for sender, method, path, route, code in cases:
        told = method if method == "GET" else "other"
        before = count(route, told, code)
        answer = await sender.request(method, path)
        assert (answer.status_code, count(route, told, code)) == (code, before + 1), path


async def test_open_requests_are_followed_to_their_end() -> None:
    seen: list[float | None] = []

    def note() -> None:
        seen.append(REGISTRY.get_sample_value("webjobs_http_requests_open"))

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        note()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        note()
        raise OSError("the client has gone")

    async def receive() -> Message:
        return {}

    async def send(message: Message) -> None:
        pass

    # Other tests of the process have counted, too.
    before, failed = count("none", "GET", 200), count("none", "GET", 500)
    note()
    at_rest = seen[0] or 0.0
    with pytest.raises(OSError, match="gone"):
        await Measured(answer)({"type": "http", "method": "GET", "state": {}}, receive, send)
    note()
    assert seen == [at_rest, at_rest + 1, at_rest + 1, at_rest]
    assert (count("none", "GET", 200), count("none", "GET", 500)) == (before + 1, failed)


async def test_a_watch_that_stands_has_no_age(one: Shim) -> None:
    assert REGISTRY.get_sample_value("webjobs_watch_age_seconds", {"namespace": "site"}) == 0.0
