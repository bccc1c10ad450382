"""A login that a browser has begun at the issuer, and what of it the issuer is told.

All of it is in a cookie of the browser, so that every replica can go on with it. It is not signed: who can write
cookies of this host could also put one of another login there.
"""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Self

LIFETIME = timedelta(minutes=10)
"""Time that a person has at the issuer."""
_COOKIE = re.compile(r"([A-Za-z0-9_-]{43})\.([1-9][0-9]{0,14})\.([A-Za-z0-9_-]{0,2048})")


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A login that has begun."""

    secret: str = field(repr=False)
    """Secret of the browser, of which all else is made: what the issuer is told does not show it."""
    until: int
    """End in seconds of Unix time."""
    after: str
    """Page to which the login leads; empty: it would not have fitted. Whoever reads it checks it."""

    @classmethod
    def begin(cls, after: str, *, now: datetime) -> Self:
        """Return a new one."""
        fits = len(_encoded(after.encode())) <= 2048
        until = int((now + LIFETIME).timestamp())
        return cls(secret=secrets.token_urlsafe(32), until=until, after=after if fits else "")

    @classmethod
    def of_cookie(cls, text: str, *, now: datetime) -> Self | None:
        """Return the one in a cookie; None when it has ended, or there is none."""
        found = _COOKIE.fullmatch(text)
        if found is None or now.timestamp() >= int(found[2]):
            return None
        try:
            after = urlsafe_b64decode(found[3] + "=" * (-len(found[3]) % 4)).decode()
        except ValueError:
            return None
        return cls(secret=found[1], until=int(found[2]), after=after)

    @property
    def cookie(self) -> str:
        """Value of the cookie."""
        return f"{self.secret}.{self.until}.{_encoded(self.after.encode())}"

    @property
    def state(self) -> str:
        """Text that the issuer sends back: the answer belongs to this browser."""
        return self._derived("state")

    @property
    def nonce(self) -> str:
        """Text that the issuer writes into the ID token: it was made for this login."""
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """Text that is shown with the code (PKCE)."""
        return self._derived("verifier")

    @property
    def challenge(self) -> str:
        """Digest of the verifier, by the method S256."""
        return _encoded(sha256(self.verifier.encode()).digest())

    def is_state(self, given: str) -> bool:
        """Return whether an answer belongs to this login."""
        return hmac.compare_digest(self.state.encode(), given.encode("utf-8", "surrogatepass"))

    def _derived(self, purpose: str) -> str:
        return _encoded(hmac.new(self.secret.encode(), purpose.encode(), "sha256").digest())


def _encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")
