"""The claim of a process to a deployment, which it renews as long as it lives."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from webjobs_apiserver.errors import Refused, Unavailable
from webjobs_apiserver.service.deployments import records, transitions
from webjobs_apiserver.service.deployments.records_store import StoredRecords
from webjobs_apiserver.service.deployments.rollout import Check, Lost, Progress, Sleep
from webjobs_apiserver.sites import Site
from webjobs_kube.errors import ApiError
from webjobs_kube.tasks import cancelled

log = logging.getLogger(__name__)

RENEWAL = 5.0
"""Seconds between two renewals of a record."""


class Lease:
    """The claim of one process to deployments."""

    def __init__(self, stored: StoredRecords, *, holder: str, clock: Callable[[], datetime], sleep: Sleep) -> None:
        self._stored = stored
        self._holder = holder
        self._clock = clock
        self._sleep = sleep

    @asynccontextmanager
    async def held(self, site: Site, identifier: str, progress: Progress) -> AsyncIterator[Check]:
        """Renew the record of a deployment while the context lasts; give the check whether it is still this process's.

        The check goes by the process's own clock: when renewals fail for too long, another process may have begun.
        """
        until = self._clock() + records.LEASE
        lost = False

        async def renew() -> None:
            nonlocal until, lost
            while True:
                await self._sleep(RENEWAL)
                now = self._clock()
                try:
                    await self._renew(site, identifier, now=now, progress=progress.text)
                except Refused:
                    lost = True
                    return
                except (ApiError, Unavailable) as error:
                    log.warning("deployment %s of %s is not renewed: %s", identifier, site.namespace, error)
                else:
                    until = now + records.LEASE

        def check() -> None:
            if lost or self._clock() >= until:
                raise Lost

        task = asyncio.create_task(renew())
        try:
            yield check
        finally:
            await cancelled([task])

    async def _renew(self, site: Site, identifier: str, *, now: datetime, progress: str) -> None:
        def change(state: records.State) -> records.State:
            return transitions.renewed(state, identifier, holder=self._holder, now=now, progress=progress)

        await self._stored.change(site, change)
