"""Reviews of tokens: how many the API server is asked for at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.fakes.shim import Shim
from webjobs_apiserver.auth.rights import needs
from webjobs_apiserver.auth.throttle import BURST, Key, Throttle, TooMany, Tries
from webjobs_apiserver.auth.tokens import Tokens

AT_ONCE = 8


NOW = datetime(2026, 1, 1, tzinfo=UTC)


def tries(number: int = 0, *, throttle: Throttle | None = None) -> Tries:
    """The tries of one address."""
    key = Key(namespace="site", kind="token", address=str(number))
    return Tries(throttle=throttle or Throttle(clock=lambda: NOW), keys=[key])


class Slow:
    """An API server that answers when it is told to, and counts who waits for it. Tokens with an f are false."""

    def __init__(self) -> None:
        self.waiting = self.most = self.asked = 0
        self.go = asyncio.Event()

    async def _reviewed(self) -> None:
        self.asked += 1
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        await self.go.wait()
        self.waiting -= 1

    async def authenticate(self, token: str) -> dict[str, Any] | None:
        await self._reviewed()
        return None if token.startswith("f") else {"username": token}

    async def is_allowed(self, user: dict[str, Any], **_: str) -> bool:
        await self._reviewed()
        return True

    async def review_token(self, token: str, *, audience: str) -> str:
        await self._reviewed()
        return f"system:serviceaccount:{token}:default"


def _call(tokens: Tokens, kind: str, number: int) -> Any:
    token = f"t{number}"
    if kind == "users":
        return tokens.user(token, tries(number))
    if kind == "pods":
        return tokens.namespace_of(token, tries(number))
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


async def turns(number: int = 10) -> None:
    """Let others go on."""
    for _ in range(number):
        await asyncio.sleep(0)


async def test_a_token_that_was_right_before_does_not_wait_behind_false_ones() -> None:
    kube, now = Slow(), NOW
    tokens, throttle = Tokens(kube, clock=lambda: now), Throttle(clock=lambda: NOW)  # type: ignore[arg-type]
    kube.go.set()
    assert await tokens.user("true", tries())
    kube.go.clear()
    now = NOW.replace(minute=59)  # the answer is not remembered any more; that it was right is
    flood = [asyncio.create_task(tokens.user(f"f{number}", tries(throttle=throttle))) for number in range(100)]
    await turns()
    known = asyncio.create_task(tokens.user("true", tries(throttle=throttle)))
    await turns()
    assert kube.waiting == AT_ONCE + 1
    kube.go.set()
    assert await known == {"username": "true"}
    await asyncio.gather(*flood, return_exceptions=True)
    assert await tokens.user("true", tries(throttle=throttle)), "nor does it wait for a throttled address"


async def test_false_tokens_at_once_are_few_reviews() -> None:
    """All of them come before the first has failed."""
    kube = Slow()
    tokens, throttle = Tokens(kube, clock=lambda: NOW), Throttle(clock=lambda: NOW)  # type: ignore[arg-type]
    calls = [asyncio.create_task(tokens.user(f"f{number}", tries(throttle=throttle))) for number in range(1000)]
    await turns()
    kube.go.set()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert BURST <= kube.asked <= BURST + 2 * AT_ONCE
    assert sum(isinstance(answer, TooMany) for answer in answers) == 1000 - kube.asked


async def test_a_new_token_in_many_requests_at_once_is_no_flood() -> None:
    kube = Slow()
    tokens, throttle = Tokens(kube, clock=lambda: NOW), Throttle(clock=lambda: NOW)  # type: ignore[arg-type]
    calls = [asyncio.create_task(tokens.user("true", tries(throttle=throttle))) for _ in range(100)]
    await turns()
    kube.go.set()
    assert await asyncio.gather(*calls) == [{"username": "true"}] * 100
    assert kube.asked <= AT_ONCE


@pytest.mark.parametrize("header", ["Bearer " + "x" * 20_000, "Bearer a b", "Bearer é".encode().decode("latin-1")])
async def test_what_is_no_token_is_not_reviewed(one: Shim, header: str) -> None:
    async with one.client(auth=None) as client:
        for path in ("/internal/packages/site/x", "/api/webjobs"):
            answer = await client.get(path, headers={b"Authorization": header.encode("latin-1")})
            assert answer.status_code == 401
    assert not one.kube.calls
