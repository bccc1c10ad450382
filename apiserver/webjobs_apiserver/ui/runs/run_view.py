"""A run as its page shows it. Pure."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from webjobs import times
from webjobs.model import ANNOTATION_CANCELLED_BY, ANNOTATION_REQUESTED_BY, WebJobRun
from webjobs.model.command_line import split_arguments
from webjobs.runs import runs
from webjobs_apiserver.ui import addresses, words
from webjobs_apiserver.ui.runs import ansi
from webjobs_apiserver.ui.words import Word

_WAITS = "It waits for its turn: the job has another run that goes on, or nobody has seen this one yet."
_EXITS = {
    126: "the script or program can't be executed",
    127: "a command was not found",
}
_SIGNALLED = 128


@dataclass(frozen=True, kw_only=True)
class Step:
    """A moment in the life of a run."""

    name: str
    """What happened."""
    when: datetime
    """When it happened."""
    after: timedelta | None = None
    """Time since the step before it."""


@dataclass(frozen=True, kw_only=True)
class RunView:
    """A run in words."""

    run_id: str
    """Id of the run."""
    url: str
    """Address of its page."""
    job_name: str
    """Name of its job."""
    job_url: str
    """Address of the page of its job."""
    word: Word
    """State of the run."""
    ended: bool
    """True when it is over."""
    cancelling: bool
    """True when somebody has asked for its end, and it goes on."""
    steps: tuple[Step, ...]
    """What has happened, in order."""
    trigger: str
    """What started it."""
    requested_by: str
    """Who asked for it; empty when that is not known."""
    cancelled_by: str
    """Who asked for its end."""
    arguments: str
    """Arguments as one text, as they were given."""
    shown: str
    """Arguments as one text, with signs for what can't be seen."""
    words: tuple[str, ...]
    """Arguments as the program gets them, with these signs."""
    exit: str
    """Exit code in words; empty when there is none."""
    message: str
    """Why it ended as it did."""
    kept_back: str
    """Why it does not begin; empty when nothing keeps it back."""
    errors: bool
    """True when its lines of stderr are there once more, alone."""

    @classmethod
    def of(cls, run: WebJobRun, *, job_name: str) -> Self:
        """Return a run of a job in words."""
        status, run_id, noted = run.status, runs.run_id(run), run.metadata.annotations
        cancelling = bool(run.spec.cancel) and not run.ended
        return cls(
            run_id=run_id,
            url=addresses.run(job_name, run_id),
            job_name=job_name,
            job_url=addresses.job("triggered", job_name),
            word=words.of("Disabling" if cancelling else status.state),
            ended=run.ended,
            cancelling=cancelling,
            steps=tuple(_steps(run)),
            trigger=runs.trigger(run),
            requested_by=noted.get(ANNOTATION_REQUESTED_BY, ""),
            cancelled_by=noted.get(ANNOTATION_CANCELLED_BY, ""),
            arguments=run.spec.arguments or "",
            shown=ansi.plain(run.spec.arguments or ""),
            words=tuple(ansi.plain(word) for word in split_arguments(run.spec.arguments)),
            exit=exit_words(status.exit_code),
            message=(status.message or "") if run.ended else "",
            kept_back=_kept_back(run),
            errors=run.ended and bool(status.error_log_path),
        )


def exit_words(code: int | None) -> str:
    """Return an exit code with what it says; empty for None."""
    if code is None:
        return ""
    if code in _EXITS:
        return f"{code}: {_EXITS[code]}"
    try:
        name = signal.Signals(code - _SIGNALLED).name
    except ValueError:
        return str(code)
    return f"{code}: ended by the signal {name}"


def _kept_back(run: WebJobRun) -> str:
    if run.ended:
        return ""
    if found := run.status.kept_back:
        return found.message or found.reason
    return _WAITS if run.status.state is None else ""


def _steps(run: WebJobRun) -> list[Step]:
    """Return the steps of a run that have happened, in order."""
    named: Sequence[tuple[str, str | None]] = (
        ("Scheduled for", run.spec.schedule_time),
        ("Process started", run.status.process_start_time),
        ("Ended", run.status.end_time if run.ended else None),
    )
    known = [("Accepted", runs.start_time(run))] + [(name, times.parse_time(text)) for name, text in named if text]
    known.sort(key=lambda step: (step[0] == "Ended", step[0] == "Process started", step[0] == "Accepted"))
    found = list[Step]()
    for name, when in known:
        found.append(Step(name=name, when=when, after=when - found[-1].when if found else None))
    return found
