"""A WebJobSchedule as it is now, for what must not be done by old news: watches can be late."""

from __future__ import annotations

from webjobs.model import WebJobSchedule
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import Conflict, NotFound
from webjobs_operator.cluster.cache import Cache


async def is_there(kube: KubeClient, cache: Cache, schedule: WebJobSchedule) -> bool:
    """Whether it is there still. Raises Conflict when it is not as it is known; the cache knows what it is, then."""
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
    """It is gone."""
    meta = schedule.metadata
    body = {"namespace": meta.namespace, "name": meta.name, "uid": meta.uid}
    cache.forget("WebJobSchedule", {"metadata": body, "spec": {"webJobName": schedule.spec.web_job_name}})
