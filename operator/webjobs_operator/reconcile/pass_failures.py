"""Passes that fail: told in the status of the WebJob, since they end before they write it.

A pass that does not fail writes the whole status, and so takes back what was told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from cachetools import LRUCache

from webjobs.model import ANNOTATION_RESTORING, WebJob
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import ApiError
from webjobs_operator.cluster.cache import Cache, Key
from webjobs_operator.cluster.events import event, post
from webjobs_operator.context.conditions import Wanted, update

log = logging.getLogger(__name__)

UNTOLD = 5
"""Passes in a row that fail by what the API server answers before that is told: some seconds, as when it restarts."""
_KEPT = 10_000


class PassFailures:
    """The failures of passes over each WebJob, in a row."""

    def __init__(self, *, kube: KubeClient, cache: Cache, clock: Callable[[], datetime]) -> None:
        self._kube = kube
        self._cache = cache
        self._clock = clock
        self._counts: LRUCache[Key, int] = LRUCache(_KEPT)

    def forget(self, key: Key) -> None:
        """Take in that a pass did not fail."""
        self._counts.pop(key, None)

    def happened(self, key: Key) -> bool:
        """Return whether the latest pass over a WebJob failed."""
        return key in self._counts

    async def count(self, key: Key, error: Exception) -> None:
        """Count a pass that failed, and tell it where it is not the API server's moment of weakness."""
        self._counts[key] = count = self._counts.get(key, 0) + 1
        webjob = self._cache.webjob(key)
        if webjob is None or not is_time(count, first=UNTOLD if isinstance(error, ApiError) else 1):
            return
        try:
            await self.tell(webjob, failure(error))
        except ApiError as other:  # the work is tried again anyway
            log.warning("the status of %s/%s does not tell that passes fail: %s", *key, other)

    async def tell(self, webjob: WebJob, ready: Wanted) -> None:
        """Write a condition and an Event, unless the status says it already; all else of the status stays."""
        meta, known, told, now = webjob.metadata, webjob.status.conditions, webjob.status.problem, self._clock()
        if told and (told.reason, told.message) == (ready.reason, ready.message):
            return
        if told is None or told.reason != ready.reason:
            about = event("WebJob", meta, level="Warning", reason=ready.reason, message=ready.message, now=now)
            await post(self._kube, about)
        others = [one.to_wire() for one in known if one.type != ready.type]
        conditions = [*update(known, [ready], generation=meta.generation, now=now), *others]
        body = {"metadata": {"resourceVersion": meta.resource_version}, "status": {"conditions": conditions}}
        answer = await self._kube.patch("WebJob", meta.namespace, meta.name, body, subresource="status")
        self._cache.observe("WebJob", answer)


def is_time(count: int, *, first: int) -> bool:
    """Return whether a failure is told at so many in a row: at the first that counts, and ever more seldom after it.

    An API server that fails can't be told anything, and is not to be asked more for that. Pure.
    """
    times, rest = divmod(count, first)
    return rest == 0 and times > 0 and times & (times - 1) == 0


def restoring(webjob: WebJob) -> Wanted | None:
    """Return the condition of a WebJob whose history is being restored; None when it is not. Pure."""
    since = webjob.metadata.annotations.get(ANNOTATION_RESTORING)
    if since is None:
        return None
    text = (
        f"Its history is being restored from a backup, since {since[:40]}, and nothing of it goes on meanwhile. If the "
        f"restore was cut off, repeat it, or go on without: kubectl annotate webjob NAME {ANNOTATION_RESTORING}-"
    )
    return Wanted(type="Ready", status=False, reason="Restoring", message=text)


def failure(error: Exception) -> Wanted:
    """Return the condition of a WebJob over which passes fail. Pure.

    What the API server answers is told. Of a defect its kind is: what it says may hold values of the job.
    """
    if isinstance(error, ApiError):
        cause = f"The API server does not let the operator go on: {error.message}"
    else:
        cause = f"The operator fails at this WebJob ({type(error).__name__}); the log of its pod says where."
    text = f"{cause[:800]} Nothing of the job goes on. It is tried again at least every minute, and at each change."
    return Wanted(type="Ready", status=False, reason="ReconcileFailed", message=text)
