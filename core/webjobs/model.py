"""The API objects: WebJob and WebJobRun (``webjobs.dev/v1``).

These models are the one source of the CRDs (``python -m webjobs.crd``), of ``kubectl explain`` and of what the
operator and the REST shim read. Field names are camelCase on the wire. Fields without a default are required.
Defaults that depend on the type of the job are applied by the operator, not by the schema, so that a manifest
keeps saying only what its author said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from webjobs import settings as job_settings
from webjobs.settings import JobSettings

GROUP = "webjobs.dev"
VERSION = "v1"
API_VERSION = f"{GROUP}/{VERSION}"

LABEL_WEBJOB = f"{GROUP}/webjob"
"""Object name of the WebJob, on every child and pod."""
LABEL_RUN = f"{GROUP}/run"
"""Run id, on every Job and pod of a run."""
ANNOTATION_HASH = f"{GROUP}/desired-hash"
"""Digest of the manifest as the operator last applied it."""

JobType = Literal["triggered", "continuous"]
ConcurrencyPolicy = Literal["Forbid", "Queue", "Allow", "Replace"]
RunState = Literal["Initializing", "Running", "Success", "Failed", "Aborted", "Skipped"]
TERMINAL_STATES: frozenset[str] = frozenset({"Success", "Failed", "Aborted", "Skipped"})

DEFAULT_HISTORY_LIMIT = 50
DEFAULT_STARTING_DEADLINE_SECONDS = 600
MAX_NAME_LENGTH = 43
"""A run is called ``<webjob>-<18 digit run id>`` and its Job's name becomes a label value of at most 63 characters."""


class ApiModel(BaseModel):
    """Base of everything on the wire: camelCase, immutable, unknown fields ignored (the API server prunes them)."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")

    def to_wire(self) -> dict[str, Any]:
        """The JSON object as Kubernetes stores it: camelCase, no nulls."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def _open(description: str) -> dict[str, Any]:
    """Extra schema of an object whose fields are Kubernetes' own and are kept as they come."""
    return {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "description": description}


OpenObject = Annotated[dict[str, Any], Field()]


class Script(ApiModel):
    """A script kept in the manifest itself: the shortest way to a job without an image build."""

    file_name: str = Field(
        min_length=1,
        max_length=100,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="Name of the script file, for example run.sh or job.py; its extension picks the interpreter.",
    )
    text: str = Field(max_length=262144, description="The script itself.")


class Package(ApiModel):
    """An uploaded package in the object store. Written by the REST shim and the CLI, not by hand."""

    digest: str = Field(
        pattern=r"^sha256:[0-9a-f]{64}$",
        description="Digest of the package's manifest in the store.",
    )
    entrypoint: str | None = Field(
        default=None,
        min_length=1,
        max_length=1024,
        description=(
            "Path of the script that runs, relative to the package's root. Absent: the files hold none, and REST "
            "clients don't see the job."
        ),
    )
    size: int = Field(
        ge=0,
        le=2**40,
        description="Unpacked size of all files in bytes; small packages travel in a ConfigMap.",
    )
    files: int = Field(ge=0, le=1_000_000, description="Number of files.")


class WebJobSpec(ApiModel):
    """What to run and when."""

    type: JobType = Field(
        description="triggered: runs once for each schedule time or call. continuous: is kept running. Immutable.",
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "self == oldSelf",
                    "message": "type can't be changed: delete the WebJob and create it anew",
                }
            ]
        },
    )
    job_name: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        description=(
            "Name that REST clients use, when it is not the object's own name (blanks, capitals, accents). Immutable."
        ),
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "self == oldSelf",
                    "message": "jobName can't be changed: delete the WebJob and create it anew",
                }
            ]
        },
    )
    image: str | None = Field(
        default=None,
        max_length=1024,
        description="Container image. Optional with a script or package: the operator picks one by its extension.",
    )
    command: list[str] | None = Field(
        default=None,
        max_length=256,
        description="Command of the container (its entrypoint when absent). Not used with a script or package.",
    )
    args: list[str] | None = Field(
        default=None,
        max_length=256,
        description="Arguments that come before the arguments of a run.",
    )
    script: Script | None = Field(default=None, description="An inline script; excludes package.")
    package: Package | None = Field(default=None, description="An uploaded package; excludes script.")
    env: list[OpenObject] | None = Field(
        default=None,
        max_length=512,
        description="Environment variables, as in a container (name with value or valueFrom).",
        json_schema_extra={
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": ["name"],
            "items": {
                "type": "object",
                "description": "One variable, as in a container.",
                "required": ["name"],
                "properties": {"name": {"type": "string", "minLength": 1, "description": "Name of the variable."}},
                "x-kubernetes-preserve-unknown-fields": True,
            },
        },
    )
    env_from: list[OpenObject] | None = Field(
        default=None,
        max_length=64,
        description="Sources of environment variables (configMapRef, secretRef), as in a container.",
        json_schema_extra={
            "x-kubernetes-list-type": "atomic",
            "items": _open("One source, as in a container."),
        },
    )
    resources: OpenObject | None = Field(
        default=None,
        description="Requests and limits of the container.",
        json_schema_extra=_open("Requests and limits of the container."),
    )
    service_account_name: str | None = Field(
        default=None,
        max_length=253,
        description="ServiceAccount of the pods. Without it pods get no API token.",
    )
    pod_template: OpenObject | None = Field(
        default=None,
        description="A patch on the pod template (metadata, spec): merged by key, containers and volumes by name.",
        json_schema_extra=_open(
            "A patch on the pod template (metadata, spec): merged by key, containers and volumes by name. "
            "The job's container is called job."
        ),
    )
    settings: OpenObject | None = Field(
        default=None,
        description="settings.job as stored, unknown keys kept; fields of this spec win over its keys.",
        json_schema_extra=_open("settings.job as stored, unknown keys kept; fields of this spec win over its keys."),
    )
    stopping_wait_seconds: int | None = Field(
        default=None,
        ge=0,
        le=86400,
        description="Seconds between the notice to stop and the kill: 30 for triggered, 5 for continuous by default.",
    )
    # Triggered
    schedule: str | None = Field(
        default=None,
        min_length=11,
        max_length=256,
        description="NCRONTAB: six fields, second minute hour day month weekday. Day and weekday must both match.",
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "self.split(' ').filter(f, f != '').size() == 6",
                    "message": (
                        "schedule needs six fields (second minute hour day month weekday), for example "
                        "'0 */5 * * * *': put '0 ' in front of a five-field cron expression"
                    ),
                },
                {
                    "rule": "self.matches('^[0-9A-Za-z*/, -]+$')",
                    "message": "schedule may hold only digits, names, '*', '/', ',', '-' and spaces",
                },
            ]
        },
    )
    time_zone: str | None = Field(
        default=None,
        max_length=64,
        pattern=r"^[A-Za-z][A-Za-z0-9_+/-]*$",
        description="IANA name of the schedule's time zone, for example Europe/Berlin. UTC when absent.",
    )
    suspend: bool | None = Field(
        default=None, description="true: the schedule does not fire; runs on demand still work."
    )
    concurrency_policy: ConcurrencyPolicy | None = Field(
        default=None,
        description=(
            "What happens to a run while another is active. Forbid (default): refused or skipped. Queue: waits. "
            "Allow: runs beside it. Replace: ends the active one."
        ),
    )
    starting_deadline_seconds: int | None = Field(
        default=None,
        ge=10,
        description="A scheduled run that could not start for so many seconds is dropped. Default 600.",
    )
    retries: int | None = Field(default=None, ge=0, le=100, description="Further attempts of a failed run. Default 0.")
    timeout_seconds: int | None = Field(
        default=None, ge=1, description="A run that takes longer is ended and fails. No limit by default."
    )
    history_limit: int | None = Field(
        default=None, ge=1, le=1000, description="Ended runs that are kept with their logs. Default 50."
    )
    # Continuous
    singleton: bool | None = Field(
        default=None,
        description="true: never more than one instance, also during updates (strategy Recreate).",
    )
    replicas: int | None = Field(
        default=None,
        ge=0,
        description="Number of instances. Default 1. Written by autoscalers through scale.",
    )
    stopped: bool | None = Field(default=None, description="true: no instance runs until it is started again.")


class LatestRun(ApiModel):
    """The newest run of a triggered WebJob."""

    name: str = Field(description="Name of the WebJobRun.")
    run_id: str = Field(description="Run id that REST clients see.")
    state: RunState = Field(description="State of the run.")
    start_time: str | None = Field(default=None, description="When the run was created.")
    end_time: str | None = Field(default=None, description="When the run ended.")
    trigger: str | None = Field(default=None, description="What started the run.")


class ActiveRun(ApiModel):
    """The lock of a triggered WebJob."""

    name: str = Field(description="Name of the WebJobRun that holds the lock.")
    since: str = Field(
        description="When it was taken; a lock whose run never appeared is released a while later.",
        json_schema_extra={"format": "date-time"},
    )


class Instance(ApiModel):
    """One instance (pod) of a continuous WebJob."""

    id: str = Field(description="Six characters that stand for the instance in logs and detailed_status.")
    pod: str = Field(description="Name of the pod.")
    status: str = Field(description="Kudu's name for its state, for example Running or PendingRestart.")


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


class WebJobStatus(ApiModel):
    """What the operator last saw. Written by the operator; activeRun also by the REST shim."""

    observed_generation: int | None = Field(default=None, description="Generation that the status was made from.")
    conditions: list[Condition] = Field(
        default_factory=list,
        description="Ready: the job can run (triggered) or runs (continuous). Scheduled: its schedule is in force.",
        json_schema_extra=CONDITION_LIST,
    )
    state: str | None = Field(
        default=None, description="One word: Idle, Running, Starting, Stopped, Suspended, Error ..."
    )
    schedule: str | None = Field(default=None, description="The schedule in force, in normal form.")
    next_run_time: str | None = Field(
        default=None, description="Next time of the schedule.", json_schema_extra={"format": "date-time"}
    )
    last_schedule_time: str | None = Field(
        default=None,
        description="Latest schedule time that was handled.",
        json_schema_extra={"format": "date-time"},
    )
    latest_run: LatestRun | None = Field(default=None, description="The newest run.")
    active_run: ActiveRun | None = Field(default=None, description="The run that holds the one-at-a-time lock.")
    skipped_runs: int | None = Field(default=None, description="Runs that were refused because another was active.")
    replicas: int | None = Field(default=None, description="Instances that exist (continuous).")
    ready_replicas: int | None = Field(default=None, description="Instances that are ready (continuous).")
    selector: str | None = Field(default=None, description="Label selector of the instances, for autoscalers.")
    instances: list[Instance] | None = Field(
        default=None,
        max_length=200,
        description="State of each instance (continuous).",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"]},
    )


class WebJobRunSpec(ApiModel):
    """One run of a triggered WebJob."""

    web_job_name: str = Field(
        min_length=1,
        max_length=MAX_NAME_LENGTH,
        description="The WebJob in the same namespace that runs.",
        json_schema_extra={
            "x-kubernetes-validations": [
                {
                    "rule": "self == oldSelf",
                    "message": "webJobName can't be changed: create another WebJobRun",
                }
            ]
        },
    )
    arguments: str | None = Field(
        default=None,
        max_length=65536,
        description="Arguments as one text, split like a shell command line; quotes keep blanks together.",
        json_schema_extra={
            "x-kubernetes-validations": [
                {"rule": "self == oldSelf", "message": "arguments can't be changed: create another WebJobRun"}
            ]
        },
    )
    trigger: str | None = Field(
        default=None, max_length=1024, description="What started the run, as REST clients see it."
    )
    schedule_time: str | None = Field(
        default=None,
        description="The schedule time that the run stands for.",
        json_schema_extra={"format": "date-time"},
    )
    cron_job_name: str | None = Field(
        default=None,
        max_length=253,
        description="Job that a CronJob made for this run. Set by the operator.",
    )


class WebJobRunStatus(ApiModel):
    """How the run went. Written by the operator."""

    state: RunState | None = Field(default=None, description="Initializing, Running, then Success, Failed or Aborted.")
    run_id: str | None = Field(default=None, description="UTC yyyyMMddHHmmssffff, as in Kudu.")
    start_time: str | None = Field(
        default=None, description="When the run was accepted.", json_schema_extra={"format": "date-time"}
    )
    process_start_time: str | None = Field(
        default=None, description="When its process started.", json_schema_extra={"format": "date-time"}
    )
    end_time: str | None = Field(default=None, description="When it ended.", json_schema_extra={"format": "date-time"})
    exit_code: int | None = Field(default=None, description="Exit code of the process.")
    message: str | None = Field(default=None, max_length=4096, description="Why it ended as it did.")
    job_name: str | None = Field(default=None, description="Kubernetes Job of the run.")
    job_uid: str | None = Field(default=None, alias="jobUID", description="UID of that Job.")
    log_path: str | None = Field(default=None, description="Where in the store the archived log lies.")
    conditions: list[Condition] = Field(
        default_factory=list,
        description="Complete: ended with exit code 0. Failed: ended otherwise.",
        json_schema_extra=CONDITION_LIST,
    )


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


class WebJob(ApiModel):
    """A background job as Azure App Service has them: triggered (on a schedule or on demand) or continuous."""

    metadata: Metadata
    spec: WebJobSpec
    status: WebJobStatus = Field(default_factory=WebJobStatus)

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Self:
        """The model of an object as the API server returns it."""
        return cls.model_validate(body)

    @property
    def display_name(self) -> str:
        """The name that REST clients use."""
        return self.spec.job_name or self.metadata.name

    @property
    def has_program(self) -> bool:
        """Whether there is anything to run: a package may have lost its script."""
        return self.spec.package is None or self.spec.package.entrypoint is not None

    @property
    def job_settings(self) -> JobSettings:
        return job_settings.read(self.spec.settings or {})

    @property
    def schedule(self) -> str | None:
        """The schedule as written: the spec's, else settings.job's; None for continuous jobs."""
        if self.spec.type != "triggered":
            return None
        return self.spec.schedule or self.job_settings.schedule

    @property
    def singleton(self) -> bool:
        if self.spec.singleton is not None:
            return self.spec.singleton
        return self.job_settings.is_singleton or False

    @property
    def instances(self) -> int:
        """Number of instances of a continuous job that should exist now."""
        if self.spec.stopped:
            return 0
        wanted = 1 if self.spec.replicas is None else self.spec.replicas
        return min(wanted, 1) if self.singleton else wanted

    @property
    def stopping_wait(self) -> int:
        """Seconds (Kudu's defaults: 30 triggered, 5 continuous)."""
        if self.spec.stopping_wait_seconds is not None:
            return self.spec.stopping_wait_seconds
        from_file = self.job_settings.stopping_wait_time
        if from_file is not None:
            return from_file
        return 30 if self.spec.type == "triggered" else 5

    @property
    def concurrency(self) -> ConcurrencyPolicy:
        return self.spec.concurrency_policy or "Forbid"


class WebJobRun(ApiModel):
    """One run of a triggered WebJob: create one to run the job; it stays as the history entry."""

    metadata: Metadata
    spec: WebJobRunSpec
    status: WebJobRunStatus = Field(default_factory=WebJobRunStatus)

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Self:
        """The model of an object as the API server returns it."""
        return cls.model_validate(body)

    @property
    def ended(self) -> bool:
        return self.status.state in TERMINAL_STATES
