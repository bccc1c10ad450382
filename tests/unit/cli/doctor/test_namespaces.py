"""Namespaces that let no pods of jobs in."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.cli.doctor.broken import Break, Broken, config
from tests.unit.cli.doctor.installed import FURTHER, SITE, SYSTEM, Installed, job, namespace_of
from webjobs.objects import Object
from webjobs_cli.doctor.checks import namespaces, room, webhooks


def level_of(name: str, level: str | None) -> Break:
    def do(kube: Installed) -> None:
        kube.drop("Namespace", name, "")
        kube.add(namespace_of(name, level=level, phase="Active"))

    return do


def quota(hard: Object, used: Object | None = None, **spec: Any) -> Break:
    def do(kube: Installed) -> None:
        kube.add(
            {
                "kind": "ResourceQuota",
                "metadata": {"name": "small", "namespace": SITE},
                "spec": {"hard": hard, **spec},
                "status": {"used": used or {}},
            }
        )

    return do


def limit_range(**limit: Any) -> Break:
    def do(kube: Installed) -> None:
        body = {"kind": "LimitRange", "metadata": {"name": "range", "namespace": SITE}}
        kube.add(body | {"spec": {"limits": [{"type": "Container", **limit}]}})

    return do


def gone(kube: Installed) -> None:
    """A namespace that somebody deleted, and with it all that was in there."""
    for key in [key for key in kube.objects if key[1] == FURTHER]:
        del kube.objects[key]
    kube.drop("Namespace", FURTHER, "")


def ending(kube: Installed) -> None:
    kube.at("Namespace", FURTHER, "")["status"] = {"phase": "Terminating"}


def hook(**changes: Any) -> Break:
    """A webhook of somebody else, whose Service has no pod."""

    def do(kube: Installed) -> None:
        rule = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["pods"]}
        one = {
            "name": "check.policy.example",
            "clientConfig": {"service": {"namespace": "policy", "name": "policy"}},
            "rules": [rule],
            "failurePolicy": "Fail",
            **changes,
        }
        kind = "ValidatingWebhookConfiguration"
        kube.add({"kind": kind, "metadata": {"name": "policy", "namespace": ""}, "webhooks": [one]})

    return do


BROKEN = [
    Broken(
        name="the namespace of a site is gone",
        by=gone,
        check=namespaces.check,
        what=f"no namespace {FURTHER}, which system/webjobs needs",
        do=f"kubectl create namespace {FURTHER}",
    ),
    Broken(
        name="a namespace that ends", by=ending, check=namespaces.check, what=f"{FURTHER} is being deleted", do="waits"
    ),
    Broken(
        name="a namespace that nobody watches",
        by=lambda kube: None,
        check=namespaces.check,
        values={"namespaces": [SITE]},
        what=f"no operator watches {FURTHER}: its 1 WebJob can't run",
        do="namespaces",
    ),
    Broken(
        name="WebJobs in the release's own namespace",
        by=lambda kube: kube.add(job("stray", namespace=SYSTEM)),
        check=namespaces.check,
        what=f"WebJobs in {SYSTEM} are refused",
        do="Move them",
    ),
    Broken(
        name="Pod Security that refuses pods of jobs",
        by=lambda kube: config(kube, "operator", '"allowPrivilegeEscalation":false', '"allowPrivilegeEscalation":true'),
        check=namespaces.check,
        what=f"Pod Security restricted of {SITE} refuses pods of jobs: .*allowPrivilegeEscalation: false",
        do="baseline",
    ),
    Broken(
        name="a namespace without Pod Security",
        by=level_of(SITE, None),
        check=namespaces.check,
        level="warn",
        what=f"{SITE} lets in pods with any rights",
        do="kubectl label --overwrite namespace",
    ),
    Broken(
        name="a quota for what jobs do not say",
        by=quota({"limits.cpu": "4"}),
        check=room.check,
        what=f"the ResourceQuota small of {SITE} refuses pods without a limit of cpu",
        do="LimitRange",
    ),
    Broken(
        name="a quota of no pods",
        by=quota({"pods": "0"}),
        check=room.check,
        what="allows 0 of pods, less than one run takes",
        do="kubectl edit resourcequota small",
    ),
    Broken(
        name="a full quota",
        by=quota({"pods": "10"}, {"pods": "10"}),
        check=room.check,
        level="warn",
        what="is full: 10 of 10 pods",
        do="Runs wait",
    ),
    Broken(
        name="a range above what jobs ask for",
        by=limit_range(min={"cpu": "100m"}),
        check=room.check,
        what="they request 10m of cpu, and the min is 100m",
        do="jobs.resources",
    ),
    Broken(
        name="a default below what jobs ask for",
        by=limit_range(default={"memory": "16Mi"}, defaultRequest={"memory": "16Mi"}),
        check=room.check,
        what="a limit of 16Mi memory, and they request 32Mi",
        do="raise the default",
    ),
    Broken(
        name="a webhook that nobody answers for",
        by=hook(),
        check=webhooks.check,
        what=rf"check\.policy\.example of policy refuses pods in {FURTHER}, {SITE}: its Service policy/policy",
        do="kubectl delete validatingwebhookconfiguration policy",
    ),
    Broken(
        name="one that may be for us",
        by=hook(matchConditions=[{"name": "x", "expression": "true"}]),
        check=webhooks.check,
        level="warn",
        what="may refuse pods",
        do="Bring it up",
    ),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: one.name)
async def test_it_is_named(broken: Broken) -> None:
    await broken.is_named()
