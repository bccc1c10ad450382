"""Tickets: a signed cookie, token or password that stands for a login for some time.

Nothing is stored: every replica can check a ticket. The key is made of the account's own name and password, so that
another password ends all tickets of the old one. It is made slowly on purpose: a client that has a ticket must not be
able to try passwords on it. What a ticket is for is signed, too: a cookie is no token, and a token no password.

A ticket that is a password or a session can also stand for a user of Kubernetes. It holds what a TokenReview said of
the user, and the key is made of the owner's account. What the user may do is asked at each use.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from cachetools import LRUCache

from webjobs.objects import Object
from webjobs_apiserver.auth.credentials import ROLES, Accounts, Role
from webjobs_apiserver.auth.headers import Basic, Bearer

COOKIE = "auth_tkt"
"""Name of the cookie that holds a ticket."""
Use = Literal["cookie", "token", "password", "session"]
"""What a ticket is for: a cookie of the Kragle API, a token for an Authorization header, a password of Kudu's, or the
cookie of the dashboard."""
_SHOWN = "webjobs."
"""What tokens and passwords of ours begin with; tokens of Kubernetes are JSON Web Tokens."""
LIFETIME = timedelta(hours=12)
"""Time for which a cookie or a token counts."""
PASSWORD_LIFETIME = timedelta(hours=1)
"""Time for which a password counts: for a slow upload, and for the quarter of an hour for which clients then ask how
their deployment is going on. Also for a session of a user of Kubernetes, whose own tokens don't last longer."""
_MOST = 8192
"""Most characters of a ticket."""
_MOST_USER = 4096
"""Most characters of a user of Kubernetes in a ticket: with groups without number it would be no header any more."""
_KEYS = 64
"""Keys that are remembered; making one takes tens of milliseconds."""
_DIGITS = re.compile(r"[1-9][0-9]{0,14}")
_OF_USERS = ("password", "session")
"""What a ticket of a user of Kubernetes can be for."""
_USER = "user-"
"""What stands before a user of Kubernetes in a ticket; no role begins with it."""


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """A ticket as a client shows it."""

    text: str
    """Role or user, end in seconds of Unix time and signature, with dots between them."""
    use: Use
    """The way in which it was shown, or is to be shown."""

    def __repr__(self) -> str:
        return "Ticket(...)"  # must not get into a log by accident


def shown(ticket: Ticket) -> str:
    """Return a ticket as a token for the scheme Bearer, or as a password for the scheme Basic."""
    return _SHOWN + ticket.text


def of_token(bearer: Bearer) -> Ticket | None:
    """Return the ticket that a token is; None when it is a token of Kubernetes."""
    if not bearer.token.startswith(_SHOWN):
        return None
    return Ticket(text=bearer.token.removeprefix(_SHOWN), use="token")


def of_password(basic: Basic) -> Ticket | None:
    """Return the ticket that a password may be; None when it is only a password.

    One that looks like a ticket can still be somebody's real password.
    """
    if not basic.password.startswith(_SHOWN.encode()) or not basic.password.isascii():
        return None
    return Ticket(text=basic.password.decode().removeprefix(_SHOWN), use="password")


class Tickets:
    """The maker and checker of tickets."""

    def __init__(self) -> None:
        self._keys: LRUCache[bytes, bytes] = LRUCache(_KEYS)
        self._lock = asyncio.Lock()

    async def issue(self, accounts: Accounts, role: Role, *, namespace: str, use: Use, now: datetime) -> Ticket:
        """Return a ticket for an account that has just logged in."""
        key = await self._key(accounts, role, namespace=namespace, whose=role)
        return _signed(key, holder=role, use=use, until=now + (PASSWORD_LIFETIME if use == "password" else LIFETIME))

    async def issue_user(
        self, accounts: Accounts, user: Object, *, namespace: str, use: Use, now: datetime
    ) -> Ticket | None:
        """Return a ticket that is a password or a session, for a user of Kubernetes as a TokenReview has it.

        None where the site has no owner, by whose account it would be signed, and for a user that is too large.
        """
        # All that a SubjectAccessReview asks of: what is left out could be what takes a right away.
        known = {name: user[name] for name in ("username", "uid", "groups", "extra") if user.get(name)}
        text = urlsafe_b64encode(json.dumps(known).encode()).decode().rstrip("=")
        if len(text) > _MOST_USER or not accounts.has("owner"):
            return None
        key = await self._key(accounts, "owner", namespace=namespace, whose="user")
        return _signed(key, holder=_USER + text, use=use, until=now + PASSWORD_LIFETIME)

    async def role_of(self, ticket: Ticket, accounts: Accounts, *, namespace: str, now: datetime) -> Role | None:
        """Return the role that a ticket stands for at a site; None when it is false or has ended."""
        name = ticket.text.partition(".")[0]
        role = next((one for one in ROLES if one == name), None)
        if role is None or not accounts.has(role):
            return None
        key = await self._key(accounts, role, namespace=namespace, whose=role)
        return role if _is_right(key, ticket, now=now) else None

    async def user_of(self, ticket: Ticket, accounts: Accounts, *, namespace: str, now: datetime) -> Object | None:
        """Return the user of Kubernetes that a ticket stands for at a site; None when it is false or has ended."""
        name = ticket.text.partition(".")[0]
        if not name.startswith(_USER) or ticket.use not in _OF_USERS or not accounts.has("owner"):
            return None
        key = await self._key(accounts, "owner", namespace=namespace, whose="user")
        if not _is_right(key, ticket, now=now):
            return None
        text = name.removeprefix(_USER)
        user: Object = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return user

    async def _key(self, accounts: Accounts, role: Role, *, namespace: str, whose: str) -> bytes:
        seed = accounts.seed(role, f"webjobs ticket\0{namespace}\0{whose}".encode())
        async with self._lock:
            if seed not in self._keys:
                self._keys[seed] = await asyncio.to_thread(_slow, seed)
            return self._keys[seed]


def _slow(seed: bytes) -> bytes:
    return hashlib.scrypt(seed, salt=b"webjobs ticket", n=2**14, r=8, p=1, dklen=32)


def _signed(key: bytes, *, holder: str, use: Use, until: datetime) -> Ticket:
    end = int(until.timestamp())
    return Ticket(text=f"{holder}.{end}.{_signature(key, holder=holder, use=use, until=end)}", use=use)


def _is_right(key: bytes, ticket: Ticket, *, now: datetime) -> bool:
    """Return whether a ticket was signed by a key for the way in which it was shown, and has not ended."""
    holder, _, rest = ticket.text.partition(".")
    until = rest.partition(".")[0]
    if len(ticket.text) > _MOST or not _DIGITS.fullmatch(until):
        return False
    right = f"{holder}.{until}.{_signature(key, holder=holder, use=ticket.use, until=int(until))}"
    if not hmac.compare_digest(right.encode("utf-8", "surrogatepass"), ticket.text.encode("utf-8", "surrogatepass")):
        return False
    return now.timestamp() < int(until)


def _signature(key: bytes, *, holder: str, use: Use, until: int) -> str:
    return hmac.new(key, f"{use}.{holder}.{until}".encode("utf-8", "surrogatepass"), "sha256").hexdigest()
