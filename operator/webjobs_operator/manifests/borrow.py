"""What a WebJob takes from a Deployment of its namespace (``spec.fromDeployment``). Pure.

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
    """Parts of a pod, as they stand in a manifest."""

    image: str
    env: Items = field(default_factory=list)
    env_from: Items = field(default_factory=list)
    volumes: Items = field(default_factory=list)
    mounts: Items = field(default_factory=list)
    pull_secrets: Items = field(default_factory=list)
    service_account: str | None = None
    """None: the Deployment names none."""
    automount: bool = True
    """Whether its pods get a token of that account."""


def missing(source: FromDeployment, namespace: str) -> Unrunnable:
    """For a Deployment that is not there."""
    return Unrunnable(
        "DeploymentMissing",
        f"There is no Deployment {source.name} in namespace {namespace}: create it, or change spec.fromDeployment.",
    )


def borrow(deployment: Mapping[str, Any], source: FromDeployment) -> Borrowed:
    """What ``source`` asks for. Unrunnable when the Deployment can't give it."""
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
    """A volume or mount under a name that the job's own volumes don't have."""
    return item | {"name": f"{item['name']}-of-deployment"} if item["name"] in OWN_VOLUMES else item
