"""What ``job_scheduler.log`` says, in Kudu's words (docs/kudu-contract.md, sections 7.3 and 8). Pure."""

from __future__ import annotations

from datetime import datetime, tzinfo
from hashlib import sha256
from typing import NamedTuple

from webjobs.constants import PREVIOUS_LOG
from webjobs.logs import kudu_lines
from webjobs.logs.kudu_lines import Level
from webjobs.times import kudu_duration

FILE_NAME = "job_scheduler.log"
"""Name of the scheduler's log, beside the folders of the runs."""
PREVIOUS_FILE_NAME = PREVIOUS_LOG
"""Name of the scheduler's log once it was full and another one began."""


class Line(NamedTuple):
    """A line of the scheduler's log before it is rendered."""

    when: datetime
    text: str
    level: Level = "INFO"


def about(line: Line, name: str | None) -> Line:
    """Return a line as one about a WebJobSchedule; unchanged without a name.

    Kudu knows only the job's own schedule, whose lines name none.
    """
    return line._replace(text=f"WebJobSchedule {name}: {line.text}") if name else line


def render(line: Line, *, host: str) -> bytes:
    """Return a line as it stands in the file.

    ``host``: name of the machine that writes it.
    """
    instance = sha256(host.encode()).hexdigest()[:6]
    return kudu_lines.line(line.when, instance, line.text, level=line.level, system=True).encode("utf-8", "replace")


def scheduling(now: datetime, *, schedule: str, following: datetime) -> Line:
    """Return the line for a schedule that is in force from now on."""
    wait = kudu_duration(following - now)
    return Line(now, f"Scheduling WebJob with {schedule} next schedule expected in {wait}")


def next_one(now: datetime, following: datetime) -> Line:
    """Return the line for the next time of a schedule, said after a time was handled."""
    return Line(now, f"Next schedule expected in {kudu_duration(following - now)}")


def invoked(now: datetime) -> Line:
    """Return the line for a run that was made."""
    return Line(now, "WebJob invoked")


def removed(now: datetime) -> Line:
    """Return the line for a schedule that is in force no more."""
    return Line(now, "Removing current schedule from WebJob")


def unreadable(now: datetime, *, schedule: str, problem: str) -> Line:
    """Return the line for a schedule that can't be used."""
    return Line(now, f'Failed to parse schedule "{schedule}". Error: {problem}', "ERR")


def missed(now: datetime, *, count: int, latest: datetime, zone: tzinfo) -> Line:
    """Return the line for times that were given up; it names the newest as a US date in local time, as Kudu does."""
    local = latest.astimezone(zone)
    hour = local.hour % 12 or 12
    date = f"{local.month}/{local.day}/{local.year} {hour}:{local:%M:%S} {'AM' if local.hour < 12 else 'PM'}"
    return Line(now, f"Missed {count} schedules, most recent at {date}", "WARN")
