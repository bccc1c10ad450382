"""The chart's profiles: each is rendered, passes the schema, and does what it promises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.charts import CHART, Manifest, helm, manifests, profiles, render
from webjobs_apiserver.config import ApiserverConfig
from webjobs_operator.config import OperatorConfig

NAMES = sorted(path.stem.removeprefix("values-") for path in CHART.glob("values-*.yaml"))
IDS = ("runAsUser", "runAsGroup", "fsGroup", "supplementalGroups")


def nodes(value: Any) -> Iterator[Manifest]:
    """All objects within a value."""
    if isinstance(value, dict):
        yield value
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in children:
        yield from nodes(one)


def test_which_there_are() -> None:
    assert NAMES == ["openshift", "production"]


@pytest.mark.parametrize("name", NAMES)
def test_both_processes_can_read_what_a_profile_makes(name: str) -> None:
    found = render({}, *profiles(name))
    operator, shim = (
        yaml.safe_load(found["ConfigMap", f"webjobs-{one}"]["data"]["config.yaml"]) for one in ("operator", "apiserver")
    )
    OperatorConfig.model_validate(operator)
    ApiserverConfig.model_validate(shim)


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_is_compared_with_the_schema(name: str) -> None:
    """A word that the schema does not know is refused beside a profile, so what a profile says was compared with it."""
    done = helm({"apiserver": {"replica": 2}}, *profiles(name))
    assert "values don't meet the specifications of the schema" in done.stderr


def test_production_runs_on_two_nodes() -> None:
    found = render({}, *profiles("production"))
    shim = found["Deployment", "webjobs-apiserver"]["spec"]
    assert shim["replicas"] == 2
    assert ("PodDisruptionBudget", "webjobs-apiserver") in found
    assert shim["template"]["spec"]["topologySpreadConstraints"]
    assert "affinity" not in shim["template"]["spec"], "no volume holds it on one node"
    assert not [kind for kind, _ in found if kind == "PersistentVolumeClaim"]
    assert {name for kind, name in found if kind == "NetworkPolicy"} == {
        "webjobs-apiserver",
        "webjobs-apiserver-metrics",
        "webjobs-operator-metrics",
    }
    for (kind, _), one in found.items():
        if kind == "Deployment":
            (container,) = one["spec"]["template"]["spec"]["containers"]
            assert container["resources"]["requests"]["memory"] == container["resources"]["limits"]["memory"]
            assert container["securityContext"]["readOnlyRootFilesystem"]
            assert container["envFrom"] == [{"secretRef": {"name": "webjobs-bucket"}}]


def test_production_makes_no_password() -> None:
    """So what is rendered is the same each time, with or without a cluster."""
    once, again = (helm({}, *profiles("production")).stdout for _ in range(2))
    assert once == again
    assert [one["metadata"]["name"] for one in yaml.safe_load_all(once) if one["kind"] == "Secret"] == [
        "webjobs-settings",
        "webjobs-hooks",
    ], "without data"


def test_what_a_person_has_to_say_is_marked_and_told() -> None:
    text = (CHART / "values-production.yaml").read_text()
    values = yaml.safe_load(text)
    (peer,) = values["apiserver"]["networkPolicy"]["ingress"]["from"]
    namespace = peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
    assert "REPLACE" in values["store"]["url"]
    assert "REPLACE" in namespace
    assert str(values).count("REPLACE") == 2
    for secret in (values["credentials"]["existingSecret"], values["store"]["envFrom"][0]["secretRef"]["name"]):
        assert f"kubectl create secret generic {secret} --namespace webjobs-system" in text


@pytest.mark.parametrize("names", [("openshift",), ("production", "openshift")])
def test_openshift_chooses_all_ids(names: tuple[str, ...]) -> None:
    """What the SCC restricted-v2 asks of pods, of operator, shim and jobs alike."""
    found = manifests({"apiserver": {"tls": {"secretName": "own"}}}, *profiles(*names))
    settings = [
        yaml.safe_load(one["data"]["config.yaml"]) for one in found if one["kind"] == "ConfigMap" and "data" in one
    ]
    assert len(settings) == 2
    for one in nodes([found, settings]):
        assert not set(IDS) & one.keys() or "openAPIV3Schema" in one or one.get("type") in ("integer", "array"), one
    (operator,) = [one for one in settings if "podSecurityContext" in one]
    pods = [(operator["podSecurityContext"], operator["containerSecurityContext"])]
    for one in found:
        for spec in [pod for pod in nodes(one) if "containers" in pod and "volumes" in pod]:
            assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
            assert {kind for volume in spec["volumes"] for kind in volume} - {"name"} <= {
                "configMap",
                "secret",
                "emptyDir",
                "persistentVolumeClaim",
            }
            pods += [(spec["securityContext"], container["securityContext"]) for container in spec["containers"]]
    assert len(pods) == 4, "of jobs, operator, shim and `helm test`"
    for pod, container in pods:
        assert pod["runAsNonRoot"] is True
        assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["allowPrivilegeEscalation"] is False
        assert container["capabilities"] == {"drop": ["ALL"]}


def test_the_default_names_ids_which_openshift_would_refuse() -> None:
    """The search finds what it is for."""
    assert [one for one in nodes(manifests()) if "fsGroup" in one and "type" not in one]


def test_ways_in_of_openshift() -> None:
    values = {
        "apiserver": {
            "trustedProxies": ["10.0.0.0/8"],
            "ingress": {"enabled": True, "hosts": ["a.example"], "tls": [{}]},
        }
    }
    # What helm() gives by itself comes first, and a profile after it.
    ingress = render(values, *profiles("openshift"))["Ingress", "webjobs-apiserver"]
    assert ingress["metadata"]["annotations"] == {"haproxy.router.openshift.io/timeout": "1h"}
    assert ingress["spec"]["ingressClassName"] == "openshift-default"
    policy = render({}, *profiles("openshift"))["NetworkPolicy", "webjobs-operator-metrics"]["spec"]
    assert policy["ingress"][1]["from"] == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "openshift-user-workload-monitoring"}}}
    ]
