"""Passwords that were right before, by the address that showed them.

Who is in here does not wait for the bad tries of others at the same address (``auth/throttle.py``). A right password is
needed all the same: this memory lets nobody in.
"""

from __future__ import annotations

import hmac
import secrets

from cachetools import LRUCache

from webjobs_apiserver.auth.credentials import ROLES, Accounts
from webjobs_apiserver.auth.headers import Basic

_KEPT = 10_000
"""Logins that are kept; beyond that the one that was used least lately is forgotten."""
_PURPOSE = b"webjobs proven"


class Proven:
    """Logins that were right, as keyed digests.

    The address is a part of the digest: elsewhere a guesser has to wait for the right password, too, and can't try at
    full speed whether somebody uses it. So are the accounts of the site: another password, and nobody is known.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._digests: LRUCache[bytes, None] = LRUCache(_KEPT)

    def digest(self, given: Basic, accounts: Accounts, *, namespace: str, address: str) -> bytes:
        """Return what a login at a site, from an address, is known by.

        That takes the same time for right and wrong ones.
        """
        seeds = b"".join(accounts.seed(role, _PURPOSE) for role in ROLES)
        site = hmac.new(self._key, seeds + namespace.encode(), "sha256").digest()
        name = hmac.new(site, given.username, "sha256").digest()
        password = hmac.new(site, given.password, "sha256").digest()
        return hmac.new(site, name + password + address.encode(), "sha256").digest()

    def add(self, digest: bytes) -> None:
        """Remember a login that was right."""
        self._digests[digest] = None

    def __contains__(self, digest: bytes) -> bool:
        return self._digests.get(digest, b"") is None
