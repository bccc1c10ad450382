"""What keeps the shim there during drains, and what brings both processes back when their node is lost."""

from __future__ import annotations

import pytest

from tests.charts import Manifest, helm, render

BUCKET: Manifest = {"url": "s3://bucket/jobs"}
MANY_NODES: Manifest = {"persistence": {"accessModes": ["ReadWriteMany"]}}
BUDGET = ("PodDisruptionBudget", "webjobs-apiserver")
NODE_LOST = {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}


def _shim(found: dict[tuple[str, str], Manifest]) -> Manifest:
    made: Manifest = found["Deployment", "webjobs-apiserver"]["spec"]["template"]
    return made


@pytest.mark.parametrize("store", [BUCKET, MANY_NODES])
def test_several_replicas_are_drained_one_by_one_and_spread(store: Manifest) -> None:
    found = render({"store": store, "apiserver": {"replicas": 2}})
    spec, pod = found[BUDGET]["spec"], _shim(found)
    assert spec["maxUnavailable"] == 1
    assert spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    assert spec["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert spec["selector"]["matchLabels"]["app.kubernetes.io/component"] == "apiserver", "not the operator's pods"
    assert pod["spec"]["topologySpreadConstraints"] == [
        {
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "matchLabelKeys": ["pod-template-hash"],
            "labelSelector": spec["selector"],
        }
    ]
    assert "topologySpreadConstraints" not in found["Deployment", "webjobs-operator"]["spec"]["template"]["spec"]


@pytest.mark.parametrize(
    "values",
    [
        {"store": BUCKET, "apiserver": {"replicas": 1}},
        {"store": BUCKET, "apiserver": {"replicas": 0}},
        # All pods are on the volume's node: one that may not go would keep the volume there, and itself.
        {"apiserver": {"replicas": 2}},
    ],
)
def test_a_drain_is_never_held_up_for_good(values: Manifest) -> None:
    found = render(values)
    assert BUDGET not in found
    assert "topologySpreadConstraints" not in _shim(found)["spec"]


def test_both_are_values() -> None:
    off = {"replicas": 2, "podDisruptionBudget": {"enabled": False}, "spreadOverNodes": False}
    found = render({"store": BUCKET, "apiserver": off})
    assert BUDGET not in found
    assert "topologySpreadConstraints" not in _shim(found)["spec"]
    asked = {"maxUnavailable": "50%", "unhealthyPodEvictionPolicy": "IfHealthyBudget"}
    zones = [{"maxSkew": 2, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule"}]
    more = {"replicas": 4, "podDisruptionBudget": asked, "topologySpreadConstraints": zones}
    found = render({"store": BUCKET, "apiserver": more})
    assert {key: found[BUDGET]["spec"][key] for key in asked} == asked
    (spread,) = _shim(found)["spec"]["topologySpreadConstraints"]
    assert spread["topologyKey"] == "topology.kubernetes.io/zone"
    for wrong in ({"maxUnavailable": 0}, {"maxUnavailable": "half"}, {"minAvailable": 1}):
        assert helm({"apiserver": {"podDisruptionBudget": wrong}}).returncode != 0, wrong


@pytest.mark.parametrize("component", ["operator", "apiserver"])
def test_a_lost_node_is_given_up_before_the_five_minutes_of_kubernetes(component: str) -> None:
    def tolerations(values: Manifest) -> list[Manifest]:
        pod = render({component: values})["Deployment", f"webjobs-{component}"]["spec"]["template"]["spec"]
        found: list[Manifest] = pod.get("tolerations", [])
        return found

    made = tolerations({})
    assert {one["key"] for one in made} == NODE_LOST
    for one in made:
        assert (one["operator"], one["effect"], one["tolerationSeconds"]) == ("Exists", "NoExecute", 30)
    assert {one["tolerationSeconds"] for one in tolerations({"nodeLossSeconds": 0})} == {0}
    assert tolerations({"nodeLossSeconds": None}) == []
    own = {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "tolerationSeconds": 5}
    by_key = {one["key"]: one for one in tolerations({"tolerations": [own]})}
    assert by_key.keys() == NODE_LOST
    assert by_key["node.kubernetes.io/unreachable"] == own
    assert helm({component: {"nodeLossSeconds": -1}}).returncode != 0
