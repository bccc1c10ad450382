"""A job as a list of jobs shows it, and the lists that filters and orders make of all of them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Self

from webjobs import names, times
from webjobs.model import JobType, WebJobRun
from webjobs.runs import runs
from webjobs.schedules import ncrontab
from webjobs.schedules.grammar import ScheduleError
from webjobs_apiserver.ui import addresses, words
from webjobs_apiserver.ui.words import Tone, Word
from webjobs_apiserver.watching.job import Job

BARS = 20
"""Newest runs that a list shows of each job."""
FAILED = 10
"""Newest failures that are kept of each job."""
PER_PAGE = 100
"""Jobs of a page of the list."""
ORDERS = ("name", "next", "last")
"""Orders of a list: by name, by next time, by the start of the last run."""
STATES = ("problem", "running", "failed", "stopped")
"""States that a list can be narrowed to."""


@dataclass(frozen=True, kw_only=True)
class RunCell:
    """A run in a few words."""

    url: str
    """Address of the run's page."""
    word: Word
    """State of the run."""
    start: str
    """When it was accepted, in ISO 8601."""
    took: timedelta | None
    """Duration of a run that has ended."""

    @classmethod
    def of(cls, run: WebJobRun, *, job_name: str) -> Self:
        """Return a run of a job in a few words."""
        start, end = runs.start_time(run), end_of(run)
        return cls(
            url=addresses.run(job_name, runs.run_id(run)),
            word=words.of(run.status.state),
            start=start.isoformat(),
            took=end - start if end else None,
        )


@dataclass(frozen=True, kw_only=True)
class FailedRun:
    """A run that has failed."""

    end: datetime
    """When it ended."""
    run: RunCell
    """The run in a few words."""
    why: str
    """Sentence on how it failed."""


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """A job in a list."""

    key: str
    """Id of its element."""
    job_type: JobType
    """Type of the job."""
    name: str
    """Name of the job."""
    url: str
    """Address of its page."""
    word: Word
    """State of the job."""
    problem: str
    """Sentence on what keeps the job back; empty when nothing does."""
    schedule: str
    """Schedule as written; empty when there is none."""
    told: str
    """Schedule in English; empty when there is none, or one that can't be read."""
    zone: str
    """Time zone of the schedule."""
    next_time: str | None
    """When one of its schedules fires next."""
    latest: RunCell | None
    """Newest run of a triggered job."""
    bars: tuple[Tone, ...]
    """Tones of the newest runs that have ended, the newest last."""
    instances: str
    """Instances of a continuous job that are ready, of how many."""
    ended: Mapping[tuple[int, Tone], int]
    """Runs that have ended, by the hour of Unix time in which they did and by tone."""
    failed: tuple[FailedRun, ...]
    """Newest runs that have failed, at most FAILED, the newest first."""

    @classmethod
    def of(cls, job: Job, known: Sequence[WebJobRun]) -> Self:
        """Return the row of a job. ``known``: its runs, newest first."""
        webjob = job.webjob
        problem, latest = webjob.problem, known[0] if known else None
        state = _state(job, latest)
        ended = [run for run in known[: BARS + 1] if run.ended][:BARS]
        schedule = webjob.status.schedule or webjob.schedule or ""
        return cls(
            key=f"job-{webjob.metadata.uid}",
            job_type=webjob.spec.type,
            name=job.name,
            url=addresses.job(webjob.spec.type, job.name),
            word=words.of("Problem" if problem else state),
            problem=problem.message or problem.reason if problem else "",
            schedule=schedule,
            told=in_english(schedule),
            zone=webjob.spec.time_zone or "",
            next_time=webjob.status.next_run_time,
            latest=RunCell.of(latest, job_name=job.name) if latest else None,
            bars=tuple(words.of(run.status.state).tone for run in reversed(ended)),
            instances=_instances(job),
            ended=_by_hour(known),
            failed=tuple(
                _failed(run, job_name=job.name) for run in islice((run for run in known if _is_failed(run)), FAILED)
            ),
        )

    @property
    def states(self) -> frozenset[str]:
        """States, of STATES, in which the job is."""
        last = self.latest.word.text if self.latest else ""
        return frozenset(
            state
            for state, holds in {
                "problem": bool(self.problem),
                "running": self.word.tone == "busy" or last == "Running",
                "failed": last == "Failed",
                "stopped": self.word.text in ("Stopped", "Suspended"),
            }.items()
            if holds
        )


def end_of(run: WebJobRun) -> datetime | None:
    """Return when a run ended; None when it goes on, or its status says no time."""
    if not run.ended or not run.status.end_time:
        return None
    try:
        return times.parse_time(run.status.end_time)
    except ValueError:
        return None


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What a list is narrowed to, and its order: the query of its address."""

    text: str = ""
    """Part of the name, in any case."""
    job_type: str = ""
    """Type of the jobs; empty: both."""
    state: str = ""
    """One of STATES; empty: all."""
    order: str = "name"
    """One of ORDERS."""
    page: int = 1
    """Number of the page."""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """Return the filter in a query; what is unknown in it does not count."""
        page = query.get("page", "")
        return cls(
            text=query.get("q", "").strip()[:100],
            job_type=query.get("type", "") if query.get("type") in ("triggered", "continuous") else "",
            state=query.get("state", "") if query.get("state") in STATES else "",
            order=query.get("order", "") if query.get("order") in ORDERS else "name",
            page=max(int(page[:6]), 1) if page.isascii() and page.isdecimal() else 1,
        )

    @property
    def query(self) -> dict[str, str]:
        """The query without the page, for addresses; what is as usual is left out."""
        given = {"q": self.text, "type": self.job_type, "state": self.state}
        order = {"order": self.order} if self.order != "name" else {}
        return {key: value for key, value in given.items() if value} | order

    def select(self, rows: Iterable[JobRow]) -> list[JobRow]:
        """Return the rows of all pages, in order. ``rows``: in the order of names."""
        part = names.fold(self.text)
        found = [
            row
            for row in rows
            if part in names.fold(row.name)
            and self.job_type in ("", row.job_type)
            and (not self.state or self.state in row.states)
        ]
        if self.order == "next":
            found.sort(key=lambda row: row.next_time or "~")
        elif self.order == "last":
            found.sort(key=lambda row: row.latest.start if row.latest else "", reverse=True)
        return found

    def page_of(self, rows: Sequence[JobRow]) -> Sequence[JobRow]:
        """Return the rows of the page."""
        return rows[(self.page - 1) * PER_PAGE : self.page * PER_PAGE]


def in_english(schedule: str) -> str:
    """Return a schedule in English; empty for one that can't be read."""
    try:
        return ncrontab.parse(schedule).description if schedule else ""
    except ScheduleError:
        return ""


def _state(job: Job, latest: WebJobRun | None) -> str | None:
    if job.webjob.spec.type == "triggered" and latest and not latest.ended:
        return latest.status.state or "Initializing"
    return job.webjob.status.state


def _by_hour(known: Iterable[WebJobRun]) -> Mapping[tuple[int, Tone], int]:
    ended = ((run, end) for run in known if (end := end_of(run)))
    return Counter((int(end.timestamp()) // 3600, words.of(run.status.state).tone) for run, end in ended)


def _is_failed(run: WebJobRun) -> bool:
    return run.status.state == "Failed"


def _failed(run: WebJobRun, *, job_name: str) -> FailedRun:
    code = f"It ended with exit code {run.status.exit_code}." if run.status.exit_code is not None else ""
    cell = RunCell.of(run, job_name=job_name)
    return FailedRun(end=end_of(run) or runs.start_time(run), run=cell, why=run.status.message or code)


def _instances(job: Job) -> str:
    if job.webjob.spec.type == "triggered":
        return ""
    return f"{job.webjob.status.ready_replicas or 0} of {job.webjob.instances}"
