"""Which WebJobs, schedules and runs are kept back, by what, and what to do about it? Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from webjobs import times
from webjobs.model import Condition, WebJob, WebJobRun, WebJobSchedule, condition_of
from webjobs.objects import Object
from webjobs_cli.doctor.cures import CURES, INSTALLATION
from webjobs_cli.doctor.facts import Facts
from webjobs_cli.doctor.finding import Finding, few

SUBJECT = "WebJobs"
"""Subject of the findings on WebJobs."""
RUNS = "runs"
"""Subject of the findings on runs."""
SCHEDULES = "schedules"
"""Subject of the findings on schedules."""
_PATIENCE = timedelta(minutes=5)
_LONGEST = 240
_SCHEDULES: Mapping[str, str] = {
    "InvalidSchedule": "Mend the expression or the time zone that the message names (docs/schedules.md).",
    "NeverFires": "No time is left at which it fires: change it, or take it away.",
    "WebJobNotFound": "Make the WebJob, or delete the WebJobSchedule.",
    "NotTriggered": "Name a triggered WebJob, or delete the WebJobSchedule.",
}

Told = tuple[str, Condition]
"""Name of an object, and the condition that says what keeps it back."""


def check(facts: Facts) -> Iterator[Finding]:
    """Yield a finding for each reason that keeps WebJobs, schedules or runs back."""
    jobs, broken = _parsed(WebJob, facts.jobs)
    if broken:
        yield Finding(
            level="bad",
            subject=SUBJECT,
            what=f"{len(broken)} can't be read, which the CRD lets nobody write: {few(broken)}",
            do="They are of another version, or of before the CRD: write them anew.",
        )
    told = [(name, job.problem) for name, job in jobs if job.problem]
    yield from _by_reason(SUBJECT, "not Ready", [(name, one) for name, one in told if one])
    yield from _schedules(facts, jobs)
    kept, ago = [], facts.now - _PATIENCE
    for name, run in _parsed(WebJobRun, facts.runs)[0]:
        back = None if run.ended else run.status.kept_back
        if back and times.parse_time(back.last_transition_time) < ago:
            kept.append((name, back))
    yield from _by_reason(RUNS, "waiting to begin for more than five minutes", kept)
    if jobs and not told and not broken:
        yield Finding(level="ok", subject=SUBJECT, what=f"{len(jobs)}, and nothing keeps one back")


def _parsed(model: Any, bodies: Iterable[Object]) -> tuple[list[tuple[str, Any]], list[str]]:
    """Return objects as models, each with its name, and the names of those that are none."""
    found, broken = [], []
    for body in bodies:
        name = f"{body['metadata'].get('namespace', '')}/{body['metadata']['name']}"
        try:
            found.append((name, model.parse(body)))
        except ValidationError:
            broken.append(name)
    return found, broken


def _by_reason(
    subject: str, state: str, told: Iterable[Told], cures: Mapping[str, str] = CURES, installation: bool = True
) -> Iterator[Finding]:
    groups: dict[str, list[Told]] = {}
    for name, condition in told:
        groups.setdefault(condition.reason, []).append((name, condition))
    for reason, group in sorted(groups.items(), key=lambda one: (-len(one[1]), one[0])):
        message = group[0][1].message
        cut = f"{message[:_LONGEST].rstrip()} ..." if len(message) > _LONGEST else message
        yield Finding(
            level="bad" if installation and reason in INSTALLATION else "warn",
            subject=subject,
            what=f"{len(group)} {state} ({reason}): {few([name for name, _ in group])}: {cut}",
            do=cures.get(reason, "The message says what is the case; docs/reasons.md says more."),
        )


def _schedules(facts: Facts, jobs: list[tuple[str, WebJob]]) -> Iterator[Finding]:
    owners: list[tuple[str, Iterable[Condition]]] = [(name, job.status.conditions) for name, job in jobs]
    further = _parsed(WebJobSchedule, facts.schedules)[0]
    owners += [(name, one.status.conditions) for name, one in further]
    told = []
    for name, conditions in owners:
        scheduled = condition_of(conditions, "Scheduled")
        if scheduled and scheduled.status == "False" and scheduled.reason in _SCHEDULES:
            told.append((name, scheduled))
    yield from _by_reason(SCHEDULES, "not in force", told, _SCHEDULES, installation=False)
