"""The report of the doctor. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from webjobs_cli import text
from webjobs_cli.doctor.finding import LEVELS, Finding
from webjobs_cli.errors import FAILED, OK


def ordered(found: Sequence[Finding]) -> list[Finding]:
    """Return findings with the worst first, else in the order of the checks."""
    return sorted(found, key=lambda finding: LEVELS.index(finding.level))


def table(found: Sequence[Finding], *, wide: bool) -> tuple[list[str], list[list[str]]]:
    """Return the table of findings."""
    headers = ["RESULT", "ABOUT", "WHAT IS THE CASE", *(["WHAT TO DO"] if wide else [])]
    return headers, [[one.level, one.subject, one.what, *([one.do] if wide else [])] for one in ordered(found)]


def advice(found: Sequence[Finding]) -> Iterator[str]:
    """Yield a line for each thing that is to be done."""
    told = set()
    for one in ordered(found):
        if one.do and (one.subject, one.do) not in told:
            told.add((one.subject, one.do))
            yield f"{one.subject}: {text.plain(one.do)}"


def summary(found: Sequence[Finding]) -> str:
    """Return one line with how many findings of which level there are."""
    counts = {level: sum(one.level == level for one in found) for level in LEVELS}
    words = [f"{number} {level}" for level, number in counts.items() if number]
    return f"{', '.join(words) or 'nothing to see'}."


def body(found: Sequence[Finding]) -> dict[str, Any]:
    """Return findings as an object for programs."""
    return {
        "healthy": exit_code(found) == OK,
        "findings": [
            {"level": one.level, "subject": one.subject, "what": one.what, "do": one.do or None}
            for one in ordered(found)
        ],
    }


def exit_code(found: Sequence[Finding]) -> int:
    """Return the exit code: FAILED when anything is bad."""
    return FAILED if any(one.level == "bad" for one in found) else OK
