"""The data of an import: the jobs of a source, what is there at the target, and what is to be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from webjobs.model import JobType
from webjobs.objects import Object
from webjobs.verdict import Verdict, schedule_of
from webjobs_cli.pack import LocalFile

Action = Literal["create", "update", "none", "refuse"]
"""What is to be done with a job."""


@dataclass(frozen=True, kw_only=True)
class SourceJob:
    """A job as the source has it."""

    job_type: JobType
    """Type of the job."""
    name: str
    """Name of the job."""
    files: Mapping[str, LocalFile] = field(default_factory=dict)
    """Files by path in the job's folder; settings.job and disable.job among them."""
    settings: Object = field(default_factory=dict)
    """Object in settings.job."""
    stopped: bool = False
    """True when disable.job stops the job."""
    verdict: Verdict = field(default_factory=lambda: Verdict(fitness="fine"))
    """Verdict whether the job runs here as it is."""
    problem: str = ""
    """Why the job can't be brought over; empty when it can."""

    @property
    def label(self) -> str:
        """Type and name of the job, for messages."""
        return f"{self.job_type}/{self.name}"

    @property
    def schedule(self) -> str:
        """Schedule of the job as settings.job says it; empty for none."""
        return schedule_of(self.job_type, self.settings)


@dataclass(frozen=True, kw_only=True)
class TargetJob:
    """A job as the target has it."""

    digests: Mapping[str, str]
    """sha256 of the files in hex by path, without settings.job and disable.job."""
    settings: Object
    """Settings of the job."""
    stopped: bool
    """True when the job is stopped."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """The work that is to be done with one job."""

    job: SourceJob
    """The job as the source has it."""
    action: Action
    """What is to be done with the job."""
    why: str = ""
    """What differs (update), or why not (refuse)."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """The outcome of a step."""

    step: Step
    """The step."""
    error: str = ""
    """Why the step was not done; empty: it was done."""
