"""The end of WebJobSchedules: one whose ``spec.deleteAt`` has come is deleted.

Suspended or not, and also when the operator was away at that time.
"""

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
    """The deletion of WebJobSchedules whose ``spec.deleteAt`` has come."""

    def __init__(self, *, kube: KubeClient, cache: Cache) -> None:
        self._kube = kube
        self._cache = cache

    async def carry_out(self, key: Key, *, now: datetime) -> list[datetime]:
        """Delete the WebJobSchedules of a WebJob whose time has come; return when the others end.

        They go before anything of them fires.
        """
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
