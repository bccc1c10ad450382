"""Versions that do not fit, and installations that get into each other's way."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.cli.doctor.broken import Break, Broken, both, config, deployment
from tests.unit.cli.doctor.installed import FURTHER, SITE, SYSTEM, Installed, chart, namespace_of
from webjobs_cli.doctor.checks import neighbours, versions


def image(kube: Installed, part: str, tag: str) -> None:
    container = deployment(kube, part)["spec"]["template"]["spec"]["containers"][0]
    container["image"] = f"{container['image'].rpartition(':')[0]}:{tag}"


def upgraded(kube: Installed) -> None:
    for part in ("operator", "apiserver"):
        image(kube, part, "0.9.2")


def old_kubernetes(kube: Installed) -> None:
    kube.version = "v1.29.4+k3s1"


def neighbour(values: dict[str, Any]) -> Break:
    """A second release, with a site of its own."""

    def do(kube: Installed) -> None:
        for name in ("other", "market"):
            kube.add(namespace_of(name, phase="Active"))
        kube.install(chart({"site": {"namespace": "market"}, **values}, release="second", namespace="other"))

    return do


BUCKET = {"store": {"url": "s3://bucket/a", "envFrom": [{"secretRef": {"name": "bucket"}}]}}
_KEYS = {"AWS_ACCESS_KEY_ID": "YQ==", "AWS_SECRET_ACCESS_KEY": "Yg=="}


def bucket(*keys: str, namespace: str = SYSTEM) -> Break:
    """A Secret of a bucket with some keys."""

    def do(kube: Installed) -> None:
        data = {key: _KEYS[key] for key in keys}
        kube.add({"kind": "Secret", "metadata": {"name": "bucket", "namespace": namespace}, "data": data})

    return do


def other_store(kube: Installed) -> None:
    config(kube, "apiserver", '"s3://bucket/a"', '"s3://bucket/b"')


BROKEN = [
    Broken(
        name="an operator of another version",
        by=lambda kube: image(kube, "operator", "0.0.9"),
        check=versions.check,
        what=r"the operator is \S+:0\.0\.9, the shim \S+:0\.1\.0",
        do="helm upgrade",
    ),
    Broken(
        name="a command line of another version",
        by=upgraded,
        check=versions.check,
        level="warn",
        what=r"system/webjobs is 0\.9\.2, this program 0\.1\.0",
        do="Install the command line",
    ),
    Broken(
        name="an old Kubernetes",
        by=old_kubernetes,
        check=versions.check,
        what="Kubernetes is v1.29, and 1.31",
        do="Upgrade",
    ),
    Broken(
        name="two operators for all namespaces",
        by=neighbour({}),
        check=neighbours.check,
        what="other/second and system/webjobs both watch all namespaces",
        do="namespaces",
    ),
    Broken(
        name="two operators for one namespace",
        by=neighbour({"namespaces": ["market"]}),
        check=neighbours.check,
        values={"namespaces": [FURTHER, SITE, "market"]},
        what="both watch market:",
        do="Uninstall one",
    ),
    Broken(
        name="two installations in one bucket",
        by=both(neighbour(BUCKET), bucket(*_KEYS), bucket(*_KEYS, namespace="other")),
        check=neighbours.check,
        values=BUCKET,
        what="have the same bucket and prefix",
        do="garbageCollection",
    ),
    Broken(
        name="operator and shim with two stores",
        by=both(bucket(*_KEYS), other_store),
        check=neighbours.check,
        values=BUCKET,
        what="operator and shim have different stores",
        do="store.url",
    ),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: one.name)
async def test_it_is_named(broken: Broken) -> None:
    await broken.is_named()
