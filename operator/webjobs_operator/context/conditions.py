"""Conditions as Kubernetes wants them: the transition time changes only with the status."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from webjobs.model import Condition
from webjobs.times import not_to_come, parse_time, rfc3339


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A condition as it is now; ``status`` None: it can't be told."""

    type: str
    status: bool | None
    reason: str
    message: str


def update(
    known: Iterable[Condition], wanted: Iterable[Wanted], *, generation: int, now: datetime
) -> list[dict[str, Any]]:
    """Return the whole new list of conditions on the wire; conditions that are not wanted any more go."""
    before = {condition.type: condition for condition in known}
    out = []
    for condition in wanted:
        status = "Unknown" if condition.status is None else str(condition.status)
        old = before.get(condition.type)
        out.append(
            {
                "type": condition.type,
                "status": status,
                "reason": condition.reason,
                "message": condition.message,
                "lastTransitionTime": _since(old, status, now=now),
                "observedGeneration": generation,
            }
        )
    return out


def _since(old: Condition | None, status: str, *, now: datetime) -> str | None:
    if old and old.status == status and not_to_come([parse_time(old.last_transition_time)], now=now):
        return old.last_transition_time
    return rfc3339(now, micro=False)
