"""Every field that the chart writes is one that Kubernetes has, with a value of its type.

The fields are those of the Kubernetes client. What a server refuses beside that is told by the integration tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from kubernetes.client import models

from tests.charts import Manifest, helm, manifests, profiles

EVERYTHING: Manifest = {
    "commonLabels": {"team": "1"},
    "imagePullSecrets": [{"name": "registry"}],
    "sites": [{"namespace": "blog", "host": "blog.example.com"}],
    "credentials": {"readonlyUsername": "looks", "deploy": True},
    "kragle": {"enabled": True},
    "attach": {"enabled": True},
    "warm": {"enabled": True},
    "aggregateRoles": True,
    "store": {
        "url": "s3://bucket/jobs",
        "envFrom": [{"secretRef": {"name": "bucket"}}],
        "serviceAccountAnnotations": {"a": "1"},
    },
    "operator": {
        "nodeSelector": {"a": "1"},
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}},
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}],
        "priorityClassName": "high",
        "podAnnotations": {"a": "1"},
        "podLabels": {"a": "1"},
        "deploymentAnnotations": {"a": "1"},
        "extraEnv": [{"name": "A", "value": "1"}],
        "extraVolumes": [{"name": "authority", "configMap": {"name": "ca"}}],
        "extraVolumeMounts": [{"name": "authority", "mountPath": "/etc/authority", "readOnly": True}],
        "metrics": {"service": {"enabled": True}, "podMonitor": {"enabled": True}},
        "networkPolicy": {"egress": {"enabled": True, "rules": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]}},
    },
    "apiserver": {
        "replicas": 2,
        "trustedProxies": ["10.0.0.0/8"],
        "networkPolicy": {"ingress": {"enabled": True, "from": [{"namespaceSelector": {"matchLabels": {"a": "1"}}}]}},
        "service": {"type": "LoadBalancer", "nodePort": 30080, "externalTrafficPolicy": "Local"},
        "ingress": {"enabled": True, "className": "nginx", "tls": [{"secretName": "tls"}]},
        "gateway": {"enabled": True, "parentRefs": [{"name": "public"}]},
        "ui": {"oidc": {"issuer": "https://id.example", "clientId": "a", "clientSecret": "b", "caSecret": "c"}},
    },
}
TLS: Manifest = {"apiserver": {"tls": {"secretName": "own"}}, "namespaces": ["a"]}
OF_OTHERS = {"CustomResourceDefinition", "HTTPRoute", "ServiceMonitor", "PodMonitor"}
"""Kinds that are no part of the client, or are checked elsewhere (the CRDs)."""
SIMPLE = {"str": str, "bytes": str, "int": int, "bool": bool}
"""Types of values in YAML; bytes are text in base64."""


def unknown(value: Any, kind: str, path: str) -> Iterator[str]:
    """Fields of a value that its type does not have, and values of another type. Types as the client writes them."""
    if kind == "object" or value is None:
        return
    if inner := re.fullmatch(r"List\[(.+)]", kind):
        if not isinstance(value, list):
            yield f"{path} is no list"
            return
        for number, one in enumerate(value):
            yield from unknown(one, inner[1], f"{path}[{number}]")
    elif inner := re.fullmatch(r"Dict\[str, (.+)]", kind):
        for key, one in value.items():
            yield from unknown(one, inner[1], f"{path}.{key}")
    elif kind in SIMPLE:
        if type(value) is not SIMPLE[kind]:
            yield f"{path} is no {kind}: {value!r}"
    else:
        yield from _unknown_of_model(value, getattr(models, kind), path)


def _unknown_of_model(value: Any, model: Any, path: str) -> Iterator[str]:
    types = {model.attribute_map[name]: kind for name, kind in model.openapi_types.items()}
    if not isinstance(value, dict):
        yield f"{path} is no {model.__name__}"
        return
    for key, one in value.items():
        if key in types:
            yield from unknown(one, types[key], f"{path}.{key}")
        else:
            yield f"{path}.{key} is no field of {model.__name__}"


@pytest.mark.parametrize(
    ("values", "names"),
    [({}, ()), (EVERYTHING, ()), (TLS, ()), ({}, ("production",)), ({}, ("openshift",))],
    ids=["default", "everything", "tls", "production", "openshift"],
)
def test_fields_are_known(values: Manifest, names: tuple[str, ...]) -> None:
    made = [one for one in manifests(values, *profiles(*names)) if one["kind"] not in OF_OTHERS]
    wrong = [
        told for one in made for told in unknown(one, f"V1{one['kind']}", f"{one['kind']}/{one['metadata']['name']}")
    ]
    assert wrong == []
    kinds = {one["kind"] for one in made}
    assert kinds >= {"Deployment", "Service", "NetworkPolicy", "Secret", "Role", "ClusterRoleBinding", "Pod"}
    assert values is not EVERYTHING or kinds >= {"PodDisruptionBudget", "Ingress"}


@pytest.mark.parametrize(
    ("manifest", "why"),
    [
        ({"spec": {"replica": 1}}, "d.spec.replica is no field of V1DeploymentSpec"),
        ({"spec": {"replicas": "1"}}, "d.spec.replicas is no int: '1'"),
        ({"metadata": {"labels": {"a": 1}}}, "d.metadata.labels.a is no str: 1"),
        (
            {"spec": {"template": {"spec": {"containers": [{"env": {}}]}}}},
            "d.spec.template.spec.containers[0].env is no list",
        ),
    ],
)
def test_a_wrong_field_is_found(manifest: Manifest, why: str) -> None:
    assert list(unknown(manifest, "V1Deployment", "d")) == [why]


class _Once(yaml.SafeLoader):
    """Refuses a key that is written twice in one mapping, of which others would take the last one silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise ValueError(f"written twice: {twice}")
        return super().construct_mapping(node, deep=deep)


LABELLED: Manifest = {
    **EVERYTHING,
    "site": {"labels": {"team": "2", "app.kubernetes.io/name": "site"}},
    "apiserver": {
        **EVERYTHING["apiserver"],
        "podLabels": {"team": "3"},
        "podAnnotations": {"checksum/config": "mine"},
        "ingress": {"enabled": True, "labels": {"team": "4"}},
    },
    "operator": {**EVERYTHING["operator"], "podAnnotations": {"prometheus.io/scrape": "false"}},
}


def test_no_key_is_written_twice() -> None:
    """Labels and annotations come from several values."""
    assert list(yaml.load_all(helm(LABELLED).stdout, _Once))
    with pytest.raises(ValueError, match="written twice"):
        yaml.load("{a: 1, b: {a: 2}, a: 3}", _Once)  # noqa: S506
