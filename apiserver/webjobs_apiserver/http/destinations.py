"""Where the shim may send requests that a client asks for: not to the cluster, its nodes or itself.

The address that counts is the one that is connected to: it is looked at after a name was resolved, and the name is not
resolved again.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from webjobs_apiserver.http.addresses import Network, networks

Address = IPv4Address | IPv6Address
"""An address of the Internet Protocol."""

Permits = Callable[[str, Address], bool]
"""A function that says whether requests for a host may go to one of its addresses."""

_HOST = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?")
_PUBLIC_6 = ipaddress.ip_network("2000::/3")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SPECIAL = networks(
    [
        "192.0.0.0/24",  # of protocols
        "192.88.99.0/24",  # relays of 6to4
        "168.63.129.16",  # the host of a machine on Azure
        "2001::/23",  # of protocols, Teredo among them
        "2002::/16",  # 6to4, with an IPv4 address inside
        "2001:db8::/32",
        "3fff::/20",
    ]
)
"""Networks that Python calls global, and that are no place to send anything."""
FORBIDDEN = "no address that requests may go to"
"""What is told of a host that may not be asked; the same for one that has no address."""


def parsed(host: str) -> Address | None:
    """Return the address that a host is, in any spelling that a resolver takes, as ``127.1``; None for a name."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host)) if host[:1].isdigit() else None
    except (OSError, ValueError):
        return None


def is_sealed(url: str) -> bool:
    """Return whether nobody on the way can read or change requests to a URL: by https, or within this machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment or any(sign <= " " or sign == "\x7f" for sign in url):
        return False
    address = parsed(host)
    is_here = host == "localhost" or (address is not None and address.is_loopback)
    return parts.scheme == "https" or (parts.scheme == "http" and is_here)


def forms(address: Address) -> list[Address]:
    """Return an address, and the IPv4 address in it by which it is reached, if any."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return [address, address.ipv4_mapped]
        if address in _NAT64:
            return [address, IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address]


def is_public(address: Address) -> bool:
    """Return whether an address is of the Internet: not private, of the machine, of the link, or of many receivers."""
    last = forms(address)[-1]
    if any(last in network for network in _SPECIAL if network.version == last.version):
        return False
    if isinstance(last, IPv6Address):
        return last in _PUBLIC_6
    return last.is_global and not last.is_multicast and not last.is_reserved


@dataclass(frozen=True, kw_only=True)
class Destinations:
    """Hosts and addresses that requests may go to: those of the Internet, and what an administrator allows."""

    hosts: frozenset[str] = frozenset()
    """Host names that are allowed wherever they are; ``*.suffix`` for all below one."""
    allowed: list[Network] = field(default_factory=list)
    """Networks that are allowed though they are not of the Internet."""
    denied: list[Network] = field(default_factory=list)
    """Networks that are not allowed though they look as if they were of the Internet."""

    @classmethod
    def of(cls, *, allow: Iterable[str] = (), deny: Iterable[str] = ()) -> Self:
        """Return the destinations of settings: host names, ``*.suffix``, addresses and networks; denied: no names.

        Raises ValueError for a text that is none of them.
        """
        hosts, allowed = set(), []
        for text in allow:
            try:
                allowed += networks([text])
            except ValueError:
                name = text.lower().removesuffix(".")
                if not _HOST.fullmatch(name) or "/" in text or parsed(name):
                    raise ValueError(f"{text!r} is no host name, *.suffix, address or network") from None
                hosts.add(name)
        return cls(hosts=frozenset(hosts), allowed=allowed, denied=networks(deny))

    def names(self, host: str) -> bool:
        """Return whether a host is allowed by its name."""
        name = host.lower().removesuffix(".")
        parts = name.split(".")
        return name in self.hosts or any("*." + ".".join(parts[at:]) in self.hosts for at in range(1, len(parts)))

    def opens(self, address: Address) -> bool:
        """Return whether an address is allowed by a network of the settings."""
        return any(
            form in network for form in forms(address) for network in self.allowed if network.version == form.version
        )

    def permits(self, host: str, address: Address) -> bool:
        """Return whether requests for a host may go to one of its addresses."""
        if self.names(host) or self.opens(address):
            return True
        denied = any(
            form in network for form in forms(address) for network in self.denied if network.version == form.version
        )
        return is_public(address) and not denied

    def refuses(self, host: str) -> bool:
        """Return whether it can be told from a host alone that no request may go to it."""
        name = host.lower().removesuffix(".")
        if (address := parsed(name)) is not None:
            return not self.permits(name, address)
        is_local = name == "localhost" or name.endswith(".localhost")
        return is_local and not self.names(name) and not self.opens(IPv4Address("127.0.0.1"))

    def connector(self) -> aiohttp.BaseConnector:
        """Return a connector of aiohttp that connects to these addresses only.

        A host that is an address is not resolved: ask ``refuses`` before.
        """
        return connector(self.permits)


def connector(permits: Permits) -> aiohttp.BaseConnector:
    """Return a connector of aiohttp that connects a host to those of its addresses only that are permitted.

    A host that is an address is not resolved: look at it before.
    """
    return aiohttp.TCPConnector(resolver=_Resolver(permits), use_dns_cache=False)


class _Resolver(AbstractResolver):
    """A resolver that leaves out addresses to which nothing may go; what it returns is what is connected to."""

    def __init__(self, permits: Permits) -> None:
        self._permits = permits
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        try:
            found = await self._resolver.resolve(host, port, family)
        except OSError:
            found = []
        permitted = [
            one for one in found if (address := parsed(one["host"].partition("%")[0])) and self._permits(host, address)
        ]
        if not permitted:
            raise OSError(None, FORBIDDEN)
        return permitted

    async def close(self) -> None:
        await self._resolver.close()
