"""A wwwroot as App Service has it, with thirty jobs of all kinds."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

Files = Mapping[str, str | bytes]
_SLEEP = "echo up\nexec sleep 1000\n"
_WHEN = 1_600_000_000
"""Last change of all files; even, as zips have it."""


def _settings(**values: object) -> str:
    return json.dumps(values)


_NET = '{"runtimeOptions": {"framework": {"name": "Microsoft.NETCore.App", "version": "8.0.0"}}}'
TRIGGERED: dict[str, Files] = {
    "hello": {"run.sh": "echo hello\n"},
    "My Report": {"run.sh": 'echo "report $1"\n'},
    "Grüße ärger": {"run.py": "print('Grüße')\n"},
    "nightly": {"run.py": "print(1)\n", "settings.job": _settings(schedule="0 0 3 1 1 *")},
    "seconds": {"run.sh": "true\n", "settings.job": _settings(schedule="30 15 4 1 1 *")},
    "odd-settings": {
        "run.sh": "true\n",
        "settings.job": _settings(
            mine={"deep": [1, 2.5, None, True, "ü"]}, is_singleton="yes", stopping_wait_time=60.0
        ),
    },
    "patient": {"run.sh": "true\n", "settings.job": _settings(stopping_wait_time=12)},
    "nested": {"inner/run.sh": "echo nested\n", "inner/settings.job": _settings(a=1)},
    "with-files": {"run.sh": "cat lib/a/b.txt\n", "lib/a/b.txt": "b", "data.bin": bytes(range(256)), "empty.txt": ""},
    "many-files": {"run.sh": "ls | wc -l\n"} | {f"part-{number}.txt": str(number) for number in range(40)},
    "UPPER": {"RUN.SH": "true\n"},
    "fallback": {"job.py": "print(2)\n", "readme.md": "# it\n"},
    "both": {"run.cmd": "@echo off\r\nrem\r\n", "run.sh": "true\n"},
    "win-batch": {"run.cmd": "@echo off\r\ncopy a b\r\ndel a\r\n"},
    "win-only": {"run.cmd": "@echo off\r\ntasklist\r\n"},
    "win-exe": {"tool.exe": b"MZ\x90\x00" + bytes(100)},
    "net-exe": {"App.exe": b"MZ\x90\x00", "App.dll": b"MZ", "App.runtimeconfig.json": _NET},
    "node": {"run.js": "console.log(1)\n", "package.json": "{}"},
    "php": {"run.php": "<?php echo 1;\n"},
    "power": {"run.ps1": "Write-Output 1\n"},
    "fsharp": {"run.fsx": 'printfn "1"\n'},
    "java": {"app.jar": b"PK\x05\x06" + bytes(18)},
    "shared name": {"run.sh": "echo triggered\n"},
    "own-image": {
        "run.cmd": "dotnet App.dll\r\n",
        "settings.job": _settings(image="registry.local/own:1", command=["dotnet", "App.dll"]),
    },
    "bad-schedule": {"run.sh": "true\n", "settings.job": _settings(schedule="0 99 * * * *")},
}
CONTINUOUS: dict[str, Files] = {
    "shared name": {"run.sh": _SLEEP, "disable.job": ""},
    "worker": {"run.sh": _SLEEP},
    "single": {"run.sh": _SLEEP, "settings.job": _settings(is_singleton=True)},
    "at-rest": {"run.py": "import time\ntime.sleep(1000)\n", "disable.job": ""},
    "single at rest": {
        "inner/run.sh": _SLEEP,
        "inner/disable.job": "",
        "inner/settings.job": _settings(is_singleton=True, stopping_wait_time=7),
    },
    "Ünï wörker": {"run.sh": _SLEEP, "disable.job": ""},
}
JOBS = len(TRIGGERED) + len(CONTINUOUS)
FIT = {
    "win-only": "Windows-only",
    "win-exe": "Windows-only",
}
"""Verdicts; all others are fine."""


def write(folder: Path, files: Files) -> None:
    """Files below a folder; scripts can be executed, and all have one time."""
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
        target.chmod(0o755 if path.endswith(".sh") else 0o644)
        os.utime(target, (_WHEN, _WHEN))


def wwwroot(root: Path) -> Path:
    """The folder, with the files of the web site beside those of its jobs."""
    write(root, {"index.html": "<h1>shop</h1>", "App_Data/notes.txt": "none of your business"})
    for kind, jobs in (("triggered", TRIGGERED), ("continuous", CONTINUOUS)):
        for name, files in jobs.items():
            write(root / "App_Data" / "jobs" / kind / name, files)
    return root
