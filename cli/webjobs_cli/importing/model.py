"""What an import works with: the jobs of a source, what is there at the target, and what is to be done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from webjobs.model import JobType
from webjobs_cli.pack import LocalFile

Object = dict[str, Any]
Fitness = Literal["fine", "needs an image", "Windows-only", "can't run"]
Action = Literal["create", "update", "none", "refuse"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a job runs here as it is."""

    fitness: Fitness
    why: str = ""
    """And what to do; empty when there is nothing to say."""


@dataclass(frozen=True, kw_only=True)
class SourceJob:
    """A job as the source has it."""

    job_type: JobType
    name: str
    files: Mapping[str, LocalFile] = field(default_factory=dict)
    """By path in the job's folder; settings.job and disable.job among them."""
    settings: Object = field(default_factory=dict)
    stopped: bool = False
    verdict: Verdict = field(default_factory=lambda: Verdict(fitness="fine"))
    problem: str = ""
    """Why it can't be brought over; empty when it can."""

    @property
    def label(self) -> str:
        return f"{self.job_type}/{self.name}"

    @property
    def schedule(self) -> str:
        """As settings.job says it; empty for none."""
        found = self.settings.get("schedule")
        return found if isinstance(found, str) and self.job_type == "triggered" else ""


@dataclass(frozen=True, kw_only=True)
class TargetJob:
    """A job as the target has it."""

    digests: Mapping[str, str]
    """sha256 in hex by path, without settings.job and disable.job."""
    settings: Object
    stopped: bool


@dataclass(frozen=True, kw_only=True)
class Step:
    """What is to be done with one job."""

    job: SourceJob
    action: Action
    why: str = ""
    """What differs (update), or why not (refuse)."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """What became of a step."""

    step: Step
    error: str = ""
    """Empty: it was done."""
