"""What a WebJob takes from a Deployment, and how it follows it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.fakes.cluster import World
from tests.fakes.objects import config, run, webjob, webjob_body
from webjobs.model import FromDeployment
from webjobs_operator.manifests import children
from webjobs_operator.manifests.borrow import borrow
from webjobs_operator.manifests.problem import Unrunnable
from webjobs_operator.manifests.program import resolve

WEB: dict[str, Any] = {
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "site"},
    "spec": {
        "template": {
            "spec": {
                "serviceAccountName": "web",
                "imagePullSecrets": [{"name": "registry"}],
                "containers": [
                    {
                        "name": "site",
                        "image": "web:1",
                        "env": [
                            {"name": "A", "value": "web"},
                            {"name": "B", "value": "$(A)"},
                            {"name": "WEBJOBS_NAME"},
                        ],
                        "envFrom": [{"secretRef": {"name": "web"}}],
                        "volumeMounts": [
                            {"name": "data", "mountPath": "/srv"},
                            {"name": "conf", "mountPath": "/etc/web"},
                        ],
                        "livenessProbe": {"httpGet": {"port": 80}},
                    },
                    {"name": "proxy", "image": "proxy:1"},
                ],
                "volumes": [
                    {"name": "data", "persistentVolumeClaim": {"claimName": "web"}},
                    {"name": "conf", "configMap": {"name": "web"}},
                    {"name": "unused", "emptyDir": {}},
                ],
            }
        }
    },
}
SOURCE = {"name": "web"}


def pod_of(spec: dict[str, Any], **source: str) -> dict[str, Any]:
    one, settings = webjob({"fromDeployment": SOURCE} | spec), config()
    borrowed = borrow(WEB, FromDeployment.parse(SOURCE | source))
    program = resolve(one, settings, borrowed=borrowed)
    pod: dict[str, Any] = children.job(one, run(), program=program, config=settings)["spec"]["template"]["spec"]
    return pod


def values(container: dict[str, Any]) -> dict[str, str | None]:
    return {one["name"]: one.get("value") for one in container["env"]}


def test_what_the_container_needs_is_borrowed_and_nothing_else() -> None:
    pod = pod_of({})
    (container,) = pod["containers"]
    assert container["image"] == "web:1"
    assert (values(container)["A"], values(container)["B"], values(container)["WEBJOBS_NAME"]) == ("web", "$(A)", "job")
    assert container["envFrom"][4:] == [{"secretRef": {"name": "web"}}]
    assert "livenessProbe" not in container
    assert container["volumeMounts"][-2:] == [
        {"name": "data-of-deployment", "mountPath": "/srv"},
        {"name": "conf", "mountPath": "/etc/web"},
    ]
    names = [volume["name"] for volume in pod["volumes"]]
    assert names == ["work", "data", "package", "data-of-deployment", "conf"]
    assert (pod["serviceAccountName"], pod["automountServiceAccountToken"]) == ("web", True)
    assert pod["imagePullSecrets"] == [{"name": "registry"}]


def test_the_spec_wins_over_the_deployment_and_that_over_settings_job() -> None:
    own = {"secretRef": {"name": "own"}}
    pod = pod_of(
        {"image": "own:1", "env": [{"name": "A", "value": "own"}], "envFrom": [own], "serviceAccountName": "me"}
    )
    (container,) = pod["containers"]
    assert (container["image"], values(container)["A"], container["envFrom"][-1]) == ("own:1", "own", own)
    assert pod["serviceAccountName"] == "me"
    assert pod_of({"settings": {"image": "zip:1"}})["containers"][0]["image"] == "web:1"


def test_another_container_and_a_command_without_a_script() -> None:
    pod = pod_of({"script": None, "command": ["/tool"]}, container="proxy")
    (container,) = pod["containers"]
    assert (container["image"], container["command"]) == ("proxy:1", ["/tool"])
    assert [volume["name"] for volume in pod["volumes"]] == ["work", "data"]


@pytest.mark.parametrize(
    ("labels", "container", "reason"),
    [({"webjobs.dev/webjob": "x"}, "site", "DeploymentOfWebJob"), ({}, "none", "DeploymentMissing")],
)
def test_what_can_not_be_borrowed(labels: dict[str, str], container: str, reason: str) -> None:
    body = WEB | {"metadata": WEB["metadata"] | {"labels": labels}}
    with pytest.raises(Unrunnable) as caught:
        borrow(body, FromDeployment(name="web", container=container))
    assert caught.value.reason == reason
    assert caught.value.message.endswith(".")


def images(world: World) -> list[str]:
    ours = [one for one in world.kube.of_kind("Deployment") if one["metadata"]["name"] == "job"]
    return [one["spec"]["template"]["spec"]["containers"][0]["image"] for one in ours]


def test_a_changed_deployment_is_followed_within_a_minute() -> None:
    world = World(webjob_body({"type": "continuous", "fromDeployment": SOURCE}))
    world.settle()
    (ready,) = world.one("WebJob")["status"]["conditions"]
    assert (ready["reason"], images(world)) == ("DeploymentMissing", [])
    assert world.due is not None
    assert world.due <= 61

    world.kube.add(copy.deepcopy(WEB))
    world.settle()
    assert images(world) == ["web:1"]
    assert world.settle() == [], "looking again is no write"
    assert world.due is not None
    assert world.due <= 61

    container = world.kube.objects["Deployment", "site", "web"]["spec"]["template"]["spec"]["containers"][0]
    container["image"] = "web:2"
    assert world.settle() == ["apply Deployment", "patch WebJob/status"]
    assert images(world) == ["web:2"]
