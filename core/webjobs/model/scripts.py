"""Scripts: which file of a package runs, with which interpreter, and how an arguments text becomes words.

The table is Kudu's (docs/kudu-contract.md, section 3.2): hosts in order, each with its extensions in order.

1. Any ``run.*`` beats every other file. Of several, what Linux runs as it is comes first: run.sh beside run.cmd.
2. A package with a .cmd, .bat or .exe was made for Windows, where these come first; so they do here. But a .sh of the
   chosen file's stem is its twin for Linux, and is the one that runs.
3. Else the order of hosts decides, then the name.
4. A folder without any script, but with one .NET library that can be started, runs that library.

Kudu has the first three. ``.jar`` is from the newer documentation, the fourth rule is ours: what ``dotnet publish``
writes for Linux has no .exe.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath


@dataclass(frozen=True, kw_only=True)
class ScriptHost:
    """A script host: one row of the table of interpreters."""

    name: str
    """Kudu's class name of the host, as it stands in logs."""
    runtime: str | None
    """Key into the operator's runtimes (images); None: nothing runs the host's files any more."""
    extensions: tuple[str, ...] = ()
    """Extensions of the files that the host runs, in the order of the search."""
    file_name: str | None = None
    """Exact file name that chooses the host instead of an extension."""
    command: tuple[str, ...] = ()
    """Words of the command line before the script's name."""


WINDOWS = ScriptHost(name="WindowsScriptHost", runtime="windows", extensions=(".cmd", ".bat", ".exe"))
"""The host of scripts and programs for Windows."""
BASH = ScriptHost(name="BashScriptHost", runtime="sh", extensions=(".sh",), command=("bash",))
"""The host of shell scripts."""
DNX = ScriptHost(name="DnxScriptHost", runtime=None, file_name="project.json")
"""The host of .NET projects of old, which nothing runs any more."""
DOTNET = ScriptHost(name="DotNetHost", runtime="dotnet", extensions=(".dll",), command=("dotnet",))
"""The host of .NET libraries that can be started; of ours, since Kudu starts their .exe."""

HOSTS: tuple[ScriptHost, ...] = (
    ScriptHost(name="PowerShellScriptHost", runtime="ps1", extensions=(".ps1",), command=("pwsh", "-File")),
    BASH,
    ScriptHost(name="PythonScriptHost", runtime="py", extensions=(".py",), command=("python3",)),
    ScriptHost(name="PhpScriptHost", runtime="php", extensions=(".php",), command=("php",)),
    ScriptHost(name="NodeScriptHost", runtime="js", extensions=(".js",), command=("node",)),
    ScriptHost(name="FSharpScriptHost", runtime="fsx", extensions=(".fsx",), command=("dotnet", "fsi")),
    ScriptHost(name="JavaScriptHost", runtime="jar", extensions=(".jar",), command=("java", "-jar")),
    WINDOWS,
    DNX,
    DOTNET,
)
"""All script hosts; the order among those of Linux is that of the search."""
CRASH_HELPER = "createdump.exe"
"""Program of .NET that lies in every self-contained publish, beside the job's own; never the job."""
RUNTIME_CONFIG = ".runtimeconfig.json"
"""End of the name of the file that makes a .NET library one that can be started."""


@dataclass(frozen=True, kw_only=True)
class Selected:
    """The file of a package that runs, and its host."""

    path: str
    """Path of the script relative to the package's root, with ``/``."""
    host: ScriptHost
    """Script host that runs the file."""

    @property
    def directory(self) -> str:
        """Directory of the script relative to the package's root; ``.`` for the root."""
        return str(PurePosixPath(self.path).parent)

    @property
    def file_name(self) -> str:
        """Name of the script without its directory."""
        return PurePosixPath(self.path).name

    @property
    def has_shell(self) -> bool:
        """True when a shell of this project starts the script: Windows has none."""
        return self.host is not WINDOWS

    @property
    def words(self) -> list[str]:
        """Interpreter and script, to be run in the script's directory."""
        return [*self.host.command, self.file_name]


def script_directory(paths: Iterable[str]) -> str:
    """Return the directory whose files count: descend while it holds one entry and that is a directory.

    ``.`` for the root; no trailing slash otherwise.
    """
    parts = [PurePosixPath(path).parts for path in paths]
    depth = 0
    while parts and len({p[depth] for p in parts}) == 1 and all(len(p) > depth + 1 for p in parts):
        depth += 1
    return "/".join(parts[0][:depth]) if parts and depth else "."


def select_script(paths: Iterable[str]) -> Selected | None:
    """Return the script that a package runs; None when there is none.

    ``paths``: the package's files relative to its root, with ``/``.
    """
    known = sorted(paths, key=str.casefold)
    directory = script_directory(known)
    here = [path for path in known if str(PurePosixPath(path).parent) == directory]
    scripts = list(_scripts(here))
    named_run = next((one for one in scripts if PurePosixPath(one.path).stem.lower() == "run"), None)
    if named_run:
        return named_run
    old = next((path for path in here if PurePosixPath(path).name.lower() == DNX.file_name), None)
    if old:
        return Selected(path=old, host=DNX)
    windows = next((one for one in scripts if one.host is WINDOWS), None)
    if windows:
        return _twin(windows, scripts) or windows
    return scripts[0] if scripts else _library(here)


def _scripts(here: list[str]) -> Iterator[Selected]:
    """Yield the files of a folder that an extension makes scripts, in the order of hosts, extensions and names."""
    for host in HOSTS:
        if host is DOTNET:
            continue  # any library has its extension
        for extension in host.extensions:
            for path in here:
                pure = PurePosixPath(path)
                if pure.suffix.lower() == extension and pure.name.lower() != CRASH_HELPER:
                    yield Selected(path=path, host=host)


def _twin(windows: Selected, scripts: list[Selected]) -> Selected | None:
    """Return the shell script that has the stem of a script for Windows."""
    stem = PurePosixPath(windows.path).stem.lower()
    return next((s for s in scripts if s.host is BASH and PurePosixPath(s.path).stem.lower() == stem), None)


def _library(here: list[str]) -> Selected | None:
    """Return the one library of a folder that can be started; None when there are none or several."""
    names = {path.lower() for path in here}
    found = [
        path
        for path in here
        if PurePosixPath(path).suffix.lower() == ".dll" and path.lower().removesuffix(".dll") + RUNTIME_CONFIG in names
    ]
    return Selected(path=found[0], host=DOTNET) if len(found) == 1 else None


def host_of(file_name: str) -> ScriptHost | None:
    """Return the host of one script, by the script's name; None when no host runs such a file."""
    name = PurePosixPath(file_name).name.lower()
    for host in HOSTS:
        if name == host.file_name or PurePosixPath(name).suffix in host.extensions:
            return host
    return None


@lru_cache(maxsize=1024)
def entrypoint(path: str) -> Selected | None:
    """Return the selection that a stored entrypoint stands for; None when no host runs such a file."""
    host = host_of(path)
    return Selected(path=path, host=host) if host else None
