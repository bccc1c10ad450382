"""Writes about runs that every step of their life needs: status, owner, end, deletion, Events.

Every write can be repeated, and is fine when its object is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from webjobs import times
from webjobs.model import ANNOTATION_WEBJOB_UID, Metadata, RunState, WebJob, WebJobRun
from webjobs.objects import Object
from webjobs.runs import runs
from webjobs.runs.manifest import adoption_patch
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import NotFound
from webjobs_operator import metrics
from webjobs_operator.cluster.cache import Cache, Key
from webjobs_operator.cluster.events import event, post
from webjobs_operator.cluster.writes import remove
from webjobs_operator.context.conditions import Wanted, update
from webjobs_operator.context.facts import Facts


class RunWrites:
    """Writes of WebJobRuns and of what belongs to them."""

    def __init__(self, *, kube: KubeClient, cache: Cache) -> None:
        self._kube = kube
        self._cache = cache

    async def patch_run(self, run: WebJobRun, patch: Object, *, subresource: str | None = "status") -> None:
        """Patch a run, its status unless said otherwise."""
        try:
            answer = await self._kube.patch(
                "WebJobRun", run.metadata.namespace, run.metadata.name, patch, subresource=subresource
            )
        except NotFound:
            return  # deleted meanwhile: there is nothing left to tell
        self._cache.observe("WebJobRun", answer)

    async def adopt(self, webjob: WebJob, run: WebJobRun) -> None:
        """Make a run from elsewhere the WebJob's, unless it is: it goes with it, and is found by its label."""
        if not any(owner.uid == webjob.metadata.uid for owner in run.metadata.owner_references):
            await self.patch_run(run, adoption_patch(webjob), subresource=None)

    async def disown(self, run: WebJobRun) -> None:
        """Note on a run that it is no WebJob's, before its end: a copy of it is history, too."""
        noted = {"metadata": {"annotations": {ANNOTATION_WEBJOB_UID: ""}}}
        await self.patch_run(run, noted, subresource=None)

    async def finish(self, run: WebJobRun, *, state: RunState, reason: str, message: str, now: datetime) -> None:
        """Record the end of a run that never had a process."""
        wanted = [Wanted(type="Failed", status=True, reason=reason, message=message)]
        status = {
            "state": state,
            "runId": runs.run_id(run),
            "startTime": times.rfc3339(runs.start_time(run)),
            "endTime": times.rfc3339(now),
            "message": message,
            "conditions": update(run.status.conditions, wanted, generation=run.metadata.generation, now=now),
        }
        await self.patch_run(run, {"status": status})

    async def tell_skip(self, facts: Facts, message: str) -> None:
        """Tell of a skipped run as a metric and as an Event; the status counts it at the end of the pass."""
        metrics.RUNS_SKIPPED.labels(*facts.key).inc()
        await self.tell(facts, "RunSkipped", message)

    async def tell(self, facts: Facts, reason: str, message: str) -> None:
        """Write a warning about the WebJob as an Event."""
        about = facts.webjob.metadata
        await post(self._kube, event("WebJob", about, level="Warning", reason=reason, message=message, now=facts.now))

    async def delete(self, key: Key, kind: str, metadata: Metadata) -> None:
        """Delete exactly this object of a WebJob (by UID), and what it owns after it."""
        await remove(self._kube, self._cache, kind, metadata, owner=key)

    async def delete_object(self, key: Key, kind: str, body: Mapping[str, Any]) -> None:
        """Delete exactly this object of a WebJob, as it was observed."""
        await self.delete(key, kind, Metadata.model_validate(body["metadata"]))
