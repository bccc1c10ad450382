"""A shim with full caches, and somebody who has logged in there as the owner."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.fakes.shim import Shim, shim
from tests.fakes.visitor import Browser, browser

READER, READ_PASSWORD = "reader", "a password to read with"


@pytest.fixture
def one() -> Iterator[Shim]:
    """A shim with all three accounts."""
    with shim() as made:
        (made.directory / "readonlyUsername").write_text(READER)
        (made.directory / "readonlyPassword").write_text(READ_PASSWORD)
        (made.directory / "deployPassword").write_text("a password to deploy with")
        yield made


@pytest.fixture
async def visitor(one: Shim) -> AsyncIterator[Browser]:
    """The owner."""
    async with one.running():
        there = browser(one)
        assert (await there.log_in()).status_code == 303
        yield there


@pytest.fixture
async def reader(one: Shim, visitor: Browser) -> Browser:
    """Who may only read."""
    there = browser(one)
    assert (await there.log_in(READER, READ_PASSWORD)).status_code == 303
    return there
