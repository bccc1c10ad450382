"""What a site looks like at a glance: counts, failures, what comes next, and the results of a day. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import nlargest, nsmallest

from webjobs_apiserver.ui.jobs.job_row import FailedRun, JobRow
from webjobs_apiserver.ui.words import Tone

SHOWN = 10
"""Failures, and next times, that are listed."""
HOURS = 24
"""Hours of the strip."""
_HIGH = 40
"""Height of the strip in its own units."""
_ORDER: tuple[Tone, ...] = ("good", "warn", "bad")
"""Tones in a bar of the strip, from below."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A run that has failed."""

    job: str
    """Name of the job."""
    url: str
    """Address of the job's page."""
    failed: FailedRun
    """The run."""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A part of an hour's bar."""

    tone: Tone
    """Tone of the results."""
    x: int
    """Left end; an hour is 10 wide."""
    y: float
    """Upper end, from above."""
    height: float
    """Height, of 40."""


@dataclass(frozen=True, kw_only=True)
class Hour:
    """The results of an hour."""

    begin: datetime
    """When it began, UTC."""
    counts: Mapping[Tone, int]
    """Runs that ended in it, by tone."""

    @property
    def total(self) -> int:
        """Runs that ended in it."""
        return sum(self.counts.values())


@dataclass(frozen=True, kw_only=True)
class Overview:
    """A site at a glance."""

    counts: Mapping[str, int]
    """Jobs by ``all`` and the states that lists can be narrowed to; ``failures``: runs of the last day."""
    hours: Sequence[Hour]
    """The last day, the oldest hour first."""
    failures: Sequence[Failure]
    """The latest runs that failed, the newest first."""
    coming: Sequence[JobRow]
    """Jobs with a next time, the next first."""

    @property
    def bars(self) -> list[Bar]:
        """The strip of the last day, as high as its busiest hour."""
        most = max((hour.total for hour in self.hours), default=0) or 1
        found = []
        for number, hour in enumerate(self.hours):
            below = 0.0
            for tone in _ORDER:
                if count := hour.counts.get(tone, 0):
                    height = round(count / most * _HIGH, 2)
                    below += height
                    found.append(Bar(tone=tone, x=number * 10, y=round(_HIGH - below, 2), height=height))
        return found


def overview(rows: Sequence[JobRow], *, now: datetime) -> Overview:
    """Return a site at a glance. ``rows``: of all jobs."""
    last = int(now.timestamp()) // 3600
    counts: dict[int, Counter[Tone]] = {last - number: Counter() for number in reversed(range(HOURS))}
    for row in rows:
        for (hour, tone), count in row.ended.items():
            if hour in counts:
                counts[hour][tone] += count
    states = Counter(state for row in rows for state in row.states)
    failures = [Failure(job=row.name, url=row.url, failed=failed) for row in rows for failed in row.failed]
    with_time = [row for row in rows if row.next_time]
    return Overview(
        counts={"all": len(rows), **states, "failures": sum(count["bad"] for count in counts.values())},
        hours=[Hour(begin=datetime.fromtimestamp(hour * 3600, UTC), counts=count) for hour, count in counts.items()],
        failures=nlargest(SHOWN, failures, key=lambda one: one.failed.end),
        coming=nsmallest(SHOWN, with_time, key=lambda row: (row.next_time or "", row.name)),
    )
