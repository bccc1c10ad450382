"""What an administrator lets WebJobs ask for: images, service accounts, podTemplate, namespaces. Pure.

Whoever may create WebJobs has pods made with any image, account and volume of the namespace. These limits hold for
manifests, uploads and settings.job alike: the operator compares them with each pod that it is about to have made, and
the REST shim refuses what it knows to be refused there.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field

from webjobs.model.base import ConfigSection

_HUB = "docker.io"
_SHOWN = 10


class Limits(ConfigSection):
    """The limits of an installation, as the chart's values say them."""

    images: list[str] = Field(default_factory=list)
    """Patterns of the images that pods may have, as ``registry.example.com/*``; all when empty."""
    own_images: list[str] = Field(default_factory=list)
    """Images of the installation itself, which pods may always have."""
    service_accounts: list[str] = Field(default_factory=list)
    """Patterns of the service accounts that pods may have, as ``job-*``; all when empty."""
    pod_template: Literal["full", "restricted", "none"] = "full"
    """What podTemplate may say: anything, nothing that Pod Security ``restricted`` refuses, or nothing."""
    from_deployment: bool = True
    """True when WebJobs may take image, environment and identity of a Deployment."""
    refused_namespaces: list[str] = Field(default_factory=list)
    """Namespaces that have no WebJobs."""

    @property
    def concern_pods(self) -> bool:
        """True when the pod of a WebJob can be refused."""
        return bool(self.images or self.service_accounts or self.pod_template != "full")

    def refusal_of_image(self, image: str) -> str | None:
        """Return why a pod may not have an image, and what it may have; None: it may have it."""
        if not self.images or image in self.own_images:
            return None
        whole = full_name(image)
        if any(fnmatchcase(whole, full_name(pattern)) for pattern in self.images):
            return None
        allowed = shown(self.images)
        return f"The image {image[:256]!r} is not allowed here. limits.images of the chart allows {allowed}."

    def refusal_of_account(self, name: str) -> str | None:
        """Return why a pod may not have a service account, and which it may have; None: it may have it."""
        if not self.service_accounts or any(fnmatchcase(name, pattern) for pattern in self.service_accounts):
            return None
        said = f"The service account {name[:256]!r} is not allowed here."
        return f"{said} limits.serviceAccounts of the chart allows {shown(self.service_accounts)}."


def full_name(image: str) -> str:
    """Return the name of an image, or a pattern of names, with the registry that container runtimes add.

    ``python:3.13`` is ``docker.io/library/python:3.13``. A pattern that begins with ``*`` is left as it is.
    """
    first, slash, rest = image.partition("/")
    if image.startswith("*") or (slash and ("." in first or ":" in first or first == "localhost")):
        of_hub = first == _HUB and "/" not in rest and not rest.startswith("*")
        return f"{_HUB}/library/{rest}" if of_hub else image
    return f"{_HUB}/{image}" if slash else f"{_HUB}/library/{image}"


def shown(patterns: Iterable[str]) -> str:
    """Return patterns as a text for a person, the first ones of many."""
    known = list(patterns)
    return ", ".join(known[:_SHOWN]) + (", ..." if len(known) > _SHOWN else "")
