"""Manifests of WebJobRuns, and of ownerReferences, as operator, REST shim and command line write them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webjobs.model import ANNOTATION_WEBJOB_UID, API_VERSION, LABEL_WEBJOB, Metadata, WebJob
from webjobs.objects import Object, ObjectView, owners_of


def owner_reference(kind: str, metadata: Metadata) -> Object:
    """Return an ownerReference to an object as controller. ``kind``: one of ours."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "name": metadata.name,
        "uid": metadata.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def is_owned(body: ObjectView, uid: str) -> bool:
    """Return whether an object belongs to the one with a UID: a label or a name says nothing, anybody may write it."""
    return any(owner["uid"] == uid for owner in owners_of(body))


def owned_run(
    webjob: WebJob,
    *,
    name: str,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    **spec: Any,
) -> Object:
    """Return a WebJobRun that belongs to its WebJob.

    ``labels``: besides the one that names the WebJob. ``spec``: fields by their names on the wire; None is left out.
    """
    metadata: Object = {
        "name": name,
        "namespace": webjob.metadata.namespace,
        "labels": {LABEL_WEBJOB: webjob.metadata.name} | dict(labels or {}),
        "annotations": {ANNOTATION_WEBJOB_UID: webjob.metadata.uid} | dict(annotations or {}),
        "ownerReferences": [owner_reference("WebJob", webjob.metadata)],
    }
    return _run(webjob, metadata, spec)


def adoption_patch(webjob: WebJob) -> Object:
    """Return the patch that makes a run from elsewhere a WebJob's: it goes with it, and is found by its label."""
    return {
        "metadata": {
            "annotations": {ANNOTATION_WEBJOB_UID: webjob.metadata.uid},
            "labels": {LABEL_WEBJOB: webjob.metadata.name},
            "ownerReferences": [owner_reference("WebJob", webjob.metadata)],
        }
    }


def new_run(webjob: WebJob, *, namespace: str, **spec: Any) -> Object:
    """Return a WebJobRun as a person creates it: its name, and so its id, comes from the API server."""
    name = webjob.metadata.name
    metadata = {"generateName": f"{name}-", "namespace": namespace, "labels": {LABEL_WEBJOB: name}}
    return _run(webjob, metadata, spec)


def _run(webjob: WebJob, metadata: Object, spec: Mapping[str, Any]) -> Object:
    said = {key: value for key, value in spec.items() if value is not None}
    return {
        "apiVersion": API_VERSION,
        "kind": "WebJobRun",
        "metadata": metadata,
        "spec": {"webJobName": webjob.metadata.name} | said,
    }
