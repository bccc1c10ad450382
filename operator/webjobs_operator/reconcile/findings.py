"""What a pass over a WebJob has found out so far: each step gets it, and returns it with its own findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from webjobs.logs.scheduler_lines import Line
from webjobs.objects import Object
from webjobs.schedules.plan import Plan
from webjobs_operator.context.readiness import Readiness
from webjobs_operator.schedules.firing import Turn
from webjobs_operator.warm.plan import Warmth


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a pass has found out about a WebJob so far."""

    readiness: Readiness
    plan: Plan = field(default_factory=Plan)
    """What the WebJob's own schedule asks for."""
    turns: Sequence[Turn] = ()
    """Its WebJobSchedules, each with what became of its slot."""
    taken: datetime | None = None
    """Newest slot of the WebJob's own schedule that came by its CronJob, or was skipped before it came."""
    unwanted: Sequence[Object] = ()
    """Jobs of slots that do not run."""
    slot_refused: str | None = None
    """Why the CronJob can't make the Job of the slot that is due, as the API server said it."""
    lines: Sequence[Line] = ()
    """Lines for job_scheduler.log, once the pass is through."""
    skipped: int = 0
    """Slots that were skipped and runs that were refused, and that the status does not count yet."""
    warmth: Warmth = field(default_factory=Warmth)
    holder: str | None = None
    """Object name of the run that has the lock."""

    @property
    def handled(self) -> datetime | None:
        """The newest slot of the WebJob's own schedule that this pass deals with."""
        return max((slot for slot in (self.plan.handled, self.taken) if slot), default=None)
