"""What stands in front of a site on App Service: a TLS end for any host name, here as a proxy that clients CONNECT to.

So a client with a hard-wired host keeps it: its connection ends here, with a certificate of a test CA, and goes on to
the site in plain HTTP, as from an Ingress.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
import threading
from pathlib import Path
from urllib.parse import urlsplit


def certificate(folder: Path, *hosts: str) -> tuple[Path, Path]:
    """A self-signed certificate for hosts (names or addresses), and its key."""
    cert, key = folder / "tls.crt", folder / "tls.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={hosts[0]}"]
    names = [f"{'IP' if host.replace('.', '').isdigit() else 'DNS'}:{host}" for host in hosts]
    command += ["-addext", f"subjectAltName={','.join(names)}", "-out", str(cert), "-keyout", str(key)]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


def served(cert: Path, key: Path | None) -> ssl.SSLContext:
    """What a server shows that has a certificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    return context


class TlsFront:
    """Serves on a free loopback port in a thread of its own until closed.

    Without a certificate the TLS is the site's own, for whatever name clients know it by.
    """

    def __init__(self, target: str, *, cert: Path | None = None, key: Path | None = None) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "", parts.port or 80)
        self._context: ssl.SSLContext | None = None
        if cert:
            self._context = served(cert, key)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.port: int = self._server.sockets[0].getsockname()[1]

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            request = await reader.readuntil(b"\r\n\r\n")
            if not request.startswith(b"CONNECT "):
                return writer.close()
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
            if self._context:
                await writer.start_tls(self._context)
            onward, backward = await asyncio.open_connection(*self._target)
            await asyncio.gather(_pipe(reader, backward), _pipe(onward, writer))

    def close(self) -> None:
        """Ends the server and its thread."""

        async def stop() -> None:
            self._server.close()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(2**16):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
