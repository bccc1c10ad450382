"""The issuer of OpenID Connect: where it is, which keys it has, and whom a code of it stands for."""

from __future__ import annotations

import asyncio
import logging
from base64 import b64encode
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from urllib.parse import quote_plus

from webjobs_apiserver.auth.oidc import claims, discovery, signatures
from webjobs_apiserver.auth.oidc.attempt import Attempt
from webjobs_apiserver.auth.oidc.calls import AWAY, Caller
from webjobs_apiserver.auth.oidc.discovery import Endpoints
from webjobs_apiserver.auth.oidc.failure import SignOnFailed
from webjobs_apiserver.auth.oidc.identity import Identity
from webjobs_apiserver.auth.oidc.signatures import Keys
from webjobs_apiserver.config import OidcConfig

log = logging.getLogger(__name__)

V = TypeVar("V")

_FRESH = timedelta(minutes=10)
"""Time for which the issuer's document and keys are believed."""
_PAUSE = timedelta(seconds=10)
"""Time for which an issuer that has failed is not asked again, nor for new keys: others must not be able to make many
requests of theirs."""
_AT_ONCE = 8
"""Codes that are shown to the issuer at once."""


class Issuer:
    """The issuer. All its methods raise SignOnFailed.

    ``clock`` gives aware datetimes.
    """

    def __init__(self, config: OidcConfig, *, clock: Callable[[], datetime]) -> None:
        self._config = config
        self._clock = clock
        self._caller = Caller(config.ca_file)
        self._endpoints = _Remembered(self._read_endpoints, clock=clock)
        self._keys = _Remembered(self._read_keys, clock=clock)
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._naming = claims.Naming(
            username_claim=config.username_claim,
            username_prefix=config.username_prefix,
            groups_claim=config.groups_claim,
            groups_prefix=config.groups_prefix,
        )

    def begin(self, after: str) -> Attempt:
        """Return a new login that leads to a page."""
        return Attempt.begin(after, now=self._clock())

    def attempt_of(self, cookie: str) -> Attempt | None:
        """Return the login in a cookie; None when it has ended, or there is none."""
        return Attempt.of_cookie(cookie, now=self._clock())

    def is_own(self, issuer: str | None) -> bool:
        """Return whether an answer is of this issuer; those that don't say it are."""
        return issuer in (None, self._config.issuer)

    async def login(self, attempt: Attempt, *, redirect_uri: str) -> str:
        """Return the address to which the browser is sent."""
        endpoints = await self._endpoints.get()
        return endpoints.login(
            attempt, client_id=self._config.client_id, scopes=self._config.scopes, redirect_uri=redirect_uri
        )

    async def identity(self, code: str, attempt: Attempt, *, redirect_uri: str) -> Identity:
        """Return whom a code stands for."""
        async with self._slots:
            token = await self._exchange(code, attempt, redirect_uri=redirect_uri)
        found = await self._verified(token)
        expected = claims.Expected(issuer=self._config.issuer, client_id=self._config.client_id, nonce=attempt.nonce)
        claims.check(found, expected, now=self._clock())
        return Identity(user=claims.user_of(found, self._naming), token=token)

    async def _verified(self, token: str) -> dict[str, Any]:
        try:
            return signatures.verified(token, await self._keys.get())
        except signatures.UnknownKey:
            return signatures.verified(token, await self._keys.get(older_than=_PAUSE))

    async def _exchange(self, code: str, attempt: Attempt, *, redirect_uri: str) -> str:
        """Return the ID token for a code."""
        endpoints = await self._endpoints.get()
        client_id, secret = self._config.client_id, self._secret()
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": attempt.verifier,
        }
        headers = {}
        if secret and endpoints.secret_in_header:
            pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"  # encoded before (RFC 6749, section 2.3.1)
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            fields |= {"client_id": client_id} | ({"client_secret": secret} if secret else {})
        status, found = await self._caller.post(endpoints.token, fields, headers=headers)
        token = found.get("id_token")
        if status == 200 and isinstance(token, str):
            return token
        raise _refused(status, found.get("error"))

    def _secret(self) -> str:
        """Return the secret of the client as it is now; empty for a public client."""
        if self._config.client_secret_file is None:
            return ""
        try:
            return self._config.client_secret_file.read_text().rstrip("\r\n")
        except (OSError, ValueError) as error:
            log.error("the client secret can't be read: %s", type(error).__name__)
            raise SignOnFailed(
                "The single sign-on is set up wrong: the client secret is missing.", status=503
            ) from None

    async def _read_endpoints(self) -> Endpoints:
        document = await self._caller.get(discovery.address_of(self._config.issuer))
        return Endpoints.of(document, issuer=self._config.issuer)

    async def _read_keys(self) -> Keys:
        endpoints = await self._endpoints.get()
        return signatures.keys_of(await self._caller.get(endpoints.keys))


class _Remembered(Generic[V]):
    """What is read from an issuer, until it is old; its failure for a shorter time."""

    def __init__(self, read: Callable[[], Awaitable[V]], *, clock: Callable[[], datetime]) -> None:
        self._read = read
        self._clock = clock
        self._lock = asyncio.Lock()
        self._found: V | None = None
        self._failure: SignOnFailed | None = None
        self._read_at: datetime | None = None

    async def get(self, *, older_than: timedelta = _FRESH) -> V:
        """Return it. ``older_than``: age from which it is read anew."""
        async with self._lock:
            age = self._clock() - self._read_at if self._read_at else None
            if age is None or age >= (_PAUSE if self._failure else older_than):
                await self._renew()
            if self._found is None:
                assert self._failure  # noqa: S101  there is one of the two
                raise SignOnFailed(self._failure.message, status=self._failure.status)
            return self._found

    async def _renew(self) -> None:
        try:
            self._found, self._failure = await self._read(), None
        except SignOnFailed as error:
            self._found, self._failure = None, error
        self._read_at = self._clock()


def _refused(status: int, code: Any) -> SignOnFailed:
    """Return the failure of an answer to a code that is no token."""
    if code == "invalid_grant":
        return SignOnFailed("This login has ended, or was used already. Log in again.", status=400, is_guess=True)
    log.error("the issuer gives no token: status %d, %s", status, code if code in _CODES else "of an unknown kind")
    if code in ("invalid_client", "unauthorized_client"):
        message = "The single sign-on is set up wrong: the issuer refuses the dashboard's name or secret."
        return SignOnFailed(message, status=503)
    return SignOnFailed(AWAY, status=503)


_CODES = ("invalid_request", "invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope")
"""Errors of a token endpoint that may stand in a log."""
