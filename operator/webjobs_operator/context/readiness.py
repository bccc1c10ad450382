"""The answer to whether a WebJob can run."""

from __future__ import annotations

from dataclasses import dataclass

from webjobs_operator.manifests.program import Program, Unrunnable


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """The answer to whether a WebJob can run: its program, or the problem that it has."""

    program: Program | None = None
    problem: Unrunnable | None = None

    @property
    def refusal(self) -> str | None:
        """Why runs fail and slots are skipped; None: they don't, though they may have to wait."""
        return None if self.problem is None or self.problem.passes else self.problem.message
