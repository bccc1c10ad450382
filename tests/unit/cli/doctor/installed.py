"""A cluster in memory with the chart in it, as Helm renders it, and everything up: what the doctor calls healthy."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import yaml

from tests.charts import CHART
from tests.fakes.kube import FakeKube
from tests.fakes.objects import webjob_body
from tests.stack import tool
from webjobs.objects import Object
from webjobs.times import rfc3339
from webjobs_cli.doctor.checks import crds
from webjobs_cli.doctor.finding import Finding
from webjobs_cli.doctor.reading import cluster
from webjobs_cli.doctor.reading.cluster import Scope
from webjobs_kube.errors import ApiError, Forbidden

_Objects = list[Object]  # inside the class, list is the method
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SYSTEM, SITE, FURTHER = "system", "shop", "blog"
VALUES: dict[str, Any] = {
    "site": {"namespace": SITE},
    "sites": [{"namespace": FURTHER, "host": "blog.example.com"}],
    "warm": {"enabled": True},
    "kragle": {"enabled": True},
    "credentials": {"password": "never-to-be-shown-1"},
}
"""Values of an installation with two sites and all that brings further rights."""
SECRET = "bmV2ZXItdG8tYmUtc2hvd24tMg=="  # noqa: S105
"""Base64 of a password that may be shown nowhere."""
HIDDEN = ("never-to-be-shown", SECRET)
"""Texts that may be shown nowhere."""
_CLUSTERED = frozenset({"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "Namespace"})


@cache
def _rendered(values: str, release: str, namespace: str) -> str:
    command = [tool("helm"), "template", release, str(CHART), "--namespace", namespace, "--kube-version", "1.36.0"]
    done = subprocess.run([*command, "--values", "-"], input=values, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return json.dumps([one for one in yaml.safe_load_all(done.stdout) if one])


def chart(values: Mapping[str, Any], *, release: str = "webjobs", namespace: str = SYSTEM) -> list[Object]:
    """What the chart makes of a release, in the namespace of it."""
    found: list[Object] = json.loads(_rendered(json.dumps(values), release, namespace))
    return found


@dataclass
class Installed(FakeKube):
    """An API server that also says its version and time, proxies to pods, and decides on rights by its roles."""

    clock_ahead: timedelta = timedelta()
    version: str = "v1.36.0"
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Status and text by the path that a pod is asked for."""
    forbidden: set[tuple[str, str, str]] = field(default_factory=set)
    """Verb, kind and namespace (``*``: any; empty: all namespaces at once) that the person at the doctor may not."""

    asked: set[tuple[str, str]] = field(default_factory=set)
    """Verb and kind of all that was asked for."""

    async def about(self) -> tuple[Object, datetime | None]:
        self._may("get", "version", "")
        return {"gitVersion": self.version}, self.clock() + self.clock_ahead

    async def served(self, api_version: str) -> set[str]:
        found = set()
        for crd in self.of_kind("CustomResourceDefinition"):
            spec = crd["spec"]
            if any(f"{spec['group']}/{one['name']}" == api_version and one["served"] for one in spec["versions"]):
                found.add(str(spec["names"]["plural"]))
        return found

    async def ask_pod(self, namespace: str, pod: str, *, port: int, path: str) -> str:
        self._may("proxy", "Pod", namespace)
        status, text = self.answers[path]
        if status >= 400:
            raise ApiError(status, "Unknown", text)
        return text

    async def get(self, kind: str, namespace: str | None, name: str) -> Object:
        self._may("get", kind, namespace or "")
        return await super().get(kind, namespace, name)

    async def list(
        self, kind: str, namespace: str | None, *, selector: str | None = None, fields: str | None = None
    ) -> _Objects:
        self._may("list", kind, namespace or "")
        return await super().list(kind, namespace, selector=selector, fields=fields)

    async def is_allowed(
        self, user: Object, *, namespace: str, verb: str, resource: str, group: str = "webjobs.dev", name: str = ""
    ) -> bool:
        self._may("create", "SubjectAccessReview", "")
        _, _, whose, account = user["username"].split(":")
        subject = {"kind": "ServiceAccount", "name": account, "namespace": whose}
        return any(
            group in rule["apiGroups"]
            and resource in rule["resources"]
            and verb in rule["verbs"]
            and (not rule.get("resourceNames") or name in rule["resourceNames"])
            for binding in self._bindings(namespace)
            if subject in binding["subjects"]
            for rule in self._rules(binding)
        )

    def _bindings(self, namespace: str) -> Iterator[Object]:
        yield from self.of_kind("ClusterRoleBinding")
        yield from (one for one in self.of_kind("RoleBinding") if one["metadata"]["namespace"] == namespace)

    def _rules(self, binding: Object) -> _Objects:
        ref = binding["roleRef"]
        where = "" if ref["kind"] == "ClusterRole" else binding["metadata"]["namespace"]
        rules: _Objects = self.objects.get((ref["kind"], where, ref["name"]), {"rules": []})["rules"]
        return rules

    def _may(self, verb: str, kind: str, namespace: str) -> None:
        self.asked.add((verb, kind))
        if {(verb, kind, namespace), (verb, kind, "*"), ("*", "*", "*")} & self.forbidden:
            raise Forbidden(403, "Forbidden", f'User "jane" cannot {verb} {kind}')

    # What tests change

    def at(self, kind: str, name: str, namespace: str = SYSTEM) -> Object:
        """An object as it is kept, to be changed in place."""
        return self.objects[kind, namespace, name]

    def drop(self, kind: str, name: str, namespace: str = SYSTEM) -> None:
        """Takes an object away, and nothing that belongs to it."""
        del self.objects[kind, namespace, name]

    def install(self, manifests: _Objects) -> None:
        """What Helm applies, and what controllers make of it."""
        for one in manifests:
            clustered = one["kind"] in _CLUSTERED
            one["metadata"]["namespace"] = "" if clustered else one["metadata"].get("namespace", SYSTEM)
            key = (one["kind"], one["metadata"]["namespace"], one["metadata"]["name"])
            if key not in self.objects:
                self.add(deepcopy(one))
        for one in [*self.objects.values()]:
            _UP.get(one["kind"], lambda *_: None)(self, one)


def _deployment(kube: Installed, one: Object) -> None:
    count = one["spec"]["replicas"]
    meta = one["metadata"]
    one["status"] = {"observedGeneration": 1, "replicas": count, "updatedReplicas": count, "availableReplicas": count}
    name = f"{meta['name']}-1a2b-x"
    with suppress(KeyError):
        kube.drop("Pod", name, meta["namespace"])
    kube.add(
        {
            "kind": "Pod",
            "metadata": {
                "name": name,
                "namespace": meta["namespace"],
                "labels": one["spec"]["selector"]["matchLabels"],
            },
            "spec": {"nodeName": "node-1"},
            "status": {"phase": "Running", "containerStatuses": [{"ready": True, "restartCount": 0}]},
        }
    )


def _claim(_: Installed, one: Object) -> None:
    one["status"] = {"phase": "Bound", "capacity": {"storage": "5Gi"}}


def _service(kube: Installed, one: Object) -> None:
    meta = one["metadata"]
    if ("EndpointSlice", meta["namespace"], f"{meta['name']}-1") not in kube.objects:
        kube.add(endpoints(meta["name"], namespace=meta["namespace"]))


def _crd(_: Installed, one: Object) -> None:
    conditions = [{"type": kind, "status": "True"} for kind in ("Established", "NamesAccepted")]
    one["status"] = {"conditions": conditions, "storedVersions": ["v1"]}


_UP: Mapping[str, Any] = {
    "Deployment": _deployment,
    "PersistentVolumeClaim": _claim,
    "Service": _service,
    "CustomResourceDefinition": _crd,
}


def endpoints(service: str, *, namespace: str, addresses: int = 1) -> Object:
    """An EndpointSlice of a Service."""
    return {
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{service}-1",
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": service},
        },
        "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}}] * addresses,
    }


def namespace_of(name: str, *, level: str | None = "restricted", **status: Any) -> Object:
    """A Namespace, with a level of Pod Security."""
    labels = {"pod-security.kubernetes.io/enforce": level} if level else {}
    return {"kind": "Namespace", "metadata": {"name": name, "namespace": "", "labels": labels}, "status": status}


def lease(node: str, *, ahead: float = 0.4) -> Object:
    """The Lease of a node whose clock is ahead of the API server's."""
    entry = {
        "manager": "kubelet",
        "time": rfc3339(NOW, micro=False),
        "fieldsV1": {"f:spec": {"f:holderIdentity": {}, "f:renewTime": {}}},
    }
    later = rfc3339(NOW + timedelta(hours=1), micro=False)
    other = {"manager": "kubectl", "time": later, "fieldsV1": {"f:metadata": {}}}
    return {
        "kind": "Lease",
        "metadata": {"name": node, "namespace": "kube-node-lease", "managedFields": [entry, other]},
        "spec": {"renewTime": rfc3339(NOW + timedelta(seconds=ahead))},
    }


def job(name: str = "job", *, namespace: str = SITE, status: Object | None = None, **spec: Any) -> Object:
    """A WebJob that an operator has seen and finds fine, changed by ``status``."""
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "Runnable",
        "message": "",
        "lastTransitionTime": rfc3339(NOW - timedelta(hours=1), micro=False),
    }
    made = webjob_body(spec, name=name, status={"observedGeneration": 1, "conditions": [ready], **(status or {})})
    made["metadata"]["namespace"] = namespace
    return made


def not_ready(reason: str, message: str = "What is the case.") -> Object:
    """Status of a WebJob that something keeps back."""
    condition = {
        "type": "Ready",
        "status": "False",
        "reason": reason,
        "message": message,
        "lastTransitionTime": rfc3339(NOW - timedelta(hours=1), micro=False),
    }
    return {"conditions": [condition]}


def healthy(values: Mapping[str, Any] | None = None) -> Installed:
    """A cluster with the chart, two sites and a WebJob in each; nothing is wrong with it."""
    kube = Installed(clock=lambda: NOW)
    kube.answers = {"healthz": (200, "{}"), "readyz": (200, "ok")}
    for name in (SYSTEM, SITE, FURTHER):
        kube.add(namespace_of(name, phase="Active"))
    kube.install([*(deepcopy(dict(one)) for one in crds.own().values()), *chart({**VALUES, **(values or {})})])
    kube.add(
        {
            "kind": "Secret",
            "metadata": {"name": "webjobs-credentials", "namespace": FURTHER},
            "data": {"username": "bWU=", "password": SECRET},
        }
    )
    for node in ("node-1", "node-2"):
        kube.add(lease(node))
    kube.add(job())
    kube.add(job("post", namespace=FURTHER))
    return kube


EVERYWHERE = Scope(release_namespace=None, only=None, usual="default")
"""All that there is."""


async def facts_of(kube: Installed, scope: Scope = EVERYWHERE, *, version: str = "0.1.0") -> Any:
    """What the doctor reads."""
    return await cluster.read(kube, scope, clock=lambda: NOW, cli_version=version, rest=None)


def said(found: list[Finding], *levels: str) -> list[tuple[str, str]]:
    """Subject and text of the findings of some levels."""
    return [(one.subject, one.what) for one in found if one.level in levels]
