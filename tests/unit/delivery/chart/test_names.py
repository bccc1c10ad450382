"""Names, labels, images and further objects: what people set once for all that the chart makes."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.charts import Manifest, helm, manifests, render
from webjobs_apiserver.config import ApiserverConfig
from webjobs_operator.config import OperatorConfig

EVERYTHING: Manifest = {
    "sites": [{"namespace": "blog", "host": "blog.example.com"}],
    "kragle": {"enabled": True},
    "aggregateRoles": True,
    "apiserver": {
        "replicas": 2,
        "trustedProxies": ["10.0.0.0/8"],
        "ingress": {"enabled": True, "labels": {"team": "ways"}},
        "gateway": {"enabled": True, "parentRefs": [{"name": "public"}]},
    },
}
"""All that makes the chart make further objects."""
NAMED_BY_OTHERS = {"webjobs-settings", "webjobs-hooks", "webjobs-deployments", "webjobs-kragle"}
"""Objects that the shim and the operator know by name."""
DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({}, "webjobs"),
        ({"nameOverride": "jobs"}, "webjobs"),
        ({"nameOverride": "kudu"}, "webjobs-kudu"),
        ({"fullnameOverride": "kudu"}, "kudu"),
        ({"fullnameOverride": "kudu", "nameOverride": "x"}, "kudu"),
        ({"nameOverride": "a" * 40}, "webjobs-" + "a" * 32),
    ],
)
def test_one_value_names_all_objects(values: Manifest, name: str) -> None:
    found = manifests(EVERYTHING | values)
    names = {one["metadata"]["name"] for one in found if one["kind"] not in ("CustomResourceDefinition", "Namespace")}
    allowed = (f"{name}-", f"system-{name}-")
    assert {one for one in names - NAMED_BY_OTHERS if not one.startswith(allowed)} == set()
    assert {f"{name}-{part}" for part in ("operator", "apiserver", "credentials", "store")} <= names
    text = yaml.safe_dump_all(found)
    if not name.startswith("webjobs"):
        assert "webjobs-operator" not in text
        assert "webjobs-apiserver" not in text
    (config,) = [
        one["data"]["config.yaml"]
        for one in found
        if one["metadata"]["name"] == f"{name}-operator" and one["kind"] == "ConfigMap"
    ]
    assert f"packageUrl: http://{name}-apiserver.system.svc:80" in config


@pytest.mark.parametrize("values", [{"fullnameOverride": "a" * 41}, {"nameOverride": "Not-Legal"}])
def test_names_that_objects_can_not_have(values: Manifest) -> None:
    done = helm(values)
    assert done.returncode != 0
    assert "values don't meet the specifications of the schema" in done.stderr


def _labels(found: list[Manifest]) -> list[tuple[str, dict[str, str]]]:
    """Names and labels of all objects, and of pods."""
    named = [(f"{one['kind']} {one['metadata']['name']}", one["metadata"].get("labels", {})) for one in found]
    pods = [
        (f"pod of {one['metadata']['name']}", one["spec"]["template"]["metadata"]["labels"])
        for one in found
        if one["kind"] == "Deployment"
    ]
    return [*named, *pods]


def test_every_object_has_the_usual_labels() -> None:
    expected = {
        "app.kubernetes.io/name": "webjobs",
        "app.kubernetes.io/instance": "webjobs",
        "app.kubernetes.io/version": "0.1.0",
        "app.kubernetes.io/managed-by": "Helm",
        "app.kubernetes.io/part-of": "webjobs",
        "helm.sh/chart": "webjobs-0.1.0",
    }
    for name, labels in _labels(manifests(EVERYTHING)):
        assert labels.items() >= expected.items(), name
    for name, labels in _labels(manifests(EVERYTHING | {"nameOverride": "kudu"})):
        assert labels["app.kubernetes.io/name"] == "kudu", name


def test_labels_of_everything() -> None:
    found = manifests(
        EVERYTHING | {"commonLabels": {"cost": "42", "team": "jobs"}, "site": {"labels": {"team": "site"}}}
    )
    own = {"Ingress webjobs-apiserver": "ways", "Namespace webjobs-site": "site"}
    for name, labels in _labels(found):
        assert labels["cost"] == "42", name
        assert labels["team"] == own.get(name, "jobs"), name
    before = {
        one["metadata"]["name"]: one["spec"]["selector"] for one in manifests(EVERYTHING) if one["kind"] == "Deployment"
    }
    assert {one["metadata"]["name"]: one["spec"]["selector"] for one in found if one["kind"] == "Deployment"} == before


@pytest.mark.parametrize(
    "label", ["app.kubernetes.io/part-of", "app.kubernetes.io/managed-by", "webjobs.dev/site-settings"]
)
def test_labels_that_mean_something_here_are_refused(label: str) -> None:
    assert helm({"commonLabels": {label: "x"}}).returncode != 0


def _images(values: Manifest) -> tuple[set[str], OperatorConfig]:
    """Images of the Deployments, and the operator's settings."""
    found = render(values)
    config = OperatorConfig.model_validate(
        yaml.safe_load(found["ConfigMap", "webjobs-operator"]["data"]["config.yaml"])
    )
    shim = ApiserverConfig.model_validate(
        yaml.safe_load(found["ConfigMap", "webjobs-apiserver"]["data"]["config.yaml"])
    )
    assert shim.job_limits == config.limits
    pods = [one["spec"]["template"]["spec"] for (kind, _), one in found.items() if kind == "Deployment"]
    return {container["image"] for pod in pods for container in pod["containers"]}, config


def test_an_image_by_digest() -> None:
    images, config = _images({"image": {"repository": "r.example.com/wj", "digest": DIGEST, "tag": "2"}})
    assert images == {config.image} == {f"r.example.com/wj@{DIGEST}"}
    assert config.image in config.limits.own_images
    assert config.runtimes["mono"].image == "r.example.com/wj-mono:2", "the digest is that of one image"
    assert helm({"image": {"digest": "sha256:12"}}).returncode != 0


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("docker.io/library/python:3", "m.example.com/library/python:3"),
        ("python:3", "m.example.com/library/python:3"),
        ("bitnami/php:8", "m.example.com/bitnami/php:8"),
        ("registry:5000/a/b@" + DIGEST, "m.example.com/a/b@" + DIGEST),
        ("localhost/a:1", "m.example.com/a:1"),
    ],
)
def test_a_mirror_has_all_images(image: str, expected: str) -> None:
    values = {
        "global": {"imageRegistry": "m.example.com"},
        "runtimes": {"sh": {"image": image}, "js": {"versions": {"22": image}}},
        "combinedRuntimes": [{"runtimes": ["dotnet", "js"], "image": image}],
    }
    images, config = _images(values)
    assert images == {config.image} == {"m.example.com/webjobs-kubernetes/webjobs:0.1.0"}
    assert config.runtimes["sh"].image == config.runtimes["js"].versions["22"] == expected
    assert config.combined_runtimes[0].image == expected
    elsewhere = [one for one in config.limits.own_images if not one.startswith("m.example.com/")]
    assert elsewhere == []
    assert expected in config.limits.own_images
    assert config.runtimes["mono"].image == "m.example.com/webjobs-kubernetes/webjobs-mono:0.1.0"


def test_further_objects() -> None:
    asked: list[Any] = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "{{ .Release.Name }}-extra"},
            "data": {"a": "1"},
        },
        'apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ include "webjobs.name" . }}-text\n',
    ]
    found = render({"extraObjects": asked})
    assert found["ConfigMap", "webjobs-extra"]["data"] == {"a": "1"}
    assert ("Secret", "webjobs-text") in found
    assert len(found) == len(render()) + 2
    for wrong in ({}, {"kind": "ConfigMap"}, "", 1):
        assert helm({"extraObjects": [wrong]}).returncode != 0, wrong
