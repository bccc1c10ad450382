"""Fixtures of the REST shim's tests; a file that needs another shim has its own ``one``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from hypothesis import settings

from tests.fakes.shim import Shim, shim

settings.register_profile("untimed", deadline=None)  # how long an example takes says more of the machine than of us
settings.load_profile("untimed")


@pytest.fixture
def one() -> Iterator[Shim]:
    """A shim over an API server in memory."""
    with shim() as made:
        yield made


@pytest.fixture
async def client(one: Shim) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it with the right password."""
    async with one.client() as made:
        yield made
