"""Sites: one site is one namespace, and the host name of a request says which.

ARM's requests name their site in the path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request

SITE = "webjobs.site"
"""Key of the Site in the ASGI scope."""
_PRODUCTION = "production"
"""Name of the slot that is the site itself."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """A site in App Service's sense: the WebJobs of one namespace."""

    name: str
    """Name of the site."""
    namespace: str
    """Namespace of the site's WebJobs."""
    host: str = ""
    """Host name that only this site has; empty for the default site, which has all that are left."""

    @property
    def publishing_user(self) -> str:
        """User name of the site in publish profiles, as App Service has it."""
        return f"${self.name}"

    @property
    def aliases(self) -> tuple[bytes, ...]:
        """User names that stand for the site itself, in lower case: ``$site`` and ``site\\$site``."""
        names = dict.fromkeys([self.name.lower(), self.namespace])
        return tuple(form.encode() for name in names for form in (f"${name}", f"{name}\\${name}"))


def of_request(request: Request) -> Site:
    """Return the site that the gate has found."""
    site: Site = request.scope[SITE]
    return site


def host_name(host: str) -> str:
    """Return a Host header without port and final dot, in lower case."""
    name = host.strip().lower()
    if not name.startswith("["):
        name = name.partition(":")[0]
    return name.removesuffix(".")


def scm_name(host: str) -> str:
    """Return the second name of a site, as App Service has it: ``shop.example.com`` is ``shop.scm.example.com``, too.

    The same for a name that has the label already, and for one without a domain.
    """
    first, dot, domain = host.partition(".")
    if not dot or domain == "scm" or domain.startswith("scm."):
        return host
    return f"{first}.scm.{domain}"


@dataclass(frozen=True, kw_only=True)
class Sites:
    """All sites of a shim, by hosts and names."""

    by_host: Mapping[str, Site]
    """Sites by their host names."""
    domain: str = ""
    """Domain below which hosts are sites' or nobody's, and never the default's; empty: there is none."""
    default: Site | None = None
    """Site of all other hosts."""

    def all(self) -> list[Site]:
        """Return all sites, the default first, each once."""
        named = sorted(self.by_host.values(), key=lambda site: site.namespace)
        return list({one.namespace: one for one in ([self.default] if self.default else []) + named}.values())

    def of_host(self, host: str) -> Site | None:
        """Return the site of a Host header; None when the host belongs to no site."""
        name = host_name(host)
        if found := self.by_host.get(name):
            return found
        if self.domain and (name == self.domain or name.endswith(f".{self.domain}")):
            return None
        return self.default

    def of_name(self, host: str, name: str, slot: str = "") -> Site | None:
        """Return the site that is meant by a name on a host: its namespace or own name, in any case; None for nobody.

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
