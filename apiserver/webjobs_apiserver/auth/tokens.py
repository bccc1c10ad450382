"""Bearer tokens of Kubernetes: a TokenReview says whose they are, a SubjectAccessReview what that user may do.

Answers are remembered for seconds, tokens only by their digest. Tokens that were right before are reviewed apart from
all others: a flood of false ones holds up no one but strangers.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Generic, TypeVar

from cachetools import TTLCache

from webjobs.constants import PACKAGE_AUDIENCE
from webjobs_apiserver.auth.rights import Need
from webjobs_apiserver.auth.throttle import Tries
from webjobs_kube.client import KubeClient

V = TypeVar("V")

_CACHE_TIME = timedelta(seconds=10)
_CACHE_SIZE = 4096
_PODS = 256
"""Tokens of pods that are remembered."""
_PROVEN_TIME = timedelta(hours=1)
"""Time for which a token that was right is reviewed apart from those of strangers."""
_AT_ONCE = 8
"""Reviews of one kind at once: nobody must flood the API server through the shim."""
_ACCOUNT = re.compile(r"system:serviceaccount:([^:]+):[^:]+")


class _Reviews(Generic[V]):
    """Reviews of tokens for one purpose. Only good news is remembered."""

    def __init__(
        self, review: Callable[[str], Awaitable[V | None]], *, size: int, clock: Callable[[], datetime]
    ) -> None:
        self._review = review
        self._found: TTLCache[bytes, V, datetime] = TTLCache(size, _CACHE_TIME, timer=clock)
        self._proven: TTLCache[bytes, bool, datetime] = TTLCache(size, _PROVEN_TIME, timer=clock)
        self._slots = {True: asyncio.Semaphore(_AT_ONCE), False: asyncio.Semaphore(_AT_ONCE)}
        """Places for reviews of tokens that were right before, and of others."""

    async def of(self, token: str, tries: Tries) -> V | None:
        digest = _digest(token)
        if (known := self._found.get(digest)) is not None:
            return known
        proven = digest in self._proven
        async with self._slots[proven]:
            if (known := self._found.get(digest)) is not None:
                return known  # of a request that came just before, with the same token
            if not proven:
                tries.begin()  # within the slot: of many tries at once all would begin before the first has failed
            found = await self._review(token)
        if found is None:
            self._proven.pop(digest, None)
            tries.failed()
        else:
            self._found[digest] = found
            self._proven[digest] = True
        return found


class Tokens:
    """Reviews of bearer tokens of Kubernetes, of clients and of pods.

    ApiError of the API server passes through, and TooMany of the throttle.
    """

    def __init__(self, kube: KubeClient, *, clock: Callable[[], datetime]) -> None:
        self._kube = kube
        self._users = _Reviews(kube.authenticate, size=_CACHE_SIZE, clock=clock)
        # Of their own: no flood at one door shall close the other.
        self._namespaces = _Reviews(self._namespace_of, size=_PODS, clock=clock)
        self._decisions: TTLCache[tuple[bytes, str, Need], bool, datetime]
        self._decisions = TTLCache(_CACHE_SIZE, _CACHE_TIME, timer=clock)
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def user(self, token: str, tries: Tries) -> dict[str, Any] | None:
        """Return the user behind a token, as a TokenReview has it; None when the token is not valid."""
        return await self._users.of(token, tries)

    async def allowed(self, token: str, user: dict[str, Any], *, namespace: str, needs: tuple[Need, ...]) -> bool:
        """Return whether the token's user has all of several rights in a namespace."""
        digest = _digest(token)
        for need in needs:
            key = (digest, namespace, need)
            if self._decisions.get(key):
                continue
            async with self._slots:
                if not await self._kube.is_allowed(
                    user, namespace=namespace, verb=need.verb, resource=need.resource, group=need.group
                ):
                    return False
            self._decisions[key] = True
        return True

    async def namespace_of(self, token: str, tries: Tries) -> str | None:
        """Return the namespace of the service account behind a pod's token for packages; None when it is not valid."""
        return await self._namespaces.of(token, tries)

    async def _namespace_of(self, token: str) -> str | None:
        user = await self._kube.review_token(token, audience=PACKAGE_AUDIENCE)
        account = _ACCOUNT.fullmatch(user or "")
        return account[1] if account else None


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()
