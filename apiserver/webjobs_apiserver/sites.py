"""What a request is for: one site is one namespace, and the host name says which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request

SITE = "webjobs.site"
"""Key in the ASGI scope."""
_PRODUCTION = "production"
"""The slot that is the site itself."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """One site, in App Service's sense: the WebJobs of one namespace."""

    name: str
    namespace: str
    host: str = ""
    """The host name that only it has; empty for the default site, which has all that are left."""


def of_request(request: Request) -> Site:
    """The site that the gate has found."""
    site: Site = request.scope[SITE]
    return site


def host_name(host: str) -> str:
    """A Host header without port and final dot, in lower case."""
    name = host.strip().lower()
    if not name.startswith("["):
        name = name.partition(":")[0]
    return name.removesuffix(".")


@dataclass(frozen=True, kw_only=True)
class Sites:
    """All sites of a shim."""

    by_host: Mapping[str, Site]
    domain: str = ""
    """Hosts below it are sites' or nobody's; never the default's. Empty: none."""
    default: Site | None = None
    """For all other hosts."""

    def of_host(self, host: str) -> Site | None:
        """The site of a Host header; None when it is nobody's."""
        name = host_name(host)
        if found := self.by_host.get(name):
            return found
        if self.domain and (name == self.domain or name.endswith(f".{self.domain}")):
            return None
        return self.default

    def of_name(self, host: str, name: str, slot: str = "") -> Site | None:
        """The site that is meant by name on a host: by its namespace or its own name, in any case; None for nobody.

        A slot is a site of its own, ``{name}-{slot}``. The host of one site knows no other site.
        """
        own = self.of_host(host)
        if own is None:
            return None
        is_its_host = host_name(host) in self.by_host
        there = [own] if is_its_host else [*self.by_host.values(), own]
        wanted = [f"{name}-{slot}"] if slot else [name]
        if slot.lower() == _PRODUCTION:
            wanted.append(name)
        for one in (one.lower() for one in wanted):
            for site in there:
                if site.namespace == one:
                    return site
            if own.name.lower() == one:
                return own
        return None
