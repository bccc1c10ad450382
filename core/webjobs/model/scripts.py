"""Scripts: which file of a package runs, with which interpreter, and how an arguments text becomes words.

The table and the order of the search are Kudu's (docs/kudu-contract.md, section 3.2): hosts in order, each with its
extensions in order; any ``run.*`` beats every other file, then the order of hosts decides, then the name.

One difference, which Kudu's own rule allows (a host without a program is skipped): hosts that only Windows has come
last, so that a package with both run.cmd and run.sh runs here. ``.jar`` is from the newer documentation.
"""

from __future__ import annotations

from collections.abc import Iterable
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
DNX = ScriptHost(name="DnxScriptHost", runtime=None, file_name="project.json")
"""The host of .NET projects of old, which nothing runs any more."""

HOSTS: tuple[ScriptHost, ...] = (
    ScriptHost(name="PowerShellScriptHost", runtime="ps1", extensions=(".ps1",), command=("pwsh", "-File")),
    ScriptHost(name="BashScriptHost", runtime="sh", extensions=(".sh",), command=("bash",)),
    ScriptHost(name="PythonScriptHost", runtime="py", extensions=(".py",), command=("python3",)),
    ScriptHost(name="PhpScriptHost", runtime="php", extensions=(".php",), command=("php",)),
    ScriptHost(name="NodeScriptHost", runtime="js", extensions=(".js",), command=("node",)),
    ScriptHost(name="FSharpScriptHost", runtime="fsx", extensions=(".fsx",), command=("dotnet", "fsi")),
    ScriptHost(name="JavaScriptHost", runtime="jar", extensions=(".jar",), command=("java", "-jar")),
    WINDOWS,
    DNX,
)
"""All script hosts in the order of the search."""


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
    fallback: Selected | None = None
    for host in HOSTS:
        for path in here:
            if host.file_name and PurePosixPath(path).name.lower() == host.file_name:
                return Selected(path=path, host=host)
        for extension in host.extensions:
            for path in here:
                pure = PurePosixPath(path)
                if pure.suffix.lower() != extension:
                    continue
                if pure.stem.lower() == "run":
                    return Selected(path=path, host=host)
                fallback = fallback or Selected(path=path, host=host)
    return fallback


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
