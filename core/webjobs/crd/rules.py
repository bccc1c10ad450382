"""Rules of the CustomResourceDefinitions in CEL: what a person can get wrong, and what to do about it."""

from __future__ import annotations

from typing import Any

from webjobs import model

Schema = dict[str, Any]

_TRIGGERED_ONLY = (
    "schedule",
    "timeZone",
    "suspend",
    "concurrencyPolicy",
    "startingDeadlineSeconds",
    "retries",
    "timeoutSeconds",
    "idleTimeoutSeconds",
    "shutdownFile",
    "historyLimit",
    "warm",
    "warmMaxAgeSeconds",
)
_CONTINUOUS_ONLY = ("singleton", "restartDelaySeconds", "stopped")


def _rule(rule: str, message: str) -> Schema:
    return {"rule": rule, "message": message}


WEBJOB_SPEC_RULES: list[Schema] = [
    _rule(
        "!(has(self.script) && has(self.package))",
        "script and package exclude each other: keep one of them",
    ),
    _rule(
        "has(self.script) || has(self.package) || has(self.image) || (has(self.fromDeployment) && has(self.command))",
        "nothing to run: give an image, or fromDeployment with a command, or an inline script, or upload a package "
        "through the REST API",
    ),
    _rule(
        "!has(self.command) || !(has(self.script) || has(self.package))",
        "command has no meaning with a script or package: the file's extension picks the interpreter",
    ),
    _rule(
        "!has(self.warm) || self.warm == 0 || has(self.script) || has(self.package)",
        "warm is for a script or package: a plain image has no shell that could wait for a run",
    ),
    *(
        _rule(
            f"self.type == 'triggered' || !has(self.{field})",
            f"{field} is for type triggered only: remove it",
        )
        for field in _TRIGGERED_ONLY
    ),
    *(
        _rule(
            f"self.type == 'continuous' || !has(self.{field})",
            f"{field} is for type continuous only: remove it",
        )
        for field in _CONTINUOUS_ONLY
    ),
    _rule(
        "self.type == 'continuous' || !has(self.replicas) || self.replicas == 1",  # 1 is the default of all
        "replicas is for type continuous only: remove it",
    ),
    _rule(
        "!has(self.singleton) || !self.singleton || !has(self.replicas) || self.replicas <= 1",
        "a singleton runs as one instance: set replicas to 1 or leave it out, or set singleton to false",
    ),
    _rule(
        "has(self.jobName) == has(oldSelf.jobName)",
        "jobName can't be added or removed: create the WebJob anew",
    ),
]
"""Rules for ``spec`` of a WebJob."""

SCHEDULE_SPEC_RULES: list[Schema] = [
    _rule(
        "[has(self.cron), has(self.periodSeconds), has(self.at)].filter(given, given).size() == 1",
        "exactly one of cron, periodSeconds and at is needed",
    ),
    _rule("!has(self.timeZone) || has(self.cron)", "timeZone is for cron only: remove it"),
    _rule("!has(self.startTime) || has(self.periodSeconds)", "startTime is for periodSeconds only: remove it"),
]
"""Rules for ``spec`` of a WebJobSchedule."""

WEBJOB_ROOT_RULES: list[Schema] = [
    _rule(
        f"self.metadata.name.size() <= {model.MAX_NAME_LENGTH}",
        f"metadata.name may have at most {model.MAX_NAME_LENGTH} characters, so that the names of its runs "
        "stay legal: choose a shorter one (spec.jobName can hold the long one)",
    ),
]
"""Rules for a WebJob as a whole."""

RUN_ROOT_RULES: list[Schema] = [
    _rule(
        "self.metadata.name.size() <= 63",
        "metadata.name may have at most 63 characters, the limit of a Job's name: choose a shorter one",
    ),
]
"""Rules for a WebJobRun as a whole."""

SCHEDULE_ROOT_RULES: list[Schema] = [
    _rule(
        "self.metadata.name.size() <= 63",
        "metadata.name may have at most 63 characters, the limit of a label: choose a shorter one",
    ),
]
"""Rules for a WebJobSchedule as a whole."""
