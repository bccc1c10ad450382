"""The end of a server, as clients with open connections see it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator

import pytest
from starlette.types import Receive, Scope, Send

from tests.fakes.shim import Shim, shim
from tests.fakes.wire import wire
from webjobs_apiserver.http.server import Beside, Server

REQUEST = b"GET / HTTP/1.1\r\nHost: s\r\n\r\n"


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with five bytes."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"hello"})


@pytest.fixture
def one() -> Iterator[Shim]:
    with shim() as made:
        yield made


async def test_a_client_is_told_before_the_end(one: Shim) -> None:
    """After SIGTERM both an open connection and a new one get an answer, and the word that it is the last."""
    async with wire(hello, one.config) as made:
        kept = await made.open()
        await kept.send(REQUEST)
        assert b"connection: close" not in (await kept.head()).lower()
        assert await kept.reader.readexactly(5) == b"hello"
        made.server.handle_exit(signal.SIGTERM, None)
        await kept.send(REQUEST)
        answer = await kept.rest()
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"connection: close" in answer.lower()
        assert b"connection: close" in (await made.ask(REQUEST)).lower()
        assert not made.server.should_exit


async def test_a_server_ends_after_its_time(one: Shim) -> None:
    async with wire(hello, one.config) as made:
        made.server.handle_exit(signal.SIGTERM, None)
        silent = await made.open()
        assert await silent.is_open()
        await asyncio.wait_for(made.running, 10)


@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGTERM, signal.SIGTERM]])
async def test_a_server_that_ends_at_once(one: Shim, signals: list[signal.Signals]) -> None:
    async with wire(hello, one.config) as made:
        for number in signals:
            made.server.handle_exit(number, None)
        assert made.server.should_exit


async def test_a_server_beside_leaves_with_the_first(one: Shim) -> None:
    async with wire(hello, one.config) as made:
        beside = Beside(made.server.config)
        first = Server(made.server.config, others=[beside])
        first.handle_exit(signal.SIGTERM, None)
        assert (b"connection", b"close") in beside.server_state.default_headers
