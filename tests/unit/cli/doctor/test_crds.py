"""CustomResourceDefinitions that are not those of this version."""

from __future__ import annotations

import pytest

from tests.unit.cli.doctor.broken import Broken
from tests.unit.cli.doctor.installed import NOW, Installed
from webjobs.times import rfc3339
from webjobs_cli.doctor.checks import crds

CRD = "webjobs.webjobs.dev"


def older_crd(kube: Installed) -> None:
    schema = kube.at("CustomResourceDefinition", CRD, "")["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    del schema["properties"]["spec"]["properties"]["warm"]


def newer_crd(kube: Installed) -> None:
    schema = kube.at("CustomResourceDefinition", CRD, "")["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["properties"]["tomorrow"] = {"type": "string"}


def loose_crd(kube: Installed) -> None:
    schema = kube.at("CustomResourceDefinition", CRD, "")["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    del schema["properties"]["spec"]["x-kubernetes-validations"]


def unserved_crd(kube: Installed) -> None:
    kube.at("CustomResourceDefinition", CRD, "")["spec"]["versions"][0]["served"] = False


def crd_that_goes(kube: Installed) -> None:
    kube.at("CustomResourceDefinition", CRD, "")["metadata"]["deletionTimestamp"] = rfc3339(NOW)


def crd_without_names(kube: Installed) -> None:
    (_, names) = kube.at("CustomResourceDefinition", CRD, "")["status"]["conditions"]
    names |= {"status": "False", "message": '"wj" is already in use'}


def crd_by_webhook(kube: Installed) -> None:
    kube.at("CustomResourceDefinition", CRD, "")["spec"]["conversion"] = {"strategy": "Webhook"}


def stored_as_another(kube: Installed) -> None:
    kube.at("CustomResourceDefinition", CRD, "")["status"]["storedVersions"] = ["v1alpha1", "v1"]


BROKEN = [
    Broken(
        name="a CRD is missing",
        by=lambda kube: kube.drop("CustomResourceDefinition", "webjobruns.webjobs.dev", ""),
        check=crds.check,
        what=r"webjobruns\.webjobs\.dev is not there",
        do="helm upgrade.*crds.enabled",
    ),
    Broken(
        name="a CRD of an older version",
        by=older_crd,
        check=crds.check,
        what="older than this version: the API server drops spec.warm",
        do="helm upgrade",
    ),
    Broken(
        name="a CRD of a newer version",
        by=newer_crd,
        check=crds.check,
        level="warn",
        what="newer than this program, which does not know spec.tomorrow",
        do="Install the command line",
    ),
    Broken(
        name="a CRD without its rules",
        by=loose_crd,
        check=crds.check,
        level="warn",
        what="has other rules than this version for spec$",
        do="Somebody changed it",
    ),
    Broken(
        name="a CRD that serves no v1", by=unserved_crd, check=crds.check, what="not serve the version v1", do="helm"
    ),
    Broken(name="a CRD that goes", by=crd_that_goes, check=crds.check, what="is being deleted", do="save what is left"),
    Broken(
        name="names that somebody else has",
        by=crd_without_names,
        check=crds.check,
        what='is not NamesAccepted: "wj" is already in use',
        do="kubectl get crds",
    ),
    Broken(
        name="conversion by a webhook",
        by=crd_by_webhook,
        check=crds.check,
        level="warn",
        what="converted by a webhook",
        do="left over",
    ),
    Broken(
        name="objects of a version that is gone",
        by=stored_as_another,
        check=crds.check,
        level="warn",
        what="may be stored as v1alpha1",
        do="kubectl replace",
    ),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: one.name)
async def test_it_is_named(broken: Broken) -> None:
    await broken.is_named()
