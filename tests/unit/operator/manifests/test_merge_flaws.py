"""Patches on the pod template that can't be merged: found and named, and never a riddle or a loop."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.cluster import World
from tests.fakes.objects import run_body, webjob_body
from webjobs_operator.manifests.merge import flaw, merge

TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"a": "b"}},
    "spec": {
        "containers": [{"name": "job", "env": [{"name": "A", "value": "b"}], "volumeMounts": [{"mountPath": "/a"}]}],
        "volumes": [{"name": "work", "emptyDir": {}}],
    },
}


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ({}, None),
        ({"spec": None}, "p.spec"),
        ({"spec": {"affinity": None, "containers": None}}, None),
        ({"spec": {"containers": [{"name": "job", "env": [{"name": "A"}]}], "volumes": None}}, None),
        ({"spec": {"containers": [{"image": "x"}]}}, None),
        ({"spec": {"nodeSelector": {"name": "x", "spec": "y"}, "tolerations": [{"key": "a"}]}}, None),
        ({"metadata": {"annotations": {"spec": "text", "name": "text"}}}, None),
        ({"spec": "x"}, "p.spec"),
        ({"metadata": []}, "p.metadata"),
        ({"metadata": {"labels": ["x"]}}, "p.metadata.labels"),
        ({"metadata": {"annotations": "x"}}, "p.metadata.annotations"),
        ({"spec": {"containers": ["x"]}}, "p.spec.containers[0]"),
        ({"spec": {"containers": {"a": 1}}}, "p.spec.containers"),
        ({"spec": {"containers": [{"name": "job"}, {"name": ["job"]}]}}, "p.spec.containers[1].name"),
        ({"spec": {"containers": [{"name": "job", "env": ["x"]}]}}, "p.spec.containers[0].env[0]"),
        ({"spec": {"initContainers": ["x"]}}, "p.spec.initContainers[0]"),
        ({"spec": {"volumes": [7]}}, "p.spec.volumes[0]"),
        ({"spec": {"containers": [{"name": "job", "volumeMounts": [{"mountPath": {}}]}]}},
         "p.spec.containers[0].volumeMounts[0].mountPath"),
        ({"spec": {"imagePullSecrets": "x"}}, "p.spec.imagePullSecrets"),
    ],
)  # fmt: skip
def test_flaw(patch: dict[str, Any], expected: str | None) -> None:
    assert flaw(patch, "p") == expected


keys = st.sampled_from(
    ["metadata", "spec", "labels", "containers", "initContainers", "volumes", "env", "name", "mountPath", "x"]
)
values = st.recursive(
    st.none() | st.text(max_size=2) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@given(patch=st.dictionaries(keys, values, max_size=4))
def test_what_has_no_flaw_can_be_merged(patch: dict[str, Any]) -> None:
    if flaw(patch, "p") is None:
        assert isinstance(merge(TEMPLATE, patch), dict)


@pytest.mark.parametrize("kind", ["triggered", "continuous"])
def test_the_webjob_says_so(kind: str) -> None:
    runs = [run_body()] if kind == "triggered" else []
    world = World(webjob_body({"type": kind, "podTemplate": {"spec": {"containers": ["x"]}}}), *runs)
    world.settle()
    (ready,) = [one for one in world.one("WebJob")["status"]["conditions"] if one["type"] == "Ready"]
    assert (ready["reason"], ready["message"]) == (
        "InvalidPodTemplate",
        "spec.podTemplate.spec.containers[0] has not the form that it has in a pod: see kubectl explain pod.spec.",
    )
    if runs:
        assert world.one("WebJobRun")["status"]["state"] == "Failed"
