"""Frames of an attached container: what they are taken for, and what a socket is that closes without a word."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from webjobs_kube.attach import attached
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import Unreachable


class Socket:
    """An open WebSocket with what comes of it."""

    def __init__(self, *messages: aiohttp.WSMessage, error: Exception | None = None) -> None:
        self.messages, self.error, self.sent = list(messages), error, list[bytes]()

    async def send_bytes(self, data: bytes) -> None:
        if self.error:
            raise self.error
        self.sent.append(data)

    async def __aiter__(self) -> AsyncIterator[aiohttp.WSMessage]:
        for message in self.messages:
            yield message
        if self.error:
            raise self.error


class Kube(KubeClient):
    """Opens it."""

    def __init__(self, socket: Socket) -> None:
        self.socket, self.asked = socket, list[tuple[str, Any]]()

    @asynccontextmanager
    async def websocket(self, path: str, *, query: Any, heartbeat: float | None = None) -> AsyncIterator[Any]:
        self.asked.append((path, query))
        yield self.socket


def message(data: bytes, kind: aiohttp.WSMsgType = aiohttp.WSMsgType.BINARY) -> aiohttp.WSMessage:
    return aiohttp.WSMessage(kind, data, None)


OK = message(b'\x03{"status":"Success"}')


async def pieces(socket: Socket) -> list[tuple[int, bytes]]:
    async with attached(Kube(socket), "site", "job-pod", stdout=True) as connection:
        return [piece async for piece in connection.pieces()]


async def test_pieces_of_an_attached_container() -> None:
    text = message(b"x", aiohttp.WSMsgType.TEXT)
    found = await pieces(Socket(message(b""), message(b"\x01a\nb"), message(b"\x02c"), text, message(b"\x01"), OK))
    assert found == [(1, b"a\nb"), (2, b"c"), (1, b"")]


@pytest.mark.parametrize("error", [None, aiohttp.ClientError("gone"), ConnectionResetError("reset"), TimeoutError()])
async def test_an_end_that_nobody_told_is_a_break(error: Exception | None) -> None:
    with pytest.raises(Unreachable):
        await pieces(Socket(message(b"\x01a"), error=error))


async def test_sending() -> None:
    kube = Kube(Socket())
    async with attached(kube, "site", "job-pod", container="end", stdin=True) as connection:
        await connection.send(b"x\n")
        kube.socket.error = ConnectionResetError("Cannot write to closing transport")
        with pytest.raises(Unreachable):
            await connection.send(b"y")
    streams = {"container": "end", "stdin": True, "stdout": False, "stderr": False}
    assert kube.asked == [("/api/v1/namespaces/site/pods/job-pod/attach", streams)]
    assert kube.socket.sent == [b"\x00x\n"]
