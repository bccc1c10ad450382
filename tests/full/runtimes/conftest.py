"""A cluster whose runtimes have the images that the tests build: .NET 3.1, Mono and Wine."""

from __future__ import annotations

import pytest

from tests import runtimes
from tests import stack as stacks
from tests.site import Site


@pytest.fixture(scope="session")
def images(stack: stacks.Stack) -> dict[str, str]:
    """The image of each runtime; the operator picks them from then on."""
    names: tuple[runtimes.Runtime, ...] = ("dotnet", "mono", "wine")
    found: dict[str, str] = {name: runtimes.image(name, stack.cluster) for name in names}
    versions = {"dotnet": {"3.1": found["dotnet"]}}
    values = {name: {"image": image, "versions": versions.get(name, {})} for name, image in found.items()}
    stacks.upgrade(stack, {"runtimes": values})
    return found


@pytest.fixture
def prepared(site: Site, images: dict[str, str]) -> Site:
    """The site, once all runtimes are there."""
    return site
