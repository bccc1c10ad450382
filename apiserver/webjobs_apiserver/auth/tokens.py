"""Bearer tokens of Kubernetes: a TokenReview says whose they are, a SubjectAccessReview what that user may do.

Answers are remembered for seconds, tokens only by their digest.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, TypeVar

from cachetools import TTLCache

from webjobs.constants import PACKAGE_AUDIENCE
from webjobs_apiserver.auth.rights import Need
from webjobs_kube.client import KubeClient

K = TypeVar("K")
V = TypeVar("V")

_CACHE_TIME = timedelta(seconds=10)
_CACHE_SIZE = 4096
_PODS = 256
"""Tokens of pods that are remembered."""
_AT_ONCE = 8
"""Reviews at once of clients, and as many of pods: strangers must not flood the API server through the shim."""
_ACCOUNT = re.compile(r"system:serviceaccount:([^:]+):[^:]+")


async def _recalled(known: TTLCache[K, V, datetime], key: K, ask: Callable[[], Awaitable[V | None]]) -> V | None:
    """Return what is remembered under a key, else what is found out now; None is not remembered."""
    value = known.get(key)
    if value is None:
        value = await ask()
        if value is not None:
            known[key] = value
    return value


class Tokens:
    """Reviews of bearer tokens of Kubernetes, of clients and of pods.

    ApiError of the API server passes through.
    """

    def __init__(self, kube: KubeClient, *, clock: Callable[[], datetime]) -> None:
        self._kube = kube
        self._users: TTLCache[bytes, dict[str, Any], datetime] = TTLCache(_CACHE_SIZE, _CACHE_TIME, timer=clock)
        self._decisions: TTLCache[tuple[bytes, str, Need], bool, datetime]
        self._decisions = TTLCache(_CACHE_SIZE, _CACHE_TIME, timer=clock)
        self._namespaces: TTLCache[bytes, str, datetime] = TTLCache(_PODS, _CACHE_TIME, timer=clock)
        self._slots = asyncio.Semaphore(_AT_ONCE)
        # Of their own: no flood at one door shall close the other.
        self._pod_slots = asyncio.Semaphore(_AT_ONCE)

    async def user(self, token: str) -> dict[str, Any] | None:
        """Return the user behind a token, as a TokenReview has it; None when the token is not valid.

        Only good news is remembered.
        """

        async def ask() -> dict[str, Any] | None:
            async with self._slots:
                return await self._kube.authenticate(token)

        return await _recalled(self._users, _digest(token), ask)

    async def allowed(self, token: str, user: dict[str, Any], *, namespace: str, needs: tuple[Need, ...]) -> bool:
        """Return whether the token's user has all of several rights in a namespace."""
        digest = _digest(token)
        for need in needs:

            async def ask(need: Need = need) -> bool:
                async with self._slots:
                    return await self._kube.is_allowed(
                        user, namespace=namespace, verb=need.verb, resource=need.resource
                    )

            if not await _recalled(self._decisions, (digest, namespace, need), ask):
                return False
        return True

    async def namespace_of(self, token: str) -> str | None:
        """Return the namespace of the service account behind a pod's token for packages; None when it is not valid.

        Only good news is remembered.
        """

        async def ask() -> str | None:
            async with self._pod_slots:
                user = await self._kube.review_token(token, audience=PACKAGE_AUDIENCE)
            account = _ACCOUNT.fullmatch(user or "")
            return account[1] if account else None

        return await _recalled(self._namespaces, _digest(token), ask)


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()
