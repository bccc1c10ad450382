"""Why Jobs can't make their pods: a quota, a LimitRange or a policy refuses them.

A Job says nothing of it in its status; its controller tells it by Events alone. They are asked for where a Job has no
pod for some time, and then every two minutes.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from cachetools import LRUCache

from webjobs import times
from webjobs.objects import Object
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import ApiError
from webjobs_operator.context.obstacles import is_suspended

log = logging.getLogger(__name__)
PATIENCE = timedelta(seconds=10)
"""How long a Job may have no pod before that is looked into."""
_PAUSE = timedelta(minutes=2)
_KEPT = 10_000


class PodRefusals:
    """The answers to why Jobs have no pods, as they were last heard."""

    def __init__(self, *, kube: KubeClient) -> None:
        self._kube = kube
        self._heard: LRUCache[str, tuple[datetime, str | None]] = LRUCache(_KEPT)
        """When each Job was asked about last, by its UID, and what was heard."""

    async def ask(self, job: Object, *, now: datetime) -> tuple[str | None, datetime | None]:
        """Return why a Job that has no pod can't make one, and when to ask again; (None, None): it is no question."""
        begun = job.get("status", {}).get("startTime") or job["metadata"]["creationTimestamp"]
        first = times.parse_time(begun) + PATIENCE
        if is_suspended(job) or job["metadata"].get("deletionTimestamp"):
            return None, None
        if now < first:
            return None, first
        asked, text = self._heard.get(job["metadata"]["uid"], (None, None))
        if asked is None or now >= asked + _PAUSE:
            asked, text = now, await self._refusal(job)
            self._heard[job["metadata"]["uid"]] = asked, text
        return text, asked + _PAUSE

    async def _refusal(self, job: Object) -> str | None:
        meta = job["metadata"]
        selector = f"involvedObject.uid={meta['uid']},reason=FailedCreate"
        try:
            events = await self._kube.list("Event", meta["namespace"], fields=selector)
        except ApiError as error:  # what keeps the Job back is told later then; the rest of the pass goes on
            log.warning("events of job %s/%s were not read: %s", meta["namespace"], meta["name"], error)
            return None
        newest = max(events, key=lambda event: event["metadata"]["creationTimestamp"], default=None)
        text = str((newest or {}).get("message") or "") or None
        return text.removeprefix("Error creating: ") if text else None
