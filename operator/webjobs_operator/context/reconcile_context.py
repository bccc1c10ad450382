"""What one pass over a WebJob knows and finds out; handed from step to step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from webjobs.logs.scheduler_lines import Line
from webjobs.model import SlotOutcome, WebJob, WebJobRun, WebJobSchedule
from webjobs.model.site_settings import SiteSettings
from webjobs.schedules.plan import Plan
from webjobs_operator.cluster.cache import Key
from webjobs_operator.context.armed_jobs import Pool
from webjobs_operator.context.conditions import Wanted
from webjobs_operator.manifests.package_content import StoreAway
from webjobs_operator.manifests.program import Program, Unrunnable


@dataclass
class Turn:
    """One WebJobSchedule in a pass."""

    schedule: WebJobSchedule
    plan: Plan = field(default_factory=Plan)
    newest: WebJobRun | None = None
    """The newest of the runs that the WebJobSchedule made."""
    outcome: SlotOutcome | None = None
    """What became of the slot that was due; None: no slot was due."""


@dataclass
class Pass:
    """One pass. ``webjob`` is replaced when its status was written."""

    webjob: WebJob
    key: Key
    now: datetime
    """When the pass began."""
    clock: Callable[[], datetime]
    site: SiteSettings = field(default_factory=SiteSettings)
    plan: Plan = field(default_factory=Plan)
    """What the WebJob's own schedule asks for."""
    turns: list[Turn] = field(default_factory=list)
    program: Program | None = None
    problem: Unrunnable | None = None
    taken: datetime | None = None
    """The newest slot of the WebJob's own schedule that came by its CronJob, or was skipped before it came."""
    unwanted: list[dict[str, Any]] = field(default_factory=list)
    """Jobs of slots that do not run."""
    armed: dict[str, Any] | None = None
    """The Job of a run to come; None: no pod is to wait."""
    pool: Pool = field(default_factory=Pool)
    """Jobs that wait."""
    warmth: Wanted | None = None
    """The condition about waiting pods; None: nobody asked for any."""
    held: bool = False
    """True: what can wait is left to the next pass, for a run that has just begun."""
    lines: list[Line] = field(default_factory=list)
    """For job_scheduler.log, once the pass is through."""
    skipped: int = 0
    """Runs that were refused and are not yet counted in the status."""
    due: list[datetime] = field(default_factory=list)
    """Times at which something is to be looked at again."""

    @property
    def refusal(self) -> str | None:
        """Why runs fail and slots are skipped; None: they don't, though they may have to wait."""
        return None if self.problem is None or isinstance(self.problem, StoreAway) else self.problem.message

    @property
    def handled(self) -> datetime | None:
        """The newest slot of the WebJob's own schedule that this pass deals with."""
        return max((slot for slot in (self.plan.handled, self.taken) if slot), default=None)
