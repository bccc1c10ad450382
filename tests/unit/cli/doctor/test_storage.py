"""Stores that are not there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.cli.doctor.broken import Break, Broken, deployment
from tests.unit.cli.doctor.installed import NOW, SYSTEM, Installed
from webjobs.times import rfc3339
from webjobs_cli.doctor.checks import storage

BUCKET = {"store": {"url": "s3://bucket/a", "envFrom": [{"secretRef": {"name": "bucket"}}]}}
_KEYS = {"AWS_ACCESS_KEY_ID": "YQ==", "AWS_SECRET_ACCESS_KEY": "Yg=="}


def bucket(*keys: str) -> Break:
    """A Secret of a bucket with some keys."""

    def do(kube: Installed) -> None:
        data = {key: _KEYS[key] for key in keys}
        kube.add({"kind": "Secret", "metadata": {"name": "bucket", "namespace": SYSTEM}, "data": data})

    return do


def claim(**changes: Any) -> Break:
    def do(kube: Installed) -> None:
        found = kube.at("PersistentVolumeClaim", "webjobs-store")
        found["status"] = {"phase": changes.get("phase", "Bound")}
        if "storage_class" in changes:
            found["spec"]["storageClassName"] = changes["storage_class"]
        if changes.get("deleted"):
            found["metadata"]["deletionTimestamp"] = rfc3339(NOW)

    return do


def unmounted(kube: Installed) -> None:
    spec = deployment(kube, "operator")["spec"]["template"]["spec"]
    spec["volumes"] = [{"name": "store", "emptyDir": {}} if one["name"] == "store" else one for one in spec["volumes"]]


BROKEN = [
    Broken(
        name="the store's claim is gone",
        by=lambda kube: kube.drop("PersistentVolumeClaim", "webjobs-store"),
        check=storage.check,
        what="no PersistentVolumeClaim system/webjobs-store",
        do="helm upgrade",
    ),
    Broken(
        name="no default StorageClass",
        by=claim(phase="Pending"),
        check=storage.check,
        what="webjobs-store is Pending, not Bound",
        do="no default StorageClass",
    ),
    Broken(
        name="a StorageClass that is not there",
        by=claim(phase="Pending", storage_class="fast"),
        check=storage.check,
        what="Pending",
        do="There is no StorageClass 'fast'",
    ),
    Broken(name="a lost volume", by=claim(phase="Lost"), check=storage.check, what="volume of the claim", do="restore"),
    Broken(name="a claim that goes", by=claim(deleted=True), check=storage.check, what="is being deleted", do="Copy"),
    Broken(
        name="a store that lasts as long as its pod", by=unmounted, check=storage.check, what="goes with", do="mounts"
    ),
    Broken(
        name="the Secret of the bucket is missing",
        by=lambda kube: None,
        check=storage.check,
        values=BUCKET,
        what="no Secret system/bucket, which store.envFrom names",
        do=r"docs/store\.md",
    ),
    Broken(
        name="half of the bucket's credentials",
        by=bucket("AWS_ACCESS_KEY_ID"),
        check=storage.check,
        values=BUCKET,
        what="has no AWS_SECRET_ACCESS_KEY",
        do="Add the key",
    ),
    Broken(
        name="no credentials of a bucket",
        by=lambda kube: None,
        check=storage.check,
        values={"store": {"url": "s3://bucket/a"}},
        level="warn",
        what="has no AWS_ACCESS_KEY_ID and no AWS_SECRET_ACCESS_KEY",
        do="serviceAccountAnnotations",
    ),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: one.name)
async def test_it_is_named(broken: Broken) -> None:
    await broken.is_named()
