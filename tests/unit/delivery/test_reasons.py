"""docs/reasons.md has every reason that the operator gives, and none that it does not."""

from __future__ import annotations

import re
from pathlib import Path

from webjobs_operator.context import obstacles
from webjobs_operator.reconcile.webjob_status import UNREADABLE

ROOT = Path(__file__).parents[3]
OPERATOR = ROOT / "operator" / "webjobs_operator"
RUNTIMES = ROOT / "core" / "webjobs" / "runtimes"
_GIVEN = re.compile(
    r"""(?:reason=|reason = |Unrunnable\(\s*|_refused\(\s*|\bno\(|\.tell\(\w+(?:\(\))?,\s*)"([A-Z][A-Za-z]+)\""""
)
_OF_PROGRAMS = re.compile(r"""_refused\([^"]*?(?:f?"[^"]*",\s*)*?"([A-Z][a-z]+(?:[A-Z][a-z]*)+)",""")
_QUOTED = re.compile(r'"([A-Z][A-Za-z]+)"')
_WORD = re.compile(r"`([A-Z][a-z]+(?:[A-Z][a-z]+)*)`")
_NO_REASONS = {"Ready", "Started", "Warm", "Settings", "Queue"}


def sources() -> str:
    """All text of the operator, but that of warm runs, whose reasons are docs/webjobs.md's; and what decides for it."""
    paths = [path for path in OPERATOR.rglob("*.py") if path.parent.name != "warm"]
    return "\n".join(path.read_text() for path in [*paths, *RUNTIMES.glob("*.py")])


def told() -> set[str]:
    """Reasons in the tables and lists of the page."""
    return set(_WORD.findall((ROOT / "docs" / "reasons.md").read_text())) - _NO_REASONS


def test_every_reason_is_explained() -> None:
    of_programs = _OF_PROGRAMS.findall((RUNTIMES / "programs.py").read_text())
    assert {"WindowsDesktop", "MissingStarter", "UnknownProgram", "WrongMachine"} < {*of_programs}
    given = {*_GIVEN.findall(sources()), *of_programs, *obstacles._WAITING.values(), UNREADABLE}
    assert given - told() == set()


def test_every_reason_that_is_explained_is_given() -> None:
    assert told() - set(_QUOTED.findall(sources())) - {"Aborted", "Failed", "Success"} == set()
