"""The operator's settings: one YAML file, written by the chart."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, Field

from webjobs.model.base import ConfigSection
from webjobs.model.limits import Limits
from webjobs.model.runtime_settings import MOST_WARM, quantity
from webjobs.runtimes.images import Combined, Offer


def _quantity(value: str) -> str:
    if quantity(value) is None:
        raise ValueError(f"{value!r} is no Kubernetes quantity, such as 10m or 32Mi")
    return value


Quantity = Annotated[str, AfterValidator(_quantity)]
"""A Kubernetes quantity as text."""


class WaitingRequests(ConfigSection):
    """Most that a pod requests while it waits for a run.

    None: it requests what its run requests. For clusters that resize pods in place.
    """

    cpu: Quantity | None = None
    """Cores as a Kubernetes quantity."""
    memory: Quantity | None = None
    """Bytes of memory as a Kubernetes quantity."""

    def to_dict(self) -> dict[str, str]:
        """Return the quantities that are set, by the names that Kubernetes gives them."""
        return self.model_dump(exclude_none=True)


class Warm(ConfigSection):
    """Settings of pods that wait for runs."""

    enabled: bool = False
    """True when the operator may attach to pods to start runs in them."""
    default: int = Field(default=0, ge=0, le=MOST_WARM)
    """Number of waiting pods of a job that says nothing."""
    requests: WaitingRequests = Field(default_factory=WaitingRequests)
    """Most that a pod requests while it waits for a run."""


class NamedSite(ConfigSection):
    """What processes are told of their site."""

    name: str
    """WEBSITE_SITE_NAME."""
    host: str = ""
    """WEBSITE_HOSTNAME; empty: not known."""


class OperatorConfig(ConfigSection):
    """Settings of the operator: everything that differs between installations."""

    namespaces: list[str] = Field(default_factory=list)
    """Namespaces to watch; all when empty."""
    sites: dict[str, NamedSite] = Field(default_factory=dict)
    """Sites of the REST shim by namespace; others are called as their namespace."""
    store_url: str
    """URL of the store for packages and logs."""
    image: str
    """This project's own image: the init container that fetches large packages runs it."""
    package_url: str
    """Base URL at which pods reach the REST shim's package endpoint."""
    runtimes: dict[str, Offer]
    """Images of scripts and programs by key (``sh``, ``py``, ``dotnet`` ...); a key that is not there is forbidden."""
    combined_runtimes: list[Combined] = Field(default_factory=list)
    """Images that have several runtimes."""
    prefer_windows_nodes: bool = True
    """True when files for Windows run on Windows nodes, once there is an image for those."""
    image_pull_policy: str = "IfNotPresent"
    """``imagePullPolicy`` of all containers."""
    pod_security_context: dict[str, Any] = Field(default_factory=dict)
    """``securityContext`` of pods that run a script or package (for plain images: without user and group ids)."""
    container_security_context: dict[str, Any] = Field(default_factory=dict)
    """``securityContext`` of all containers."""
    resources: dict[str, Any] = Field(default_factory=dict)
    """Requests and limits of jobs that say nothing."""
    attach: bool = False
    """True when the operator attaches to jobs, to tell their stdout and stderr apart."""
    warm: Warm = Field(default_factory=Warm)
    """Settings of pods that wait for runs."""
    limits: Limits = Field(default_factory=Limits)
    """What the administrator lets WebJobs ask for."""
    job_retention_seconds: int = 300
    """Seconds that an ended Job and its pod stay for ``kubectl`` after the log is safe."""
    history_objects: int = Field(default=100, ge=1)
    """Ended runs of a WebJob that stay as WebJobRuns, if its historyLimit is that high; older ones go into the store.

    Twice the default limit: usual jobs never need the store for their history, and no job fills etcd."""

    queued_runs: int = Field(default=500, gt=0)
    """Most runs of a WebJob that wait for their turn, under the concurrencyPolicy Queue."""

    package_grace_hours: float | None = Field(default=None, ge=1)
    """Hours that a package stays which no WebJob refers to; None: for good. Above what an upload takes."""
    collection_period_minutes: float = Field(default=60, gt=0)
    """Minutes from one look for unreferenced packages to the next."""

    @property
    def job_retention(self) -> timedelta:
        """Time that an ended Job and its pod stay for ``kubectl`` after the log is safe."""
        return timedelta(seconds=self.job_retention_seconds)

    @property
    def package_grace(self) -> timedelta | None:
        """Time that a package stays which no WebJob refers to; None: for good."""
        return None if self.package_grace_hours is None else timedelta(hours=self.package_grace_hours)


def load(path: str | Path) -> OperatorConfig:
    """Return the settings in a file.

    pydantic's ValidationError names a wrong field.
    """
    return OperatorConfig.model_validate(yaml.safe_load(Path(path).read_text()))
