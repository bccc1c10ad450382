"""Labels and annotations of podTemplate reach the children, so that policies and queues get what they ask for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.cluster import World
from tests.fakes.objects import run_body, webjob_body

METADATA = {
    "labels": {"team": "billing", "webjobs.dev/webjob": "other", "gone": None},
    "annotations": {"cost": "7", "gone": None},
}
OWN = {"webjobs.dev/webjob": "job", "app.kubernetes.io/managed-by": "webjobs"}
QUEUE = {"metadata": {"labels": {"kueue.x-k8s.io/queue-name": "batch"}}}


def has(metadata: dict[str, Any]) -> bool:
    labels, annotations = metadata["labels"], metadata.get("annotations", {})
    mine = {key: labels.get(key) for key in OWN} == OWN
    return mine and labels.get("team") == "billing" and annotations.get("cost") == "7" and "gone" not in labels


@pytest.mark.parametrize(
    ("spec", "kinds"),
    [
        ({}, ["ConfigMap", "Job"]),
        (
            {"schedule": "0 * * * * *", "data": {"size": "1Gi"}},
            ["ConfigMap", "CronJob", "Job", "PersistentVolumeClaim"],
        ),
        ({"type": "continuous"}, ["ConfigMap", "Deployment"]),
    ],
)
def test_every_child_has_them_and_ours_win(spec: dict[str, Any], kinds: list[str]) -> None:
    runs = [run_body()] if spec.get("type") != "continuous" else []
    world = World(webjob_body(spec | {"podTemplate": {"metadata": METADATA}}), *runs)
    world.settle()
    for kind in kinds:
        body = world.one(kind)
        assert has(body["metadata"]), kind
        if kind == "CronJob":
            body = body["spec"]["jobTemplate"]
            assert has(body["metadata"])
        if "template" in body.get("spec", {}):
            assert has(body["spec"]["template"]["metadata"])
    assert world.settle() == []


def test_other_annotations_are_applied() -> None:
    world = World(webjob_body({"type": "continuous", "podTemplate": {"metadata": {"annotations": {"cost": "7"}}}}))
    world.settle()
    world.edit_spec(podTemplate={"metadata": {"annotations": {"cost": "8"}}})
    assert "apply Deployment" in world.settle()
    assert world.one("Deployment")["metadata"]["annotations"]["cost"] == "8"


def test_jobs_in_a_queue_are_not_made_by_a_cron_job() -> None:
    """Kueue resumes the Jobs of its queues: one that waits for its admission would run unseen."""
    world = World(webjob_body({"schedule": "0 * * * * *", "podTemplate": QUEUE}))
    world.settle()
    (scheduled,) = [c for c in world.one("WebJob")["status"]["conditions"] if c["type"] == "Scheduled"]
    assert (scheduled["reason"], world.kube.of_kind("CronJob")) == ("OperatorTimer", [])
    assert "queue batch of Kueue" in scheduled["message"]
