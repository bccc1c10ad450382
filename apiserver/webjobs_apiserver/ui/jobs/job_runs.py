"""The runs of a job as its page lists them, and what the list is narrowed to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from webjobs.model import WebJobRun
from webjobs.runs import runs
from webjobs_apiserver.ui.jobs import plots
from webjobs_apiserver.ui.jobs.job_row import RunCell
from webjobs_apiserver.ui.jobs.plots import Bar
from webjobs_apiserver.ui.words import Word

PER_PAGE = 50
"""Runs of a page of the list."""
RESULTS = ("Success", "Failed", "Aborted")
"""Results that a list can be narrowed to."""


@dataclass(frozen=True, kw_only=True)
class RunLine:
    """A run in the list of its job; equal lines look alike."""

    run_id: str
    """Id of the run."""
    url: str
    """Address of its page."""
    word: Word
    """State of the run."""
    start: str
    """When it was accepted, in ISO 8601."""
    took: timedelta | None
    """Duration of a run that has ended."""
    trigger: str
    """What started it."""
    exit_code: int | None
    """Exit code of its process."""
    message: str
    """Why it ended as it did, or does not begin; empty when there is nothing to say."""

    @classmethod
    def of(cls, run: WebJobRun, *, job_name: str) -> Self:
        """Return a run of a job as a line."""
        cell = RunCell.of(run, job_name=job_name)
        kept_back = run.status.kept_back
        return cls(
            run_id=runs.run_id(run),
            url=cell.url,
            word=cell.word,
            start=cell.start,
            took=cell.took,
            trigger=runs.trigger(run),
            exit_code=run.status.exit_code,
            message=kept_back.message if kept_back else run.status.message or "",
        )

    @property
    def key(self) -> str:
        """Id of its element."""
        return f"run-{self.run_id}"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a list of runs is narrowed to, and its page: the query of its address."""

    result: str = ""
    """One of RESULTS; empty: all."""
    page: int = 1
    """Number of the page."""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """Return the choice in a query; what is unknown in it does not count."""
        result, page = query.get("result", ""), query.get("page", "")
        return cls(
            result=result if result in RESULTS else "",
            page=int(page) if page.isascii() and page.isdecimal() and 0 < int(page[:7]) < 10**6 else 1,
        )

    def query(self, page: int) -> dict[str, str]:
        """Return the query of a page of this list; what is as usual is left out."""
        given = {"result": self.result, "page": str(page) if page > 1 else ""}
        return {key: value for key, value in given.items() if value}

    def select(self, known: Iterable[WebJobRun]) -> list[WebJobRun]:
        """Return the runs of all pages."""
        return [run for run in known if self.result in ("", run.status.state)]

    @property
    def span(self) -> slice:
        """Places of the runs of the page in the list."""
        return slice((self.page - 1) * PER_PAGE, self.page * PER_PAGE)


def bars(known: Sequence[WebJobRun], *, job_name: str) -> list[Bar]:
    """Return the newest ended runs of a job for a plot, newest first. ``known``: newest first."""
    found: list[Bar] = []
    for run in known:
        if len(found) == plots.BARS:
            break
        cell = RunCell.of(run, job_name=job_name)
        if cell.took is not None:
            start = f"{runs.start_time(run):%Y-%m-%d %H:%M:%S} UTC"
            found.append(Bar(url=cell.url, start=start, took=cell.took, word=cell.word))
    return found
