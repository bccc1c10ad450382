"""A WebJobSchedule as the API server has it now, for what must not be done by old news: watches can be late."""

from __future__ import annotations

from webjobs.model import WebJobSchedule
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import Conflict, NotFound
from webjobs_operator.cluster.cache import Cache


async def is_there(kube: KubeClient, cache: Cache, schedule: WebJobSchedule) -> bool:
    """Return whether a WebJobSchedule is still there, as it is known.

    Raises Conflict when it has changed; the cache has the present one then.
    """
    meta = schedule.metadata
    try:
        there = await kube.get("WebJobSchedule", meta.namespace, meta.name)
    except NotFound:
        forget(cache, schedule)
        return False
    if (there["metadata"]["uid"], there["metadata"]["generation"]) != (meta.uid, meta.generation):
        cache.observe("WebJobSchedule", there)
        raise Conflict(409, "Conflict", f"WebJobSchedule {meta.name} has changed since this pass began")
    return True


def forget(cache: Cache, schedule: WebJobSchedule) -> None:
    """Remove a WebJobSchedule that is gone from the cache."""
    meta = schedule.metadata
    body = {"namespace": meta.namespace, "name": meta.name, "uid": meta.uid}
    cache.forget("WebJobSchedule", {"metadata": body, "spec": {"webJobName": schedule.spec.web_job_name}})
