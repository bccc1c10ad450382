"""The verdict whether a job of App Service runs here as it is: fine, needs an image, Windows-only. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any

from webjobs.model import JobType, runtime_settings, scripts
from webjobs.model.job_settings import read as read_settings
from webjobs.model.runtime_settings import BadSetting
from webjobs.model.scripts import Selected
from webjobs.schedules import ScheduleError, parse
from webjobs.store.job_files import beside_script
from webjobs_cli.importing.model import Verdict

Read = Callable[[str], str]
"""A function that returns the text of a small file; empty for a large one."""

IMAGES: Mapping[str, str] = {
    "dotnet": "mcr.microsoft.com/dotnet/runtime:8.0",
    "java": "docker.io/library/eclipse-temurin:21-jre",
    "node": "docker.io/library/node:22-slim",
    "npm": "docker.io/library/node:22-slim",
    "php": "docker.io/library/php:8.3-cli",
    "pwsh": "mcr.microsoft.com/powershell:lts-debian-12",
    "python": "docker.io/library/python:3.12-slim",
    "python3": "docker.io/library/python:3.12-slim",
}
"""Images for programs that scripts call; as examples, for the author knows the version."""

_NATIVE: Mapping[str, frozenset[str]] = {"sh": frozenset({"python", "python3"})}
"""Programs that are in the default image of a kind of script."""
_FIRST_WORD = re.compile(r"^\s*(?:exec\s+|@)?\"?([A-Za-z0-9_.-]+)\"?(?=\s|$)")
_CMD_NOISE = re.compile(
    r"^\s*(?:@?echo\s+off|@?rem(?:\s.*)?|::.*|@?setlocal.*|@?endlocal|@?exit\b.*)?\s*$", re.IGNORECASE
)
_CMD_OPERATORS = re.compile(r"[&|<>^]|%(?!\*|[1-9])")


def verdict(job_type: JobType, paths: Mapping[str, object], settings: Mapping[str, Any], *, read: Read) -> Verdict:
    """Return the verdict on a job.

    ``paths``: its files; one of them is a script that can be selected.
    """
    selected = scripts.select_script(paths)
    if selected is None:
        return Verdict(fitness="can't run", why="It has no script that App Service would run.")
    try:
        runtime = runtime_settings.read(settings)
    except BadSetting as error:
        return Verdict(fitness="can't run", why=str(error))
    notes = _notes(job_type, paths, settings, selected, text=read(selected.path))
    if runtime.image and (runtime.command or selected.host.runtime not in (None, "windows")):
        return Verdict(fitness="fine", why=notes)
    if runtime.command and selected.host.runtime not in (None, "windows"):
        return Verdict(fitness="fine", why=notes)
    if runtime.command:
        return _image("settings.job names a command and no image for it", command=list(runtime.command))
    if selected.host is scripts.DNX:
        return Verdict(
            fitness="needs an image",
            why="DNX runs nowhere any more: build it anew for .NET, and set image and command in settings.job.",
        )
    if selected.host is scripts.WINDOWS:
        return _windows(paths, selected, read=read)
    missing = _missing(selected, read(selected.path)) if selected.host.runtime == "sh" else None
    if missing:
        return Verdict(
            fitness="needs an image",
            why=f"{selected.path} calls {missing}, which the default image for scripts does not have: set image in "
            f"settings.job, such as {IMAGES[missing]!r}.",
        )
    return Verdict(fitness="fine", why=notes)


def _notes(
    job_type: JobType, paths: Mapping[str, object], settings: Mapping[str, Any], selected: Selected, *, text: str
) -> str:
    """Return what is worth knowing of a job that is fine. ``text``: of its script."""
    notes = []
    if selected.host.runtime == "sh" and text.partition("\n")[0].endswith("\r"):
        notes.append(f"{selected.path} has Windows line ends (CRLF), which no shell takes: save it with LF.")
    schedule = read_settings(settings).schedule
    if schedule and job_type == "triggered":
        try:
            parse(schedule)
        except ScheduleError as error:
            notes.append(f"Its schedule does not fire here either: {error}.")
    if selected.host.runtime == "py" and beside_script(paths, "requirements.txt"):
        notes.append("requirements.txt is not installed: put the packages beside the script, or use an image.")
    if selected.host.runtime == "ps1":
        notes.append("It runs in PowerShell 7, not in Windows PowerShell.")
    return " ".join(notes)


def _image(reason: str, *, command: list[str]) -> Verdict:
    words = ", ".join(f'"{word}"' for word in command)
    image = IMAGES.get(command[0], "...")
    return Verdict(
        fitness="needs an image",
        why=f'{reason}: set in settings.job "image": "{image}", "command": [{words}].',
    )


def _missing(selected: Selected, text: str) -> str | None:
    """Return the first program of another runtime that a shell script calls; None when it calls none."""
    for line in text.splitlines():
        found = _FIRST_WORD.match(line)
        if found and found[1] in IMAGES and found[1] not in _NATIVE.get(selected.host.runtime or "", frozenset()):
            return found[1]
    return None


def _windows(paths: Mapping[str, object], selected: Selected, *, read: Read) -> Verdict:
    only = Verdict(
        fitness="Windows-only",
        why=f"{selected.path} needs Windows: rewrite it as run.sh, run.py or run.ps1, or say in settings.job by which "
        "image and command it runs here.",
    )
    if PurePosixPath(selected.path).suffix.lower() == ".exe":
        library = _library(paths, selected.path)
        return (
            _image(f"{selected.path} starts {library}, which runs on Linux, too", command=["dotnet", library])
            if (library)
            else only
        )
    command = single_command(read(selected.path))
    if command is None:
        return only
    program = command[0].lower().removesuffix(".exe")
    folder = "" if selected.directory == "." else f"{selected.directory}/"
    library = _library(paths, f"{folder}{program}.exe")
    if library:
        return _image(f"{selected.path} starts {library}, which runs on Linux, too", command=["dotnet", library])
    if program in IMAGES:
        return _image(f"{selected.path} only calls {program}", command=[program, *command[1:]])
    return only


def _library(paths: Mapping[str, object], program: str) -> str | None:
    """Return the file name of the .NET library that an .exe starts; None for any other .exe."""
    known = {path.lower(): path for path in paths}
    stem = program.lower().removesuffix(".exe")
    if f"{stem}.dll" in known and f"{stem}.runtimeconfig.json" in known:
        return PurePosixPath(known[f"{stem}.dll"]).name
    return None


def single_command(text: str) -> list[str] | None:
    """Return the words of a batch file's one command, without ``%*``; None for a file that does more."""
    lines = [line.strip().lstrip("@") for line in text.splitlines() if not _CMD_NOISE.match(line)]
    if len(lines) != 1 or _CMD_OPERATORS.search(lines[0]):
        return None
    words = [word.strip('"') for word in re.findall(r'"[^"]*"|\S+', lines[0])]
    words = [word.replace("\\", "/") for word in words if not re.fullmatch(r"%(\*|[1-9])", word)]
    return words or None
