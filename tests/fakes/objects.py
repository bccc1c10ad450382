"""Objects for tests, as short as their difference."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from webjobs.model import WebJob, WebJobRun
from webjobs_operator.config import OperatorConfig

T = TypeVar("T")
CREATED = "2026-01-01T00:00:00Z"
JOB_UID = "uid-job"
"""UID of the Job that the pod of a run is made by, where it does not matter which it is."""


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """asyncio.run, but for the thread's own event loop, which pytest-asyncio keeps and wants to close itself."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(work)


def config(**changes: Any) -> OperatorConfig:
    """Settings with one image for all."""
    values: dict[str, Any] = {
        "storeUrl": "memory:///",
        "image": "own:1",
        "packageUrl": "http://shim",
        "runtimes": {"sh": {"image": "sh:1"}, "py": {"image": "py:1"}},
        "podSecurityContext": {"runAsNonRoot": True, "runAsUser": 65532},
        "containerSecurityContext": {"allowPrivilegeEscalation": False},
    }
    return OperatorConfig.model_validate(values | changes)


def webjob_body(
    spec: dict[str, Any] | None = None, *, name: str = "job", status: dict[str, Any] | None = None, version: int = 1
) -> dict[str, Any]:
    """A triggered WebJob with an inline script, changed by ``spec``."""
    base = {"type": "triggered", "script": {"fileName": "run.sh", "text": "echo hello\n"}}
    return {
        "apiVersion": "webjobs.dev/v1",
        "kind": "WebJob",
        "metadata": {
            "name": name,
            "namespace": "site",
            "uid": f"uid-{name}",
            "generation": 1,
            "resourceVersion": str(version),
            "creationTimestamp": CREATED,
        },
        "spec": {key: value for key, value in (base | (spec or {})).items() if value is not None},
        "status": status or {},
    }


def webjob(spec: dict[str, Any] | None = None, **more: Any) -> WebJob:
    """The same as a model."""
    return WebJob.parse(webjob_body(spec, **more))


def run_body(
    name: str = "job-202601010000000000",
    *,
    state: str | None = None,
    spec: dict[str, Any] | None = None,
    status: dict[str, Any] | None = None,
    created: str = CREATED,
    **metadata: Any,
) -> dict[str, Any]:
    """A run of the WebJob called job."""
    return {
        "apiVersion": "webjobs.dev/v1",
        "kind": "WebJobRun",
        "metadata": {
            "name": name,
            "namespace": "site",
            "uid": f"uid-{name}",
            "generation": 1,
            "resourceVersion": "1",
            "creationTimestamp": created,
        }
        | metadata,
        "spec": {"webJobName": "job"} | (spec or {}),
        "status": ({"state": state} if state else {}) | (status or {}),
    }


def run(name: str = "job-202601010000000000", **more: Any) -> WebJobRun:
    """The same as a model."""
    return WebJobRun.parse(run_body(name, **more))


KEPT_BACK = "ImagePullBackOff: no such image."


def kept_back(reason: str) -> dict[str, Any]:
    """Status of a run that something keeps from beginning."""
    condition = {
        "type": "Started",
        "status": "False",
        "reason": reason,
        "message": KEPT_BACK,
        "lastTransitionTime": CREATED,
    }
    return {"message": KEPT_BACK, "conditions": [condition]}


def pod(
    *,
    name: str = "job-pod",
    phase: str = "Pending",
    state: dict[str, Any] | None = None,
    labels: dict[str, str] | None = None,
    **metadata: Any,
) -> dict[str, Any]:
    """A pod of a job, made by its Deployment or by a Job; ``state`` is that of its container."""
    by_job = any(key in (labels or {}) for key in ("webjobs.dev/run", "webjobs.dev/armed"))
    owner = {"kind": "Job", "name": "job", "uid": JOB_UID}
    if not by_job:
        name_of_webjob = (labels or {}).get("webjobs.dev/webjob", "job")
        owner = {"kind": "ReplicaSet", "name": f"{name_of_webjob}-1a2b", "uid": "replica-set"}
        labels = {"pod-template-hash": "1a2b"} | (labels or {})
    statuses = [] if state is None else [{"name": "job", "state": state}]
    return {
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "site",
            "uid": f"abcdef12-{name}",
            "resourceVersion": "1",
            "creationTimestamp": CREATED,
            "labels": {"webjobs.dev/webjob": "job"} | (labels or {}),
            "ownerReferences": [owner],
        }
        | metadata,
        "spec": {},
        "status": {"phase": phase, "containerStatuses": statuses},
    }


def job(
    *,
    name: str = "job-202601010000000000",
    spec: dict[str, Any] | None = None,
    conditions: list[dict[str, Any]] | None = None,
    labels: dict[str, str] | None = None,
    owners: list[dict[str, Any]] | None = None,
    **metadata: Any,
) -> dict[str, Any]:
    """A Kubernetes Job of the WebJob called job, made for the run of its name."""
    return {
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": "site",
            "uid": f"uid-{name}",
            "resourceVersion": "1",
            "creationTimestamp": CREATED,
            "labels": {"webjobs.dev/webjob": "job"} | (labels or {}),
            "ownerReferences": [{"kind": "WebJobRun", "name": name, "uid": f"uid-{name}"}]
            if owners is None
            else owners,
        }
        | metadata,
        "spec": {"backoffLimit": 0} | (spec or {}),
        "status": {"conditions": conditions} if conditions else {},
    }
