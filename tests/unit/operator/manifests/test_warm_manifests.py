"""What pods that wait for runs are made of, what makes them others, and what people can ask for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.fakes.objects import config, run, webjob
from tests.unit.core.model.test_crd import SCHEMAS, schema_of
from webjobs.model import ANNOTATION_APP_SETTINGS, ANNOTATION_REQUESTS, LABEL_ARMED, LABEL_RUN
from webjobs.model.runtime_settings import BadSetting, RuntimeSettings, read
from webjobs.runs.manifest import owner_reference
from webjobs_operator.manifests import children, requests
from webjobs_operator.manifests.program import resolve

Object = dict[str, Any]
ID = "202601010000000000"


def manifest(spec: Object | None = None, *, settings: str | None = None, **changes: Any) -> Object:
    one, how = webjob(spec), config(**changes)
    return children.armed_job(one, program=resolve(one, how), config=how, app_settings=settings)


def digest(spec: Object | None = None, **more: Any) -> str:
    found: str = manifest(spec, **more)["metadata"]["labels"][LABEL_ARMED]
    return found


PACKAGE: Object = {"digest": "sha256:" + "ab" * 32, "entrypoint": "run.sh", "size": 2000, "files": 3}


@pytest.mark.parametrize(
    "one",
    [
        digest({"env": [{"name": "A", "value": "1"}]}),
        digest({"script": None, "package": PACKAGE}),
        digest({"script": None, "package": PACKAGE | {"digest": "sha256:" + "cd" * 32}}),
        digest({"script": {"fileName": "run.sh", "text": "echo other\n"}}),
        digest({"image": "mine:1"}),
        digest(runtimes={"sh": {"image": "sh:2"}}),
        digest({"args": ["-v"]}),
        digest({"retries": 1}),
        digest({"podTemplate": {"metadata": {"annotations": {"a": "b"}}}}),
        digest(settings="0a"),
        digest(settings="0b"),
    ],
)
def test_what_makes_it_another_one(one: str) -> None:
    assert one != digest()
    assert len(one) == 8


@pytest.mark.parametrize(
    "one",
    [
        digest(jobRetentionSeconds=5, historyObjects=7),
        digest({"warm": 3, "warmMaxAgeSeconds": 60}),
        digest({"historyLimit": 3, "concurrencyPolicy": "Queue", "schedule": "0 * * * * *"}),
        digest({"timeoutSeconds": 60}),
    ],
)
def test_what_leaves_it_as_it_is(one: str) -> None:
    assert one == digest()


SMALL = {"enabled": True, "requests": {"cpu": "10m", "memory": "32Mi"}}


@pytest.mark.parametrize(
    ("resources", "waiting", "kept"),
    [
        (
            {"requests": {"cpu": "2", "memory": "1Gi"}, "limits": {"cpu": 2}},
            {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": 2}},
            {"cpu": "2", "memory": "1Gi"},
        ),
        (
            {"requests": {"cpu": "5m", "memory": "64Mi", "nvidia.com/gpu": 1}},
            {"requests": {"cpu": "5m", "memory": "32Mi", "nvidia.com/gpu": 1}},
            {"memory": "64Mi"},
        ),
        (
            {"limits": {"cpu": 1, "memory": "32Mi"}},  # requests as much
            {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": 1, "memory": "32Mi"}},
            {"cpu": 1},
        ),
        (
            {"requests": {"cpu": "0.01", "memory": "33554432"}},
            {"requests": {"cpu": "0.01", "memory": "33554432"}},
            None,
        ),
        ({"requests": {"memory": "32M"}}, {"requests": {"memory": "32M"}}, None),
        ({}, {}, None),
    ],
)
def test_what_it_requests_while_it_waits_and_then(resources: Object, waiting: Object, kept: Object | None) -> None:
    template = manifest({"resources": resources}, warm=SMALL)["spec"]["template"]
    assert template["spec"]["containers"][0]["resources"] == waiting
    found = template["metadata"]["annotations"].get(ANNOTATION_REQUESTS)
    assert (json.loads(found) if found else None) == kept
    template["metadata"]["resourceVersion"] = "7"
    template["spec"]["containers"].insert(0, {"name": "injected"})
    patch = requests.resize(template)
    if kept is None:
        assert patch is None
        return
    assert patch is not None
    assert patch["metadata"] == {"resourceVersion": "7"}
    assert patch["spec"]["containers"][0] == {"name": "injected"}
    changed = patch["spec"]["containers"][1]
    own = resources.get("limits", {}) | resources.get("requests", {})
    assert changed["resources"] == waiting | {"requests": own}
    assert changed | {"resources": waiting} == template["spec"]["containers"][1]
    assert requests.resize(template | {"spec": patch["spec"]}) is None, "once"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cpu": "much"}', '{"cpu": {}}'])
def test_an_annotation_of_somebody_else_resizes_nothing(text: str) -> None:
    pod = manifest(warm=SMALL)["spec"]["template"]
    pod["metadata"]["annotations"] |= {ANNOTATION_REQUESTS: text}
    assert requests.resize(pod) is None


def test_runs_that_start_as_usual_request_all() -> None:
    one, how = webjob({"resources": {"requests": {"cpu": "2"}}}), config(warm=SMALL)
    job = children.job(one, run(), program=resolve(one, how), config=how)
    assert job["spec"]["template"]["spec"]["containers"][0]["resources"] == {"requests": {"cpu": "2"}}
    with pytest.raises(ValueError, match="much"):
        config(warm={"requests": {"cpu": "much"}})


def test_an_armed_job() -> None:
    one = manifest({"timeoutSeconds": 60, "retries": 2}, settings="0a", attach=True)
    template = one["spec"]["template"]
    (container,) = template["spec"]["containers"]
    assert one["metadata"]["name"] == ""
    assert [owner["kind"] for owner in one["metadata"]["ownerReferences"]] == ["WebJob"]
    assert "activeDeadlineSeconds" not in one["spec"]
    assert (container["stdin"], container["stdinOnce"], one["spec"]["backoffLimit"]) == (True, False, 2)
    assert template["metadata"]["labels"][LABEL_ARMED] == one["metadata"]["labels"][LABEL_ARMED]
    assert LABEL_RUN not in template["metadata"]["labels"]
    assert template["metadata"]["annotations"][ANNOTATION_APP_SETTINGS] == "0a"
    assert [init["restartPolicy"] for init in template["spec"]["initContainers"]] == ["Always"]


def test_the_patch_that_makes_a_job_the_runs_own() -> None:
    found = children.adoption_patch(run(), deadline=None)
    assert "spec" not in found
    assert found["metadata"]["labels"] == {LABEL_RUN: ID}
    assert found["metadata"]["ownerReferences"] == [owner_reference("WebJobRun", run().metadata)]
    assert children.adoption_patch(run(), deadline=7)["spec"] == {"activeDeadlineSeconds": 7}


# What people write


def test_the_crd_says_what_warm_can_be() -> None:
    spec = schema_of(SCHEMAS["WebJob"])["properties"]["spec"]
    bounds = {
        name: (
            spec["properties"][name]["type"],
            spec["properties"][name]["minimum"],
            spec["properties"][name]["maximum"],
        )
        for name in ("warm", "warmMaxAgeSeconds")
    }
    assert bounds == {"warm": ("integer", 0, 10), "warmMaxAgeSeconds": ("integer", 60, 604_800)}
    rules = {one["rule"]: one["message"] for one in spec["x-kubernetes-validations"]}
    for name in bounds:
        assert f"self.type == 'triggered' || !has(self.{name})" in rules
    (about,) = [rule for rule in rules if "self.warm == 0" in rule]
    assert {"has(self.script)", "has(self.package)"} <= set(about.split(" || "))
    assert rules[about].startswith("warm is for a script or package")


@pytest.mark.parametrize("value", [0, 1, 10, None])
def test_warm_in_settings_job(value: int | None) -> None:
    assert read({"warm": value}) == RuntimeSettings(warm=value)


@pytest.mark.parametrize("value", [True, False, "1", 1.0, -1, 11, [1], {}])
def test_warm_that_is_no_number_is_named(value: object) -> None:
    with pytest.raises(BadSetting, match=r"^settings.job: warm can't be .* from 0 to 10, or remove it\.$"):
        read({"warm": value})
    assert read({"warm": value}, ignored=frozenset({"warm"})) == RuntimeSettings()
