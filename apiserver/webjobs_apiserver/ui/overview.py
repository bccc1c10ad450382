"""What a site looks like at a glance: counts, failures, what comes next, and the results of a day. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from webjobs import times
from webjobs.model import WebJobRun
from webjobs.runs import runs
from webjobs_apiserver.ui import words
from webjobs_apiserver.ui.job_row import JobRow, RunCell
from webjobs_apiserver.ui.words import Tone

SHOWN = 10
"""Failures, and next times, that are listed."""
HOURS = 24
"""Hours of the strip."""
_HOUR = timedelta(hours=1)
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
    run: RunCell
    """The run."""
    why: str
    """Sentence on how it failed."""


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


def overview(rows: Mapping[str, JobRow], known: Iterable[tuple[str, WebJobRun]], *, now: datetime) -> Overview:
    """Return a site at a glance.

    ``rows``: of all jobs, by their object names. ``known``: all runs that are WebJobRuns, with the object names of
    their jobs; skipped ones don't count.
    """
    ended = [(job, run, end) for job, run in known if run.ended and job in rows and (end := _end(run)) is not None]
    last = now.replace(minute=0, second=0, microsecond=0)
    begins = [last - number * _HOUR for number in reversed(range(HOURS))]
    counts: list[Counter[Tone]] = [Counter() for _ in begins]
    for _, run, end in ended:
        number = (end - begins[0]) // _HOUR
        if 0 <= number < HOURS:
            counts[number][words.of(run.status.state).tone] += 1
    states = Counter(state for row in rows.values() for state in row.states)
    failed = sorted((one for one in ended if one[1].status.state == "Failed"), key=lambda one: one[2], reverse=True)
    recent = sum(now - end < HOURS * _HOUR for _, _, end in failed)
    with_time = [row for row in rows.values() if row.next_time]
    return Overview(
        counts={"all": len(rows), **states, "failures": recent},
        hours=[Hour(begin=begin, counts=count) for begin, count in zip(begins, counts, strict=True)],
        failures=[_failure(rows[job], run) for job, run, _ in failed[:SHOWN]],
        coming=sorted(with_time, key=lambda row: (row.next_time or "", row.name))[:SHOWN],
    )


def _failure(row: JobRow, run: WebJobRun) -> Failure:
    code = f"It ended with exit code {run.status.exit_code}." if run.status.exit_code is not None else ""
    cell = RunCell.of(run, job_name=row.name)
    return Failure(job=row.name, url=row.url, run=cell, why=run.status.message or code)


def _end(run: WebJobRun) -> datetime | None:
    """Return when a run ended; None when its status says no time."""
    try:
        return times.parse_time(run.status.end_time) if run.status.end_time else runs.start_time(run)
    except ValueError:
        return None
