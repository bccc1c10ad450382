"""HTTP Basic, before anything else: a wrong password learns nothing, not even which routes exist.

The credentials are two files of a mounted Secret. They are looked at on every request (two ``stat`` calls), so
that a rotation needs no restart.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

log = logging.getLogger(__name__)

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
TOKEN_PREFIX = "/internal/packages/"  # noqa: S105  a path, not a password
"""Below it bearer tokens count instead, and its own router checks them."""
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="site"'}
_MAX_BYTES = 4096


@dataclass(frozen=True, kw_only=True)
class _Pair:
    username: bytes
    password: bytes

    def __repr__(self) -> str:
        return "_Pair(...)"  # must not get into a log by accident


class Credentials:
    """User name and password as they are now in a directory."""

    def __init__(self, directory: Path) -> None:
        self._files = (directory / "username", directory / "password")
        self._seen: tuple[tuple[int, ...], ...] = ()
        self._pair: _Pair | None = None

    def _current(self) -> _Pair | None:
        try:
            stats = [file.stat() for file in self._files]
            # A mounted Secret changes by a swapped link: other files, other inodes.
            seen = tuple((stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size) for stat in stats)
            if seen != self._seen:
                username, password = (file.read_bytes()[:_MAX_BYTES].rstrip(b"\r\n") for file in self._files)
                self._pair = _Pair(username=username, password=password)
                self._seen = seen
        except OSError as error:
            if self._pair is not None or not self._seen:
                log.error("the credentials can't be read: %s", error)
            self._pair, self._seen = None, ((-1,),)
        return self._pair

    @property
    def usable(self) -> bool:
        """Whether anybody could log in; empty credentials let nobody in."""
        pair = self._current()
        return pair is not None and bool(pair.username and pair.password)

    def accept(self, username: bytes, password: bytes) -> bool:
        """Whether they are right; takes the same time for every wrong one."""
        pair = self._current()
        if pair is None or not (pair.username and pair.password):
            return False
        # Both are compared always: no early end tells which was wrong.
        right_name = hmac.compare_digest(username, pair.username)
        right_password = hmac.compare_digest(password, pair.password)
        return right_name and right_password


def basic_credentials(headers: Headers) -> tuple[bytes, bytes] | None:
    """User name and password of a request (UTF-8 bytes); None when it has none or several."""
    values = headers.getlist("authorization")
    if len(values) != 1:
        return None
    scheme, _, encoded = values[0].strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        username, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return (username, password) if colon else None


class BasicAuth:
    """ASGI middleware that lets only authenticated requests through."""

    def __init__(self, app: ASGIApp, *, credentials: Credentials) -> None:
        self._app = app
        self._credentials = credentials

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # nothing here speaks WebSocket; the server refuses the handshake
        path: str = scope["path"]
        if path not in OPEN_PATHS and not path.startswith(TOKEN_PREFIX):
            given = basic_credentials(Headers(scope=scope))
            if given is None or not self._credentials.accept(*given):
                await Response(status_code=401, headers=_CHALLENGE)(scope, receive, send)
                return
        await self._app(scope, receive, send)
