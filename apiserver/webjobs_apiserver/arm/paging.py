"""Long lists in pages. Pure.

A page begins after a key, not at a number: what comes or goes meanwhile shifts nothing.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import parse_qsl, quote, urlencode

from webjobs_apiserver.errors import BadRequest

T = TypeVar("T")
PAGE = 100
"""Entries of a page."""
_TOKEN = "$skiptoken"  # noqa: S105  a position, not a password


def page(
    items: Sequence[T], *, key: Callable[[T], str], after: str | None = None, descending: bool = False
) -> tuple[list[T], str | None]:
    """Return the entries that come after a key, and the key to go on after; None at the end.

    ``key`` gives a different text for each entry.
    """
    ordered = sorted(items, key=key, reverse=descending)
    if after is not None:
        ordered = [item for item in ordered if (key(item) < after if descending else key(item) > after)]
    return ordered[:PAGE], key(ordered[PAGE - 1]) if len(ordered) > PAGE else None


def after_of(query: str) -> str | None:
    """Return the key in a query that came by a link; None when there is none.

    Raises BadRequest for a text that no link has.
    """
    for name, value in parse_qsl(query):
        if name.lower() == _TOKEN:
            try:
                padded = value + "=" * (-len(value) % 4)
                return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
            except (binascii.Error, ValueError):
                raise BadRequest(f"The {_TOKEN} can't be used.") from None
    return None


def link(url: str, query: str, *, after: str) -> str:
    """Return the URL of the page after a key.

    ``url`` is escaped and without a query; the rest of ``query`` is kept.
    """
    token = base64.urlsafe_b64encode(after.encode()).decode().rstrip("=")
    kept = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name.lower() != _TOKEN]
    return f"{url}?{urlencode([*kept, (_TOKEN, token)], safe='$', quote_via=quote)}"
