"""Whose a pod is, and when it was deleted."""

from __future__ import annotations

from typing import Any

import pytest

from webjobs.pods import as_first_asked, asked_to_end, is_of_webjob, job_of
from webjobs.times import parse_time

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


def deleted(at: str | None, grace: int | None, *, uid: str = "p") -> dict[str, Any]:
    meta = {"uid": uid, "deletionTimestamp": at, "deletionGracePeriodSeconds": grace}
    return {"metadata": {name: value for name, value in meta.items() if value is not None}}


ALIVE, FIRST, LAST = deleted(None, None), deleted("2026-01-01T00:00:31Z", 30), deleted("2026-01-01T00:00:05Z", 0)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (ALIVE, ALIVE, None),
        (ALIVE, FIRST, "2026-01-01T00:00:01Z"),
        (FIRST, FIRST, "2026-01-01T00:00:01Z"),
        (FIRST, LAST, "2026-01-01T00:00:01Z"),
        # Somebody is in a hurry: that ends it sooner, and is another delete.
        (FIRST, deleted("2026-01-01T00:00:04Z", 1), "2026-01-01T00:00:03Z"),
        # It had ended before it was deleted, or the first delete was not seen.
        (ALIVE, LAST, "2026-01-01T00:00:05Z"),
        # Another pod of its name.
        (FIRST, deleted("2026-01-01T00:00:05Z", 0, uid="q"), "2026-01-01T00:00:05Z"),
    ],
)
def test_the_last_delete_of_the_kubelet_is_not_the_first(
    before: dict[str, Any], now: dict[str, Any], expected: str | None
) -> None:
    assert asked_to_end(as_first_asked(now, before)) == (parse_time(expected) if expected else None)
