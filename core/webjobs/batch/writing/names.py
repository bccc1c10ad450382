"""Names of variables in the script. Pure."""

from __future__ import annotations

import re

SPECIAL = {"ERRORLEVEL": "err", "CD": "cwd"}
"""Variables that cmd makes up, and what has them in the script."""
CLOCK = {"DATE": "today", "TIME": "now", "RANDOM": "random"}
"""Variables that are another one each time, and the function that leaves them in R."""
CONSTANTS = {
    "OS": "Windows_NT",
    "PATHEXT": ".COM;.EXE;.BAT;.CMD",
    "PROCESSOR_ARCHITECTURE": "AMD64",
    "PROGRAMFILES": "D:\\Program Files",
    "PROGRAMFILESx28X86x29": "D:\\Program Files (x86)",
    "PROGRAMW6432": "D:\\Program Files",
    "PROGRAMDATA": "D:\\local\\ProgramData",
    "SYSTEMDRIVE": "D:",
    "SYSTEMROOT": "D:\\Windows",
    "WINDIR": "D:\\Windows",
    "COMSPEC": "D:\\Windows\\system32\\cmd.exe",
    "CMDEXTVERSION": "2",
    "CMDCMDLINE": "cmd /c run.cmd",
}
"""Variables that every process on App Service has; the environment goes before."""
COMPUTED = {
    "TEMP": "/tmp",  # noqa: S108 (the container's own)
    "TMP": "/tmp",  # noqa: S108
    "COMPUTERNAME": "$(uname -n)",
    "NUMBER_OF_PROCESSORS": "$(nproc)",
    "USERNAME": "$(id -un 2>/dev/null || id -u)",
}
"""Values of variables of cmd that sh computes."""


def key_of(name: str) -> str:
    """Return the key of a variable: capitals, digits and ``_``; each other byte is ``x`` and two digits."""
    upper = "".join(char.upper() if char.isascii() else char for char in name)
    if re.fullmatch(r"[A-Z0-9_]*", upper):
        return upper
    out: list[str] = []
    for char in upper:
        if re.fullmatch(r"[A-Z0-9_]", char):
            out.append(char)
        else:
            out += [f"x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape")]
    return "".join(out)


def loop_variable(letter: str) -> str:
    """Return the variable of sh for the variable of a ``for``."""
    return f"f_{letter}" if letter.isascii() and letter.isalnum() else f"f_x{letter.encode('utf-8', 'replace').hex()}"
