"""What one pass over a WebJob knows and finds out; handed from step to step."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from webjobs.model import SlotOutcome, WebJob, WebJobRun, WebJobSchedule
from webjobs.sitesettings import SiteSettings
from webjobs_operator.cache import Key
from webjobs_operator.manifests.program import Program, Unrunnable
from webjobs_operator.scheduling import Plan


@dataclass
class Turn:
    """One WebJobSchedule in a pass."""

    schedule: WebJobSchedule
    plan: Plan = field(default_factory=Plan)
    newest: WebJobRun | None = None
    """Of the runs that it made."""
    outcome: SlotOutcome | None = None
    """What came of the slot that was due; None: none was."""


@dataclass
class Pass:
    """One pass. ``webjob`` is replaced when its status was written."""

    webjob: WebJob
    key: Key
    now: datetime
    site: SiteSettings = field(default_factory=SiteSettings)
    plan: Plan = field(default_factory=Plan)
    """Of the WebJob's own schedule."""
    turns: list[Turn] = field(default_factory=list)
    program: Program | None = None
    problem: Unrunnable | None = None
    skipped: int = 0
    """Runs that were refused and are not yet counted in the status."""
    due: list[datetime] = field(default_factory=list)
    """Times at which something is to be looked at again."""
