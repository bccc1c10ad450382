"""Somebody who has logged in at a site with jobs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fakes.shim import Shim, script
from tests.fakes.visitor import Browser, browser


@pytest.fixture
async def visitor(one: Shim) -> AsyncIterator[Browser]:
    """The owner, at a site with a job of each type."""
    async with one.running() as client:
        for path in ("triggeredwebjobs/hello", "continuouswebjobs/worker"):
            assert (await client.put(f"/api/{path}", content=b"echo", headers=script())).status_code == 200
        there = browser(one)
        assert (await there.log_in()).status_code == 303
        one.kube.calls.clear()
        yield there
