"""Bearer tokens of Kubernetes: a TokenReview says whose they are, a SubjectAccessReview what that user may do.

Answers are remembered for seconds, tokens only by their digest.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Generic, TypeVar

from webjobs_apiserver.auth.rights import Need
from webjobs_kube.client import KubeClient

K = TypeVar("K")
V = TypeVar("V")

_CACHE_TIME = timedelta(seconds=10)
_CACHE_SIZE = 4096
_AT_ONCE = 8
"""Reviews at once; strangers must not flood the API server through the shim."""


class _Recent(Generic[K, V]):
    """Values that were found out lately."""

    def __init__(self, *, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._known: OrderedDict[K, tuple[datetime, V]] = OrderedDict()

    def get(self, key: K) -> V | None:
        until, value = self._known.get(key, (None, None))
        return value if until and self._clock() < until else None

    def put(self, key: K, value: V) -> None:
        self._known[key] = (self._clock() + _CACHE_TIME, value)
        self._known.move_to_end(key)
        while len(self._known) > _CACHE_SIZE:
            self._known.popitem(last=False)


class Tokens:
    """Reviews of bearer tokens of Kubernetes.

    ApiError of the API server passes through.
    """

    def __init__(self, kube: KubeClient, *, clock: Callable[[], datetime]) -> None:
        self._kube = kube
        self._users: _Recent[bytes, dict[str, Any]] = _Recent(clock=clock)
        self._decisions: _Recent[tuple[bytes, str, Need], bool] = _Recent(clock=clock)
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def user(self, token: str) -> dict[str, Any] | None:
        """Return the user behind a token, as a TokenReview has it; None when the token is not valid.

        Only good news is remembered.
        """
        key = sha256(token.encode()).digest()
        if known := self._users.get(key):
            return known
        async with self._slots:
            user = await self._kube.authenticate(token)
        if user:
            self._users.put(key, user)
        return user

    async def allowed(self, token: str, user: dict[str, Any], *, namespace: str, needs: tuple[Need, ...]) -> bool:
        """Return whether the token's user has all of several rights in a namespace."""
        digest = sha256(token.encode()).digest()
        for need in needs:
            key = (digest, namespace, need)
            decision = self._decisions.get(key)
            if decision is None:
                async with self._slots:
                    decision = await self._kube.is_allowed(
                        user, namespace=namespace, verb=need.verb, resource=need.resource
                    )
                self._decisions.put(key, decision)
            if not decision:
                return False
        return True
