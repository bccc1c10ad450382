"""What both kinds of objects share: names, constants, metadata, conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

GROUP = "webjobs.dev"
VERSION = "v1"
API_VERSION = f"{GROUP}/{VERSION}"

LABEL_WEBJOB = f"{GROUP}/webjob"
"""Object name of the WebJob, on every child and pod."""
LABEL_RUN = f"{GROUP}/run"
"""Run id, on every Job and pod of a run."""
LABEL_ARMED = f"{GROUP}/armed"
"""On the Jobs and pods that were up before their run was there: a digest of what they run."""
LABEL_SCHEDULE = f"{GROUP}/schedule"
"""Name of the WebJobSchedule, on the runs that it made."""
ANNOTATION_HASH = f"{GROUP}/desired-hash"
"""Digest of the manifest as the operator last applied it."""
ANNOTATION_APP_SETTINGS = f"{GROUP}/app-settings"
"""Digest of the app settings that the pods of a continuous job started with; another one replaces the pods."""
ANNOTATION_REQUESTS = f"{GROUP}/requests"
"""On a pod that waits for a run: JSON of what its container requests from when the run has begun."""

JobType = Literal["triggered", "continuous"]
ConcurrencyPolicy = Literal["Forbid", "Queue", "Allow", "Replace"]
RunState = Literal["Initializing", "Running", "Success", "Failed", "Aborted", "Skipped"]
TERMINAL_STATES: frozenset[str] = frozenset({"Success", "Failed", "Aborted", "Skipped"})

DEFAULT_HISTORY_LIMIT = 50
MAX_HISTORY_LIMIT = 10_000
"""More than a year of an hourly job. A list of the history is one answer, as Kudu's: so many runs are 4 MB of it."""
DEFAULT_STARTING_DEADLINE_SECONDS = 600
MAX_NAME_LENGTH = 43
"""A run is called ``<webjob>-<18 digit run id>`` and its Job's name becomes a label value of at most 63 characters."""


class ApiModel(BaseModel):
    """Base of everything on the wire: camelCase, immutable, unknown fields ignored (the API server prunes them)."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Self:
        """The model of an object as the API server returns it."""
        return cls.model_validate(body)

    def to_wire(self) -> dict[str, Any]:
        """The JSON object as Kubernetes stores it: camelCase, no nulls."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def open_schema() -> dict[str, Any]:
    """Extra schema of an object whose fields are Kubernetes' own and are kept as they come."""
    return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


OpenObject = Annotated[dict[str, Any], Field()]


class Condition(ApiModel):
    """A standard Kubernetes condition."""

    type: str = Field(description="Kind of the condition.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it holds.")
    reason: str = Field(min_length=1, description="CamelCase word for the last change.")
    message: str = Field(description="Sentence for a person: what is the case and what to do.")
    last_transition_time: str = Field(
        description="When status last changed.", json_schema_extra={"format": "date-time"}
    )
    observed_generation: int | None = Field(default=None, description="Generation of the object it was made from.")


CONDITION_LIST: dict[str, Any] = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}


def immutable(field: str, instead: str) -> dict[str, Any]:
    """Extra schema of a field that keeps its value; ``instead``: what to do."""
    rule = {"rule": "self == oldSelf", "message": f"{field} can't be changed: {instead}"}
    return {"x-kubernetes-validations": [rule]}


NCRONTAB: dict[str, Any] = {
    "x-kubernetes-validations": [
        {
            "rule": "self.split(' ').filter(f, f != '').size() == 6",
            "message": (
                "six fields are needed (second minute hour day month weekday), for example "
                "'0 */5 * * * *': put '0 ' in front of a five-field cron expression"
            ),
        },
        {
            "rule": "self.matches('^[0-9A-Za-z*/, -]+$')",
            "message": "only digits, names, '*', '/', ',', '-' and spaces are allowed",
        },
    ]
}
"""What the API server itself can tell of an NCRONTAB expression."""
TIME_ZONE = r"^[A-Za-z(][A-Za-z0-9 ._+/()-]*$"


class OwnerReference(ApiModel):
    """The part of an ownerReference that is looked at."""

    kind: str
    name: str
    uid: str
    controller: bool = False


class Metadata(ApiModel):
    """The part of an object's metadata that is looked at."""

    name: str
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    owner_references: list[OwnerReference] = Field(default_factory=list)
    managed_fields: list[dict[str, Any]] = Field(default_factory=list)
