"""Are the namespaces of sites and WebJobs there and watched, and do they let pods of jobs in? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from webjobs_cli.doctor.facts import Facts, Place
from webjobs_cli.doctor.finding import Finding, few
from webjobs_cli.doctor.installation import Installation

SUBJECT = "namespaces"
"""Subject of the findings."""
ENFORCE = "pod-security.kubernetes.io/enforce"
"""Label of a namespace with the level of Pod Security that its pods must meet."""


def check(facts: Facts) -> Iterator[Finding]:
    """Yield what is wrong with which namespace, or that nothing is."""
    found = [finding for place in facts.places for finding in _place(facts, place)]
    yield from found
    seen = [place.name for place in facts.places if place.namespace.value is not None]
    if not found and seen:
        yield Finding(level="ok", subject=SUBJECT, what=f"{few(seen)}: pods of jobs get in")


def _place(facts: Facts, place: Place) -> Iterator[Finding]:
    owners = [one for one in facts.installations if place.name in one.sites or place.name in (one.watched or ())]
    if place.namespace.missing:
        yield Finding(
            level="bad",
            subject=SUBJECT,
            what=f"there is no namespace {place.name}, which {few([one.label for one in owners]) or 'WebJobs'} needs",
            do=f"kubectl create namespace {place.name}, then 'helm upgrade'; or take it out of site and sites.",
        )
        return
    namespace = place.namespace.value
    if namespace is not None and (namespace["metadata"].get("deletionTimestamp") or _phase(namespace) == "Terminating"):
        yield Finding(
            level="bad",
            subject=SUBJECT,
            what=f"the namespace {place.name} is being deleted: nothing new can be made in it",
            do="If it does not end: kubectl get namespace -o yaml says in its conditions what it waits for.",
        )
        return
    yield from _watching(facts, place)
    if namespace is not None:
        labels: Mapping[str, str] = namespace["metadata"].get("labels") or {}
        for one in _of(facts, place):
            yield from _pod_security(place.name, labels.get(ENFORCE), one)
            break


def _phase(namespace: Mapping[str, Any]) -> str:
    return str((namespace.get("status") or {}).get("phase", ""))


def _of(facts: Facts, place: Place) -> list[Installation]:
    return [one for one in facts.installations if one.operator and one.watches(place.name)]


def _watching(facts: Facts, place: Place) -> Iterator[Finding]:
    known = [one.watches(place.name) for one in facts.installations]
    if facts.looked_everywhere and known and not any(watches is not False for watches in known):
        count = sum(job["metadata"]["namespace"] == place.name for job in facts.jobs)
        yield Finding(
            level="bad",
            subject=SUBJECT,
            what=f"no operator watches {place.name}"
            + (f": its {count} WebJob{'' if count == 1 else 's'} can't run" if count else ", which is a site"),
            do="Add it to the chart's value namespaces.",
        )
        return
    for one in _of(facts, place):
        limits = one.operator.config.get("limits") if one.operator else {}
        refused = (limits or {}).get("refusedNamespaces") or []
        if place.name in refused:
            yield Finding(
                level="bad",
                subject=SUBJECT,
                what=f"WebJobs in {place.name} are refused: it is the release's own namespace, or one of Kubernetes",
                do="Move them to another one; docs/security.md, Namespaces, says why.",
            )


def _pod_security(name: str, level: str | None, one: Installation) -> Iterator[Finding]:
    if level in (None, "privileged"):
        yield Finding(
            level="warn",
            subject=SUBJECT,
            what=f"{name} lets in pods with any rights on their node ({'no ' if level is None else ''}"
            f"label {ENFORCE}{'' if level is None else '=privileged'})",
            do=f"kubectl label --overwrite namespace {name} {ENFORCE}=restricted: pods of jobs meet it, unless their "
            "podTemplate asks for more (then baseline). Leave it where another policy guards it.",
        )
        return
    lacking = _lacking(one.operator.config if one.operator else {}, level or "")
    if lacking:
        yield Finding(
            level="bad",
            subject=SUBJECT,
            what=f"Pod Security {level} of {name} refuses pods of jobs: the chart's values lack {few(lacking)}",
            do=f"Put it back into the chart's values, or label {name} {ENFORCE}=baseline.",
        )


def _lacking(config: Mapping[str, Any], level: str) -> list[str]:
    """Return what the settings of jobs' pods lack for a level; a level that nobody knows counts as restricted."""
    if not config or level == "baseline":
        return []
    pod: Mapping[str, Any] = config.get("podSecurityContext") or {}
    container: Mapping[str, Any] = config.get("containerSecurityContext") or {}
    both = dict(pod) | dict(container)
    found = []
    if both.get("runAsNonRoot") is not True:
        found.append("jobs.podSecurityContext.runAsNonRoot: true")
    if (both.get("seccompProfile") or {}).get("type") not in ("RuntimeDefault", "Localhost"):
        found.append("jobs.podSecurityContext.seccompProfile.type: RuntimeDefault")
    if container.get("allowPrivilegeEscalation") is not False:
        found.append("jobs.containerSecurityContext.allowPrivilegeEscalation: false")
    if "ALL" not in ((container.get("capabilities") or {}).get("drop") or []):
        found.append("jobs.containerSecurityContext.capabilities.drop: [ALL]")
    if pod.get("runAsUser") == 0:
        found.append("a runAsUser above 0")
    return found
