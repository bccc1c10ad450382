"""The runtime that a shell script needs, by the programs that it calls. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath

from webjobs.model import lenient_json
from webjobs.model.scripts import RUNTIME_CONFIG
from webjobs.runtimes import shell_calls, versions
from webjobs.runtimes.dependencies import missing
from webjobs.runtimes.needs import Need, ordered
from webjobs.runtimes.package import Package
from webjobs.runtimes.programs import Start, start
from webjobs.runtimes.shell_calls import Call

_SDK = frozenset({"run", "build", "restore", "publish", "test", "fsi", "tool", "msbuild"})
"""Commands of dotnet that only the image of the SDK has, which is that of F# scripts."""


@dataclass(frozen=True, kw_only=True)
class ShellScript:
    """A shell script's runtime."""

    need: Need
    """Runtime whose image runs the script; it has bash, too."""
    why: str
    """Sentence of the facts that decided."""
    notes: tuple[str, ...] = ()
    """Sentences worth knowing."""
    missing: str | None = None
    """Sentence about dependencies that the package names and does not hold; None: it holds or installs them."""


def read(package: Package, path: str) -> ShellScript:
    """Return the runtime of a shell script: that of the programs it calls, when they are all of one."""
    text = lenient_json.decode(package.head(path))
    notes = []
    if text.partition("\n")[0].endswith("\r"):
        notes.append(f"{path} has Windows line ends (CRLF), which no shell takes: save it with LF.")
    found: dict[str, str | None] = {}
    whys: list[str] = []
    for call in shell_calls.calls(text):
        started = _started(package, path, call)
        runtime = _runtime(call, started)
        if runtime is None:
            continue
        found[runtime] = found.get(runtime) or (started.version if started else None)
        if started:
            whys.append(f"{path} runs {started.file}; {started.why}")
            notes += [*started.notes, *([started.problem.message] if started.problem else [])]
    needs = ordered(found)
    if len(needs) > 1:
        names = " and ".join(need.runtime for need in needs)
        notes.append(f"{path} calls programs of {names}: set image in settings.job to one that has them all.")
        return ShellScript(need=Need(runtime="sh"), why=f"{path} is a shell script.", notes=tuple(notes))
    need = needs[0]
    if need.runtime == "sh":
        return ShellScript(need=need, why=f"{path} is a shell script.", notes=tuple(notes))
    asked = versions.asked(need.runtime, package, path)
    lacking = missing(need.runtime, package, path)
    if not whys:
        whys.append(f"{path} is a shell script that calls programs of {need.runtime}." + asked.sentence)
    return ShellScript(
        need=Need(runtime=need.runtime, version=need.version or asked.version),
        why=whys[0],
        notes=tuple(dict.fromkeys([*notes, *asked.notes])),
        missing=lacking.note if lacking and not installs(text, lacking.kind) else None,
    )


def installs(text: str, tool: str) -> bool:
    """Return whether a script installs dependencies itself.

    ``tool``: pip or npm.
    """
    words = text.lower().split()
    return any(
        word.rpartition("/")[2].removesuffix("3") == tool and then in ("install", "ci", "i")
        for word, then in pairwise(words)
    )


def _runtime(call: Call, started: Start | None) -> str | None:
    if call.program == "dotnet" and call.words[1:2] and call.words[1] in _SDK:
        return "fsx"
    if started and started.runtime in ("dotnet", "aspnet"):
        return started.runtime
    return shell_calls.RUNTIMES.get(call.program)


def _started(package: Package, path: str, call: Call) -> Start | None:
    """Return the .NET program of the package that a command starts; None when it starts none."""
    if call.program == "dotnet":
        named = next((word for word in call.words[1:] if word.lower().endswith(".dll")), None)
    else:
        named = f"{call.words[0]}.dll" if "/" in call.words[0] else None
    if named is None:
        return None
    # Often after "$DIR/" or the like, which is the script's folder then.
    for name in (named, PurePosixPath(named).name):
        library = package.beside(path, str(PurePosixPath(name)))
        if library and package.find(library[: -len(".dll")] + RUNTIME_CONFIG):
            return start(package, library)
    return None
