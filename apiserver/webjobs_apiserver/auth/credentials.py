"""The user names and passwords of a site, from a mounted Secret or one that is read through the API server.

A rotation needs no restart: files are looked at on every request (``stat`` calls), a Secret again after seconds.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

from webjobs_apiserver.errors import Unavailable
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import ApiError, NotFound

log = logging.getLogger(__name__)

Role = Literal["owner", "deployer", "reader"]
"""Role of an account of a site."""
ROLES: tuple[Role, ...] = ("owner", "deployer", "reader")
"""All roles of accounts."""

KEYS = ("username", "password", "readonlyUsername", "readonlyPassword", "deployPassword")
"""Keys of the Secret; all but the first two are optional."""
SHORTEST = 16
"""Bytes below which a password is called short in the log: a guesser at a client's own address is not slowed."""
_MAX_BYTES = 4096
_CACHE_TIME = timedelta(seconds=5)
_OLD_NEWS = timedelta(minutes=5)
"""Time for which what was read last counts while the API server does not answer."""


@dataclass(frozen=True, kw_only=True)
class _Pair:
    username: bytes
    password: bytes

    def __repr__(self) -> str:
        return "_Pair(...)"  # must not get into a log by accident

    @property
    def usable(self) -> bool:
        """True when the credentials can let anybody in: empty ones let nobody in."""
        return bool(self.username and self.password)

    def fits(self, username: bytes, password: bytes, *, is_alias: bool = False) -> bool:
        # Both are compared always: no early end tells which was wrong.
        right_name = hmac.compare_digest(username, self.username) | is_alias
        right_password = hmac.compare_digest(password, self.password)
        return right_name and right_password and self.usable


_NOBODY = _Pair(username=b"", password=b"")


@dataclass(frozen=True, kw_only=True)
class Accounts:
    """The accounts of a site, which may log in."""

    owner: _Pair = _NOBODY
    """User name and password of the owner."""
    reader: _Pair = _NOBODY
    """User name and password of the read-only account."""
    deployer: _Pair = _NOBODY
    """The owner's user name, and the password that may only deploy."""

    @classmethod
    def of(cls, data: Mapping[str, bytes]) -> Accounts:
        """Return the accounts that the keys of a Secret hold; a line end after a value is no part of it."""
        username, password, reader, reading, deploying = (
            data.get(key, b"")[:_MAX_BYTES].rstrip(b"\r\n") for key in KEYS
        )
        # The owner's own password may do everything, and goes into no publish profile.
        is_own = hmac.compare_digest(deploying, password)
        return cls(
            owner=_Pair(username=username, password=password),
            reader=_Pair(username=reader, password=reading),
            deployer=_NOBODY if is_own else _Pair(username=username, password=deploying),
        )

    @property
    def usable(self) -> bool:
        """True when an owner could log in."""
        return self.owner.usable

    @property
    def short(self) -> list[Role]:
        """Roles whose passwords are short."""
        return [role for role in ROLES if self.has(role) and len(self._pair(role).password) < SHORTEST]

    def role_of(self, username: bytes, password: bytes, *, aliases: Iterable[bytes] = ()) -> Role | None:
        """Return the role behind a user name and password; None when they are wrong.

        That takes the same time for all wrong ones. ``aliases``: names in lower case by which owner and deployer may
        log in, too, in any case.
        """
        folded = username.lower()
        is_alias = sum(hmac.compare_digest(folded, alias) for alias in aliases) > 0
        fits = {
            "owner": self.owner.fits(username, password, is_alias=is_alias),
            "deployer": self.deployer.fits(username, password, is_alias=is_alias),
            "reader": self.reader.fits(username, password),
        }
        return next((role for role in ROLES if fits[role]), None)

    def has(self, role: Role) -> bool:
        """Return whether the site has an account of a role."""
        return self._pair(role).usable

    def name_of(self, role: Role) -> str:
        """Return the user name of an account."""
        return self._pair(role).username.decode("utf-8", "replace")

    @property
    def deploy_password(self) -> bytes:
        """The password that may only deploy, in clear; empty when there is none."""
        return self.deployer.password if self.deployer.usable else b""

    def seed(self, role: Role, purpose: bytes) -> bytes:
        """Return a secret of an account for one purpose; another one as soon as its name or password changes."""
        pair = self._pair(role)
        inner = hmac.new(pair.password, purpose, "sha256").digest()
        return hmac.new(inner, pair.username, "sha256").digest()

    def _pair(self, role: Role) -> _Pair:
        match role:
            case "owner":
                return self.owner
            case "deployer":
                return self.deployer
            case "reader":
                return self.reader


class Credentials(Protocol):
    """A source of the accounts of a site."""

    async def accounts(self) -> Accounts:
        """Return the accounts as they are now.

        Raises Unavailable when nobody can tell.
        """


class MountedCredentials:
    """Accounts in a directory with a file for each key."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._seen: tuple[tuple[int, ...] | None, ...] = ()
        self._accounts = Accounts()

    async def accounts(self) -> Accounts:
        """Return the accounts as they are now; empty ones when a file that must be there can't be read."""
        try:
            seen = tuple(self._stamp(key, needed=key in KEYS[:2]) for key in KEYS)
            if seen != self._seen:
                there = [key for key, stamp in zip(KEYS, seen, strict=True) if stamp]
                # A few small files of memory, and only when they have changed.
                self._accounts = Accounts.of({key: (self._directory / key).read_bytes() for key in there})
                self._seen = seen
                _warn(self._accounts, where=str(self._directory))
        except OSError as error:
            if self._accounts.usable or not self._seen:
                log.error("the credentials can't be read: %s", error)
            self._accounts, self._seen = Accounts(), ((-1,),)
        return self._accounts

    def _stamp(self, key: str, *, needed: bool) -> tuple[int, ...] | None:
        try:
            stat = (self._directory / key).stat()
        except FileNotFoundError:
            if needed:
                raise
            return None
        # A mounted Secret changes by a swapped link: other files, other inodes.
        return stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size


class SecretCredentials:
    """Accounts in a Secret of the site's namespace; a Role there lets the shim get it, by its name and no other."""

    def __init__(self, kube: KubeClient, *, namespace: str, name: str, clock: Callable[[], datetime]) -> None:
        self._kube = kube
        self._namespace = namespace
        self._name = name
        self._clock = clock
        self._lock = asyncio.Lock()
        self._read_at: datetime | None = None
        self._next_read: datetime | None = None
        self._accounts = Accounts()

    async def accounts(self) -> Accounts:
        """Return the accounts, at most some seconds old; minutes while the API server does not answer.

        Raises Unavailable after that.
        """
        async with self._lock:
            now = self._clock()
            if self._next_read is None or now >= self._next_read:
                await self._read(now)
                self._next_read = now + _CACHE_TIME
        if self._read_at is None or now - self._read_at > _OLD_NEWS:
            raise Unavailable("The credentials of this site can't be read now. Try again later.")
        return self._accounts

    async def _read(self, now: datetime) -> None:
        where = f"{self._namespace}/{self._name}"
        try:
            secret = await self._kube.get("Secret", self._namespace, self._name)
            data = {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items() if key in KEYS}
        except (NotFound, binascii.Error):
            log.error("there is no usable Secret %s: nobody can log in there", where)
            data = {}
        except ApiError as error:
            log.error("the Secret %s can't be read: %s", where, error.reason)
            return
        before, self._accounts, self._read_at = self._accounts, Accounts.of(data), now
        if self._accounts != before:
            _warn(self._accounts, where=where)


def _warn(accounts: Accounts, *, where: str) -> None:
    for role in accounts.short:
        log.warning("%s: the password of the %s has less than %d bytes and may be guessed", where, role, SHORTEST)
