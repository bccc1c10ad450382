"""What the doctor finds. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from webjobs_cli.doctor.facts import Facts

Level = Literal["bad", "warn", "unknown", "ok"]
"""How bad a finding is. ``unknown``: it could not be looked at."""
LEVELS: tuple[Level, ...] = ("bad", "warn", "unknown", "ok")
"""All levels, the worst first."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that the doctor found."""

    level: Level
    """How bad it is."""
    subject: str
    """Part of the installation that it is about, in one or two words."""
    what: str
    """Sentence that says what is the case."""
    do: str = ""
    """Sentence that says what to do; empty when there is nothing to do."""


Check = Callable[[Facts], Iterable[Finding]]
"""A check: a pure function from facts to findings."""


def few(names: Sequence[str], *, most: int = 3) -> str:
    """Return names as a list in a sentence; of many only the first ones, and how many more there are."""
    shown = list(names[:most])
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")
