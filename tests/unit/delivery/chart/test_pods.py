"""Where the pods of operator and shim may be, and what they and their accounts have beside that."""

from __future__ import annotations

from typing import Any

import pytest

from tests.charts import Manifest, helm, render

COMPONENTS = ("operator", "apiserver")
DEFAULT = render()
BUCKET: Manifest = {"store": {"url": "s3://bucket/jobs"}}


def deployment(found: dict[tuple[str, str], Manifest], component: str) -> Manifest:
    return found["Deployment", f"webjobs-{component}"]


def template(found: dict[tuple[str, str], Manifest], component: str) -> Manifest:
    made: Manifest = deployment(found, component)["spec"]["template"]
    return made


def own(component: str) -> dict[str, str]:
    """The labels by which the pods of a component are found."""
    return {
        "app.kubernetes.io/part-of": "webjobs",
        "app.kubernetes.io/instance": "webjobs",
        "app.kubernetes.io/component": component,
    }


OIDC = {"issuer": "https://id.example", "clientId": "a", "clientSecret": "b", "caSecret": "c"}
TERM = {
    "requiredDuringSchedulingIgnoredDuringExecution": [
        {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "near"}}}
    ]
}
PLAIN: list[tuple[str, Any]] = [
    ("nodeSelector", {"kubernetes.io/arch": "arm64"}),
    ("affinity", {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}}),
    ("priorityClassName", "system-cluster-critical"),
]


@pytest.mark.parametrize("component", COMPONENTS)
@pytest.mark.parametrize(("field", "value"), PLAIN, ids=[field for field, _ in PLAIN])
def test_a_field_of_the_pods_of_one_component(component: str, field: str, value: Any) -> None:
    found = render(BUCKET | {component: {field: value}})
    (other,) = set(COMPONENTS) - {component}
    assert template(found, component)["spec"][field] == value
    assert field not in template(found, other)["spec"]


@pytest.mark.parametrize("component", COMPONENTS)
def test_tolerations(component: str) -> None:
    given = [{"key": "jobs", "operator": "Exists", "effect": "NoSchedule"}]
    found = render({component: {"tolerations": given}})
    assert template(found, component)["spec"]["tolerations"][:1] == given
    (other,) = set(COMPONENTS) - {component}
    assert given[0] not in template(found, other)["spec"].get("tolerations", [])


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_spread_is_about_the_pods_of_the_component(component: str) -> None:
    zones = {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule"}
    other = zones | {"labelSelector": {"matchLabels": {"app": "other"}}}
    found = render({component: {"topologySpreadConstraints": [zones, other]}})
    made = template(found, component)["spec"]["topologySpreadConstraints"]
    assert made == [zones | {"labelSelector": {"matchLabels": own(component)}}, other]


def test_the_shim_stays_with_its_volume_whatever_affinity_it_has() -> None:
    """A volume for one node is where the operator is: a term of values comes beside that, not in its place."""
    found = render({"apiserver": {"affinity": {"podAffinity": TERM, "nodeAffinity": {}}}})
    affinity = template(found, "apiserver")["spec"]["affinity"]
    with_operator = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": own("operator")}}
    terms = affinity["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert terms == [*TERM["requiredDuringSchedulingIgnoredDuringExecution"], with_operator]
    assert affinity["nodeAffinity"] == {}
    assert "affinity" not in template(found, "operator")["spec"]
    anywhere = {"store": {"persistence": {"accessModes": ["ReadWriteMany"]}}}
    assert "affinity" not in template(render(anywhere), "apiserver")["spec"]


@pytest.mark.parametrize("component", COMPONENTS)
def test_labels_and_annotations(component: str) -> None:
    values: Manifest = {
        "podLabels": {"team": "jobs"},
        "podAnnotations": {"example.com/a": "b", "checksum/config": "mine", "prometheus.io/scrape": "false"},
        "deploymentAnnotations": {"example.com/c": "d"},
        "revisionHistoryLimit": 0,
    }
    found = render({component: values, "store": {"podLabels": {"use": "true", "team": "store"}}})
    made, before = deployment(found, component), deployment(DEFAULT, component)
    pod, usual = (one["spec"]["template"]["metadata"] for one in (made, before))
    assert pod["labels"] == usual["labels"] | {"team": "jobs", "use": "true"}, "the component's own wins"
    assert pod["annotations"]["example.com/a"] == "b"
    assert pod["annotations"]["prometheus.io/scrape"] == "false"
    assert len(pod["annotations"]["checksum/config"]) == 64
    assert made["spec"]["selector"] == before["spec"]["selector"], "it can't be changed"
    assert made["spec"]["selector"]["matchLabels"] == own(component)
    assert made["metadata"]["annotations"] == {"example.com/c": "d"}
    assert "annotations" not in before["metadata"]
    assert (made["spec"]["revisionHistoryLimit"], before["spec"]["revisionHistoryLimit"]) == (0, 10)


@pytest.mark.parametrize("component", COMPONENTS)
def test_further_variables(component: str) -> None:
    given = [
        {"name": "HTTPS_PROXY", "value": "http://proxy.example.com:3128"},
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}},
    ]
    (container,) = template(render({component: {"extraEnv": given}}), component)["spec"]["containers"]
    (usual,) = template(DEFAULT, component)["spec"]["containers"]
    assert container["env"] == [*usual["env"], *given]
    assert [one["name"] for one in usual["env"]] == ["LOG_LEVEL", "MALLOC_ARENA_MAX"]


@pytest.mark.parametrize("component", COMPONENTS)
def test_further_volumes(component: str) -> None:
    volume = {"name": "authority", "configMap": {"name": "corporate-ca"}}
    mount = {"name": "authority", "mountPath": "/etc/authority", "readOnly": True}
    found = render({component: {"extraVolumes": [volume], "extraVolumeMounts": [mount]}})
    pod, usual = (template(one, component)["spec"] for one in (found, DEFAULT))
    assert pod["volumes"] == [*usual["volumes"], volume]
    assert pod["containers"][0]["volumeMounts"] == [*usual["containers"][0]["volumeMounts"], mount]
    (other,) = set(COMPONENTS) - {component}
    assert template(found, other) == template(DEFAULT, other)
    everything = {"apiserver": {"tls": {"secretName": "a"}, "ui": {"oidc": OIDC}}}
    taken = {one["name"] for name in COMPONENTS for one in template(render(everything), name)["spec"]["volumes"]}
    for name in taken:
        assert helm({component: {"extraVolumes": [{"name": name, "emptyDir": {}}]}}).returncode != 0, name


@pytest.mark.parametrize("component", COMPONENTS)
def test_accounts(component: str) -> None:
    identity = {"iam.example.com/role": "jobs"}
    found = render(
        {
            component: {"serviceAccount": {"name": "own", "annotations": identity}},
            "store": {"serviceAccountAnnotations": {"iam.example.com/role": "store", "b": "c"}},
        }
    )
    assert found["ServiceAccount", "own"]["metadata"]["annotations"] == identity | {"b": "c"}
    assert ("ServiceAccount", f"webjobs-{component}") not in found
    _uses(found, component, "own")
    there = render({component: {"serviceAccount": {"create": False, "name": "there"}}})
    (other,) = set(COMPONENTS) - {component}
    assert [name for kind, name in there if kind == "ServiceAccount"] == [f"webjobs-{other}"]
    _uses(there, component, "there")


def _uses(found: dict[tuple[str, str], Manifest], component: str, account: str) -> None:
    """Pods and bindings of a component have an account, and nobody else has."""
    assert template(found, component)["spec"]["serviceAccountName"] == account
    bound = {name: one["subjects"][0]["name"] for (kind, name), one in found.items() if kind.endswith("RoleBinding")}
    assert len(bound) == 3
    for name, subject in bound.items():
        assert (subject == account) == name.endswith(component), name


@pytest.mark.parametrize("component", COMPONENTS)
def test_an_account_of_nobody_is_refused(component: str) -> None:
    done = helm({component: {"serviceAccount": {"create": False}}})
    assert done.returncode != 0
    assert f"{component}.serviceAccount.name: the chart makes no account" in done.stderr


@pytest.mark.parametrize("component", COMPONENTS)
@pytest.mark.parametrize(
    "values",
    [
        {"nodeselector": {}},
        {"nodeSelector": {"a": 1}},
        {"tolerations": [{"keys": "a"}]},
        {"affinity": {"podAffinities": {}}},
        {"topologySpreadConstraints": [{"topologyKey": "zone"}]},
        {"podLabels": {"app.kubernetes.io/component": "other"}},
        {"podLabels": {"webjobs.dev/webjob": "job"}},
        {"podAnnotations": {"a": True}},
        {"revisionHistoryLimit": -1},
        {"extraEnv": {"A": "b"}},
        {"extraEnv": [{"name": "LOG_LEVEL", "value": "DEBUG"}]},
        {"extraEnv": [{"name": "A", "value": 1}]},
        {"extraVolumes": [{"emptyDir": {}}]},
        {"extraVolumeMounts": [{"name": "a", "mountPath": "relative"}]},
        {"serviceAccount": {"name": "Not Legal"}},
        {"serviceAccount": {"automount": True}},
    ],
    ids=str,
)
def test_wrong_values_are_refused(component: str, values: Manifest) -> None:
    done = helm({component: values})
    assert done.returncode != 0
    assert "values don't meet the specifications of the schema" in done.stderr
