"""A WebJobSchedule: a further schedule of a triggered WebJob."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from webjobs.model.base import (
    CONDITION_LIST,
    MAX_NAME_LENGTH,
    NCRONTAB,
    TIME_ZONE,
    ApiModel,
    Condition,
    Metadata,
)

SlotOutcome = Literal["Started", "Skipped", "Missed"]
"""What came of a time of a WebJobSchedule."""
_TIME: dict[str, Any] = {"format": "date-time"}


class WebJobScheduleSpec(ApiModel):
    """Which WebJob runs, and when. Exactly one of cron, periodSeconds and at."""

    web_job_name: str = Field(
        min_length=1,
        max_length=MAX_NAME_LENGTH,
        description="The triggered WebJob in the same namespace that runs. Its concurrencyPolicy is for all its runs.",
    )
    cron: str | None = Field(
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
        description="Time zone of cron, IANA or Windows; the WebJob's when absent, then the site's, then UTC.",
    )
    period_seconds: int | None = Field(
        default=None,
        ge=1,
        le=10 * 366 * 86400,
        description="Runs at startTime and every so many seconds after it: anchored, so that it does not drift.",
    )
    start_time: str | None = Field(
        default=None,
        description="Anchor of periodSeconds. When absent, the creation of this object: it first runs a period later.",
        json_schema_extra=_TIME,
    )
    at: str | None = Field(default=None, description="Runs once, at this time.", json_schema_extra=_TIME)
    arguments: str | None = Field(
        default=None,
        max_length=65536,
        description='Arguments of the runs as one text, split as Windows and .NET do it: "..." keeps blanks together.',
    )
    suspend: bool | None = Field(
        default=None, description="true: does not fire. spec.suspend of the WebJob suspends all its schedules."
    )
    delete_at: str | None = Field(
        default=None,
        description="At this time the operator deletes this object, suspended or not; from then on it makes no run.",
        json_schema_extra=_TIME,
    )
    jitter_seconds: int | None = Field(
        default=None,
        ge=0,
        le=86400,
        description=(
            "Shifts the runs by a part of this that is the same for all runs of this object and different between "
            "objects, so that many schedules of one time spread. Default 0."
        ),
    )


class WebJobScheduleStatus(ApiModel):
    """State of a schedule, as the operator last saw it. Written by the operator."""

    observed_generation: int | None = Field(default=None, description="Generation that the status was made from.")
    schedule: str | None = Field(default=None, description="The schedule in force, in normal form.")
    next_run_time: str | None = Field(default=None, description="When it fires next.", json_schema_extra=_TIME)
    last_schedule_time: str | None = Field(
        default=None, description="Latest schedule time that was handled.", json_schema_extra=_TIME
    )
    last_outcome: SlotOutcome | None = Field(
        default=None,
        description=(
            "What came of that time. Started: a run was made. Skipped: another run was active. Missed: it was seen "
            "later than the WebJob's startingDeadlineSeconds."
        ),
    )
    last_run_name: str | None = Field(default=None, description="The newest WebJobRun that it made.")
    skipped_runs: int | None = Field(default=None, description="Times that were skipped because a run was active.")
    conditions: list[Condition] = Field(
        default_factory=list,
        description="Scheduled: the schedule is in force. Complete: it will not fire any more.",
        json_schema_extra=CONDITION_LIST,
    )


class WebJobSchedule(ApiModel):
    """A further schedule of a triggered WebJob: NCRONTAB, a period, or one time; with its own arguments."""

    metadata: Metadata
    spec: WebJobScheduleSpec
    status: WebJobScheduleStatus = Field(default_factory=WebJobScheduleStatus)
