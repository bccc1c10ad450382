"""Bad tries to log in, counted by site and address: a guesser has to wait, nobody elsewhere does."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable
from datetime import datetime

from cachetools import LRUCache

BURST = 20
"""Bad tries in a row that are free."""
REFILL_SECONDS = 3.0
"""Seconds after which one more try is free again."""
_KEPT = 10_000
"""Buckets that are kept; beyond that the one that was used least lately is forgotten."""

Key = tuple[str, str]
"""Namespace of a site and address of a client."""


def address_key(address: str) -> str:
    """Return what counts as one address: an IPv6 client has a whole /64 to itself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


class Throttle:
    """Token buckets in memory, one for each site and address; each replica has its own."""

    def __init__(self, *, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._spent: LRUCache[Key, tuple[float, float]] = LRUCache(_KEPT)
        """Tries that count by key, as of a time in seconds."""

    def _count(self, key: Key, now: float) -> float:
        spent, when = self._spent.get(key, (0.0, now))
        return max(0.0, spent - max(0.0, now - when) / REFILL_SECONDS)

    def wait(self, key: Key) -> int:
        """Return the whole seconds until the next try is looked at; 0: now."""
        over = self._count(key, self._clock().timestamp()) - (BURST - 1)
        return math.ceil(over * REFILL_SECONDS) if over > 0 else 0

    def failed(self, key: Key) -> None:
        """Count a bad try."""
        now = self._clock().timestamp()
        self._spent[key] = (self._count(key, now) + 1, now)
