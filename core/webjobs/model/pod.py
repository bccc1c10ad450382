"""Parts of a WebJob's spec that shape its pods: the volume for its data, and what is borrowed from a Deployment."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from webjobs.model.base import ApiModel, immutable

DATA_RULES: Any = [
    {
        "rule": "has(self.size) != has(self.claimName)",
        "message": "exactly one is needed: size (a claim is made) or claimName (a claim that is there)",
    },
    {
        "rule": "has(self.size) || !(has(self.storageClassName) || has(self.accessMode))",
        "message": "storageClassName and accessMode are of a claim that is made: remove them beside claimName",
    },
    {
        "rule": (
            "!(has(self.size) && has(oldSelf.size)) || (has(self.storageClassName) == has(oldSelf.storageClassName) && "
            "has(self.accessMode) == has(oldSelf.accessMode))"
        ),
        "message": "storageClassName and accessMode can't be added or removed: the claim is made with them",
    },
]
"""Rules for ``spec.data``: what the API server can tell of it."""


class Data(ApiModel):
    """The claim behind WEBJOBS_DATA_PATH: one that the operator makes, or one that is there."""

    size: str | None = Field(
        default=None,
        max_length=20,
        pattern=r"^[1-9][0-9]*(\.[0-9]+)?([kMGTPE]|[KMGTPE]i)?$",
        description=(
            "Size of the PersistentVolumeClaim that is made, for example 1Gi. It can only grow, where the storage "
            "class lets it. The claim is deleted with the WebJob."
        ),
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "quantity(self).compareTo(quantity(oldSelf)) >= 0",
                    "message": "size can only grow: a volume can't be made smaller",
                }
            ]
        },
    )
    storage_class_name: str | None = Field(
        default=None,
        max_length=253,
        description="Storage class of the claim that is made; the cluster's default when absent. Immutable.",
        json_schema_extra=immutable("storageClassName", "a claim keeps its class; use claimName for another one"),
    )
    access_mode: Literal["ReadWriteOnce", "ReadWriteMany"] | None = Field(
        default=None,
        description=(
            "Of the claim that is made. ReadWriteOnce (default): pods of one node. ReadWriteMany: of any node, where "
            "the storage can do that; for several instances. Immutable."
        ),
        json_schema_extra=immutable("accessMode", "a claim keeps its mode; use claimName for another one"),
    )
    claim_name: str | None = Field(
        default=None,
        min_length=1,
        max_length=253,
        description="A PersistentVolumeClaim of the namespace that is used instead; it is never changed or deleted.",
    )


class FromDeployment(ApiModel):
    """A Deployment that runs the same code, for example the web site that the job belongs to."""

    name: str = Field(
        min_length=1,
        max_length=253,
        description=(
            "Name of the Deployment. Its container gives image, env, envFrom and volumeMounts, its pod the volumes "
            "behind them, serviceAccountName and imagePullSecrets. What this spec says itself wins."
        ),
    )
    container: str | None = Field(
        default=None,
        min_length=1,
        max_length=63,
        description="Name of the container that is looked at. The first one when absent.",
    )
