"""Names, constants, metadata and conditions that the API objects share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

GROUP = "webjobs.dev"
"""API group of the objects."""
VERSION = "v1"
"""Version of the API group."""
API_VERSION = f"{GROUP}/{VERSION}"
"""``apiVersion`` of the objects."""

LABEL_WEBJOB = f"{GROUP}/webjob"
"""Label with the object name of the WebJob, on every child and pod."""
LABEL_RUN = f"{GROUP}/run"
"""Label with the run id, on every Job and pod of a run."""
LABEL_ARMED = f"{GROUP}/armed"
"""Label on the Jobs and pods that were up before their run was there: a digest of what they run."""
LABEL_SCHEDULE = f"{GROUP}/schedule"
"""Label with the name of the WebJobSchedule, on the runs that it made."""
ANNOTATION_HASH = f"{GROUP}/desired-hash"
"""Annotation with the digest of a manifest as the operator last applied it."""
ANNOTATION_APP_SETTINGS = f"{GROUP}/app-settings"
"""Annotation with the digest of the app settings that the pods of a continuous job started with; another digest
replaces the pods."""
ANNOTATION_REQUESTED_BY = f"{GROUP}/requested-by"
"""Annotation of a run: who asked the REST shim for it, ``account:NAME`` or ``user:NAME``."""
ANNOTATION_CANCELLED_BY = f"{GROUP}/cancelled-by"
"""Annotation of a run: who asked the REST shim for its end, in the same form."""
ANNOTATION_WEBJOB_UID = f"{GROUP}/webjob-uid"
"""Annotation of a run: UID of the WebJob that it was made for. A copy of it that a restore creates for another WebJob
is history by that, whatever its status says."""
ANNOTATION_RESTORING = f"{GROUP}/restoring"
"""Annotation of a WebJob while its history is being restored: since when. The operator leaves it alone meanwhile."""
ANNOTATION_REQUESTS = f"{GROUP}/requests"
"""Annotation on a pod that waits for a run: JSON of what its container requests from when the run has begun."""

JobType = Literal["triggered", "continuous"]
"""Type of a WebJob."""
ConcurrencyPolicy = Literal["Forbid", "Queue", "Allow", "Replace"]
"""What happens to a run while another run of its WebJob is active."""
RunState = Literal["Initializing", "Running", "Success", "Failed", "Aborted", "Skipped"]
"""State of a run, in Kudu's words."""
TERMINAL_STATES: frozenset[str] = frozenset({"Success", "Failed", "Aborted", "Skipped"})
"""States of runs that have ended."""

DEFAULT_HISTORY_LIMIT = 50
"""Ended runs that are kept of a job that says nothing."""
MAX_HISTORY_LIMIT = 10_000
"""Largest history limit: more than a year of an hourly job. A list of the history is one answer, as Kudu's: so many
runs are 4 MB of it."""
DEFAULT_STARTING_DEADLINE_SECONDS = 600
"""Seconds for which a scheduled run may be late when its job says nothing."""
MAX_NAME_LENGTH = 43
"""Most characters of a WebJob's object name: a run is called ``<webjob>-<18 digit run id>``, and its Job's name becomes
a label value of at most 63 characters."""


class ApiModel(BaseModel):
    """Base of everything on the wire: camelCase, immutable, unknown fields ignored (the API server prunes them)."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Self:
        """Return the model of an object as the API server returns it."""
        return cls.model_validate(body)

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object as Kubernetes stores it: camelCase, no nulls."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class ConfigSection(BaseModel):
    """Base of the settings of our own processes, in YAML: camelCase, immutable; an unknown field is an error."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")


def open_schema() -> dict[str, Any]:
    """Return the extra schema of an object whose fields are Kubernetes' own and are kept as they come."""
    return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


OpenObject = Annotated[dict[str, Any], Field()]
"""An object whose fields are Kubernetes' own."""


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


def condition_of(conditions: Iterable[Condition], kind: str) -> Condition | None:
    """Return the condition of a type; None when there is none."""
    return next((one for one in conditions if one.type == kind), None)


CONDITION_LIST: dict[str, Any] = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}
"""Extra schema of a list of conditions: one for each type."""


def immutable(field: str, instead: str) -> dict[str, Any]:
    """Return the extra schema of a field that keeps its value.

    ``instead``: what to do, for the message.
    """
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
"""Extra schema of an NCRONTAB expression: what the API server itself can tell of it."""
TIME_ZONE = r"^[A-Za-z(][A-Za-z0-9 ._+/()-]*$"
"""Pattern of the name of a time zone, as far as the API server can tell."""


class OwnerReference(ApiModel):
    """The fields of an ownerReference that are read."""

    kind: str
    name: str
    uid: str
    controller: bool = False


class Metadata(ApiModel):
    """The fields of an object's metadata that are read."""

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
