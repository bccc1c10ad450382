"""Are the CustomResourceDefinitions there, served, and those of this version? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from webjobs.crd import definition
from webjobs.model import API_VERSION, VERSION
from webjobs_cli.doctor.facts import Facts
from webjobs_cli.doctor.finding import Finding, few

SUBJECT = "CRDs"
"""Subject of the findings."""
_INSTALL = (
    "'helm upgrade' puts them there (crds.enabled: true), else 'kubectl apply --server-side -f crds/' of the version"
)
_COMPARED = (
    *("type", "format", "enum", "required", "pattern", "minimum", "maximum", "minLength", "maxLength", "maxItems"),
    *("default", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-list-type", "x-kubernetes-validations"),
)
"""What of a field's schema counts. Descriptions do not: a text that was corrected changes nothing."""

Schema = Mapping[str, Any]


@cache
def own() -> dict[str, Schema]:
    """Return the CustomResourceDefinitions of this version by name."""
    made = (definition.webjob(), definition.webjobrun(), definition.webjobschedule())
    return {str(one["metadata"]["name"]): one for one in made}


def check(facts: Facts) -> Iterator[Finding]:
    """Yield what is wrong with the CustomResourceDefinitions, or that they are fine."""
    if not facts.crds and facts.served is None:
        return
    found = [finding for name, wanted in own().items() for finding in _one(facts, name, wanted)]
    yield from found
    if not found:
        compared = all(look.seen for look in facts.crds.values())
        said = ", with the fields of this version" if compared else ""
        yield Finding(level="ok", subject=SUBJECT, what=f"all three are served as {API_VERSION}{said}")


def _one(facts: Facts, name: str, wanted: Schema) -> Iterator[Finding]:
    look = facts.crds.get(name)
    plural = name.partition(".")[0]
    if look is not None and look.value is not None:
        yield from _present(look.value, wanted, name=name, strict=facts.is_same_version)
    elif (look is not None and look.missing) or (facts.served is not None and plural not in facts.served):
        yield Finding(
            level="bad", subject=SUBJECT, what=f"{name} is not there: the cluster knows no {plural}", do=f"{_INSTALL}."
        )


def _present(crd: Schema, wanted: Schema, *, name: str, strict: bool) -> Iterator[Finding]:
    status, spec = crd.get("status") or {}, crd["spec"]
    if crd["metadata"].get("deletionTimestamp"):
        yield Finding(
            level="bad",
            subject=SUBJECT,
            what=f"{name} is being deleted, and all its objects with it",
            do=f"It can't be stopped: save what is left by 'kubectl get {name} -A -o yaml', then install it anew.",
        )
        return
    for condition in status.get("conditions") or []:
        if condition["type"] in ("Established", "NamesAccepted") and condition["status"] != "True":
            yield Finding(
                level="bad",
                subject=SUBJECT,
                what=f"{name} is not {condition['type']}: {condition.get('message') or condition.get('reason')}",
                do="Another CRD has its names: 'kubectl get crds' shows which; one of the two has to go.",
            )
    version = next((one for one in spec["versions"] if one["name"] == VERSION), None)
    if version is None or not version.get("served"):
        yield Finding(
            level="bad", subject=SUBJECT, what=f"{name} does not serve the version {VERSION}", do=f"{_INSTALL}."
        )
        return
    yield from _versions(spec, status, name=name)
    yield from _schema(version["schema"]["openAPIV3Schema"], wanted, name=name, strict=strict)


def _versions(spec: Schema, status: Schema, *, name: str) -> Iterator[Finding]:
    if (spec.get("conversion") or {}).get("strategy", "None") != "None":
        yield Finding(
            level="warn",
            subject=SUBJECT,
            what=f"{name} is converted by a webhook, which nothing of this version does",
            do=f"If it is left over from another version: {_INSTALL}.",
        )
    served = {one["name"] for one in spec["versions"]}
    stale = [one for one in status.get("storedVersions") or [] if one not in served]
    if stale:
        yield Finding(
            level="warn",
            subject=SUBJECT,
            what=f"objects of {name} may be stored as {few(stale)}, which it does not have any more",
            do="Write each object once ('kubectl get ... -o json | kubectl replace -f -'), then take the old version "
            "out of status.storedVersions.",
        )


def _schema(there: Schema, wanted: Schema, *, name: str, strict: bool) -> Iterator[Finding]:
    ours = fields(wanted["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    theirs = fields(there)
    lacking, more = sorted(ours.keys() - theirs.keys()), sorted(theirs.keys() - ours.keys())
    other = sorted(path for path in ours.keys() & theirs.keys() if ours[path] != theirs[path])
    if lacking:
        yield Finding(
            level="bad" if strict else "warn",
            subject=SUBJECT,
            what=f"{name} is older than this version: the API server drops {few(lacking)}",
            do=f"{_INSTALL}.",
        )
    elif more:
        yield Finding(
            level="warn",
            subject=SUBJECT,
            what=f"{name} is newer than this program, which does not know {few(more)}",
            do="Install the command line of the version that is installed in the cluster.",
        )
    elif other:
        yield Finding(
            level="warn",
            subject=SUBJECT,
            what=f"{name} has other rules than this version for {few([path or 'the whole object' for path in other])}",
            do=f"Somebody changed it, or it is of another version: {_INSTALL}.",
        )


def fields(schema: Schema, path: str = "") -> dict[str, dict[str, Any]]:
    """Return what counts of the schema of each field, by its path: ``spec.schedule``, ``spec.env[].name``."""
    own_keys = {key: schema[key] for key in _COMPARED if key in schema}
    if "required" in own_keys:
        own_keys["required"] = sorted(own_keys["required"])
    found = {path: own_keys}
    for name, child in (schema.get("properties") or {}).items():
        found |= fields(child, f"{path}.{name}".lstrip("."))
    for key, mark in (("items", "[]"), ("additionalProperties", "{}")):
        child = schema.get(key)
        if isinstance(child, Mapping):
            found |= fields(child, f"{path}{mark}")
    return found
