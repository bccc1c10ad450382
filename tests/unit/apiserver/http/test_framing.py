"""What two servers could read in two ways is refused: as a table, and over a socket."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.fakes.shim import Shim, shim
from tests.fakes.wire import Wire, wire
from webjobs_apiserver.http.framing import HEAD_BYTES, HEADERS, path_of, problem

GET = b"GET /healthz HTTP/1.1\r\n"
HOST = b"Host: s\r\n"
POST = b"POST /api/webjobs HTTP/1.1\r\n" + HOST

BAD: dict[str, tuple[int, bytes]] = {
    "length beside chunked": (400, POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
    "chunked beside length": (400, POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
    "two lengths": (400, POST + b"Content-Length: 5\r\nContent-Length: 6\r\n"),
    "a length twice": (400, POST + b"Content-Length: 5\r\nContent-Length: 5\r\n"),
    "a list of lengths": (400, POST + b"Content-Length: 5, 5\r\n"),
    "a sign": (400, POST + b"Content-Length: +5\r\n"),
    "less than nothing": (400, POST + b"Content-Length: -1\r\n"),
    "hexadecimal": (400, POST + b"Content-Length: 0x5\r\n"),
    "an underscore": (400, POST + b"Content-Length: 1_0\r\n"),
    "a foreign digit": (400, POST + "Content-Length: \N{ARABIC-INDIC DIGIT FIVE}\r\n".encode()),
    "no length": (400, POST + b"Content-Length:\r\n"),
    "a length of many digits": (400, POST + b"Content-Length: " + b"9" * 30 + b"\r\n"),
    "two codings": (400, POST + b"Transfer-Encoding: gzip, chunked\r\n"),
    "identity": (400, POST + b"Transfer-Encoding: identity\r\n"),
    "chunked twice": (400, POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
    "chunked, chunked": (400, POST + b"Transfer-Encoding: chunked, chunked\r\n"),
    "a vertical tab": (400, POST + b"Transfer-Encoding: \x0bchunked\r\n"),
    "chunked in quotes": (400, POST + b'Transfer-Encoding: "chunked"\r\n'),
    "chunked of before": (400, b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n"),
    "a blank before the colon": (400, POST + b"Transfer-Encoding : chunked\r\n"),
    "a folded header": (400, POST + b"X: a\r\n b\r\n"),
    "a folded coding": (400, POST + b"Transfer-Encoding:\r\n chunked\r\n"),
    "a line feed alone": (400, POST + b"X: a\nY: b\r\n"),
    "a line feed at the first line": (400, b"GET /healthz HTTP/1.1\nHost: s\r\n"),
    "a carriage return alone": (400, POST + b"X: a\rContent-Length: 5\r\n"),
    "a zero byte": (400, POST + b"X: a\x00b\r\n"),
    "a bell": (400, POST + b"X: a\x07b\r\n"),
    "a zero byte in a name": (400, POST + b"X\x00: a\r\n"),
    "no colon": (400, POST + b"X\r\n"),
    "no name": (400, POST + b": x\r\n"),
    "no host": (400, GET),
    "two hosts": (400, GET + HOST + HOST),
    "two hosts of before": (400, b"GET / HTTP/1.0\r\n" + HOST + HOST),
    "a user in the host": (400, GET + b"Host: me@s\r\n"),
    "a path in the host": (400, GET + b"Host: s/x\r\n"),
    "a list of hosts": (400, GET + b"Host: s, t\r\n"),
    "a blank in the host": (400, GET + b"Host: s t\r\n"),
    "a foreign host": (400, GET + "Host: é\r\n".encode()),
    "a target of another host": (400, b"GET http://t/healthz HTTP/1.1\r\n" + HOST),
    "a target with a user": (400, b"GET http://s@t/healthz HTTP/1.1\r\n" + HOST),
    "a target of another port": (400, b"GET http://s:81/healthz HTTP/1.1\r\n" + HOST),
    "a target without a slash": (400, b"GET healthz HTTP/1.1\r\n" + HOST),
    "a tunnel": (400, b"CONNECT s:443 HTTP/1.1\r\n" + HOST),
    "an asterisk": (400, b"GET * HTTP/1.1\r\n" + HOST),
    "two blanks": (400, b"GET  /healthz HTTP/1.1\r\n" + HOST),
    "a blank in the target": (400, b"GET /a b HTTP/1.1\r\n" + HOST),
    "a foreign target": (400, "GET /é HTTP/1.1\r\n".encode() + HOST),
    "an old version": (400, b"GET /healthz\r\n"),
    "another version": (505, b"GET / HTTP/2.0\r\n" + HOST),
    "many headers": (431, GET + HOST + b"X: y\r\n" * HEADERS),
    "a large head": (431, GET + HOST + b"X: " + b"y" * HEAD_BYTES + b"\r\n"),
    "an empty line first": (400, b"\r\n" + GET + HOST),
}
GOOD: dict[str, bytes] = {
    "plain": GET + HOST,
    "a port": GET + b"Host: s:8080\r\n",
    "an address": GET + b"Host: [::1]:80\r\n",
    "an empty host": GET + b"Host:\r\n",
    "blanks around": GET + b"Host: \t s \t\r\nX:\r\nY: a b\tc\r\n",
    "a value of Latin-1": GET + HOST + "X: é\r\n".encode("latin-1"),
    "most headers": GET + HOST + b"X: y\r\n" * (HEADERS - 1),
    "a long token": GET + HOST + b"Authorization: Bearer " + b"y" * 16384 + b"\r\n",
    "of before": b"GET /healthz HTTP/1.0\r\n",
    "with scheme and host": b"GET http://s/healthz HTTP/1.1\r\n" + HOST,
    "in capitals": b"GET HTTPS://S/healthz?x=http://t HTTP/1.1\r\n" + HOST,
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_refused(name: str) -> None:
    status, head = BAD[name]
    found = problem(head + b"\r\n")
    assert found
    assert found.status == status
    assert found.message.endswith(".")


@pytest.mark.parametrize("name", GOOD)
def test_what_is_taken(name: str) -> None:
    assert problem(GOOD[name] + b"\r\n") is None


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/a?b", b"/a?b"),
        (b"*", b"*"),
        (b"//t/a", b"//t/a"),
        (b"http://s", b"/"),
        (b"http://s?b", b"/?b"),
        (b"HTTPS://s/a?b", b"/a?b"),
    ],
)
def test_paths(target: bytes, path: bytes) -> None:
    assert path_of(target) == path


@pytest.fixture
def one() -> Iterator[Shim]:
    with shim() as made:
        yield made


@pytest.fixture
async def server(one: Shim) -> AsyncIterator[Wire]:
    async with wire(one.app, one.config) as made:
        yield made


SECOND = b"GET /healthz HTTP/1.1\r\nHost: second\r\n\r\n"


def assert_refused(answer: bytes, status: int) -> None:
    """One answer in our form, and nothing after it."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status), answer
    assert answer.count(b"HTTP/1.1 ") == 1
    for line in (b"X-Content-Type-Options: nosniff", b"Connection: close", b"Content-Type: text/plain"):
        assert line.lower() in head.lower()
    assert body.endswith(b".")


@pytest.mark.parametrize("name", BAD)
async def test_what_is_refused_on_the_wire_ends_the_connection(server: Wire, name: str) -> None:
    status, head = BAD[name]
    assert_refused(await server.ask(head + b"\r\n" + b"0\r\n\r\n" + SECOND), status)


@pytest.mark.parametrize("name", GOOD)
async def test_what_is_taken_on_the_wire(server: Wire, name: str) -> None:
    peer = await server.open()
    for byte in (GOOD[name] + b"\r\n")[:200]:
        await peer.send(bytes([byte]))
    await peer.send((GOOD[name] + b"\r\n")[200:])
    assert (await peer.head()).startswith(b"HTTP/1.1 200 ")
    peer.close()


@pytest.mark.parametrize(
    "body",
    [
        b"+5\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b" 5\r\nhello\r\n0\r\n\r\n",
        b"5\nhello\r\n0\r\n\r\n",
        b"5\r\nhello0\r\n\r\n",
        b"5\r\nhello\n0\r\n\r\n",
        b"5\r\nhello\r\n0\r\n\n",
        b"5\r\nhello\r\n0\r\nX: y\n\r\n",
        b"5\r\nhello\r\n0\r\nX\r\n\r\n",
        b"f" * 30 + b"\r\nhello",
        b"5" + b" " * 40_000,
        b"\r\n",
    ],
)
async def test_bodies_that_are_refused(server: Wire, body: bytes) -> None:
    head = b"POST /adfs/oauth2/token HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = await server.ask(head, body + SECOND)
    if answer:  # it can be closed before it has read all
        assert answer.count(b"HTTP/1.1") == 1
        assert answer.split()[1] in (b"400", b"431")


async def test_requests_that_follow_each_other(server: Wire) -> None:
    chunked = b"POST /adfs/oauth2/token HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n"
    sent = (
        chunked + b"5;x=y\r\nhello\r\n0\r\nX: y\r\n\r\n" + SECOND + GET + HOST + b"Connection: close\r\n\r\n" + SECOND
    )
    answer = await server.ask(sent)
    statuses = re.findall(rb"HTTP/1\.1 ([0-9]+) ", answer)
    assert statuses == [b"400", b"200", b"200"], "the last one said that it is the last"


async def test_the_host_of_the_target_is_that_of_the_site(one: Shim, server: Wire) -> None:
    """A target with another host would pick a site that the proxy in front did not see."""
    answer = await server.ask(b"GET http://s/api/webjobs HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 401 ")


async def test_a_broken_body_while_the_answer_is_made_is_no_second_answer(one: Shim, server: Wire) -> None:
    peer = await server.open()
    await peer.send(b"POST /api/webjobs HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert (await peer.head()).startswith(b"HTTP/1.1 401 ")
    await peer.send(b"nonsense\r\n")
    assert await peer.rest() == b""
    await asyncio.sleep(0)
