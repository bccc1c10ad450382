"""The cluster that integration and end-to-end tests share; unit tests never ask for it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests import cluster as clusters
from tests import stack as stacks
from tests.site import Site


@pytest.fixture(scope="session")
def stack() -> Iterator[stacks.Stack]:
    """The chart in a cluster of its own. Without a cluster the tests fail: a skip would hide what was not tested."""
    # Side by side each process has a cluster of its own.
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    name = os.environ.get("WEBJOBS_TEST_CLUSTER", "test") + (f"-{worker}" if worker else "")
    yield stacks.up(name)
    if not os.environ.get("WEBJOBS_KEEP"):
        clusters.down(name)


@pytest.fixture(scope="session")
def site(stack: stacks.Stack) -> Iterator[Site]:
    """A client of the site."""
    with Site(stack) as client:
        client.kubectl("delete", "wj", "--all")  # what an earlier session left in a cluster that was kept
        yield client
