"""Why controllers of Kubernetes can't make what they should: a quota, a LimitRange or a policy refuses it.

A Job without a pod and a CronJob without a Job say nothing of it in their status; their controllers tell it by Events
alone. These are asked for where something is missing for some time, and then every two minutes.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from cachetools import LRUCache

from webjobs import times
from webjobs.objects import Object, ObjectView
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import ApiError

log = logging.getLogger(__name__)
PATIENCE = timedelta(seconds=10)
"""How long something may be missing before that is looked into."""
_PAUSE = timedelta(minutes=2)
_KEPT = 10_000


class Refusals:
    """The answers to why something is missing, as they were last heard."""

    def __init__(self, *, kube: KubeClient) -> None:
        self._kube = kube
        self._heard: LRUCache[tuple[str, datetime], tuple[datetime, str | None]] = LRUCache(_KEPT)
        """When was asked last, and what was heard; by the controller's UID and since when something is missing."""

    async def ask(self, owner: Object, *, since: datetime, now: datetime) -> tuple[str | None, datetime]:
        """Return why an object has not what it should have had since a moment, and when to ask again.

        ``owner``: a Job or CronJob. None: nobody said anything.
        """
        if now < since + PATIENCE:
            return None, since + PATIENCE
        key = owner["metadata"]["uid"], since
        asked, text = self._heard.get(key, (None, None))
        if asked is None or now >= asked + _PAUSE:
            asked, text = now, await self._said(owner, since)
            self._heard[key] = asked, text
        return text, asked + _PAUSE

    async def _said(self, owner: Object, since: datetime) -> str | None:
        meta = owner["metadata"]
        selector = f"involvedObject.uid={meta['uid']},reason=FailedCreate"
        try:
            events = await self._kube.list("Event", meta["namespace"], fields=selector)
        except ApiError as error:  # what is missing is told later then; the rest of the pass goes on
            log.warning("events of %s/%s were not read: %s", meta["namespace"], meta["name"], error)
            return None
        newest = max(events, key=_when, default=None)
        # Times of Events are whole seconds.
        if newest is None or _when(newest) < since.replace(microsecond=0):
            return None
        return str(newest.get("message") or "").removeprefix("Error creating: ").removeprefix("Error creating job: ")


def _when(event: ObjectView) -> datetime:
    """Return when an Event was told last."""
    series = event.get("series") or {}
    told = [event.get("lastTimestamp"), event.get("eventTime"), series.get("lastObservedTime")]
    known = [times.parse_time(one) for one in told if one]
    return max(known, default=times.parse_time(event["metadata"]["creationTimestamp"]))
