"""Attaching to the process of a job's container, to hear its stderr by itself.

WebSocket frames are one byte, the channel (0 stdin, 1 stdout, 2 stderr, 3 how it ended), and data.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from webjobs.logs import CONTAINER
from webjobs_kube.client import KubeClient, path_of
from webjobs_kube.transport import reachable

_STDIN = b"\0"
_STDERR = 2


@asynccontextmanager
async def stderr_of(kube: KubeClient, namespace: str, pod: str) -> AsyncIterator[AsyncIterator[bytes]]:
    """Pieces of stderr from now on until the container ends; its stdin gets one empty line first.

    Raises ApiError: NotFound and Invalid when there is no such container that runs, with status 403 when nobody may.
    """
    path = path_of("Pod", namespace, pod, "attach")
    async with kube.websocket(path, query={"container": CONTAINER, "stdin": True, "stderr": True}) as socket:
        with reachable():
            await socket.send_bytes(_STDIN + b"\n")
        yield _pieces(socket)


async def _pieces(socket: aiohttp.ClientWebSocketResponse) -> AsyncIterator[bytes]:
    with reachable():
        async for message in socket:
            if message.type is aiohttp.WSMsgType.BINARY and message.data[:1] == bytes([_STDERR]):
                yield message.data[1:]
