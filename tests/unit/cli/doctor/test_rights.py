"""Rights that service accounts lack."""

from __future__ import annotations

import pytest

from tests.unit.cli.doctor.broken import Broken
from tests.unit.cli.doctor.installed import FURTHER, SITE, Installed
from webjobs_cli.doctor.checks import rights


def without_verb(kube: Installed) -> None:
    for rule in kube.at("ClusterRole", "system-webjobs-operator", "")["rules"]:
        if "jobs" in rule["resources"]:
            rule["verbs"].remove("create")


BROKEN = [
    Broken(
        name="the operator's binding is gone",
        by=lambda kube: kube.drop("ClusterRoleBinding", "system-webjobs-operator", ""),
        check=rights.check,
        what=r"the operator \(system/webjobs-operator\) may not get/list/watch webjobs, .* in all namespaces",
        do="not bound any more, or gone: .*ClusterRoleBinding system-webjobs-operator",
    ),
    Broken(
        name="the operator's role was changed",
        by=without_verb,
        check=rights.check,
        what="may not create jobs, create cronjobs in all namespaces",
        do="was changed",
    ),
    Broken(
        name="the binding of a namespace is gone",
        by=lambda kube: kube.drop("RoleBinding", "webjobs-operator", FURTHER),
        check=rights.check,
        values={"namespaces": [SITE, FURTHER]},
        what=f"the operator .* in {FURTHER}$",
        do=f"RoleBinding webjobs-operator in {FURTHER}",
    ),
    Broken(
        name="the shim's binding in a site is gone",
        by=lambda kube: kube.drop("RoleBinding", "webjobs-apiserver", SITE),
        check=rights.check,
        what=rf"the shim \(system/webjobs-apiserver\) may not .* in {SITE}$",
        do=f"RoleBinding webjobs-apiserver in {SITE}",
    ),
    Broken(
        name="the shim may not review tokens",
        by=lambda kube: kube.drop("ClusterRole", "system-webjobs-apiserver", ""),
        check=rights.check,
        what="the shim .* may not create tokenreviews, create subjectaccessreviews in the cluster",
        do="ClusterRoleBinding system-webjobs-apiserver",
    ),
    Broken(
        name="a service account is gone",
        by=lambda kube: kube.drop("ServiceAccount", "webjobs-operator"),
        check=rights.check,
        what="no service account system/webjobs-operator",
        do="helm upgrade",
    ),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: one.name)
async def test_it_is_named(broken: Broken) -> None:
    await broken.is_named()
