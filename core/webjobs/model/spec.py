"""``spec`` of a WebJob: what to run and when."""

from __future__ import annotations

from pydantic import Field

from webjobs.model.base import (
    MAX_HISTORY_LIMIT,
    NCRONTAB,
    TIME_ZONE,
    ApiModel,
    ConcurrencyPolicy,
    JobType,
    OpenObject,
    immutable,
    open_schema,
)
from webjobs.model.pod import DATA_RULES, Data, FromDeployment
from webjobs.model.program import PackageProgram
from webjobs.model.runtime_settings import MOST_WARM


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
    program: PackageProgram | None = Field(
        default=None, description="What runs the entrypoint, as the files say. Absent: its extension decides."
    )
    settings_error: str | None = Field(
        default=None,
        max_length=1024,
        description="Why the package's settings.job can't be read. Absent: it can, or there is none.",
    )


class WebJobSpec(ApiModel):
    """What a WebJob runs, and when."""

    type: JobType = Field(
        description="triggered: runs once for each schedule time or call. continuous: is kept running. Immutable.",
        json_schema_extra=immutable("type", "delete the WebJob and create it anew"),
    )
    job_name: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        description=(
            "Name that REST clients use, when it is not the object's own name (blanks, capitals, accents). Immutable."
        ),
        json_schema_extra=immutable("jobName", "delete the WebJob and create it anew"),
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
            "items": open_schema() | {"description": "One source, as in a container."},
        },
    )
    resources: OpenObject | None = Field(
        default=None,
        description="Requests and limits of the container.",
        json_schema_extra=open_schema(),
    )
    from_deployment: FromDeployment | None = Field(
        default=None,
        description="A Deployment of the namespace whose image and surroundings the pods take, and follow its changes.",
    )
    data: Data | None = Field(
        default=None,
        description=(
            "A volume at WEBJOBS_DATA_PATH that all runs and instances share and that lasts. Without it the folder "
            "lasts as long as its pod."
        ),
        json_schema_extra={"x-kubernetes-validations": DATA_RULES},
    )
    site_content: bool | None = Field(
        default=None,
        description=(
            "true: pods get the other files of the site's deployed zip at HOME/site/wwwroot, and run in the job's "
            "folder in it. Default: is_in_place in settings.job, then WEBJOBS_SITE_CONTENT of the site."
        ),
    )
    service_account_name: str | None = Field(
        default=None,
        max_length=253,
        description="ServiceAccount of the pods. Without it pods get no API token.",
    )
    pod_template: OpenObject | None = Field(
        default=None,
        description=(
            "A patch on the pod template (metadata, spec): merged by key, containers and volumes by name. "
            "The job's container is called job."
        ),
        json_schema_extra=open_schema(),
    )
    settings: OpenObject | None = Field(
        default=None,
        description="settings.job as stored, unknown keys kept; fields of this spec win over its keys.",
        json_schema_extra=open_schema(),
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
        json_schema_extra=NCRONTAB,
    )
    time_zone: str | None = Field(
        default=None,
        max_length=64,
        pattern=TIME_ZONE,
        description="Time zone of schedule, IANA (Europe/Berlin) or Windows; the site's when absent, then UTC.",
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
    idle_timeout_seconds: int | None = Field(
        default=None,
        ge=1,
        le=86400,
        description=(
            "A run that neither writes output nor uses CPU for twice as many seconds is killed and fails. Never by "
            "default, nor for an image without script or package."
        ),
    )
    shutdown_file: bool | None = Field(
        default=None,
        description=(
            "true: a run that is to end (cancelled, out of time, its node drained) finds the file "
            "WEBJOBS_SHUTDOWN_FILE, and has stoppingWaitSeconds from then on. Continuous jobs always do."
        ),
    )
    history_limit: int | None = Field(
        default=None,
        ge=1,
        le=MAX_HISTORY_LIMIT,
        description=(
            "Ended runs that are kept with their logs. Default 50. "
            "The newest stay as WebJobRuns, older ones go into the store."
        ),
    )
    warm: int | None = Field(
        default=None,
        ge=0,
        le=MOST_WARM,
        description=(
            "Pods of a script or package that are up and wait, so that a run begins at once. "
            "Default: warm in settings.job, then the installation's (0)."
        ),
    )
    warm_max_age_seconds: int | None = Field(
        default=None,
        ge=60,
        le=604_800,
        description=(
            "A pod that waited for so many seconds is replaced; what it got from other Secrets and ConfigMaps is as "
            "old as the pod. Default 3600."
        ),
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
        json_schema_extra={"default": 1},  # autoscalers refuse a scale without a number
    )
    restart_delay_seconds: int | None = Field(
        default=None,
        ge=0,
        le=86400,
        description=(
            "A process that ended is started again after so many seconds, and at once when it lived for two minutes. "
            "Default: WEBJOBS_RESTART_TIME of the site; 60 for a package; else Kubernetes' growing back-off."
        ),
    )
    stopped: bool | None = Field(default=None, description="true: no instance runs until it is started again.")
