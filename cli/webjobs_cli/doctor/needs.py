"""The rights that operator and shim need, by their settings: what the chart's roles give. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from webjobs.constants import DEPLOYMENTS
from webjobs_cli.doctor.installation import Denied, Installation, Role

_SETTINGS, _HOOKS, _KRAGLE = "webjobs-settings", "webjobs-hooks", "webjobs-kragle"
_KINDS = ("webjobs", "webjobruns", "webjobschedules")
_READ = ("get", "list", "watch")
_OWN = (*_READ, "create", "patch", "delete")


@dataclass(frozen=True, kw_only=True)
class Need:
    """Verbs that a process needs on resources of an API group."""

    group: str
    """API group; empty: the core group."""
    resources: tuple[str, ...]
    """Plurals, with the subresource after a slash."""
    verbs: tuple[str, ...]
    """Verbs."""
    names: tuple[str, ...] = ()
    """Names of the objects; empty: all."""


_OPERATOR = (
    Need(group="webjobs.dev", resources=("webjobs",), verbs=_READ),
    Need(group="webjobs.dev", resources=("webjobschedules",), verbs=(*_READ, "delete")),
    Need(group="webjobs.dev", resources=("webjobruns",), verbs=_OWN),
    Need(group="webjobs.dev", resources=tuple(f"{kind}/status" for kind in _KINDS), verbs=("patch",)),
    Need(group="webjobs.dev", resources=("webjobs/finalizers", "webjobruns/finalizers"), verbs=("update",)),
    Need(group="batch", resources=("jobs", "cronjobs"), verbs=_OWN),
    Need(group="apps", resources=("deployments",), verbs=_OWN),
    Need(group="", resources=("configmaps",), verbs=_OWN),
    Need(group="", resources=("secrets",), names=(_SETTINGS,), verbs=_READ),
    Need(group="", resources=("persistentvolumeclaims",), verbs=(*_READ, "create", "patch")),
    Need(group="", resources=("pods",), verbs=(*_READ, "patch", "delete")),
    Need(group="", resources=("pods/log",), verbs=("get",)),
    Need(group="", resources=("events",), verbs=("create", "list")),
)
_ATTACH = Need(group="", resources=("pods/attach",), verbs=("get", "create"))
_RESIZE = Need(group="", resources=("pods/resize",), verbs=("patch",))
_SITE = (
    Need(group="webjobs.dev", resources=("webjobs",), verbs=(*_OWN, "update")),
    Need(group="webjobs.dev", resources=("webjobs/status",), verbs=("patch",)),
    Need(group="webjobs.dev", resources=("webjobs/finalizers",), verbs=("update",)),
    Need(group="webjobs.dev", resources=("webjobruns",), verbs=_OWN),
    Need(group="webjobs.dev", resources=("webjobruns/status", "webjobschedules/status"), verbs=("patch",)),
    Need(group="webjobs.dev", resources=("webjobschedules",), verbs=("get", "list", "create")),
    Need(group="", resources=("pods",), verbs=("list",)),
    Need(group="", resources=("pods/log",), verbs=("get",)),
    Need(group="", resources=("secrets",), names=(_SETTINGS, _HOOKS), verbs=("get", "update")),
    Need(group="", resources=("configmaps",), names=(_SETTINGS,), verbs=("get", "patch")),
    Need(group="", resources=("configmaps",), names=(DEPLOYMENTS,), verbs=("get", "update")),
)
_WITH_KRAGLE = (
    Need(group="webjobs.dev", resources=("webjobschedules",), verbs=("patch", "delete")),
    Need(group="", resources=("configmaps",), names=(_KRAGLE,), verbs=("get", "update")),
)
_CLUSTER = (
    Need(group="authentication.k8s.io", resources=("tokenreviews",), verbs=("create",)),
    Need(group="authorization.k8s.io", resources=("subjectaccessreviews",), verbs=("create",)),
)


def of_operator(config: Mapping[str, Any]) -> tuple[Need, ...]:
    """Return what the operator needs in each namespace that it watches."""
    warm = _section(config, "warm")
    attach = (_ATTACH,) if config.get("attach") or warm.get("enabled") else ()
    resize = (_RESIZE,) if warm.get("enabled") and warm.get("requests") else ()
    return (*_OPERATOR, *attach, *resize)


def of_shim(config: Mapping[str, Any], namespace: str) -> tuple[Need, ...]:
    """Return what the shim needs in the namespace of a site."""
    further = namespace != config.get("namespace")
    secret = str(config.get("credentialsSecret") or "webjobs-credentials")
    own = (Need(group="", resources=("secrets",), names=(secret,), verbs=("get",)),) if further else ()
    return (*_SITE, *(_WITH_KRAGLE if has_kragle(config) else ()), *own)


def of_shim_anywhere() -> tuple[Need, ...]:
    """Return what the shim needs beside namespaces."""
    return _CLUSTER


def kept(config: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return kind and name of what the shim writes in each site and may not make itself."""
    kragle = (("ConfigMap", _KRAGLE),) if has_kragle(config) else ()
    return (("Secret", _SETTINGS), ("Secret", _HOOKS), ("ConfigMap", DEPLOYMENTS), *kragle)


def has_kragle(config: Mapping[str, Any]) -> bool:
    """Return whether the settings of a shim have the Kragle API."""
    return bool(_section(config, "kragle").get("enabled"))


def rights(one: Installation) -> Iterator[Denied]:
    """Yield every right that the service accounts of an installation need, as if it were denied."""
    if one.operator and one.watched is not None:
        for namespace in one.watched or ("",):
            yield from _rights("operator", namespace, of_operator(one.operator.config))
    if one.shim:
        for namespace in one.sites:
            yield from _rights("shim", namespace, of_shim(one.shim.config, namespace))
        yield from _rights("shim", "", of_shim_anywhere())


def _rights(role: Role, namespace: str, needs: tuple[Need, ...]) -> Iterator[Denied]:
    for need in needs:
        for resource in need.resources:
            for name in need.names or ("",):
                for verb in need.verbs:
                    yield Denied(
                        role=role, namespace=namespace, verb=verb, group=need.group, resource=resource, name=name
                    )


def _section(config: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = config.get(key)
    return found if isinstance(found, Mapping) else {}
