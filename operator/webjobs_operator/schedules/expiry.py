"""WebJobSchedules whose ``spec.deleteAt`` has come are deleted, suspended or not, also when the operator was away."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime

from webjobs.schedules import webjob_schedule
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import NotFound
from webjobs_operator.cluster.cache import Cache, Key
from webjobs_operator.schedules import live_schedule

log = logging.getLogger(__name__)


class Endings:
    """See the module."""

    def __init__(self, *, kube: KubeClient, cache: Cache) -> None:
        self._kube = kube
        self._cache = cache

    async def carry_out(self, key: Key, *, now: datetime) -> list[datetime]:
        """Deletes those of a WebJob that are to go, before anything of them fires; gives when the others are."""
        due = []
        for schedule in self._cache.schedules(key):
            end = webjob_schedule.ends(schedule)
            if end is None:
                continue
            if end > now:
                due.append(end)
                continue
            # What is deleted can't be had back: the time may have been taken away or moved since it was seen.
            if not await live_schedule.is_there(self._kube, self._cache, schedule):
                continue
            with suppress(NotFound):
                await self._kube.delete("WebJobSchedule", key[0], schedule.metadata.name, uid=schedule.metadata.uid)
                log.info("WebJobSchedule %s/%s is deleted: its deleteAt has come", key[0], schedule.metadata.name)
            live_schedule.forget(self._cache, schedule)
        return due
