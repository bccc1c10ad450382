"""The REST shim's settings: one YAML file, written by the chart."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import Field, field_validator, model_validator

from webjobs.model.base import ConfigSection
from webjobs.model.limits import Limits as JobLimits
from webjobs_apiserver.http.addresses import networks
from webjobs_apiserver.http.connection import Limits
from webjobs_apiserver.http.destinations import Destinations, is_sealed, parsed
from webjobs_apiserver.sites import Site, host_name, scm_name


class LimitsConfig(ConfigSection):
    """Bounds of what clients may send."""

    upload_bytes: int = Field(default=256 * 2**20, gt=0)
    """Most bytes of the body of an upload."""
    unpacked_bytes: int = Field(default=2**30, gt=0)
    """Most bytes of all files of an upload together."""
    files: int = Field(default=10_000, gt=0)
    """Most files of an upload."""
    site_content_bytes: int = Field(default=2**28, ge=0)
    """Most bytes of the files of a deployed zip that are no job's and are kept for jobs that need them; 0: none are."""
    site_bytes: int = Field(default=0, ge=0)
    """Most bytes of the packages and files of one site in the store; 0: as many as it holds."""
    queued_runs: int = Field(default=500, gt=0)
    """Most runs of one job that wait for their turn, under the concurrencyPolicy Queue."""
    settings_bytes: int = Field(default=128 * 2**10, gt=0)
    """Most bytes of a settings object; it lives in the WebJob, and etcd takes objects up to 1.5 MB."""


class ConnectionsConfig(ConfigSection):
    """Bounds of the connections of clients."""

    most: int = Field(default=1000, ge=10)
    """Most connections at once."""
    most_per_address: int = Field(default=200, ge=10)
    """Most connections at once of one address; trusted proxies may have more."""
    head_seconds: float = Field(default=10, gt=0)
    """Seconds in which the handshake of TLS, and the head of a request, has to arrive."""
    body_bytes_per_second: int = Field(default=240, ge=0)
    """Bytes a second of a body that have to arrive at least; 0: it may take any time."""
    idle_seconds: int = Field(default=5, ge=1)
    """Seconds for which a connection is kept between two requests."""

    def limits(self) -> Limits:
        """Return what a connection needs to know of them."""
        return Limits(head_seconds=self.head_seconds, body_rate=self.body_bytes_per_second)


class HooksConfig(ConfigSection):
    """Where web hooks may be, beside the Internet."""

    allow: list[str] = Field(default_factory=list)
    """Host names, ``*.suffix``, addresses and networks that are allowed though they are private."""
    deny: list[str] = Field(default_factory=list)
    """Addresses and networks that are not allowed though they look public, as those of a cluster can."""

    @model_validator(mode="after")
    def _are_destinations(self) -> Self:
        self.destinations()
        return self

    def destinations(self) -> Destinations:
        """Return where requests may go to; the API server of the cluster is denied always.

        Raises ValueError for a text that is no host, address or network.
        """
        api_server = os.environ.get("KUBERNETES_SERVICE_HOST", "")
        own = [api_server] if parsed(api_server) else []
        return Destinations.of(allow=self.allow, deny=[*self.deny, *own])


class PackageUriConfig(ConfigSection):
    """Hosts from which zips are fetched for clients that send an address (``packageUri``)."""

    allow: list[str] = Field(default_factory=list)
    """Host names and ``*.suffix``; networks, for hosts that are not on the Internet. Empty: nothing is fetched."""

    @model_validator(mode="after")
    def _are_destinations(self) -> Self:
        self.destinations()
        return self

    def destinations(self) -> Destinations:
        """Return the hosts. Raises ValueError for a text that is no host, address or network."""
        return Destinations.of(allow=self.allow)


class TlsConfig(ConfigSection):
    """A mounted Secret of the type kubernetes.io/tls, and the port that uses it."""

    directory: Path
    """Directory with the files ``tls.crt`` and ``tls.key``."""
    port: int = Field(default=8443, ge=1, le=65535)
    """Port that serves by TLS."""


class KragleConfig(ConfigSection):
    """Settings of the Kragle Jobs API at ``/api/v1``."""

    enabled: bool = False
    """True when the API is served."""
    http_status: Literal["kragle", "http"] = "kragle"
    """Status of errors: always 500, as documented, or what HTTP has for each."""


class OidcConfig(ConfigSection):
    """Login by OpenID Connect at the dashboard."""

    issuer: str
    """Address of the issuer, as its discovery document has it: https, or http within this machine (in tests)."""
    client_id: str = Field(min_length=1)
    """Name of the dashboard at the issuer."""
    client_secret_file: Path | None = None
    """File with the client's secret, which is read when it is used; None: a public client."""
    ca_file: Path | None = None
    """File with certificates that are believed of the issuer, beside those of the system."""
    username_claim: str = Field(default="email", min_length=1)
    """Claim with the name of the user."""
    username_prefix: str = "oidc:"
    """Text before the name of a user."""
    groups_claim: str = Field(default="groups", min_length=1)
    """Claim with the names of the user's groups."""
    groups_prefix: str = "oidc:"
    """Text before the name of a group."""
    scopes: list[str] = Field(default_factory=lambda: ["openid", "email", "profile"])
    """What the issuer is asked to tell."""

    @field_validator("issuer")
    @classmethod
    def _is_sealed(cls, value: str) -> str:
        if not is_sealed(value) or "?" in value:
            raise ValueError("needs an https address without a query; http only at this machine, as localhost")
        return value

    @field_validator("username_prefix", "groups_prefix")
    @classmethod
    def _is_no_name_of_kubernetes(cls, value: str) -> str:
        # The issuer could name system:masters else, whom nothing is refused.
        if not value.strip() or "system:".startswith(value) or value.startswith("system:"):
            raise ValueError("must not be empty, nor make names that begin with system:")
        return value

    @field_validator("scopes")
    @classmethod
    def _has_openid(cls, value: list[str]) -> list[str]:
        if "openid" not in value:
            raise ValueError("needs openid among them")
        return value


class UiConfig(ConfigSection):
    """Settings of the dashboard at ``/ui``."""

    enabled: bool = True
    """True when it is served."""
    oidc: OidcConfig | None = None
    """Login by OpenID Connect; None: there is none."""


class SiteConfig(ConfigSection):
    """A further site."""

    namespace: str = Field(min_length=1)
    """Namespace of the site's WebJobs."""
    host: str = ""
    """Host name of the site; empty: ``{namespace}.{domain}``."""


class ApiserverConfig(ConfigSection):
    """Settings of the REST shim: everything that differs between installations."""

    namespace: str = Field(min_length=1)
    """Namespace of the default site's WebJobs: of all hosts that are no other site's."""
    site: str = "webjobs"
    """Name of the default site."""
    sites: list[SiteConfig] = Field(default_factory=list)
    """Further sites, each with its credentials in a Secret of its namespace."""
    domain: str = ""
    """Suffix of host names whose first label is the namespace of a site; names of no site get nowhere."""
    credentials_secret: str = Field(default="webjobs-credentials", min_length=1)
    """Name of the Secret of each further site."""
    store_url: str
    """URL of the store for packages and logs."""
    credentials_directory: Path
    """Mounted Secret of the default site: ``username``, ``password`` and perhaps those of a reader."""
    host: str = "0.0.0.0"  # noqa: S104  a pod is reached through its own address only
    """Address on which the shim listens."""
    port: int = Field(default=8080, ge=1, le=65535)
    """Port that serves in clear."""
    metrics_port: int = Field(default=0, ge=0, le=65535)
    """Port that serves metrics in clear, without a login; 0: none does."""
    tls: TlsConfig | None = None
    """Certificate of the shim; with it all routes are served by TLS, and in clear only those of pods and probes."""
    forwarded_allow_ips: list[str] = Field(default_factory=lambda: ["127.0.0.1"])
    """Addresses or networks of proxies whose ``X-Forwarded-Proto``, ``-For`` and ``-Host`` are believed; ``*``: all."""
    limits: LimitsConfig = Field(default_factory=LimitsConfig)
    """Bounds of what clients may send."""
    job_limits: JobLimits = Field(default_factory=JobLimits)
    """What the administrator lets WebJobs ask for."""
    connections: ConnectionsConfig = Field(default_factory=ConnectionsConfig)
    """Bounds of the connections of clients."""
    hooks: HooksConfig = Field(default_factory=HooksConfig)
    """Where web hooks may be."""
    package_uri: PackageUriConfig = Field(default_factory=PackageUriConfig)
    """Where zips may be that clients send the address of."""
    ui: UiConfig = Field(default_factory=UiConfig)
    """Settings of the dashboard."""
    kragle: KragleConfig = Field(default_factory=KragleConfig)
    """Settings of the Kragle Jobs API."""

    @field_validator("forwarded_allow_ips")
    @classmethod
    def _are_networks(cls, value: list[str]) -> list[str]:
        networks(value)
        return value

    @model_validator(mode="after")
    def _hosts_are_clear(self) -> Self:
        self.host_map()
        namespaces = [site.namespace for site in self.sites]
        if len({self.namespace, *namespaces}) != len(namespaces) + 1:
            raise ValueError("sites: every namespace is one site, and the default's is not listed again")
        return self

    def all_sites(self) -> list[Site]:
        """Return the default site, then the further ones."""
        return [Site(name=self.site, namespace=self.namespace), *(self._further(site) for site in self.sites)]

    def _further(self, site: SiteConfig) -> Site:
        host = host_name(site.host or f"{site.namespace}.{self.domain}")
        return Site(name=site.namespace, namespace=site.namespace, host=host)

    def host_map(self) -> dict[str, Site]:
        """Return the sites by host name; each has a second one with ``scm`` in it, unless that is another site's.

        Raises ValueError when two sites have one host name, or a site has none.
        """
        found: dict[str, Site] = {}
        if self.domain:
            found[f"{self.namespace}.{host_name(self.domain)}"] = Site(name=self.site, namespace=self.namespace)
        for site in self.sites:
            if not (site.host or self.domain):
                raise ValueError(f"sites: {site.namespace} needs a host, or set domain")
            made = self._further(site)
            if made.host in found:
                raise ValueError(f"sites: {made.host} is given to two sites")
            found[made.host] = made
        for host, one in list(found.items()):
            found.setdefault(scm_name(host), one)
        return found


def load(path: str | Path) -> ApiserverConfig:
    """Return the settings in a file.

    pydantic's ValidationError names a wrong field.
    """
    return ApiserverConfig.model_validate(yaml.safe_load(Path(path).read_text()))
