"""The runs that schedules start in the day to come, quarter by quarter, so that pile-ups are seen. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Self

from webjobs.model import WebJobSchedule
from webjobs.model.effective_spec import under
from webjobs.model.site.site_settings import SiteSettings
from webjobs.schedules import plan
from webjobs.schedules.grammar import ScheduleError
from webjobs.schedules.webjob_schedule import times_of
from webjobs_apiserver.watching.job import Job

QUARTER = timedelta(minutes=15)
"""Length of a part of the calendar."""
DAY = timedelta(days=1)
"""Length of the calendar."""
MOST = 100
"""Starts of one job that are counted; who starts more often is told apart, and is a steady load and no pile-up."""
NAMED = 20
"""Jobs of a moment that are named."""
CROWDED = 10
"""Moments that are listed."""


@dataclass(frozen=True, kw_only=True)
class Quarter:
    """A quarter of an hour."""

    begin: datetime
    """When it begins, UTC."""
    starts: int
    """Runs that start in it."""
    heat: int
    """From 0 (none) to 4 (as many as in the fullest, but at least four)."""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A moment at which several jobs start."""

    when: datetime
    """The moment, UTC."""
    jobs: Sequence[str]
    """Names of the jobs, at most NAMED."""
    count: int
    """Number of the jobs."""


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """The starts of a day."""

    quarters: Sequence[Quarter]
    """All quarters of an hour, from the beginning of an hour on."""
    crowded: Sequence[Moment]
    """Moments at which most jobs start, at least two, the fullest first."""
    steady: Sequence[str]
    """Names of jobs that start too often to be counted."""
    jobs: int
    """Jobs that have a schedule."""

    @property
    def hours(self) -> list[Sequence[Quarter]]:
        """The quarters of each hour."""
        return [self.quarters[at : at + 4] for at in range(0, len(self.quarters), 4)]

    @classmethod
    def of(
        cls,
        jobs: Iterable[Job],
        schedules: Mapping[str, Sequence[WebJobSchedule]],
        *,
        settings: SiteSettings,
        now: datetime,
    ) -> Self:
        """Return the calendar of the day from now on.

        ``schedules``: WebJobSchedules by the object name of their WebJob, beside the schedules of the jobs themselves.
        ``settings``: of the site.
        """
        first = now.replace(minute=0, second=0, microsecond=0)
        counts = [0] * int(DAY / QUARTER)
        at: dict[datetime, list[str]] = {}
        steady, scheduled = list[str](), 0
        for job in jobs:
            times = _times(job, schedules.get(job.object_name, ()), settings, after=now, until=first + DAY)
            scheduled += bool(times)
            if len(times) > MOST:
                steady.append(job.name)
                continue
            for when in times:
                counts[(when - first) // QUARTER] += 1
                at.setdefault(when, []).append(job.name)
        most = max(counts, default=0)
        crowded = sorted((when for when in at if len(at[when]) > 1), key=lambda when: (-len(at[when]), when))
        return cls(
            quarters=[
                Quarter(begin=first + number * QUARTER, starts=count, heat=-(-4 * count // max(most, 4)))
                for number, count in enumerate(counts)
            ],
            crowded=[Moment(when=when, jobs=at[when][:NAMED], count=len(at[when])) for when in crowded[:CROWDED]],
            steady=steady,
            jobs=scheduled,
        )


def _times(
    job: Job, schedules: Sequence[WebJobSchedule], settings: SiteSettings, *, after: datetime, until: datetime
) -> list[datetime]:
    """Return when schedules of a job fire, at most one time more than MOST; without those that can't be read."""
    webjob = under(job.webjob, settings)
    if webjob.spec.suspend:
        return []
    sources: list[Iterator[datetime]] = [(when for when, _ in plan.upcoming(webjob, (), after=after))]
    sources += [times_of(one, zone=webjob.spec.time_zone, after=after) for one in schedules if not one.spec.suspend]
    return sorted(when for times in sources for when in _first(times, until=until))[: MOST + 1]


def _first(times: Iterator[datetime], *, until: datetime) -> list[datetime]:
    """Return the first times of a schedule, at most one time more than MOST; nothing for one that can't be read."""
    try:
        return list(islice(takewhile(lambda when: when < until, times), MOST + 1))
    except (ScheduleError, ValueError):
        return []  # the others can be read
