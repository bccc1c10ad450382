"""Tickets: a signed cookie, or token, that stands for a login for some hours.

Nothing is stored: every replica can check a ticket. The key is made of the account's own name and password, so that
another password ends all tickets of the old one. It is made slowly on purpose: a client that has a ticket must not be
able to try passwords on it. What a ticket is for is signed, too: a cookie is no token, and a token no cookie.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from cachetools import LRUCache

from webjobs_apiserver.auth.credentials import ROLES, Accounts, Role
from webjobs_apiserver.auth.headers import Bearer

COOKIE = "auth_tkt"
"""Name of the cookie that holds a ticket."""
Use = Literal["cookie", "token"]
"""What a ticket is for: a cookie of the Kragle API, or a token for an Authorization header."""
_TOKEN = "webjobs."  # noqa: S105  what ours begin with; those of Kubernetes are JSON Web Tokens
LIFETIME = timedelta(hours=12)
"""Time for which a ticket counts."""
_MOST = 256
"""Most characters of a cookie's value."""
_KEYS = 64
"""Keys that are remembered; making one takes tens of milliseconds."""
_DIGITS = re.compile(r"[1-9][0-9]{0,14}")


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """A ticket as a client shows it."""

    text: str
    """Role, end in seconds of Unix time and signature, with dots between them."""
    use: Use
    """The way in which it was shown, or is to be shown."""

    def __repr__(self) -> str:
        return "Ticket(...)"  # must not get into a log by accident


def as_token(ticket: Ticket) -> str:
    """Return a ticket as a token for an Authorization header with the scheme Bearer."""
    return _TOKEN + ticket.text


def of_token(bearer: Bearer) -> Ticket | None:
    """Return the ticket that a token is; None when it is a token of Kubernetes."""
    if not bearer.token.startswith(_TOKEN):
        return None
    return Ticket(text=bearer.token.removeprefix(_TOKEN), use="token")


class Tickets:
    """The maker and checker of tickets."""

    def __init__(self) -> None:
        self._keys: LRUCache[bytes, bytes] = LRUCache(_KEYS)
        self._lock = asyncio.Lock()

    async def issue(self, accounts: Accounts, role: Role, *, namespace: str, use: Use, now: datetime) -> Ticket:
        """Return a ticket for a client that has just logged in."""
        until = int((now + LIFETIME).timestamp())
        key = await self._key(accounts, role, namespace=namespace)
        return Ticket(text=f"{role}.{until}.{_signature(key, role=role, use=use, until=until)}", use=use)

    async def role_of(self, ticket: Ticket, accounts: Accounts, *, namespace: str, now: datetime) -> Role | None:
        """Return the role that a ticket stands for at a site; None when it is false or has ended."""
        name, _, rest = ticket.text.partition(".")
        until = rest.partition(".")[0]
        role = next((one for one in ROLES if one == name), None)
        if role is None or not _DIGITS.fullmatch(until) or len(ticket.text) > _MOST or not accounts.has(role):
            return None
        key = await self._key(accounts, role, namespace=namespace)
        right = f"{role}.{until}.{_signature(key, role=role, use=ticket.use, until=int(until))}"
        if not hmac.compare_digest(right.encode(), ticket.text.encode("utf-8", "surrogatepass")):
            return None
        return role if now.timestamp() < int(until) else None

    async def _key(self, accounts: Accounts, role: Role, *, namespace: str) -> bytes:
        seed = accounts.seed(role, f"webjobs ticket\0{namespace}\0{role}".encode())
        async with self._lock:
            if seed not in self._keys:
                self._keys[seed] = await asyncio.to_thread(_slow, seed)
            return self._keys[seed]


def _slow(seed: bytes) -> bytes:
    return hashlib.scrypt(seed, salt=b"webjobs ticket", n=2**14, r=8, p=1, dklen=32)


def _signature(key: bytes, *, role: Role, use: Use, until: int) -> str:
    return hmac.new(key, f"{use}.{role}.{until}".encode(), "sha256").hexdigest()
