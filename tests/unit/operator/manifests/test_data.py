"""A WEBJOBS_DATA_PATH that lasts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.cluster import World
from tests.fakes.objects import config, run_async, webjob, webjob_body
from webjobs_kube.errors import ApiError, Forbidden
from webjobs_operator.manifests import children
from webjobs_operator.manifests.pod import pod_template
from webjobs_operator.manifests.program import resolve

MADE = {"size": "1Gi"}
CLAIM = ("PersistentVolumeClaim", "site", "job-data")


def data_volume(spec: dict[str, Any]) -> dict[str, Any]:
    one = webjob(spec)
    template = pod_template(one, program=resolve(one, config()), config=config(), restart_policy="Never", labels={})
    (found,) = (volume for volume in template["spec"]["volumes"] if volume["name"] == "data")
    volume: dict[str, Any] = found
    return volume


@pytest.mark.parametrize(
    ("data", "source"),
    [
        (None, {"emptyDir": {}}),
        (MADE, {"persistentVolumeClaim": {"claimName": "job-data"}}),
        ({"claimName": "shared"}, {"persistentVolumeClaim": {"claimName": "shared"}}),
    ],
)
def test_the_volume_at_the_data_path(data: dict[str, Any] | None, source: dict[str, Any]) -> None:
    assert data_volume({"data": data}) == {"name": "data"} | source


@pytest.mark.parametrize(
    ("data", "strategy"),
    [
        (None, "RollingUpdate"),
        (MADE, "Recreate"),
        (MADE | {"accessMode": "ReadWriteOnce"}, "Recreate"),
        (MADE | {"accessMode": "ReadWriteMany"}, "RollingUpdate"),
        ({"claimName": "shared"}, "RollingUpdate"),
    ],
)
def test_pods_that_wait_for_a_volume_of_one_node_never_wait_for_each_other(
    data: dict[str, Any] | None, strategy: str
) -> None:
    one = webjob({"type": "continuous", "data": data})
    made = children.deployment(one, program=resolve(one, config()), config=config())
    assert made["spec"]["strategy"]["type"] == strategy


def test_the_claim_is_made_once_and_before_what_mounts_it() -> None:
    world = World(webjob_body({"type": "continuous", "data": MADE}))
    assert world.settle() == [
        "apply ConfigMap",
        "apply PersistentVolumeClaim",
        "apply Deployment",
        "patch WebJob/status",
    ]
    (owner,) = world.one("PersistentVolumeClaim")["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("WebJob", "uid-job", True)
    world.restart()
    assert world.settle() == []
    world.kube.objects.pop(CLAIM)
    assert world.settle() == ["apply PersistentVolumeClaim"]


def test_no_claim_is_made_for_one_that_is_there() -> None:
    world = World(webjob_body({"data": {"claimName": "shared"}}))
    world.settle()
    assert world.kube.of_kind("PersistentVolumeClaim") == []


def test_the_claim_grows_and_stays_when_nothing_asks_for_it_any_more() -> None:
    world = World(webjob_body({"data": MADE}))
    world.settle()
    webjob_there = world.kube.objects["WebJob", "site", "job"]
    for data, size in (({"size": "2Gi"}, "2Gi"), (None, "2Gi")):
        webjob_there["spec"]["data"] = data
        webjob_there["metadata"]["resourceVersion"] = world.kube._next_version()
        world.settle()
        assert world.one("PersistentVolumeClaim")["spec"]["resources"]["requests"]["storage"] == size


def test_a_claim_of_somebody_else_is_not_taken() -> None:
    body = {"kind": "PersistentVolumeClaim", "metadata": {"name": "job-data", "namespace": "site"}, "spec": {}}
    world = World(webjob_body({"data": MADE}), body)
    world.settle()
    (ready,) = world.one("WebJob")["status"]["conditions"]
    assert (ready["status"], ready["reason"]) == ("False", "NameTaken")
    assert world.one("PersistentVolumeClaim")["spec"] == {}


def test_a_claim_that_may_not_be_made_is_told() -> None:
    world = World(webjob_body({"data": MADE}))
    refusal = Forbidden(403, "Forbidden", "exceeded quota: none")
    world.kube.fail(refusal, verb="apply", kind="PersistentVolumeClaim")
    world.watch()
    due = run_async(world._pass())
    (ready,) = world.one("WebJob")["status"]["conditions"]
    assert (ready["status"], ready["reason"]) == ("False", "ChildRefused")
    assert ready["message"] == "The PersistentVolumeClaim was refused: exceeded quota: none"
    assert due is not None, "no watch tells when the quota grows"
    assert "apply PersistentVolumeClaim" in world.settle()
    assert world.one("WebJob")["status"]["conditions"][0]["reason"] == "Runnable"


def test_another_error_is_not_hidden() -> None:
    world = World(webjob_body({"data": MADE}))
    world.kube.fail(ApiError(500, "InternalError", "later"), verb="apply", kind="PersistentVolumeClaim")
    with pytest.raises(ApiError, match="later"):
        world.settle()
