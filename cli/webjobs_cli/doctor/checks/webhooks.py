"""Do admission webhooks of others refuse our objects since nobody answers for them? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from webjobs.model import GROUP, LABEL_WEBJOB
from webjobs.objects import Object
from webjobs_cli.doctor.facts import Facts
from webjobs_cli.doctor.finding import Finding, few

SUBJECT = "webhooks"
"""Subject of the findings."""
_WRITTEN: tuple[tuple[str, tuple[str, ...]], ...] = (
    (GROUP, ("webjobs", "webjobruns", "webjobschedules", "webjobruns/status", "webjobs/status")),
    ("batch", ("jobs", "cronjobs")),
    ("apps", ("deployments",)),
    ("", ("pods", "configmaps")),
)
"""What operator, shim and Kubernetes write in the namespace of a site, by API group."""
_LABELS = {LABEL_WEBJOB: "job", "app.kubernetes.io/managed-by": "webjobs"}
"""Labels that such objects have."""


def check(facts: Facts) -> Iterator[Finding]:
    """Yield each webhook that no pod answers for and that must not fail, with what it refuses where."""
    for configuration in facts.webhooks:
        for hook in configuration.get("webhooks") or []:
            yield from _hook(facts, configuration, hook)


def _hook(facts: Facts, configuration: Object, hook: Mapping[str, Any]) -> Iterator[Finding]:
    service = (hook.get("clientConfig") or {}).get("service") or {}
    key = (str(service.get("namespace", "")), str(service.get("name", "")))
    if hook.get("failurePolicy", "Fail") != "Fail" or not service or facts.receivers.get(key) != 0:
        return
    what = matched(hook.get("rules") or [])
    where = [place.name for place in facts.places if _selects_namespace(hook, place.namespace.value)]
    if not what or not where or not selects(hook.get("objectSelector"), _LABELS):
        return
    kind = configuration.get("kind") or "webhook configuration"
    name = configuration["metadata"]["name"]
    maybe = bool(hook.get("matchConditions"))
    yield Finding(
        level="warn" if maybe else "bad",
        subject=SUBJECT,
        what=f"the webhook {hook.get('name')} of {name} {'may refuse' if maybe else 'refuses'} {few(what)} in "
        f"{few(where)}: its Service {'/'.join(key)} has no pod that is ready",
        do=f"Bring it up; or, if it was left behind, kubectl delete {kind.lower()} {name}.",
    )


def matched(rules: list[Mapping[str, Any]]) -> list[str]:
    """Return the resources of ours that rules of a webhook are about, when they are created or updated."""
    found = []
    for group, resources in _WRITTEN:
        for resource in resources:
            if any(_matches(rule, group, resource) for rule in rules):
                found.append(resource)
    return found


def _matches(rule: Mapping[str, Any], group: str, resource: str) -> bool:
    plural, _, subresource = resource.partition("/")
    groups, named = rule.get("apiGroups") or [], rule.get("resources") or []
    patterns = {resource, "*/*", f"{plural}/*"} | ({f"*/{subresource}"} if subresource else {"*"})
    operations = {"CREATE", "UPDATE", "*"} if not subresource else {"UPDATE", "*"}
    return (
        bool({group, "*"} & {*groups})
        and bool(patterns & {*named})
        and bool(operations & {*(rule.get("operations") or [])})
        and rule.get("scope", "*") != "Cluster"
    )


def _selects_namespace(hook: Mapping[str, Any], namespace: Object | None) -> bool:
    if namespace is None:
        return not hook.get("namespaceSelector")
    meta = namespace["metadata"]
    labels = {"kubernetes.io/metadata.name": str(meta["name"])} | (meta.get("labels") or {})
    return selects(hook.get("namespaceSelector"), labels)


def selects(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Return whether a label selector of Kubernetes selects labels; None and an empty one select all."""
    if not selector:
        return True
    wanted: Mapping[str, str] = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_expression(one, labels) for one in selector.get("matchExpressions") or [])


def _expression(one: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value, values = labels.get(str(one.get("key"))), one.get("values") or []
    match one.get("operator"):
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    return True
