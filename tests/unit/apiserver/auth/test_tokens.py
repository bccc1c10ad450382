"""Reviews of tokens: how many the API server is asked for at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.fakes.shim import Shim
from webjobs_apiserver.auth.rights import needs
from webjobs_apiserver.auth.tokens import Tokens

AT_ONCE = 8


class Slow:
    """An API server that answers when it is told to, and counts who waits for it."""

    def __init__(self) -> None:
        self.waiting = self.most = self.asked = 0
        self.go = asyncio.Event()

    async def _reviewed(self) -> None:
        self.asked += 1
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        await self.go.wait()
        self.waiting -= 1

    async def authenticate(self, token: str) -> dict[str, Any]:
        await self._reviewed()
        return {"username": token}

    async def is_allowed(self, user: dict[str, Any], **_: str) -> bool:
        await self._reviewed()
        return True

    async def review_token(self, token: str, *, audience: str) -> str:
        await self._reviewed()
        return f"system:serviceaccount:{token}:default"


def _call(tokens: Tokens, kind: str, number: int) -> Any:
    token = f"t{number}"
    if kind == "users":
        return tokens.user(token)
    if kind == "pods":
        return tokens.namespace_of(token)
    return tokens.allowed(token, {}, namespace="site", needs=needs("GET", "/api/webjobs"))


@pytest.mark.parametrize("kind", ["users", "rights", "pods"])
async def test_few_reviews_at_once(kind: str) -> None:
    kube = Slow()
    tokens = Tokens(kube, clock=lambda: datetime.now(UTC))  # type: ignore[arg-type]
    calls = [asyncio.create_task(_call(tokens, kind, number)) for number in range(100)]
    for _ in range(10):
        await asyncio.sleep(0)
    assert (kube.waiting, kube.asked) == (AT_ONCE, AT_ONCE)
    kube.go.set()
    assert len(await asyncio.gather(*calls)) == 100
    assert (kube.most, kube.asked) == (AT_ONCE, 100)


@pytest.mark.parametrize(("flood", "other"), [("pods", "users"), ("pods", "rights"), ("users", "pods")])
async def test_a_flood_at_one_door_does_not_close_the_other(flood: str, other: str) -> None:
    kube = Slow()
    tokens = Tokens(kube, clock=lambda: datetime.now(UTC))  # type: ignore[arg-type]
    calls = [asyncio.create_task(_call(tokens, flood, number)) for number in range(100)]
    calls.append(asyncio.create_task(_call(tokens, other, 1000)))
    for _ in range(10):
        await asyncio.sleep(0)
    assert kube.waiting == AT_ONCE + 1
    kube.go.set()
    await asyncio.gather(*calls)


@pytest.mark.parametrize("header", ["Bearer " + "x" * 20_000, "Bearer a b", "Bearer é".encode().decode("latin-1")])
async def test_what_is_no_token_is_not_reviewed(one: Shim, header: str) -> None:
    async with one.client(auth=None) as client:
        for path in ("/internal/packages/site/x", "/api/webjobs"):
            answer = await client.get(path, headers={b"Authorization": header.encode("latin-1")})
            assert answer.status_code == 401
    assert not one.kube.calls
