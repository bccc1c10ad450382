"""Programs of Windows that have an equal in images, by their names. Pure."""

from __future__ import annotations

import re

from webjobs.batch.errors import NotTaken

_INTERPRETERS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (r"python(w|\d(\.\d+)?)?|pyw?", "py", ("python3",)),
    (r"pip(\d(\.\d+)?)?", "py", ("pip",)),
    (r"php(-cgi|-win)?", "php", ("php",)),
    (r"node(js)?", "js", ("node",)),
    (r"npm(\.cmd)?", "js", ("npm",)),
    (r"npx(\.cmd)?", "js", ("npx",)),
    (r"dotnet", "dotnet", ("dotnet",)),
    (r"javaw?", "jar", ("java",)),
    (r"powershell|pwsh", "ps1", ("power_shell",)),
    (r"curl", "tools", ("curl",)),
    (r"git", "tools", ("git",)),
    (r"azcopy", "tools", ("azcopy",)),
)
_REFUSED = {
    "tasklist": "remove it: a container runs this job alone",
    "taskkill": "remove it: a container runs this job alone",
    "reg": "keep settings in app settings, not in the registry",
    "regedit": "keep settings in app settings, not in the registry",
    "sc": "a container has no services: start the program itself",
    "net": "mount the share as a volume, and start programs instead of services",
    "netsh": "networks are the cluster's: remove it",
    "wmic": "ask Linux itself, or take the value from an app setting",
    "schtasks": "give the job a schedule in settings.job",
    "at": "give the job a schedule in settings.job",
    "msbuild": "build before the deployment, or use dotnet build",
    "appcmd": "the web site does not run in this container: remove it",
    "iisreset": "the web site does not run in this container: remove it",
    "msiexec": "put the program into the package or the image",
    "regsvr32": "put the program into the package or the image",
    "rundll32": "remove it",
    "cscript": "write the script in PowerShell, Python or JavaScript",
    "wscript": "write the script in PowerShell, Python or JavaScript",
    "mshta": "write the script in PowerShell, Python or JavaScript",
    "bitsadmin": "use curl",
    "certutil": "use openssl or a program of the package",
    "icacls": "remove it: files of the package belong to the job",
    "cacls": "remove it: files of the package belong to the job",
    "takeown": "remove it: files of the package belong to the job",
    "shutdown": "use exit",
    "setx": "use set, or an app setting",
    "subst": "use the path itself",
    "mklink": "use the path itself",
    "ftype": "remove it",
    "choice": "take the answer from an argument or an app setting",
    "wevtutil": "write to the log with echo",
    "eventcreate": "write to the log with echo",
    "cmdkey": "take secrets from app settings",
    "diskpart": "remove it",
    "format": "remove it",
    "explorer": "remove it",
    "notepad": "remove it",
    "makecab": "use tar or a program of the package",
    "expand": "use tar or a program of the package",
    "typeperf": "remove it",
    "query": "remove it",
    "runas": "run the job as another user of the pod instead",
    "label": "remove it",
    "fc": "use a script to compare files",
    "comp": "use a script to compare files",
    "doskey": "remove it",
    "gpupdate": "remove it",
    "sqlcmd": "use an image that has sqlcmd, and write run.sh",
    "replace": "use copy or robocopy",
    "compact": "remove it",
}


def base_name(path: str) -> str:
    """Return the last part of a path of a program in lower case, without ``.exe``."""
    name = re.split(r"[\\/]", path.strip('" '))[-1].lower()
    return name.removesuffix(".exe").removesuffix(".com")


def interpreter(path: str) -> tuple[str, str, tuple[str, ...]] | None:
    """Return runtime, version and words of sh for a program that images have; None for all others.

    The version is what the path says, such as ``3.6`` of ``D:\\home\\python364x64\\python.exe``; empty without one.
    """
    name = base_name(path)
    for pattern, runtime, command in _INTERPRETERS:
        if re.fullmatch(pattern, name):
            return runtime, version_in(path), command
    return None


def version_in(path: str) -> str:
    """Return the version that a path of an interpreter names; empty when it names none."""
    folder = re.split(r"[\\/]", path.strip('" '))
    for part in reversed(folder):
        named = re.fullmatch(r"python(\d)(\d{1,2}?)(\d)?(?:x(?:64|86))?|python(\d)(\d{1,2})", part.lower())
        if named and len(folder) > 1:
            digits = re.sub(r"x(64|86)$", "", part.lower())[len("python") :]
            return _python_version(digits)
        found = re.fullmatch(r"(?:v|jdk|jre|node-?v?|python-?|php-?)?(\d+\.\d+)(?:[._]\d+)*(?:_\d+)?", part.lower())
        if found and len(folder) > 1:
            return found[1]
    exact = re.fullmatch(r"(?:python|pip)(\d\.\d+)", base_name(path))
    return exact[1] if exact else ""


def _python_version(digits: str) -> str:
    """Return ``3.6`` for 364 and 36, ``3.11`` for 3111 and 311."""
    minor = digits[1:3] if digits[1:2] == "1" and len(digits) >= 3 and digits[1:3] != "1" else digits[1:2]
    return f"{digits[0]}.{minor}" if minor else digits[0]


def refuse_windows_tool(name: str) -> None:
    """Raise ``NotTaken`` for a tool of Windows that has no equal."""
    if name in _REFUSED:
        raise NotTaken(f'"{name}" is a tool of Windows', _REFUSED[name])
