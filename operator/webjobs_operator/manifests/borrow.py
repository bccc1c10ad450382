"""Parts of a Deployment that a WebJob of its namespace takes (``spec.fromDeployment``). Pure.

Only what the one container needs: its image with the secrets that pull it, its environment, its volumes, and the
identity of its pod. Probes, ports, sidecars, placement and security contexts are the Deployment's own affair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from webjobs.model import LABEL_WEBJOB, FromDeployment
from webjobs_operator.manifests.problem import Unrunnable

Items = list[dict[str, Any]]

OWN_VOLUMES = frozenset({"work", "data", "package", "package-token", "shutdown"})
"""Names of the volumes that every job's pod may have."""


@dataclass(frozen=True, kw_only=True)
class Borrowed:
    """The parts of a Deployment's pod that a job takes, as they stand in a manifest."""

    image: str
    """Image of the container."""
    env: Items = field(default_factory=list)
    """``env`` of the container."""
    env_from: Items = field(default_factory=list)
    """``envFrom`` of the container."""
    volumes: Items = field(default_factory=list)
    """Volumes of the pod that the container mounts."""
    mounts: Items = field(default_factory=list)
    """``volumeMounts`` of the container."""
    pull_secrets: Items = field(default_factory=list)
    """``imagePullSecrets`` of the pod."""
    service_account: str | None = None
    """Name of the pod's ServiceAccount; None: the Deployment names none."""
    automount: bool = True
    """True when the Deployment's pods get a token of their account."""


def missing(source: FromDeployment, namespace: str) -> Unrunnable:
    """Return the problem of a WebJob whose Deployment is not there."""
    return Unrunnable(
        "DeploymentMissing",
        f"There is no Deployment {source.name} in namespace {namespace}: create it, or change spec.fromDeployment.",
    )


def borrow(deployment: Mapping[str, Any], source: FromDeployment) -> Borrowed:
    """Return the parts of a Deployment that ``source`` asks for.

    Raises Unrunnable when the Deployment can't give them.
    """
    if LABEL_WEBJOB in (deployment["metadata"].get("labels") or {}):
        raise Unrunnable(
            "DeploymentOfWebJob", f"Deployment {source.name} is a WebJob's own: name one that runs something else."
        )
    pod = deployment["spec"]["template"]["spec"]
    containers = pod["containers"]
    chosen = next((one for one in containers if source.container in (None, one["name"])), None)
    if chosen is None:
        names = ", ".join(one["name"] for one in containers)
        raise Unrunnable(
            "DeploymentMissing",
            f"Deployment {source.name} has no container {source.container}, but {names}: change spec.fromDeployment.",
        )
    mounts = chosen.get("volumeMounts") or []
    mounted = {mount["name"] for mount in mounts}
    return Borrowed(
        image=chosen["image"],
        env=chosen.get("env") or [],
        env_from=chosen.get("envFrom") or [],
        volumes=[_renamed(one) for one in pod.get("volumes") or [] if one["name"] in mounted],
        mounts=[_renamed(mount) for mount in mounts],
        pull_secrets=pod.get("imagePullSecrets") or [],
        service_account=pod.get("serviceAccountName"),
        automount=pod.get("automountServiceAccountToken", True),
    )


def _renamed(item: dict[str, Any]) -> dict[str, Any]:
    """Return a volume or mount under a name that the job's own volumes don't have."""
    return item | {"name": f"{item['name']}-of-deployment"} if item["name"] in OWN_VOLUMES else item
