"""Time limits of connections, and how many there may be: over sockets, in clear and by TLS."""

from __future__ import annotations

import asyncio
import base64
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from tests.fakes.shim import PASSWORD, USER, Shim, shim
from tests.fakes.wire import Peer, Wire, wire
from webjobs_apiserver.http.connection import ADMITTED

HEAD = b"GET /healthz HTTP/1.1\r\nHost: s\r\n"
SLOW = {"head_seconds": 0.4}
QUICK = {"body_seconds": 0.4, "drain_seconds": 0.6, "stalled_seconds": 0.6}


class App:
    """An application that reads, writes and waits as its path says."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.read: list[bytes] = []
        self.gone = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"]
        if path.startswith("/admitted") and not scope["state"][ADMITTED]():
            await send({"type": "http.response.start", "status": 503, "headers": []})
            await send({"type": "http.response.body", "body": b"done"})
            return
        if path.endswith("/wait"):
            await self.go.wait()
        elif path.endswith("/read"):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    self.gone += 1
                    return
                self.read.append(message["body"])
                if not message.get("more_body"):
                    break
        elif path.endswith("/late"):  # reads only when it is told to
            await self.go.wait()
            await receive()
        headers = [(b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if path.endswith("/stream"):
            await send({"type": "http.response.body", "body": b"first", "more_body": True})
            await self.go.wait()
        if path.endswith("/flood"):
            try:
                for _ in range(1000):
                    await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
            finally:
                self.gone += 1
        await send({"type": "http.response.body", "body": b"done", "more_body": False})


@pytest.fixture
def one() -> Iterator[Shim]:
    with shim() as made:
        yield made


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A directory with a certificate for 127.0.0.1."""
    subject = ["-subj", "/CN=s", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(tmp_path / "tls.key"), "-out", str(tmp_path / "tls.crt")]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(["openssl", "req", "-x509", *key, "-days", "2", *subject, *files], check=True, capture_output=True)
    return tmp_path


@pytest.fixture(params=["clear", "tls"])
async def slow(one: Shim, app: App, request: Any) -> AsyncIterator[Wire]:
    """A server with a short limit for heads."""
    directory = request.getfixturevalue("certificate") if request.param == "tls" else None
    async with wire(app, one.config, connections=SLOW | {"idle_seconds": 1}, certificate=directory) as made:
        yield made


@pytest.mark.parametrize("sent", [b"", b"GET", HEAD, HEAD + b"X: y"])
async def test_half_a_head_is_given_up(slow: Wire, sent: bytes) -> None:
    peer = await slow.open()
    await peer.send(sent)
    answer = await peer.rest(5)
    assert answer.startswith(b"HTTP/1.1 408 ") if sent else not answer
    assert b"nosniff" in answer or not sent
    await slow.until(0)


async def test_a_head_that_comes_byte_by_byte_is_given_up(slow: Wire) -> None:
    peer = await slow.open()

    async def drip() -> None:
        while True:
            await peer.send(b"G")
            await asyncio.sleep(0.05)

    with pytest.raises(ConnectionError):
        await asyncio.wait_for(drip(), 5)
    await slow.until(0)


async def test_half_a_second_head_is_given_up(slow: Wire) -> None:
    peer = await slow.open()
    await peer.send(HEAD + b"\r\n")
    await peer.head()
    await peer.send(b"GET")
    assert b"408" in await peer.rest(5)


async def test_an_idle_connection_is_closed(slow: Wire) -> None:
    peer = await slow.open()
    await peer.send(HEAD + b"\r\n")
    await peer.head()
    assert b"408" not in await peer.rest(5)
    await slow.until(0)


async def test_an_answer_may_take_any_time(slow: Wire, app: App) -> None:
    waiting, stream = await slow.open(), await slow.open()
    await waiting.send(b"GET /wait HTTP/1.1\r\nHost: s\r\n\r\n")
    await stream.send(b"GET /stream HTTP/1.1\r\nHost: s\r\n\r\n")
    await stream.head()
    await asyncio.sleep(2)
    app.go.set()
    assert (await waiting.head()).startswith(b"HTTP/1.1 200")
    assert await stream.reader.readuntil(b"done")


async def test_a_handshake_that_does_not_come_is_given_up(one: Shim, app: App, certificate: Path) -> None:
    async with wire(app, one.config, connections=SLOW, certificate=certificate) as server:
        silent, garbled = await server.open_raw(), await server.open_raw()
        await garbled.send(b"GET / HTTP/1.1\r\n\r\n")
        await server.until(1)
        await silent.rest(5)
        await server.until(0)
        peer = await server.open()
        await peer.send(HEAD + b"\r\n")
        assert (await peer.head()).startswith(b"HTTP/1.1 200")


@pytest.fixture
async def quick(one: Shim, app: App) -> AsyncIterator[Wire]:
    """A server with short limits for bodies, which wants 1000 bytes a second."""
    async with wire(
        app, one.config, connections={"head_seconds": 1, "body_bytes_per_second": 1000}, limits=QUICK
    ) as made:
        yield made


POST = b"POST %s HTTP/1.1\r\nHost: s\r\nContent-Length: %d\r\n\r\n"


@pytest.mark.parametrize("path", [b"/read", b"/admitted/read"])
async def test_half_a_body_is_given_up(quick: Wire, app: App, path: bytes) -> None:
    peer = await quick.open()
    await peer.send(POST % (path, 10_000) + b"x")
    assert (await peer.rest(5)).startswith(b"HTTP/1.1 408 ")
    assert app.gone == 1
    assert app.read[0] == b"x"


async def test_a_body_may_be_slow(quick: Wire) -> None:
    peer = await quick.open()
    await peer.send(POST % (b"/read", 5000))
    for _ in range(50):
        await peer.send(b"x" * 100)
        await asyncio.sleep(0.04)
    assert (await peer.head()).startswith(b"HTTP/1.1 200")


async def test_a_body_must_not_be_too_slow(quick: Wire, app: App) -> None:
    """However it goes on."""
    peer = await quick.open()
    await peer.send(POST % (b"/read", 5000))
    for _ in range(50):
        try:
            await peer.send(b"x" * 100)
        except ConnectionError:
            break
        await asyncio.sleep(0.3)
    assert app.gone == 1


async def test_a_body_that_we_do_not_take_is_not_slow(quick: Wire, app: App) -> None:
    full, asking = await quick.open(), await quick.open()
    await full.send(POST % (b"/late", 3_000_000))
    full.writer.write(b"x" * 3_000_000)
    await asking.send(b"POST /late HTTP/1.1\r\nHost: s\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
    await asyncio.sleep(2)
    app.go.set()
    assert (await full.head()).startswith(b"HTTP/1.1 200")
    assert (await asking.head()).startswith(b"HTTP/1.1 100")
    full.close()
    asking.close()


async def test_the_rest_of_a_body_that_nobody_needs_is_not_taken_for_long(quick: Wire, app: App) -> None:
    peer = await quick.open()
    await peer.send(POST % (b"/at-once", 10_000_000))
    assert (await peer.head()).startswith(b"HTTP/1.1 200")
    for _ in range(100):
        try:
            await peer.send(b"x" * 10_000)
        except ConnectionError:
            break
        await asyncio.sleep(0.05)
    else:
        raise AssertionError("it went on")
    await quick.until(0)


async def test_an_answer_that_nobody_takes_is_given_up(quick: Wire, app: App) -> None:
    peer = await quick.open()
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await peer.send(b"GET /flood HTTP/1.1\r\nHost: s\r\n\r\n")
    await quick.until(1)
    await quick.until(0)
    async with asyncio.timeout(5):
        while not app.gone:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_an_answer_that_is_taken_slowly_goes_on(quick: Wire) -> None:
    peer = await quick.open()
    await peer.send(b"GET /flood HTTP/1.1\r\nHost: s\r\n\r\n")
    for _ in range(15):
        assert await peer.reader.readexactly(300_000)
        await asyncio.sleep(0.1)
    peer.close()


# How many


async def held(server: Wire, number: int, *, path: bytes = b"") -> list[Peer]:
    """Connections with half a request, or with a request that is being answered."""
    peers = []
    for _ in range(number):
        peer = await server.open()
        await peer.send(b"GET " + path + b" HTTP/1.1\r\nHost: s\r\n\r\n" if path else HEAD)
        if path:
            await peer.head()
        peers.append(peer)
    return peers


@pytest.mark.parametrize(
    "bounds",
    [{"most": 10, "most_per_address": 100}, {"most": 100, "most_per_address": 10}],
)
async def test_strangers_keep_nobody_out(one: Shim, app: App, bounds: dict[str, int]) -> None:
    async with wire(app, one.config, connections=bounds) as server:
        kept = await held(server, 3, path=b"/admitted/stream")
        strangers = await held(server, 30)
        assert len(server.crowd) == 10
        peer = await server.open()
        await peer.send(HEAD + b"\r\n")
        assert (await peer.head()).startswith(b"HTTP/1.1 200")
        assert [await one.is_open(0.05) for one in kept] == [True] * 3, "who was let in stays"
        assert [await one.is_open(0.05) for one in strangers[:20]] == [False] * 20
        app.go.set()


@pytest.mark.parametrize(
    "bounds",
    [{"most": 10, "most_per_address": 100}, {"most": 100, "most_per_address": 10}],
)
async def test_what_is_full_of_clients_says_so_and_answers_probes(one: Shim, app: App, bounds: dict[str, int]) -> None:
    """Probes come from the address of a node, as all clients of a NodePort do."""
    async with wire(app, one.config, connections=bounds) as server:
        kept = await held(server, 9, path=b"/admitted/stream")
        for _ in range(3):
            await held(server, 5)
            probe, client = await server.open(), await server.open()
            await client.send(b"GET /admitted/stream HTTP/1.1\r\nHost: s\r\n\r\n")
            assert (await client.head()).startswith(b"HTTP/1.1 503")
            probe = await server.open()
            await probe.send(HEAD + b"\r\n")
            assert (await probe.head()).startswith(b"HTTP/1.1 200")
            assert len(server.crowd) == 10
        assert [await one.is_open(0.05) for one in kept] == [True] * 9
        app.go.set()
        for one_kept in kept:
            await one_kept.reader.readuntil(b"done")
        client = await server.open()
        await client.send(b"GET /admitted/stream HTTP/1.1\r\nHost: s\r\n\r\n")
        assert (await client.head()).startswith(b"HTTP/1.1 200"), "who is answered makes room"


async def test_a_trusted_proxy_has_many_clients(one: Shim, app: App) -> None:
    bounds = {"most": 100, "most_per_address": 10}
    async with wire(app, one.config, connections=bounds, trusted=("127.0.0.0/8",)) as server:
        await held(server, 20)
        await held(server, 20, path=b"/admitted/stream")
        assert len(server.crowd) == 40
        app.go.set()


async def test_a_client_that_is_one_too_many_gets_our_form(one: Shim) -> None:
    one.kube.tokens["good"] = "system:serviceaccount:site:default"
    right = base64.b64encode(f"{USER}:{PASSWORD}".encode())
    async with wire(one.app, one.config) as server:
        server.crowd.stays = lambda guest: False  # type: ignore[method-assign]
        for path, header in ((b"/api/webjobs", b"Basic " + right), (b"/internal/packages/site/x", b"Bearer good")):
            head = b"GET " + path + b" HTTP/1.1\r\nHost: s\r\nConnection: close\r\nAuthorization: " + header
            answer = await server.ask(head + b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert answer.endswith(b"There are too many connections. Try again later.")
            assert b"nosniff" in answer


async def test_connections_without_a_handshake_count(one: Shim, app: App, certificate: Path) -> None:
    async with wire(app, one.config, connections={"most": 10}, certificate=certificate) as server:
        for _ in range(30):
            await server.open_raw()
        await server.until(10)
        peer = await server.open()
        await peer.send(HEAD + b"\r\n")
        assert (await peer.head()).startswith(b"HTTP/1.1 200")


async def test_the_application_says_who_was_let_in(one: Shim) -> None:
    """With a password, a token or a token of a pod; not with a wrong one."""
    one.kube.tokens["good"] = "system:serviceaccount:site:default"
    right = base64.b64encode(f"{USER}:{PASSWORD}".encode())
    async with wire(one.app, one.config) as server:
        told: list[str] = []
        server.crowd.stays = lambda guest: bool(told.append("in")) or True  # type: ignore[method-assign,func-returns-value]
        for path, header, expected in (
            (b"/api/webjobs", b"Basic " + right, True),
            (b"/api/webjobs", b"Basic " + right[:-4], False),
            (b"/internal/packages/site/x", b"Bearer good", True),
            (b"/internal/packages/site/x", b"Bearer bad", False),
            (b"/healthz", b"", False),
        ):
            peer = await server.open()
            told.clear()
            head = b"GET " + path + b" HTTP/1.1\r\nHost: s\r\nAuthorization: " + header + b"\r\n\r\n"
            server.crowd.waits = lambda guest: None  # type: ignore[method-assign]
            await peer.send(head)
            await peer.head()
            assert bool(told) == expected, path
            peer.writer.transport.abort()
            await asyncio.sleep(0.01)
