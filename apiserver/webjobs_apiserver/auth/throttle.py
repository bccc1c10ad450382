"""Bad tries to log in, counted by site, kind of credential and address.

A guesser is slowed; who shows what was right at the same address before never asks here (``auth/proven.py``).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, NamedTuple, TypeVar

from cachetools import LRUCache

K = TypeVar("K")

BURST = 20
"""Bad tries in a row that are free."""
REFILL_SECONDS = 3.0
"""Seconds after which one more try is free again."""
SPARE = 5
"""Tries in a row of addresses that have to wait, of all of them together, that are looked at nevertheless."""
SPARE_SECONDS = 1.0
"""Seconds after which one more of those is looked at."""
_KEPT = 10_000
"""Buckets that are kept; beyond that the one that was used least lately is forgotten."""

Kind = Literal["password", "token", "package", "code"]
"""Kind of a credential. Each is counted alone: false ones of one kind hinder none of another."""


class Key(NamedTuple):
    """What bad tries are counted by."""

    namespace: str
    """Namespace of a site; empty for credentials that belong to no site."""
    kind: Kind
    """Kind of the credential."""
    address: str
    """Address of the client, as ``address_key`` has it."""


class _Buckets(Generic[K]):
    """Token buckets; each counts up by one a time, and down by time."""

    def __init__(self, *, refill_seconds: float) -> None:
        self._refill_seconds = refill_seconds
        self._spent: LRUCache[K, tuple[float, float]] = LRUCache(_KEPT)
        """Tries that count by key, as of a time in seconds."""

    def count(self, key: K, now: float) -> float:
        spent, when = self._spent.get(key, (0.0, now))
        return max(0.0, spent - max(0.0, now - when) / self._refill_seconds)

    def add(self, key: K, now: float) -> None:
        self._spent[key] = (self.count(key, now) + 1, now)

    def __len__(self) -> int:
        return len(self._spent)


class Throttle:
    """Counters of bad tries in memory; each replica has its own."""

    def __init__(self, *, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._failed: _Buckets[Key] = _Buckets(refill_seconds=REFILL_SECONDS)
        self._spare: _Buckets[tuple[str, Kind]] = _Buckets(refill_seconds=SPARE_SECONDS)

    def wait(self, keys: list[Key]) -> int:
        """Return the whole seconds until the next try is looked at; 0: now.

        Of addresses that have to wait a few tries are looked at, now and then: after a restart nobody is known, and a
        stranger at the same address must not keep everybody out for as long as he likes.
        """
        now = self._clock().timestamp()
        over = max(self._failed.count(key, now) for key in keys) - (BURST - 1)
        if over <= 0:
            return 0
        doors = {(key.namespace, key.kind) for key in keys}
        if max(self._spare.count(door, now) for door in doors) <= SPARE - 1:
            for door in doors:
                self._spare.add(door, now)
            return 0
        return math.ceil(over * REFILL_SECONDS)

    def failed(self, keys: list[Key]) -> None:
        """Count a bad try."""
        now = self._clock().timestamp()
        for key in keys:
            # What counts beyond the burst would only lengthen the wait of whoever comes after the guesser.
            if self._failed.count(key, now) < BURST:
                self._failed.add(key, now)


class TooMany(Exception):
    """A try that is not looked at, since its address has to wait."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(frozen=True, kw_only=True)
class Tries:
    """The tries of a client at some sites."""

    throttle: Throttle
    """Counters of bad tries."""
    keys: list[Key]
    """What the client's tries are counted by."""

    def begin(self) -> None:
        """Begin a try.

        Raises TooMany when it is not to be looked at.
        """
        if seconds := self.throttle.wait(self.keys):
            raise TooMany(seconds)

    def failed(self) -> None:
        """Count a bad try."""
        self.throttle.failed(self.keys)
