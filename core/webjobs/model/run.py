"""A WebJobRun: one run of a triggered WebJob, and the history entry that stays."""

from __future__ import annotations

from pydantic import Field

from webjobs.model.base import (
    CONDITION_LIST,
    MAX_NAME_LENGTH,
    TERMINAL_STATES,
    ApiModel,
    Condition,
    Metadata,
    RunState,
    condition_of,
    immutable,
)


class WebJobRunSpec(ApiModel):
    """One run of a triggered WebJob."""

    web_job_name: str = Field(
        min_length=1,
        max_length=MAX_NAME_LENGTH,
        description="The WebJob in the same namespace that runs.",
        json_schema_extra=immutable("webJobName", "create another WebJobRun"),
    )
    arguments: str | None = Field(
        default=None,
        max_length=65536,
        description='Arguments as one text, split as Windows and .NET do it: "..." keeps blanks together.',
        json_schema_extra=immutable("arguments", "create another WebJobRun"),
    )
    trigger: str | None = Field(
        default=None, max_length=1024, description="What started the run, as REST clients see it."
    )
    cancel: bool | None = Field(
        default=None,
        description=(
            "true: ends the run. Its process gets TERM, and KILL after the job's stoppingWaitSeconds; the run ends as "
            "Aborted. One that waits never begins."
        ),
        json_schema_extra={
            "x-kubernetes-validations": [
                {"rule": "!oldSelf || self", "message": "a cancelled run stays cancelled: create another WebJobRun"}
            ]
        },
    )
    schedule_time: str | None = Field(
        default=None,
        description="The schedule time that the run stands for.",
        json_schema_extra={"format": "date-time"},
    )
    schedule_name: str | None = Field(
        default=None, max_length=63, description="WebJobSchedule that made the run. Set by the operator."
    )
    cron_job_name: str | None = Field(
        default=None,
        max_length=253,
        description="Job that a CronJob made for this run. Set by the operator.",
    )


STARTED = "Started"
"""Type of the condition of a run that says why it does not begin; it is there only while something keeps it back."""


class WebJobRunStatus(ApiModel):
    """State of a run, and how it ended. Written by the operator."""

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
    error_log_path: str | None = Field(
        default=None,
        description="Where its lines of stderr lie: when there are any, and the cluster tells streams apart.",
    )
    conditions: list[Condition] = Field(
        default_factory=list,
        description="Complete: ended with exit code 0. Failed: ended otherwise. Started: False while something keeps "
        "its process from beginning.",
        json_schema_extra=CONDITION_LIST,
    )

    @property
    def kept_back(self) -> Condition | None:
        """The condition ``Started`` while something keeps the process of the run from beginning; else None."""
        started = condition_of(self.conditions, STARTED)
        return started if started and started.status == "False" else None


class WebJobRun(ApiModel):
    """One run of a triggered WebJob: create one to run the job; it stays as the history entry."""

    metadata: Metadata
    spec: WebJobRunSpec
    status: WebJobRunStatus = Field(default_factory=WebJobRunStatus)

    @property
    def ended(self) -> bool:
        """True when the run is over, however it ended."""
        return self.status.state in TERMINAL_STATES
