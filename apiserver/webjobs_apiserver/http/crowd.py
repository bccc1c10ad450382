"""The open connections of clients: how many there may be, and which one goes when there are too many.

Who is refused for a crowd of strangers would be locked out by them. So the newest always comes in, and the one goes
that has waited longest without being let in: half a handshake, half a request, or nothing at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from webjobs_apiserver.http.addresses import Network, address_key, is_in


class Guest(Protocol):
    """An open connection."""

    def evict(self) -> None:
        """Close the connection at once."""


class Crowd:
    """The open connections of a process.

    A tenth of them is never for clients that were let in: when all others are in use, a probe of the kubelet, which
    comes from the address of a node as many clients do, is answered all the same.
    """

    def __init__(self, *, most: int, most_per_address: int, trusted: Iterable[Network] = ()) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._trusted = list(trusted)
        self._address: dict[Guest, str] = {}
        """Addresses of all connections; empty for those of trusted proxies, which are many clients' each."""
        self._count: dict[str, int] = {}
        self._waiting: dict[str, dict[Guest, None]] = {}
        """Connections of each address by which nobody was let in, the one that waits longest first."""
        self._all_waiting: dict[Guest, None] = {}

    def __len__(self) -> int:
        return len(self._address)

    def enter(self, guest: Guest, address: str) -> None:
        """Count a new connection; close another one if there are too many."""
        key = "" if is_in(address, self._trusted) else address_key(address)
        if key and self._count.get(key, 0) >= self._most_per_address:
            self._evict(self._waiting[key])
        if len(self) >= self._most:
            self._evict(self._all_waiting)
        self._address[guest] = key
        self._count[key] = self._count.get(key, 0) + 1
        self.waits(guest)

    def waits(self, guest: Guest) -> None:
        """Note that nobody is let in by a connection, or not any more."""
        if guest in self._address:
            self._calls_off(guest)
            self._waiting.setdefault(self._address[guest], {})[guest] = None
            self._all_waiting[guest] = None

    def stays(self, guest: Guest) -> bool:
        """Note that somebody was let in by a connection: it is not closed for others.

        Return False when too many stay already, of all or of the address.
        """
        if guest not in self._all_waiting:
            return True
        key = self._address[guest]
        of_address = self._count[key] - len(self._waiting[key])
        if len(self) - len(self._all_waiting) >= _part(self._most) or (
            key and of_address >= _part(self._most_per_address)
        ):
            return False
        self._calls_off(guest)
        return True

    def leave(self, guest: Guest) -> None:
        """Forget a connection; do nothing when it is not counted."""
        self._calls_off(guest)
        key = self._address.pop(guest, None)
        if key is None:
            return
        self._count[key] -= 1
        if not self._count[key]:
            del self._count[key]
            self._waiting.pop(key, None)

    def _calls_off(self, guest: Guest) -> None:
        if guest in self._all_waiting:
            del self._all_waiting[guest]
            del self._waiting[self._address[guest]][guest]

    def _evict(self, waiting: dict[Guest, None]) -> None:
        guest = next(iter(waiting))  # there is one: not all may stay
        self.leave(guest)
        guest.evict()


def _part(most: int) -> int:
    return most - max(1, most // 10)
