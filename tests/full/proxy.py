"""A way to the API server that can fail, for one client: a reverse proxy on loopback that counts what comes."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

import aiohttp
from aiohttp import web
from yarl import URL

from tests import stack as stacks

Mode = Literal["pass", "fail", "busy", "hang", "gone"]
"""``fail``: 503. ``busy``: 429 with Retry-After. ``hang``: no answer at all. ``gone``: each watch ends with 410."""
RETRY_AFTER = 3
_HOP = frozenset({"content-length", "transfer-encoding", "connection", "accept-encoding"})
_OURS = frozenset({"host", "authorization"})
_GONE = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 410, "reason": "Expired", "message": "old"}


@dataclass
class Proxy:
    """``requests``: when (monotonic), method and path of each.

    ``signed``: requests carry a signature over their host, and so that and their credentials go on as they came.
    """

    upstream: str
    signed: bool = False
    mode: Mode = "pass"
    port: int = 0
    requests: list[tuple[float, str, str]] = field(default_factory=list)
    _open: set[asyncio.Task[object]] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def set(self, mode: Mode) -> None:
        """From now on; what is under way breaks."""
        self.mode = mode
        self.cut()

    def cut(self) -> None:
        """Breaks all connections that are under way."""
        self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in self._open])

    def since(self, begin: float) -> list[tuple[float, str, str]]:
        """Requests from a moment on."""
        return [request for request in self.requests if request[0] >= begin]

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        task = asyncio.current_task()
        assert task
        self._open.add(task)
        try:
            return await self._answer(request)
        except aiohttp.ClientConnectionResetError:  # who asked is gone
            return web.Response(status=500)
        finally:
            self._open.discard(task)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append((time.monotonic(), request.method, request.path_qs))
        match self.mode:
            case "fail":
                return web.Response(status=503, text="down")
            case "busy":
                return web.json_response({"code": 429}, status=429, headers={"Retry-After": str(RETRY_AFTER)})
            case "hang":
                await asyncio.Event().wait()
            case "gone" if "watch=" in request.query_string:
                return web.json_response({"type": "ERROR", "object": _GONE})  # as API servers tell it: in the stream
        async with self._asked(request) as found:
            return await self._pass_on(request, found)

    @asynccontextmanager
    async def _asked(self, request: web.BaseRequest) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer of whom it stands before."""
        left_out = _HOP if self.signed else _HOP | _OURS
        headers = {key: value for key, value in request.headers.items() if key.lower() not in left_out}
        headers["Accept-Encoding"] = "identity"
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None), auto_decompress=False) as session,
            session.request(
                request.method,
                URL(self.upstream + request.path_qs, encoded=True),
                headers=headers,
                data=await request.read() or None,
                skip_auto_headers={"Content-Type", "User-Agent"},
            ) as found,
        ):
            yield found

    async def _pass_on(
        self, request: web.BaseRequest, found: aiohttp.ClientResponse, *, body: bytes | None = None
    ) -> web.StreamResponse:
        """``body``: of the answer, where it was read already."""
        headers = {key: value for key, value in found.headers.items() if key.lower() not in _HOP}
        answer = web.StreamResponse(status=found.status, headers=headers)
        if "Content-Length" in found.headers:
            answer.content_length = int(found.headers["Content-Length"])
        await answer.prepare(request)
        if body is None:
            async for piece in found.content.iter_any():
                await answer.write(piece)
        await answer.write_eof(body or b"")
        return answer

    async def _run(self, ready: threading.Event, over: asyncio.Event) -> None:
        runner = web.ServerRunner(web.Server(self._serve), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        ready.set()
        await over.wait()
        for task in list(self._open):
            task.cancel()
        await runner.cleanup()

    @contextmanager
    def running(self) -> Iterator[Self]:
        """It serves inside the context, in a thread of its own."""
        ready, over = threading.Event(), asyncio.Event()
        thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._run(ready, over)))
        thread.start()
        assert ready.wait(10)
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(over.set)
            thread.join()
            self._loop.close()


@contextmanager
def api(kubeconfig: Path) -> Iterator[str]:
    """The URL of a ``kubectl proxy``, which knows the cluster's credentials."""
    command = [stacks.tool("kubectl"), "--kubeconfig", str(kubeconfig), "proxy", "--port=0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        found = re.search(r"127\.0\.0\.1:\d+", process.stdout.readline())
        assert found
        yield f"http://{found[0]}"
    finally:
        process.terminate()
        process.communicate(timeout=10)


@contextmanager
def proxy(kubeconfig: Path) -> Iterator[Proxy]:
    """In front of the API server."""
    with api(kubeconfig) as url, Proxy(upstream=url).running() as made:
        yield made


def kubeconfig_of(made: Proxy) -> str:
    """For a client that is to go this way; the text of the file."""
    cluster = {"server": f"http://127.0.0.1:{made.port}"}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "way",
            "clusters": [{"name": "way", "cluster": cluster}],
            "users": [{"name": "way", "user": {"token": "none"}}],
            "contexts": [{"name": "way", "context": {"cluster": "way", "user": "way"}}],
        }
    )
