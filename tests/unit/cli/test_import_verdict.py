"""The verdict on a job: fine, needs an image, Windows-only."""

from __future__ import annotations

from typing import Any

import pytest

from webjobs_cli.importing.verdict import single_command, verdict

FINE, IMAGE, WINDOWS, BROKEN = "fine", "needs an image", "Windows-only", "can't run"
CASES: list[tuple[dict[str, str], dict[str, Any], str, str]] = [
    ({"run.sh": "echo 1"}, {}, FINE, ""),
    ({"run.sh": "echo 1\r\necho 2\r\n"}, {}, FINE, "run.sh has Windows line ends"),
    ({"run.py": "print(1)\r\n"}, {}, FINE, ""),
    ({"run.py": ""}, {}, FINE, ""),
    ({"run.js": "", "package.json": ""}, {}, FINE, ""),
    ({"run.php": ""}, {}, FINE, ""),
    ({"a.jar": ""}, {}, FINE, ""),
    ({"run.fsx": ""}, {}, FINE, ""),
    ({"run.ps1": ""}, {}, FINE, "PowerShell 7"),
    ({"run.py": "", "requirements.txt": ""}, {}, FINE, "requirements.txt"),
    ({"run.sh": "python3 job.py\n"}, {}, FINE, ""),
    ({"run.sh": "# dotnet is not called\necho dotnet\n"}, {}, FINE, ""),
    ({"run.sh": "#!/bin/bash\ncd x\nexec dotnet App.dll $@\n"}, {}, IMAGE, "calls dotnet"),
    ({"run.sh": '"java" -jar x.jar\n'}, {}, IMAGE, "calls java"),
    ({"run.sh": "node x.js"}, {"image": "node:22"}, FINE, ""),
    ({"run.cmd": "", "run.sh": "echo"}, {}, FINE, ""),
    ({"run.cmd": "copy a b\r\ndel a\r\n"}, {}, WINDOWS, "run.cmd needs Windows"),
    ({"run.bat": "tool.exe %*"}, {}, WINDOWS, ""),
    ({"tool.exe": ""}, {}, WINDOWS, "tool.exe needs Windows"),
    ({"App.exe": "", "App.dll": "", "App.runtimeconfig.json": ""}, {}, IMAGE, '"command": ["dotnet", "App.dll"]'),
    ({"App.exe": "", "App.dll": ""}, {}, WINDOWS, ""),
    ({"run.cmd": "@echo off\r\ndotnet App.dll %*\r\n"}, {}, IMAGE, '"command": ["dotnet", "App.dll"]'),
    (
        {"in/run.cmd": "App.exe", "in/App.dll": "", "in/app.runtimeconfig.json": ""},
        {},
        IMAGE,
        '"command": ["dotnet", "App.dll"]',
    ),
    ({"run.cmd": "node lib\\x.js 5\r\n"}, {}, IMAGE, '"node", "lib/x.js", "5"'),
    ({"run.cmd": "dotnet A.dll && del x"}, {}, WINDOWS, ""),
    ({"run.cmd": "dotnet A.dll"}, {"image": "i:1", "command": ["dotnet", "A.dll"]}, FINE, ""),
    ({"run.cmd": "dotnet A.dll"}, {"command": "dotnet A.dll"}, IMAGE, "no image for it"),
    ({"run.cmd": "dotnet A.dll"}, {"image": "i:1"}, IMAGE, ""),
    ({"run.sh": ""}, {"command": ["bash", "x"]}, FINE, ""),
    ({"project.json": "", "a.txt": ""}, {}, IMAGE, "DNX"),
    ({"run.sh": ""}, {"cpu": "lots"}, BROKEN, "cpu can't be 'lots'"),
    ({"readme.md": ""}, {}, BROKEN, "no script"),
    ({"run.sh": ""}, {"schedule": "0 0 * * *"}, FINE, "does not fire here either"),
    ({"run.sh": ""}, {"schedule": "0 0 0 * * *", "x": None}, FINE, ""),
]


@pytest.mark.parametrize(("files", "settings", "fitness", "why"), CASES)
def test_verdict(files: dict[str, str], settings: dict[str, Any], fitness: str, why: str) -> None:
    found = verdict("triggered", files, settings, read=lambda path: files[path])
    assert found.fitness == fitness
    assert why in found.why
    assert bool(found.why) == bool(why) or fitness != FINE


def test_a_continuous_job_has_no_schedule() -> None:
    assert verdict("continuous", {"run.sh": ""}, {"schedule": "nonsense"}, read=lambda path: "").why == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", None),
        ("dotnet A.dll", ["dotnet", "A.dll"]),
        ("@dotnet A.dll %1 %2", ["dotnet", "A.dll"]),
        ("@ECHO OFF\r\nREM it\r\n:: it\r\n\r\ndotnet A.dll\r\nexit /b 0\r\n", ["dotnet", "A.dll"]),
        ('"C:\\x y\\a.exe" "b c"', ["C:/x y/a.exe", "b c"]),
        ("a.exe\r\nb.exe", None),
        ("a.exe > log.txt", None),
        ("a.exe %HOME%", None),
    ],
)
def test_batch_files(text: str, words: list[str] | None) -> None:
    assert single_command(text) == words
