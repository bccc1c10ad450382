"""The verdict whether a job of App Service runs here as it is: fine, needs an image, Windows-only. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from webjobs.model import JobType, PackageProgram, job_settings, runtime_settings, scripts
from webjobs.model.job_settings import read as read_settings
from webjobs.model.runtime_settings import BadSetting
from webjobs.model.scripts import Selected
from webjobs.objects import Object
from webjobs.runtimes.package import Read
from webjobs.runtimes.package_program import program_of
from webjobs.schedules import ScheduleError, parse
from webjobs.store.job_files import beside_script

Fitness = Literal["fine", "needs an image", "Windows-only", "can't run"]
"""How well a job runs here as it is."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The verdict whether a job runs here as it is."""

    fitness: Fitness
    """How well the job runs here as it is."""
    why: str = ""
    """Reason of the verdict, and what to do; empty when there is nothing to say."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What the files of a job say of it."""

    settings: Object
    """Object in settings.job; empty when there is none, or it can't be read."""
    verdict: Verdict
    """Verdict whether the job runs here as it is."""


def judge(job_type: JobType, paths: Collection[str], read: Read, *, settings: Object | None = None) -> Judged:
    """Return what the files of a job say of it, with the verdict on the job.

    ``paths``: its files. ``read``: returns the first ``HEAD`` bytes of one. ``settings``: as the source's own API says
    them; None: settings.job says them.
    """
    path, note = beside_script(paths, job_settings.FILE_NAME), ""
    try:
        found = job_settings.load_file(read(path)) if path else {}
    except job_settings.Unreadable as error:
        found, note = {}, f"{error} Nothing of it counts, here as there."
    found = found if settings is None else settings
    selected = scripts.select_script(paths)
    text = read(selected.path).decode("utf-8-sig", "replace") if selected else ""
    said = verdict(job_type, paths, found, program=program_of(paths, read), text=text)
    return Judged(settings=found, verdict=replace(said, why=f"{said.why} {note}".strip()))


def schedule_of(job_type: JobType, settings: Object) -> str:
    """Return the schedule of a job as its settings.job says it; empty for none."""
    found = settings.get("schedule")
    return found if isinstance(found, str) and job_type == "triggered" else ""


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
