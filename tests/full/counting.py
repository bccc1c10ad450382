"""Proxies that count what one process writes, and make one of its writes the last, or one whose answer is lost."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import aiohttp
from aiohttp import web

from tests.full.proxy import Proxy

Fault = Literal["dies", "loses"]
"""``dies``: the process is killed before it sees the answer. ``loses``: the connection breaks instead of an answer."""
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_REMOVED = re.compile(r"<Key>(.*?)</Key>")
_NO_WRITES = ("/leases/", "/leases?", "tokenreviews", "subjectaccessreviews")


@dataclass
class Gate:
    """All writes of one process that were carried out, to the API server and to the store, in their order.

    Attributes:
        kill: ends the process without a word.
        all: when (monotonic) and what, since the beginning.
        writes: those of the case that is armed.
        happened: what the fault struck; None as long as it did not.
    """

    kill: Callable[[], None]
    all: list[tuple[float, str]] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    happened: str | None = None
    _name: str | None = None
    _number: int = 0
    _fault: Fault = "dies"
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, name: str, *, number: int = 0, fault: Fault = "dies") -> None:
        """From now on writes of a job count, and the fault strikes the one with this number, from 1; 0: none."""
        with self._lock:
            self._name, self._number, self._fault = name, number, fault
            self.writes, self.happened = [], None

    def disarm(self) -> None:
        """No more faults."""
        with self._lock:
            self._name = None

    def quiet(self) -> float:
        """Seconds since the last write."""
        return time.monotonic() - self.all[-1][0] if self.all else float("inf")

    def strikes(self, text: str, *, mentions: Callable[[str], bool]) -> bool:
        """Takes notice of a write that was carried out; whether nobody may hear of it.

        ``mentions``: whether it has to do with a job of this name.
        """
        with self._lock:
            self.all.append((time.monotonic(), text))
            if self._name is None or not mentions(self._name):
                return False
            self.writes.append(text)
            if len(self.writes) != self._number:
                return False
            self.happened = text
            if self._fault == "dies":
                self.kill()
            return True


@dataclass
class Counter(Proxy):
    """One process's way to the API server, or (``signed``) to the store."""

    gate: Gate = field(kw_only=True)

    async def _pass_on(
        self, request: web.BaseRequest, found: aiohttp.ClientResponse, *, body: bytes | None = None
    ) -> web.StreamResponse:
        path = request.path_qs
        if request.method in _WRITES and found.status < 300 and not any(one in path for one in _NO_WRITES):
            body = await found.read()  # nobody is killed before the write is carried out
            text = path + (await request.read()).decode(errors="replace")

            def mentions(name: str) -> bool:
                # Keys of packages name no job, but a lane has one case at a time.
                return name in text or (self.signed and ("/packages/" in text or "/guard/" in text))

            if self.gate.strikes(f"{request.method} {_shown(request.path, text)}", mentions=mentions):
                if request.transport:
                    request.transport.abort()
                return web.Response(status=500)
        return await super()._pass_on(request, found, body=body)


def _shown(path: str, text: str) -> str:
    """What is written to; several keys that are removed at once are in the body alone."""
    keys = _REMOVED.findall(text)
    return " ".join(keys) if keys else path.removeprefix("/apis/").removeprefix("/api/").removeprefix("/")
