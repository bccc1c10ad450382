"""The verdict on a job: fine, needs an image, Windows-only."""

from __future__ import annotations

from typing import Any

import pytest

from webjobs.model import JobType, scripts
from webjobs.runtimes.package_program import program_of
from webjobs.verdict import Verdict, verdict

FINE, IMAGE, WINDOWS, BROKEN = "fine", "needs an image", "Windows-only", "can't run"
NET8 = '{"runtimeOptions": {"framework": {"name": "Microsoft.NETCore.App", "version": "8.0.0"}}}'
DESKTOP = NET8.replace("NETCore", "WindowsDesktop")
CASES: list[tuple[dict[str, str], dict[str, Any], str, str]] = [
    ({"run.sh": "echo 1"}, {}, FINE, ""),
    ({"run.sh": "echo 1\r\necho 2\r\n"}, {}, FINE, "run.sh has Windows line ends"),
    ({"run.py": "print(1)\r\n"}, {}, FINE, ""),
    ({"run.js": "", "package.json": ""}, {}, FINE, ""),
    ({"a.jar": ""}, {}, FINE, ""),
    ({"run.ps1": ""}, {}, FINE, "PowerShell 7"),
    ({"run.py": "", "requirements.txt": "x"}, {}, FINE, "requirements.txt is not installed"),
    ({"run.sh": "#!/bin/bash\ncd x\nexec dotnet App.dll $@\n"}, {}, FINE, ""),
    ({"run.cmd": "", "run.sh": "echo"}, {}, FINE, ""),
    ({"run.cmd": "copy a b\r\ndel a\r\n"}, {}, FINE, "translated to a shell script"),
    ({"run.cmd": "App.exe", "App.exe": "", "App.dll": "", "App.runtimeconfig.json": NET8}, {}, FINE, "App.dll"),
    ({"App.exe": "", "App.dll": "", "App.runtimeconfig.json": NET8}, {}, FINE, "Microsoft.NETCore.App 8.0.0"),
    ({"App.exe": "", "App.dll": "", "App.runtimeconfig.json": DESKTOP}, {}, WINDOWS, "only on Windows"),
    ({"tool.exe": ""}, {}, WINDOWS, "tool.exe is no program"),
    ({"run.bat": "tasklist\r\n"}, {}, WINDOWS, "run.bat, line 1"),
    ({"run.bat": "tasklist\r\n"}, {"image": "i:1", "command": ["x"]}, FINE, ""),
    ({"run.bat": "tasklist\r\n"}, {"command": "x y"}, IMAGE, 'set "image" beside "command": ["x", "y"]'),
    ({"run.cmd": "dotnet A.dll"}, {"command": "dotnet A.dll"}, FINE, ""),
    ({"run.sh": ""}, {"command": ["bash", "x"]}, FINE, ""),
    ({"project.json": "", "a.txt": ""}, {}, IMAGE, "DNX"),
    ({"run.sh": ""}, {"cpu": "lots"}, BROKEN, "cpu can't be 'lots'"),
    ({"readme.md": ""}, {}, BROKEN, "no script"),
    ({"run.sh": ""}, {"schedule": "0 0 * * *"}, FINE, "does not fire here either"),
    ({"run.sh": ""}, {"schedule": "0 0 0 * * *", "x": None}, FINE, ""),
]


def said(files: dict[str, str], settings: dict[str, Any], job_type: JobType = "triggered") -> Verdict:
    program = program_of(files, lambda path: files[path].encode())
    selected = scripts.select_script(files)
    return verdict(job_type, files, settings, program=program, text=files[selected.path] if selected else "")


@pytest.mark.parametrize(("files", "settings", "fitness", "why"), CASES)
def test_verdict(files: dict[str, str], settings: dict[str, Any], fitness: str, why: str) -> None:
    found = said(files, settings)
    assert found.fitness == fitness
    assert why in found.why
    assert bool(found.why) == bool(why) or fitness != FINE


def test_a_continuous_job_has_no_schedule() -> None:
    assert said({"run.sh": ""}, {"schedule": "nonsense"}, "continuous").why == ""
