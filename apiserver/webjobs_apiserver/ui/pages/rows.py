"""The rows of all jobs, each rendered once for all pages until its job changes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from cachetools import LRUCache
from markupsafe import Markup

from webjobs.model import WebJobRun
from webjobs_apiserver.service.service import Service
from webjobs_apiserver.sites import Site
from webjobs_apiserver.ui.door import Abilities
from webjobs_apiserver.ui.jobs.job_row import JobRow
from webjobs_apiserver.ui.rendering import Renderer
from webjobs_apiserver.watching.job import Job
from webjobs_apiserver.watching.watch import Feed

_SITES = 64
"""Sites whose rows are remembered."""


@dataclass(kw_only=True)
class Known:
    """The row of a job."""

    count: int
    """Changes of the job up to then; -1: nobody counts them."""
    job: str
    """Object name of the job."""
    row: JobRow
    """What is shown."""
    html: dict[Abilities, Markup] = field(default_factory=dict)
    """HTML of the row, by what a visitor may do."""


class Rows:
    """Maker of rows."""

    def __init__(self, *, service: Service, feed: Feed, renderer: Renderer) -> None:
        self._service = service
        self._feed = feed
        self._renderer = renderer
        self._known: LRUCache[str, dict[str, Known]] = LRUCache(_SITES)
        self._lock = asyncio.Lock()

    async def all(self, site: Site) -> list[Known]:
        """Return the rows of all jobs of a site, triggered ones first, each type by name."""
        async with self._lock:  # of many pages that hear of a change the first one makes the row
            return await self._all(site)

    async def _all(self, site: Site) -> list[Known]:
        jobs = await self._service.jobs.list(site)
        known = self._feed.known(site.namespace)
        if known is None:  # its watch is broken: what was rendered before may be old
            latest = await self._service.runs.latest(site)
            return [_of(job, [run] if (run := latest.get(job.object_name)) else [], count=-1) for job in jobs]
        before, now = self._known.get(site.namespace, {}), dict[str, Known]()
        for job in jobs:
            name = job.object_name
            count, there = known.changes.of(name), before.get(name)
            if there and there.count == count:
                now[name] = there
                continue
            now[name] = _of(job, known.runs(name), count=count)
            await asyncio.sleep(0)  # at first it is a thousand rows: others get their turn
        self._known[site.namespace] = now
        return list(now.values())

    def html(self, one: Known, abilities: Abilities) -> Markup:
        """Return a row as HTML."""
        if abilities not in one.html:
            one.html[abilities] = self._renderer.text("parts/job_row.html", row=one.row, can=abilities)
        return one.html[abilities]


def _of(job: Job, runs: Sequence[WebJobRun], *, count: int) -> Known:
    return Known(count=count, job=job.object_name, row=JobRow.of(job, runs))
