"""Pods on Windows nodes, for scripts that only Windows runs (``.cmd``, ``.bat``, ``.exe``).

The image needs PowerShell and tar, as Windows Server Core has them. The words of a run come by the environment and not
by the command line, which on Windows is one text that every program splits in its own way.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

RUNTIME = "windows"
"""Key of the Windows image in the operator's runtimes; the chart has none, since most clusters have no such nodes."""
WORDS = "WEBJOBS_COMMAND_WORDS"
"""Variable with the words of a run: JSON of directory, script and arguments."""

# cmd.exe reads what stands in a batch file's arguments as commands, however they are quoted.
_OWN = ("HOME", "TEMP", "TMP")
"""Variables that Windows sets itself, or does not know."""
_BOOT = r"""
$ErrorActionPreference = 'Stop'
$words = ConvertFrom-Json $env:WEBJOBS_COMMAND_WORDS
$directory, $file, $rest = $words
tar.exe -xf C:\webjobs\package\package.tar -C $env:WEBJOBS_PATH
if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
Set-Location -LiteralPath (Join-Path $env:WEBJOBS_PATH $directory)
if ($file -notmatch '\.exe$' -and ($rest | Where-Object { $_ -match '[&|<>^%!"\r\n]' })) {
  [Console]::Error.WriteLine('An argument holds a character that cmd.exe takes for its own: & | < > ^ % ! or a quote.')
  exit 64
}
& (Join-Path '.' $file) @rest
exit $LASTEXITCODE
"""


def path(text: str) -> str:
    """Return one of the absolute paths of ``manifests.pod`` as Windows has it."""
    return "C:" + text.replace("/", "\\")


def adapted(pod: Mapping[str, Any], *, words: list[str], shutdown_file: str) -> dict[str, Any]:
    """Return the spec of a pod for Linux as one for Windows.

    ``words``: directory, script, and arguments.
    """
    (linux,) = pod["containers"]
    # Kubernetes refuses what Linux alone knows; "restricted" asks for nothing but the user.
    container = {key: value for key, value in linux.items() if key not in ("securityContext", "args")}
    encoded = b64encode(_BOOT.encode("utf-16-le")).decode()
    container["command"] = ["powershell.exe", "-NoProfile", "-NonInteractive", "-EncodedCommand", encoded]
    line = json.dumps(words, ensure_ascii=False).replace("$", "$$")  # $(NAME) would be a reference
    container["env"] = [_variable(one) for one in linux["env"] if one["name"] not in _OWN]
    container["env"].append({"name": WORDS, "value": line})
    container["volumeMounts"] = [mount | {"mountPath": path(mount["mountPath"])} for mount in linux["volumeMounts"]]
    if "lifecycle" in linux:
        command = ["cmd.exe", "/c", f"echo stop> {path(shutdown_file)}"]
        container["lifecycle"] = {"preStop": {"exec": {"command": command}}}
    return {
        **pod,
        "os": {"name": "windows"},
        "nodeSelector": {"kubernetes.io/os": "windows"},
        "securityContext": {"runAsNonRoot": True, "windowsOptions": {"runAsUserName": "ContainerUser"}},
        "containers": [container],
    }


def _variable(one: Mapping[str, Any]) -> dict[str, Any]:
    value = str(one.get("value", ""))
    return {**one, "value": path(value)} if value.startswith("/webjobs/") else dict(one)
