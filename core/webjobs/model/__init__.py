"""The API objects: WebJob, WebJobRun and WebJobSchedule (``webjobs.dev/v1``).

These models are the one source of the CRDs (``webjobs.crd``), of ``kubectl explain`` and of what the operator and the
REST shim read. Field names are camelCase on the wire. Fields without a default are required.
Defaults that depend on the type of the job are applied by the operator, not by the schema, so that a manifest
keeps saying only what its author said.
"""

from webjobs.model.base import (
    ANNOTATION_APP_SETTINGS,
    ANNOTATION_CANCELLED_BY,
    ANNOTATION_HASH,
    ANNOTATION_REQUESTED_BY,
    ANNOTATION_REQUESTS,
    ANNOTATION_RESTORING,
    ANNOTATION_WEBJOB_UID,
    API_VERSION,
    CONDITION_LIST,
    DEFAULT_HISTORY_LIMIT,
    DEFAULT_STARTING_DEADLINE_SECONDS,
    GROUP,
    LABEL_ARMED,
    LABEL_RUN,
    LABEL_SCHEDULE,
    LABEL_WEBJOB,
    MAX_HISTORY_LIMIT,
    MAX_NAME_LENGTH,
    TERMINAL_STATES,
    VERSION,
    ApiModel,
    ConcurrencyPolicy,
    Condition,
    JobType,
    Metadata,
    OwnerReference,
    RunState,
    condition_of,
)
from webjobs.model.pod import Data, FromDeployment
from webjobs.model.program import NeededRuntime, PackageProgram, ProgramProblem
from webjobs.model.run import WebJobRun, WebJobRunSpec, WebJobRunStatus
from webjobs.model.schedule import SlotOutcome, WebJobSchedule, WebJobScheduleSpec, WebJobScheduleStatus
from webjobs.model.spec import Package, Script, WebJobSpec
from webjobs.model.webjob import ActiveRun, Instance, LatestRun, ProgramStatus, StoredRuns, WebJob, WebJobStatus

__all__ = [
    "ANNOTATION_APP_SETTINGS",
    "ANNOTATION_CANCELLED_BY",
    "ANNOTATION_HASH",
    "ANNOTATION_REQUESTED_BY",
    "ANNOTATION_REQUESTS",
    "ANNOTATION_RESTORING",
    "ANNOTATION_WEBJOB_UID",
    "API_VERSION",
    "CONDITION_LIST",
    "DEFAULT_HISTORY_LIMIT",
    "DEFAULT_STARTING_DEADLINE_SECONDS",
    "GROUP",
    "LABEL_ARMED",
    "LABEL_RUN",
    "LABEL_SCHEDULE",
    "LABEL_WEBJOB",
    "MAX_HISTORY_LIMIT",
    "MAX_NAME_LENGTH",
    "TERMINAL_STATES",
    "VERSION",
    "ActiveRun",
    "ApiModel",
    "ConcurrencyPolicy",
    "Condition",
    "Data",
    "FromDeployment",
    "Instance",
    "JobType",
    "LatestRun",
    "Metadata",
    "NeededRuntime",
    "OwnerReference",
    "Package",
    "PackageProgram",
    "ProgramProblem",
    "ProgramStatus",
    "RunState",
    "Script",
    "SlotOutcome",
    "StoredRuns",
    "WebJob",
    "WebJobRun",
    "WebJobRunSpec",
    "WebJobRunStatus",
    "WebJobSchedule",
    "WebJobScheduleSpec",
    "WebJobScheduleStatus",
    "WebJobSpec",
    "WebJobStatus",
    "condition_of",
]
