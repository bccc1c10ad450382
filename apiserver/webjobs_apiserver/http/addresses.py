"""Addresses of clients, and networks of addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network

Network = IPv4Network | IPv6Network
"""A network of addresses."""


def networks(texts: Iterable[str]) -> list[Network]:
    """Return the networks of texts; ``*`` is everybody.

    Raises ValueError for a text that is no address or network.
    """
    found: list[Network] = []
    for text in texts:
        wanted = ["0.0.0.0/0", "::/0"] if text == "*" else [text]
        found += [ipaddress.ip_network(one, strict=False) for one in wanted]
    return found


def is_in(address: str, known: Iterable[Network]) -> bool:
    """Return whether a text is an address in one of several networks; an IPv4 address counts in IPv6 form, too."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in known if network.version == parsed.version)


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
