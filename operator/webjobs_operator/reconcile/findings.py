"""What a pass over a WebJob has found out so far: each step gets it, and returns it with its own findings."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from webjobs.schedules.plan import Plan
from webjobs_operator.context.readiness import Readiness
from webjobs_operator.schedules.firing import SlotsTaken
from webjobs_operator.warm.plan import Warmth


@dataclass(frozen=True, kw_only=True)
class Findings(SlotsTaken):
    """What a pass has found out about a WebJob so far: what became of its slots, and the rest.

    ``skipped``: also the runs that were refused, as long as the status does not count them.
    """

    readiness: Readiness
    plan: Plan = field(default_factory=Plan)
    """What the WebJob's own schedule asks for."""
    slot_refused: str | None = None
    """Why the CronJob can't make the Job of the slot that is due, as the API server said it."""
    warmth: Warmth = field(default_factory=Warmth)
    holder: str | None = None
    """Object name of the run that has the lock."""

    @property
    def handled(self) -> datetime | None:
        """The newest slot of the WebJob's own schedule that this pass deals with."""
        return max((slot for slot in (self.plan.handled, self.taken) if slot), default=None)
