"""A WebJob: its status, and what follows from spec and settings.job together."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from webjobs.model import job_settings, runtime_settings
from webjobs.model.base import (
    CONDITION_LIST,
    DEFAULT_STARTING_DEADLINE_SECONDS,
    ApiModel,
    ConcurrencyPolicy,
    Condition,
    Metadata,
    RunState,
    condition_of,
)
from webjobs.model.job_settings import JobSettings
from webjobs.model.runtime_settings import RuntimeSettings
from webjobs.model.spec import WebJobSpec


class LatestRun(ApiModel):
    """The newest run of a triggered WebJob."""

    name: str = Field(description="Name of the WebJobRun.")
    run_id: str = Field(description="Run id that REST clients see.")
    state: RunState = Field(description="State of the run.")
    start_time: str | None = Field(default=None, description="When the run was created.")
    end_time: str | None = Field(default=None, description="When the run ended.")
    trigger: str | None = Field(default=None, description="What started the run.")


class StoredRuns(ApiModel):
    """The older runs of a triggered WebJob, whose history is in the store and not in WebJobRuns."""

    newest: str = Field(description="Run id; what is in the store is not newer. Written before a run goes there.")
    limit: int | None = Field(default=None, description="The historyLimit down to which they were trimmed.")


class ActiveRun(ApiModel):
    """The one-at-a-time lock of a triggered WebJob."""

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


class ProgramStatus(ApiModel):
    """What runs the script or package of a WebJob."""

    file: str = Field(description="File that runs.")
    host: str = Field(description="Kudu's name of the script host.")
    runtime: str | None = Field(default=None, description="Key of the runtime. Absent: spec or settings.job name it.")
    version: str | None = Field(default=None, description="Version that the image was picked by.")
    image: str = Field(description="Image of the pods.")
    why: str = Field(description="Sentence for a person: why it is this runtime and image.")
    notes: list[str] | None = Field(default=None, description="What is different here, or not known to work.")
    script: str | None = Field(
        default=None,
        description="ConfigMap of the namespace with the shell script that a batch file was translated to.",
    )


class WebJobStatus(ApiModel):
    """State of a WebJob, as the operator last saw it. Written by the operator; activeRun also by the REST shim."""

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
        default=None,
        description="Next time at which one of its schedules fires.",
        json_schema_extra={"format": "date-time"},
    )
    schedule_since: str | None = Field(
        default=None,
        description="When the schedule came into force: was set, changed or resumed.",
        json_schema_extra={"format": "date-time"},
    )
    last_schedule_time: str | None = Field(
        default=None,
        description="Latest schedule time that was handled.",
        json_schema_extra={"format": "date-time"},
    )
    scheduler_log_path: str | None = Field(default=None, description="Where in the store job_scheduler.log lies.")
    latest_run: LatestRun | None = Field(default=None, description="The newest run.")
    stored_runs: StoredRuns | None = Field(
        default=None, description="There are older runs in the store; absent: every run is a WebJobRun."
    )
    warm_ready: int | None = Field(default=None, description="Pods that are up and wait for a run (spec.warm).")
    active_run: ActiveRun | None = Field(default=None, description="The run that holds the one-at-a-time lock.")
    skipped_runs: int | None = Field(default=None, description="Runs that were refused because another was active.")
    program: ProgramStatus | None = Field(
        default=None, description="What runs the script or package, and in which image. Absent: an image's own command."
    )
    replicas: int | None = Field(default=None, description="Instances that exist (continuous).")
    ready_replicas: int | None = Field(default=None, description="Instances that are ready (continuous).")
    selector: str | None = Field(default=None, description="Label selector of the instances, for autoscalers.")
    instances: list[Instance] | None = Field(
        default=None,
        max_length=200,
        description="State of each instance (continuous).",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["id"]},
    )

    @property
    def problem(self) -> Condition | None:
        """The condition ``Ready`` when something keeps the job back that a person should hear of; else None."""
        ready = condition_of(self.conditions, "Ready")
        return ready if ready and ready.status == "False" and ready.reason not in _EXPECTED else None


QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
"""Label by which a Job is in a queue of Kueue, which suspends and resumes it."""
_EXPECTED = frozenset({"Progressing", "Stopped", "ScaledToZero"})
"""Reasons of a false Ready of which nobody needs to hear: it is what was asked for, or on its way there."""


class WebJob(ApiModel):
    """A background job as Azure App Service has them: triggered (on a schedule or on demand) or continuous."""

    metadata: Metadata
    spec: WebJobSpec
    status: WebJobStatus = Field(default_factory=WebJobStatus)

    @property
    def problem(self) -> Condition | None:
        """What keeps the job back, as far as that is known of the spec as it is now; None: nothing is known."""
        told = self.status.problem
        return told if told and told.observed_generation in (None, self.metadata.generation) else None

    @property
    def display_name(self) -> str:
        """Name of the job that REST clients use."""
        return self.spec.job_name or self.metadata.name

    @property
    def has_program(self) -> bool:
        """True when there is anything to run: a package may have lost its script."""
        return self.spec.package is None or self.spec.package.entrypoint is not None

    @property
    def queue(self) -> str | None:
        """The queue of Kueue that the Jobs of its runs wait in, by a label of podTemplate; None: none."""
        metadata = (self.spec.pod_template or {}).get("metadata")
        labels = metadata.get("labels") if isinstance(metadata, dict) else None
        found = labels.get(QUEUE_LABEL) if isinstance(labels, dict) else None
        return found if isinstance(found, str) else None

    @property
    def settings_error(self) -> str | None:
        """Why the settings.job of the package can't be read; None when it can, or settings were put since then."""
        return self.spec.package.settings_error if self.spec.package and not self.spec.settings else None

    @property
    def job_settings(self) -> JobSettings:
        """Kudu's keys of the job's settings.job that have an effect."""
        return job_settings.read(self.spec.settings or {})

    @property
    def runtime(self) -> RuntimeSettings:
        """The runtime that settings.job asks for, where the spec says nothing.

        Image, command, cpu, memory and number of warm pods. Raises BadSetting.
        """
        said = {
            "image": self.spec.image or self.spec.from_deployment,
            "command": self.spec.command,
            "cpu": self.spec.resources,
            "memory": self.spec.resources,
            "warm": self.spec.warm,
        }
        ignored = frozenset(key for key, value in said.items() if value is not None)
        return runtime_settings.read(self.spec.settings or {}, ignored=ignored)

    @property
    def schedule(self) -> str | None:
        """NCRONTAB expression of the job as written: the spec's, else settings.job's; None for continuous jobs."""
        if self.spec.type != "triggered":
            return None
        return self.spec.schedule or self.job_settings.schedule

    @property
    def singleton(self) -> bool:
        """True when the job has at most one instance: by the spec, else by settings.job."""
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
    def data_claim(self) -> str | None:
        """Name of the PersistentVolumeClaim behind WEBJOBS_DATA_PATH; None: the folder lasts as long as its pod."""
        if self.spec.data is None:
            return None
        return self.spec.data.claim_name or f"{self.metadata.name}-data"

    @property
    def wants_site_content(self) -> bool | None:
        """True when pods are to get the content of the site: by the spec, else by settings.job; None: nobody says."""
        return self.job_settings.is_in_place if self.spec.site_content is None else self.spec.site_content

    @property
    def stopping_wait(self) -> int:
        """Seconds between the notice to stop and the kill (Kudu's defaults: 30 triggered, 5 continuous)."""
        if self.spec.stopping_wait_seconds is not None:
            return self.spec.stopping_wait_seconds
        from_file = self.job_settings.stopping_wait_time
        if from_file is not None:
            return from_file
        return 30 if self.spec.type == "triggered" else 5

    @property
    def starting_deadline(self) -> timedelta:
        """Time for which a scheduled run of the job may be late."""
        return timedelta(seconds=self.spec.starting_deadline_seconds or DEFAULT_STARTING_DEADLINE_SECONDS)

    @property
    def has_shutdown_file(self) -> bool:
        """True when a file tells the job's process that it is to end."""
        return self.spec.type == "continuous" or bool(self.spec.shutdown_file)

    @property
    def concurrency(self) -> ConcurrencyPolicy:
        """Concurrency policy of the job; ``Forbid`` when the spec says nothing."""
        return self.spec.concurrency_policy or "Forbid"
