"""Do the ResourceQuotas and LimitRanges of a namespace let pods of jobs in that say nothing of their own? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from webjobs.model.runtime_settings import quantity
from webjobs.objects import Object
from webjobs_cli.doctor.facts import Facts, Place
from webjobs_cli.doctor.finding import Finding, few

SUBJECT = "quotas"
"""Subject of the findings."""
_KINDS = {"requests": "a request", "limits": "a limit"}
_COUNTED = ("pods", "count/pods", "count/jobs.batch", "configmaps", "count/configmaps", "count/webjobruns.webjobs.dev")
"""What each run takes one of."""
_RAISE = "Raise the quota, or take it away: kubectl edit resourcequota {quota} -n {place}."

Resources = Mapping[str, Mapping[str, Any]]
"""Requests and limits of a container, each by resource."""


def check(facts: Facts) -> Iterator[Finding]:
    """Yield which quota or range keeps pods of jobs out of which namespace."""
    for place in facts.places:
        config = next(
            (one.operator.config for one in facts.installations if one.operator and one.watches(place.name)), {}
        )
        ranges = [limit for one in place.ranges for limit in (one.get("spec") or {}).get("limits") or []]
        asked = with_defaults(config.get("resources") or {}, ranges)
        if config:
            yield from _ranges(place, asked, ranges)
        for quota in place.quotas:
            spec = quota.get("spec") or {}
            if spec.get("scopes") or spec.get("scopeSelector"):
                continue  # whether it is for pods of jobs, their own spec says
            if config:
                yield from _unsaid(place, quota, asked)
            yield from _full(place, quota, asked)


def with_defaults(resources: Mapping[str, Any], limits: Sequence[Mapping[str, Any]]) -> Resources:
    """Return what a container asks for once a namespace's LimitRanges have said their defaults."""
    requests, bounds = dict(resources.get("requests") or {}), dict(resources.get("limits") or {})
    for one in limits:
        if one.get("type") == "Container":
            bounds = dict(one.get("default") or {}) | bounds
    given = dict(resources.get("limits") or {}) | requests  # a limit is its own request
    for one in limits:
        if one.get("type") == "Container":
            given = dict(one.get("defaultRequest") or {}) | given
    return {"requests": dict(bounds) | given, "limits": bounds}


def _unsaid(place: Place, quota: Object, asked: Resources) -> Iterator[Finding]:
    lacking = []
    for key in (quota.get("spec") or {}).get("hard") or {}:
        kind, _, resource = key.rpartition(".")
        kind = kind or ("requests" if resource in ("cpu", "memory", "ephemeral-storage") else "")
        if kind in _KINDS and "/" not in resource and resource != "storage" and resource not in asked[kind]:
            lacking.append(f"{_KINDS[kind]} of {resource}")
    if lacking:
        name = quota["metadata"]["name"]
        yield Finding(
            level="bad",
            subject=SUBJECT,
            what=f"the ResourceQuota {name} of {place.name} refuses pods without {few(sorted(set(lacking)))}, and jobs "
            "that say nothing have none",
            do="Add it to jobs.resources of the chart, or make a LimitRange with defaults for the namespace.",
        )


def _full(place: Place, quota: Object, asked: Resources) -> Iterator[Finding]:
    hard, used = (quota.get("spec") or {}).get("hard") or {}, (quota.get("status") or {}).get("used") or {}
    name = quota["metadata"]["name"]
    do = _RAISE.format(quota=name, place=place.name)
    for key, limit in hard.items():
        most, taken = quantity(limit), quantity(used.get(key, 0)) or Decimal(0)
        need = _need(key, asked)
        if most is None or need is None or taken + need <= most:
            continue
        never = need > most
        yield Finding(
            level="bad" if never else "warn",
            subject=SUBJECT,
            what=f"the ResourceQuota {name} of {place.name} "
            + (
                f"allows {limit} of {key}, less than one run takes" if never else f"is full: {taken:f} of {limit} {key}"
            ),
            do=do if never else f"Runs wait until some end. {do}",
        )


def _need(key: str, asked: Resources) -> Decimal | None:
    """Return how much of what a quota counts one more run takes; None when it takes none, or nobody knows."""
    if key in _COUNTED:
        return Decimal(1)
    kind, _, resource = key.rpartition(".")
    return quantity(asked.get(kind or "requests", {}).get(resource))


def _ranges(place: Place, asked: Resources, limits: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    for one in limits:
        if one.get("type") not in ("Container", "Pod"):
            continue
        for bound, resource, said in _outside(one, asked):
            yield Finding(
                level="bad",
                subject=SUBJECT,
                what=f"a LimitRange of {place.name} refuses pods of jobs that say nothing: {said} of {resource}, "
                f"and the {bound} is {one[bound][resource]}",
                do="Change jobs.resources of the chart, or the LimitRange.",
            )
    for resource, limit in asked["limits"].items():
        request = asked["requests"].get(resource)
        most, least = quantity(limit), quantity(request)
        if most is not None and least is not None and least > most:
            yield Finding(
                level="bad",
                subject=SUBJECT,
                what=f"the LimitRange of {place.name} gives jobs a limit of {limit} {resource}, and they request "
                f"{request}",
                do="Add the limit to jobs.resources of the chart, or raise the default of the LimitRange.",
            )


def _outside(one: Mapping[str, Any], asked: Resources) -> Iterator[tuple[str, str, str]]:
    """Yield bound, resource and what is asked for, where that is outside of a range."""
    for resource, least in (one.get("min") or {}).items():
        request = quantity(asked["requests"].get(resource))
        if request is not None and request < (quantity(least) or Decimal(0)):
            yield "min", resource, f"they request {asked['requests'][resource]}"
    for resource, most in (one.get("max") or {}).items():
        limit = asked["limits"].get(resource)
        bound, value = quantity(most), quantity(limit)
        if bound is not None and value is not None and value > bound:
            yield "max", resource, f"their limit is {limit}"
        elif bound is not None and limit is None:
            yield "max", resource, "they have no limit"
