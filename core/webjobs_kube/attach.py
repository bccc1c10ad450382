"""Attaching to the process of a container in a pod: its streams, and a way to its stdin.

WebSocket frames are one byte, the channel (0 stdin, 1 stdout, 2 stderr, 3 how the process ended), and data.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from webjobs.pods import CONTAINER
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import Unreachable
from webjobs_kube.paths import path_of
from webjobs_kube.transport import reachable

STDOUT, STDERR = 1, 2
_STDIN, _ENDED = b"\0", 3


class Attached:
    """A connection to the process of one container."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, data: bytes) -> None:
        """Send bytes to the stdin of the process.

        Raises Unreachable when the connection is broken; the bytes may have arrived all the same.
        """
        with reachable():
            await self._socket.send_bytes(_STDIN + data)

    async def pieces(self) -> AsyncIterator[tuple[int, bytes]]:
        """Yield channel and data as they come, until the container ends.

        Raises Unreachable when the connection breaks before that.
        """
        ended = False
        with reachable():
            async for message in self._socket:
                if message.type is aiohttp.WSMsgType.BINARY and message.data:
                    if message.data[0] in (STDOUT, STDERR):
                        yield message.data[0], message.data[1:]
                    ended = ended or message.data[0] == _ENDED
        if not ended:
            raise Unreachable("the connection to the container broke off")


@asynccontextmanager
async def attached(
    kube: KubeClient,
    namespace: str,
    pod: str,
    *,
    container: str = CONTAINER,
    stdin: bool = False,
    stdout: bool = False,
    stderr: bool = False,
    heartbeat: float | None = None,
) -> AsyncIterator[Attached]:
    """Attach to a container: give a connection with the streams that are asked for, from now on.

    ``heartbeat``: seconds after which silence is looked into. Raises ApiError: NotFound and Invalid when there is no
    such container that runs, with status 403 when attaching is forbidden.
    """
    query: dict[str, str | bool]
    query = {"container": container, "stdin": stdin, "stdout": stdout, "stderr": stderr}
    path = path_of("Pod", namespace, pod, "attach")
    async with kube.websocket(path, query=query, heartbeat=heartbeat) as socket:
        yield Attached(socket)


@asynccontextmanager
async def stderr_of(kube: KubeClient, namespace: str, pod: str) -> AsyncIterator[AsyncIterator[bytes]]:
    """Attach to the stderr of the job's container in a pod: give its pieces from now on until the container ends.

    The container's stdin gets one empty line first. Raises what ``attached`` raises.
    """
    async with attached(kube, namespace, pod, stdin=True, stderr=True) as connection:
        await connection.send(b"\n")
        yield (data async for _, data in connection.pieces())
