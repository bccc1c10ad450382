"""The verdict whether a job of App Service runs here as it is: fine, needs an image, Windows-only. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from webjobs.model import JobType, PackageProgram, runtime_settings, scripts
from webjobs.model.job_settings import read as read_settings
from webjobs.model.runtime_settings import BadSetting
from webjobs.model.scripts import Selected
from webjobs.schedules import ScheduleError, parse

Fitness = Literal["fine", "needs an image", "Windows-only", "can't run"]
"""How well a job runs here as it is."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The verdict whether a job runs here as it is."""

    fitness: Fitness
    """How well the job runs here as it is."""
    why: str = ""
    """Reason of the verdict, and what to do; empty when there is nothing to say."""


def verdict(
    job_type: JobType,
    paths: Collection[str],
    settings: Mapping[str, Any],
    *,
    program: PackageProgram | None,
    text: str,
) -> Verdict:
    """Return the verdict on a job.

    ``paths``: its files; one of them is a script that can be selected. ``program``: what runs that script here; None:
    its extension says it. ``text``: what stands in it.
    """
    selected = scripts.select_script(paths)
    if selected is None:
        return Verdict(fitness="can't run", why="It has no script that App Service would run.")
    try:
        runtime = runtime_settings.read(settings)
    except BadSetting as error:
        return Verdict(fitness="can't run", why=str(error))
    if runtime.command:
        if runtime.image is None and program and program.problem:
            words = ", ".join(f'"{word}"' for word in runtime.command)
            return Verdict(
                fitness="needs an image",
                why=f'settings.job names a command and no image for it: set "image" beside "command": [{words}].',
            )
        return Verdict(fitness="fine", why=" ".join(_notes(job_type, settings, selected, text=text)))
    if program and program.problem:
        fitness: Fitness = "Windows-only" if selected.host is scripts.WINDOWS else "needs an image"
        return Verdict(fitness=fitness, why=program.problem.message)
    said = []
    if program:
        said += [program.why] if selected.host is scripts.WINDOWS else []
        said += [*(program.notes or []), *filter(None, [program.missing])]
    return Verdict(fitness="fine", why=" ".join([*said, *_notes(job_type, settings, selected, text=text)]))


def _notes(job_type: JobType, settings: Mapping[str, Any], selected: Selected, *, text: str) -> list[str]:
    """Return what is worth knowing of a job beside what runs it."""
    notes = []
    if selected.host.runtime == "sh" and text.partition("\n")[0].endswith("\r"):
        notes.append(f"{selected.path} has Windows line ends (CRLF), which no shell takes: save it with LF.")
    schedule = read_settings(settings).schedule
    if schedule and job_type == "triggered":
        try:
            parse(schedule)
        except ScheduleError as error:
            notes.append(f"Its schedule does not fire here either: {error}.")
    return notes
