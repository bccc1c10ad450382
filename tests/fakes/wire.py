"""A shim behind a real socket, and clients that write bytes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from webjobs_apiserver.__main__ import crowd_of, server_config, tls_config
from webjobs_apiserver.config import ApiserverConfig, ConnectionsConfig, TlsConfig
from webjobs_apiserver.http.crowd import Crowd
from webjobs_apiserver.http.server import Server


@dataclass(kw_only=True)
class Wire:
    """A server that listens, and what it counts."""

    port: int
    crowd: Crowd
    server: Server
    running: asyncio.Task[None]
    client_context: ssl.SSLContext | None = None
    peers: list[Peer] = field(default_factory=list)

    async def open(self) -> Peer:
        """A connection, with a handshake where the server wants one."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=self.client_context)
        self.peers.append(Peer(reader, writer))
        return self.peers[-1]

    async def open_raw(self) -> Peer:
        """A connection without a handshake."""
        self.peers.append(Peer(*await asyncio.open_connection("127.0.0.1", self.port)))
        return self.peers[-1]

    async def ask(self, *parts: bytes) -> bytes:
        """What comes back for some bytes until the server closes, or for half a second."""
        peer = await self.open()
        for part in parts:
            await peer.send(part)
        try:
            return await peer.rest()
        finally:
            peer.close()

    async def until(self, count: int) -> None:
        """Wait until so many connections are open."""
        async with asyncio.timeout(20):
            while len(self.crowd) != count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@dataclass
class Peer:
    """A client that writes bytes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Bytes, at once."""
        self.writer.write(data)
        await self.writer.drain()

    async def head(self) -> bytes:
        """The head of an answer."""
        return await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)

    async def rest(self, seconds: float = 10) -> bytes:
        """All that still comes until the server closes; TimeoutError if it does not."""
        try:
            return await asyncio.wait_for(self.reader.read(-1), seconds)
        except ConnectionError:
            return b""

    async def is_open(self, seconds: float = 0.3) -> bool:
        """Whether the server keeps the connection for a while, without a word."""
        try:
            return bool(await asyncio.wait_for(self.reader.read(1), seconds))
        except TimeoutError:
            return True
        except ConnectionError:
            return False

    def close(self) -> None:
        """Close at once."""
        self.writer.transport.abort()


@asynccontextmanager
async def wire(
    app: Any,
    config: ApiserverConfig,
    *,
    connections: Mapping[str, Any] | None = None,
    trusted: tuple[str, ...] = ("192.0.2.1",),
    certificate: Path | None = None,
    limits: Mapping[str, Any] | None = None,
) -> AsyncIterator[Wire]:
    """Serve an application on 127.0.0.1 as the process does. ``certificate``: a directory, for TLS."""
    update: dict[str, Any] = {"host": "127.0.0.1", "port": 0, "forwarded_allow_ips": list(trusted)}
    update["connections"] = ConnectionsConfig(**(connections or {}))
    if certificate:
        update["tls"] = TlsConfig.model_construct(directory=certificate, port=0)
    config = config.model_copy(update=update)
    crowd = crowd_of(config)
    client_context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate / "tls.crt", certificate / "tls.key")
        made = tls_config(app, config, context=context, crowd=crowd)
        client_context = ssl.create_default_context(cafile=str(certificate / "tls.crt"))
    else:
        made = server_config(app, config, port=0, crowd=crowd)
        if limits:
            made.http.limits = type(made.http.limits)(**(vars(made.http.limits) | limits))  # type: ignore[union-attr]
    server = Server(made, leaving_seconds=0.5)
    made.load()
    server.lifespan = made.lifespan_class(made)
    await server.startup()
    ticking = asyncio.create_task(server.main_loop())
    port = server.servers[0].sockets[0].getsockname()[1]
    made_wire = Wire(port=port, crowd=crowd, server=server, running=ticking, client_context=client_context)
    try:
        yield made_wire
    finally:
        for peer in made_wire.peers:
            peer.close()
        server.should_exit = True
        await ticking
        server.force_exit = False
        made.timeout_graceful_shutdown = 2
        await server.shutdown()
