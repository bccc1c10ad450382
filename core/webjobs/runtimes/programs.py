"""How a program file of a package is started: X.exe, or X.dll of .NET. Pure.

1. X.runtimeconfig.json beside it: .NET. A program that brings its own .NET for Linux starts by itself; one for Windows
   is run by the image's .NET when nothing in it is for Windows alone, else by Wine.
2. A managed program: .NET Framework, which Mono runs.
3. A native program: Wine.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from webjobs.model import lenient_json
from webjobs.model.scripts import RUNTIME_CONFIG
from webjobs.runtimes import dotnet, elf, pe
from webjobs.runtimes.dotnet import BadConfig, Dependencies, RuntimeConfig
from webjobs.runtimes.package import Package, TooLarge

FILE = "{file}"
"""Word of a command line that stands for the path of the file that is started."""

_PORTABLE = (
    "f=$1 s=${1%.*}.portable && "
    'printf %s "$2" >"$s.runtimeconfig.json" && printf %s "$3" >"$s.deps.json" && shift 3 && '
    'exec dotnet exec --runtimeconfig "$s.runtimeconfig.json" --depsfile "$s.deps.json" "$f" "$@"'
)
"""Shell script that writes the two files beside the library, where .NET looks for all else, too, and starts it."""
_MOST_GENERATED = 16 * 1024
"""Most characters of generated files in a command line: it is stored with the WebJob, and Linux takes 128 KiB."""
_TARGET = re.compile(r"<supportedRuntime\b[^>]{0,200}?\bsku\s*=\s*[\"']\.NETFramework,Version=v([\d.]+)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """The reason why a package can't run."""

    reason: str
    """Word in CamelCase for conditions."""
    message: str
    """Sentences for a person: file, line or field, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """The way to start a program file of a package."""

    runtime: str
    """Key of the runtime: dotnet, aspnet, mono, wine or windows."""
    why: str
    """Sentence of the facts that decided, ending with a full stop."""
    file: str
    """Path of the file that is started, relative to the package's root: the X.dll of an X.exe, for .NET."""
    words: tuple[str, ...] = ()
    """Command line before the arguments; ``{file}`` stands for the path of ``file``. Empty when there is a problem."""
    version: str | None = None
    """Version of the framework that the program asks for; None when it does not say."""
    notes: tuple[str, ...] = ()
    """Sentences worth knowing."""
    problem: Problem | None = None
    """Reason why only Windows can run it, if anything can."""


def start(package: Package, path: str) -> Start:
    """Return how a file of a package is started.

    ``path``: an .exe or .dll that is there.
    """
    stem = str(PurePosixPath(path).with_suffix(""))
    config_path = package.find(stem + RUNTIME_CONFIG)
    library = package.find(f"{stem}.dll")
    if config_path is None:
        return _without_config(package, path, library)
    try:
        config = dotnet.read_config(config_path, package.text(config_path))
        return _dotnet(package, path, library, config_path, config)
    except (BadConfig, TooLarge) as error:
        return _refused(path, f"{config_path} says what {path} needs.", "BadRuntimeConfig", str(error))


def _refused(path: str, why: str, reason: str, message: str) -> Start:
    return Start(runtime="windows", file=path, why=why, problem=Problem(reason=reason, message=message))


def _dotnet(package: Package, path: str, library: str | None, config_path: str, config: RuntimeConfig) -> Start:
    main = config.main
    name = f"{main.name} {main.version}".rstrip() if main else "its own .NET"
    why = f"{PurePosixPath(config_path).name} {'brings' if config.self_contained else 'asks for'} {name}."
    if config.has(dotnet.DESKTOP):
        return _refused(
            path,
            why,
            "WindowsDesktop",
            f"{config_path}: {dotnet.DESKTOP} (WinForms, WPF) is only on Windows. Build the program as a console "
            "program, without UseWindowsForms and UseWPF.",
        )
    if main and main.name not in (dotnet.CORE, *dotnet.ASPNET):
        return _refused(
            path, why, "UnknownFramework", f"{config_path}: no image has {main.name}. Publish for {dotnet.CORE}."
        )
    dependencies = _dependencies(package, path)
    runtime = "aspnet" if main and main.name in dotnet.ASPNET else "dotnet"
    version = main.version or None if main else None
    if config.self_contained:
        found = _self_contained(package, path, library, config, dependencies)
        started = replace(found, runtime=found.runtime or runtime, why=f"{why} {found.why}")
        return replace(started, version=None if started.runtime in ("wine", "windows") else version)
    # An .exe that is managed itself is one of the first .NET Core, or renamed.
    file = library or path
    if not library and not _managed(package, path):
        wanted = f"{PurePosixPath(path).stem}.dll"
        return _refused(path, why, "MissingLibrary", f"{path} starts {wanted}, which is not in the package: add it.")
    return Start(
        runtime=runtime,
        file=file,
        words=("dotnet", FILE),
        why=why,
        version=version,
        notes=_windows_packages(path, dependencies),
    )


def _windows_packages(path: str, dependencies: Dependencies | None) -> tuple[str, ...]:
    """Return what to say of packages that were published for Windows alone."""
    if dependencies is None or not dependencies.windows_packages:
        return ()
    names = ", ".join(dependencies.windows_packages[:5])
    return (
        f"{path} was published for {dependencies.rid}, and these packages are there for Windows only: {names}. If it "
        "fails, publish without a runtime identifier.",
    )


def _dependencies(package: Package, path: str) -> Dependencies | None:
    """Return what the X.deps.json of a program says; None when there is none that can be read."""
    found = package.find(str(PurePosixPath(path).with_suffix(".deps.json")))
    try:
        return dotnet.read_dependencies(found, package.text(found)) if found else None
    except (BadConfig, TooLarge):
        return None  # .NET says itself what is wrong with it


def _self_contained(
    package: Package, path: str, library: str | None, config: RuntimeConfig, dependencies: Dependencies | None
) -> Start:
    """Return how a program is started that brings its own .NET; runtime is empty for that of the framework."""
    own = package.find(str(PurePosixPath(path).with_suffix("")))
    linux = elf.read_headers(package.head(own)) if own else None
    if own and linux:
        if linux.musl:
            return _refused(
                path, "", "WrongLinux", f"{own} was published for Alpine (linux-musl): publish it for linux-x64."
            )
        other = linux.machine != "x64"
        notes = (f"{own} was published for Linux on {linux.machine}, and runs on such nodes only.",) if other else ()
        return Start(runtime="", file=own, words=(FILE,), why=f"{own} is its starter for Linux.", notes=notes)
    rid = dependencies.rid if dependencies else None
    if rid and not rid.startswith("win"):
        wanted = PurePosixPath(path).stem
        message = f"{path} was published for {rid}, and its starter {wanted} is not in the package: add it."
        return _refused(path, "", "MissingStarter", message)
    generated = _portable(package, library, config, dependencies)
    if generated and library:
        return Start(
            runtime="",
            file=library,
            words=("sh", "-c", _PORTABLE, "sh", FILE, *generated),
            why=f"It was published for {rid}, but only its .NET is for Windows alone: the image's .NET runs it.",
        )
    if not path.lower().endswith(".exe"):
        return _refused(
            path,
            "",
            "MissingStarter",
            f"{path} brings its own .NET, and a starter for Linux is not in the package. Publish it for linux-x64, or "
            "framework-dependent.",
        )
    notes = (f"{path} brings .NET for Windows, which Wine runs often, not always: publish it framework-dependent.",)
    return Start(runtime="wine", file=path, words=("wine", FILE), why="Wine runs it.", notes=notes)


def _portable(
    package: Package, library: str | None, config: RuntimeConfig, dependencies: Dependencies | None
) -> tuple[str, str] | None:
    """Return the two files by which an image's .NET runs a program for Windows; None when that is not certain to work.

    It is when the package's own list has the program's libraries apart from .NET's, and all of them are for any system.
    """
    if library is None or dependencies is None or not config.frameworks or not dependencies.framework_files:
        return None
    if dependencies.windows_packages:
        return None
    listed = {*dependencies.assemblies, *dependencies.framework_files}
    folder = PurePosixPath(library).parent
    here = [path for path in package.paths if PurePosixPath(path).parent == folder and path.lower().endswith(".dll")]
    if not {PurePosixPath(path).name for path in here} <= listed:
        return None  # a library that nobody lists is a native one
    assemblies = [path for path in dependencies.assemblies if package.beside(library, path)]
    if PurePosixPath(library).name not in assemblies:
        return None
    generated = dotnet.as_portable(PurePosixPath(library).stem, config, assemblies)
    return generated if sum(map(len, generated)) <= _MOST_GENERATED else None


def _managed(package: Package, path: str) -> bool:
    program = pe.read_headers(package.head(path))
    return program is not None and program.managed


def _without_config(package: Package, path: str, library: str | None) -> Start:
    """Return how a program is started that says nothing of .NET."""
    program = pe.read_headers(package.head(path))
    if program is None:
        message = f"{path} is no program for Windows: its first bytes are not those of one. Build it anew."
        return _refused(path, f"{path} is no program.", "UnknownProgram", message)
    if not path.lower().endswith(".exe") or (library and not program.managed and _managed(package, library)):
        wanted = PurePosixPath(path).stem + RUNTIME_CONFIG
        return _refused(
            path,
            f"{path} is a program of .NET.",
            "MissingRuntimeConfig",
            f"{path} needs {wanted} beside it, which is not in the package: add it, as dotnet publish writes it.",
        )
    return _framework(package, path, program) if program.managed else _native(path, program)


def _framework(package: Package, path: str, program: pe.Program) -> Start:
    """Return how a program of .NET Framework is started."""
    version = _framework_version(package, path)
    why = f"{path} is a program of .NET Framework{f' {version}' if version else ''}, which Mono runs."
    if program.mixed:
        message = f"{path} has native code for Windows (C++/CLI), which Mono does not run. Build it without."
        return _refused(path, why, "NativeCode", message)
    notes = _gui(path, program)
    if program.requires_32_bits:
        notes = (*notes, f"{path} was built for 32 bits; Mono runs it in 64.")
    return Start(runtime="mono", file=path, words=("mono", FILE), why=why, version=version, notes=notes)


def _framework_version(package: Package, path: str) -> str | None:
    """Return the version of .NET Framework that X.exe.config names; None when it does not."""
    config = package.find(f"{path}.config")
    if config is None:
        return None
    found = _TARGET.search(lenient_json.decode(package.head(config)))
    return found[1] if found else None


def _native(path: str, program: pe.Program) -> Start:
    """Return how a native program is started."""
    why = f"{path} is a native program for Windows, which Wine runs."
    if program.machine not in ("x86", "x64"):
        message = f"{path} was built for {program.machine}, which Wine does not run here: build it for x64."
        return _refused(path, why, "WrongMachine", message)
    notes = _gui(path, program)
    if program.bits == 32:
        notes = (*notes, f"{path} is a 32-bit program: the image needs Wine for 32 bits.")
    if program.bundle:
        notes = (
            *notes,
            f"{path} is a single file with .NET inside, which Wine runs often, not always: publish it without "
            "PublishSingleFile.",
        )
    return Start(runtime="wine", file=path, words=("wine", FILE), why=why, notes=notes)


def _gui(path: str, program: pe.Program) -> tuple[str, ...]:
    if not program.gui:
        return ()
    return (f"{path} is built as a program with windows: nobody sees them, and it may write nothing to the log.",)
