"""Whose a pod is."""

from __future__ import annotations

from typing import Any

import pytest

from webjobs.pods import is_of_webjob, job_of

REPLICA_SET = {"kind": "ReplicaSet", "name": "job-1a2b", "uid": "r"}
JOB = {"kind": "Job", "name": "anything", "uid": "j"}


def pod(*owners: dict[str, Any], template: str | None = "1a2b") -> dict[str, Any]:
    labels = {"webjobs.dev/webjob": "job"} | ({"pod-template-hash": template} if template else {})
    return {"metadata": {"name": "p", "labels": labels, "ownerReferences": list(owners)}}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (pod(REPLICA_SET), True),
        (pod(JOB), True),
        (pod(JOB, template=None), True),
        (pod(), False),
        (pod(REPLICA_SET, template=None), False),
        (pod(REPLICA_SET, template="other"), False),
        (pod(REPLICA_SET | {"name": "job-more-1a2b"}), False),
        (pod(REPLICA_SET | {"name": "1a2b"}), False),
        (pod({"kind": "StatefulSet", "name": "job-1a2b", "uid": "s"}), False),
        ({"metadata": {"name": "p"}}, False),
    ],
)
def test_labels_are_not_enough(body: dict[str, Any], expected: bool) -> None:
    assert is_of_webjob(body, "job") is expected


def test_the_job_of_a_pod() -> None:
    assert job_of(pod(REPLICA_SET, JOB)) == "j"
    assert job_of(pod(REPLICA_SET)) is None
    assert job_of({"metadata": {"ownerReferences": None}}) is None
