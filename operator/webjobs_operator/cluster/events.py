"""Kubernetes Events about things that a person should know."""

from __future__ import annotations

import logging
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

from webjobs import times
from webjobs.model import API_VERSION, Metadata
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import AlreadyExists, ApiError

log = logging.getLogger(__name__)


def event(
    kind: str, about: Metadata, *, level: Literal["Normal", "Warning"], reason: str, message: str, now: datetime
) -> dict[str, Any]:
    """Return the manifest of an Event; two that say one thing within one second have one name."""
    stamp = times.rfc3339(now, micro=False)
    tag = sha256(f"{about.uid}/{reason}/{message}/{stamp}".encode()).hexdigest()[:16]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{about.name}.{tag}", "namespace": about.namespace},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": kind,
            "name": about.name,
            "namespace": about.namespace,
            "uid": about.uid,
        },
        "type": level,
        "reason": reason,
        "message": message[:1024],
        "source": {"component": "webjobs-operator"},
        "reportingComponent": "webjobs-operator",
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
        "count": 1,
    }


async def post(kube: KubeClient, manifest: dict[str, Any]) -> None:
    """Create an Event.

    Best effort: an Event that can't be written must not stop the work it tells of.
    """
    try:
        await kube.create(manifest)
    except AlreadyExists:
        return
    except ApiError as error:
        log.warning("event %s was not written: %s", manifest["reason"], error)
