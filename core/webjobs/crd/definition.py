"""The CustomResourceDefinitions, made from the models; ``make generate`` writes them.

Pydantic's JSON schema is turned into the structural schema that Kubernetes demands: references are resolved in place,
nullable unions become optional fields, and what has no meaning for the API server (titles, defaults of None) goes.
Rules over several fields are CEL, with messages that say what to do.
"""

from __future__ import annotations

from typing import Any

import yaml
from pydantic import BaseModel

from webjobs import model
from webjobs.crd import rules

Schema = dict[str, Any]


def structural(root: type[BaseModel]) -> Schema:
    """Return the structural schema of a model, without references."""
    source = root.model_json_schema(by_alias=True, mode="validation")
    definitions: dict[str, Schema] = source.get("$defs", {})

    def convert(node: Schema) -> Schema:
        if "$ref" in node:
            extra = {key: value for key, value in node.items() if key != "$ref"}
            return convert(definitions[node["$ref"].rsplit("/", 1)[1]] | extra)
        if "anyOf" in node:  # only ever ``T | None`` in these models
            (only,) = [choice for choice in node["anyOf"] if choice.get("type") != "null"]
            extra = {key: value for key, value in node.items() if key != "anyOf"}
            return convert(only | extra)
        out: Schema = {}
        for key, value in node.items():
            match key:
                case "title" | "$defs":
                    continue
                case "default" if value is None:
                    continue
                case "properties":
                    out[key] = {name: convert(child) for name, child in value.items()}
                case "items":
                    out[key] = convert(value)
                case "additionalProperties" if not isinstance(value, dict):
                    continue
                case "const":
                    out["enum"] = [value]
                case _:
                    out[key] = value
        if out.get("type") == "integer":
            out["format"] = "int64" if out.get("maximum", 2**31) >= 2**31 and "maximum" in out else "int32"
        if out.get("type") == "array":
            out.setdefault("x-kubernetes-list-type", "atomic")
        if out.get("x-kubernetes-preserve-unknown-fields") and "properties" not in out:
            out.pop("additionalProperties", None)
        return out

    return convert(source)


def _definition(
    *,
    kind: str,
    plural: str,
    short: str,
    spec: type[BaseModel],
    status: type[BaseModel],
    description: str,
    columns: list[Schema],
    spec_rules: list[Schema],
    root_rules: list[Schema],
    scale: Schema | None,
) -> Schema:
    spec_schema = structural(spec)
    if spec_rules:
        spec_schema["x-kubernetes-validations"] = spec_rules
    schema: Schema = {
        "type": "object",
        "description": description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": "Version of this schema, webjobs.dev/v1."},
            "kind": {"type": "string", "description": f"Always {kind}."},
            "metadata": {"type": "object"},
            "spec": spec_schema,
            "status": structural(status),
        },
    }
    if root_rules:
        schema["x-kubernetes-validations"] = root_rules
    subresources: Schema = {"status": {}}
    if scale:
        subresources["scale"] = scale
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{model.GROUP}",
            "labels": {"app.kubernetes.io/part-of": "webjobs"},
        },
        "spec": {
            "group": model.GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": kind.lower(),
                "shortNames": [short],
                "categories": ["all"],
            },
            "versions": [
                {
                    "name": model.VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": subresources,
                    "additionalPrinterColumns": columns,
                }
            ],
        },
    }


def _column(name: str, path: str, kind: str = "string", *, wide: bool = False) -> Schema:
    column: Schema = {"name": name, "type": kind, "jsonPath": path}
    return column | {"priority": 1} if wide else column


def webjob() -> Schema:
    """Return the CustomResourceDefinition of WebJob."""
    return _definition(
        kind="WebJob",
        plural="webjobs",
        short="wj",
        spec=model.WebJobSpec,
        status=model.WebJobStatus,
        description=(model.WebJob.__doc__ or "").strip(),
        columns=[
            _column("Type", ".spec.type"),
            _column("State", ".status.state"),
            _column("Ready", ".status.conditions[?(@.type=='Ready')].status"),
            _column("Schedule", ".status.schedule"),
            _column("Next run", ".status.nextRunTime"),
            _column("Last run", ".status.latestRun.state"),
            _column("Instances", ".status.readyReplicas", "integer"),
            _column("Age", ".metadata.creationTimestamp", "date"),
            _column("Job name", ".spec.jobName", wide=True),
            _column("Reason", ".status.conditions[?(@.type=='Ready')].message", wide=True),
        ],
        spec_rules=rules.WEBJOB_SPEC_RULES,
        root_rules=rules.WEBJOB_ROOT_RULES,
        scale={
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        },
    )


def webjobrun() -> Schema:
    """Return the CustomResourceDefinition of WebJobRun."""
    return _definition(
        kind="WebJobRun",
        plural="webjobruns",
        short="wjr",
        spec=model.WebJobRunSpec,
        status=model.WebJobRunStatus,
        description=(model.WebJobRun.__doc__ or "").strip(),
        columns=[
            _column("WebJob", ".spec.webJobName"),
            _column("State", ".status.state"),
            _column("Exit code", ".status.exitCode", "integer"),
            _column("Started", ".status.startTime", "date"),
            _column("Ended", ".status.endTime", "date"),
            _column("Trigger", ".spec.trigger"),
            _column("Message", ".status.message", wide=True),
        ],
        spec_rules=[],
        root_rules=rules.RUN_ROOT_RULES,
        scale=None,
    )


def webjobschedule() -> Schema:
    """Return the CustomResourceDefinition of WebJobSchedule."""
    return _definition(
        kind="WebJobSchedule",
        plural="webjobschedules",
        short="wjs",
        spec=model.WebJobScheduleSpec,
        status=model.WebJobScheduleStatus,
        description=(model.WebJobSchedule.__doc__ or "").strip(),
        columns=[
            _column("WebJob", ".spec.webJobName"),
            _column("Schedule", ".status.schedule"),
            _column("Suspended", ".spec.suspend", "boolean"),
            _column("Next run", ".status.nextRunTime"),
            _column("Last", ".status.lastScheduleTime", "date"),
            _column("Outcome", ".status.lastOutcome"),
            _column("Age", ".metadata.creationTimestamp", "date"),
            _column("Last run", ".status.lastRunName", wide=True),
            _column("Reason", ".status.conditions[?(@.type=='Scheduled')].message", wide=True),
        ],
        spec_rules=rules.SCHEDULE_SPEC_RULES,
        root_rules=rules.SCHEDULE_ROOT_RULES,
        scale=None,
    )


HEADER = "# Generated from core/webjobs/model by `make generate`. Do not edit.\n"
"""First line of each generated file."""


def files() -> dict[str, str]:
    """Return the content of each CustomResourceDefinition as YAML, by file name."""
    return {
        f"{plural}.yaml": HEADER + yaml.safe_dump(crd, sort_keys=False, width=110)
        for plural, crd in (("webjobs", webjob()), ("webjobruns", webjobrun()), ("webjobschedules", webjobschedule()))
    }
