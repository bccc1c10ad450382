"""``forfiles``: what it finds, and the command for each."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.cases.batch_cases import SHELLS, Outcome, run_package

DAY = 86400
NAMES = {"old.log": 8, "edge.LOG": 7, "young.log": 6, "old.txt": 9, "sub/older log.log": 30}
"""Files with the days that have passed since they were written."""


def run(text: str, folder: Path, shell: str = "dash") -> tuple[Outcome, set[str]]:
    """Run a file beside logs of several ages; returns what remains of these, too."""
    logs = folder / "logs"
    noon = time.mktime((*time.localtime()[:3], 12, 0, 0, 0, 0, -1))
    for name, days in NAMES.items():
        (logs / name).parent.mkdir(parents=True, exist_ok=True)
        (logs / name).touch()
        os.utime(logs / name, (noon - days * DAY,) * 2)
    files = {"run.cmd": f"@echo off\n{text}\n".encode()}
    done = run_package(files, folder / "job", shell=shell, env={"LOGS": str(logs), "DAYS": "7"})
    return done, {name for name in NAMES if (logs / name).exists()}


@pytest.mark.parametrize(
    ("options", "gone"),
    [
        ("/p %LOGS% /s /m *.log /d -7", {"old.log", "edge.LOG", "sub/older log.log"}),
        ('/P "%LOGS%" /S /M *.log /D -%DAYS%', {"old.log", "edge.LOG", "sub/older log.log"}),
        ('-p "%LOGS%" -s -m *.* -d -8', {"old.log", "old.txt", "sub/older log.log"}),
        ("/p %LOGS% /m *.log", {"old.log", "edge.LOG", "young.log"}),
        ("/p %LOGS%\\sub /m *.log /d -7", {"sub/older log.log"}),
        ("/p %LOGS% /m *.txt /d +0", set()),
        ("/p %LOGS% /m *.none", set()),
        ("/p %LOGS%\\nowhere", set()),
    ],
)
@pytest.mark.parametrize("shell", SHELLS)
def test_old_files_go(options: str, gone: set[str], shell: str, tmp_path: Path) -> None:
    text = f'forfiles {options} /c "cmd /c if @isdir==FALSE del /q @path"'
    done, left = run(text, tmp_path, shell)
    assert set(NAMES) - left == gone
    assert (done.code, bool(done.stderr)) == ((0, False) if gone else (1, True))


def test_nothing_found(tmp_path: Path) -> None:
    done, _ = run('forfiles /p %LOGS% /m *.none /c "cmd /c echo @path" && echo some || echo none', tmp_path)
    assert done.stdout == b"none\n"
    assert done.stderr == b"ERROR: No files found with the specified search criteria.\n"


@pytest.mark.parametrize("shell", SHELLS)
def test_values(shell: str, tmp_path: Path) -> None:
    text = 'forfiles /p %LOGS%\\sub /c "cmd /c echo @file @FNAME @ext @isdir & cd"\nforfiles /p %LOGS% /m s*\ncd'
    done, _ = run(text, tmp_path, shell)
    folder = str(tmp_path / "logs" / "sub").replace("/", "\\")
    assert done.stdout.decode().splitlines() == [
        "",
        '"older log.log" "older log" "log" FALSE ',
        folder,
        "",
        '"sub"',
        str(done.work),
    ]


def test_young_files(tmp_path: Path) -> None:
    text = "echo x>%LOGS%\\new.log\nforfiles /p %LOGS% /m *.log /d +0"
    done, _ = run(text, tmp_path)
    assert done.stdout == b'\n"new.log"\n'
