"""The routes that the app declares, from its own routers: a new one is in every suite that goes through all of them.

Without the dashboard's: tests/unit/apiserver/ui goes through those.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from tests.fakes.shim import shim
from webjobs_apiserver.ui.addresses import is_page


def declared() -> list[tuple[str, str]]:
    """Verb and path template of every route, in their order."""
    with shim() as one:
        return list(_routes(one.app.routes))


def _routes(routes: Iterable[Any]) -> Iterator[tuple[str, str]]:
    for route in routes:
        if included := getattr(route, "original_router", None):
            yield from _routes(included.routes)
        elif not is_page(route.path):
            for method in sorted(route.methods):
                yield method, re.sub(r":path\}", "}", route.path)


def anonymous(template: str) -> str:
    """A template without the names of its parameters: ``/api/hooks/{}``."""
    return re.sub(r"\{[^}]*\}", "{}", template)
