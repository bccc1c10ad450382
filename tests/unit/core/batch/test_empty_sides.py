"""A side of ``if`` without quotes that is empty when the file runs: cmd ends everything with an error of syntax."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.batch_cases import SHELLS, run_package, run_text, translated

SYNTAX = "The syntax of the command is incorrect."


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("if %X%==1 (echo a) else (echo b)", "( was unexpected at this time."),
        ("if not %X%==1 echo a", "echo was unexpected at this time."),
        ("if /i %X%==1 goto end", "goto was unexpected at this time."),
        ("if %X% EQU 1 echo a", "1 was unexpected at this time."),
        ("if %1==x if 1==1 echo a", "if was unexpected at this time."),
        ("if %~1==x for %%i in (1) do echo a", "for was unexpected at this time."),
        ("if %X%%~2==1 echo a & echo b", "echo was unexpected at this time."),
        ("if %BLANK%==1 echo a", "echo was unexpected at this time."),
        ("if %Y:~9%==1 echo a", "echo was unexpected at this time."),
        ("if 1==%X% (echo a)", SYNTAX),
        ("if 1 LSS %X% echo a", SYNTAX),
        ("if not 1==%X% echo a", SYNTAX),
        ("if exist %X% (\necho a\n)", SYNTAX),
        ("if not defined %1 echo a", SYNTAX),
        ("if 1==2 (\necho a\n) else if 1==2 if %X%==1 echo b", "echo was unexpected at this time."),
        ("(set X=1\nif %X%==1 echo a\n)", "echo was unexpected at this time."),
        ("for %%i in (1 2) do if %X%==%%i echo a", "echo was unexpected at this time."),
    ],
)
@pytest.mark.parametrize("shell", SHELLS)
def test_an_empty_side_ends_the_file(text: str, told: str, shell: str, tmp_path: Path) -> None:
    lines = f"@echo off\nset X=\nset Y=y\nset BLANK= \necho begin\n{text}\n:end\necho never\n"
    done = run_text(lines, tmp_path / "job", shell=shell)
    assert (done.code, done.stdout, done.stderr.decode()) == (255, b"begin\n", f"{told}\n")


def test_files_that_call_the_file_end_too(tmp_path: Path) -> None:
    files = {"run.cmd": b"@echo off\ncall part.cmd\necho never", "part.cmd": b"if %1==x echo x"}
    done = run_package(files, tmp_path / "job")
    assert (done.code, done.stdout) == (255, b"")


@pytest.mark.parametrize(
    "text",
    [
        'if "%X%"=="1" echo a',
        'if "%X%"==%Y% echo a',
        "if %X%.==. echo right",
        "if 1==%X% echo a",
        "if exist %X% echo a",
        "if defined %X% echo a",
        "if 1==2 if %Y%==1 echo a",
        "setlocal enabledelayedexpansion\nif !X!==1 (echo a) else (echo right)",
        'for %%i in ("") do if %%~i==1 (echo a) else (echo right)',
        "exit /b 0\nif %X%==1 echo a",
    ],
)
def test_other_sides_end_nothing(text: str, tmp_path: Path) -> None:
    done = run_text(f"@echo off\nset X=\nset Y=y\n{text}\n", tmp_path / "job")
    assert (done.code, done.stderr) == (0, b"")
    assert b"a" not in done.stdout


@pytest.mark.parametrize(
    ("text", "checks"),
    [
        ("if %ERRORLEVEL%==0 echo a", 0),
        ("if %ERRORLEVEL% NEQ %ERRORLEVEL% echo a", 0),
        ("if %OS%==Windows_NT echo a", 0),
        ("if %DATE%==x echo a", 0),
        ("if %0==x echo a", 0),
        ("if %X%==1 (echo a) else if %X%==2 (echo b) else if %X%==3 (echo c)", 1),
        ("if %X%==%Y% (echo a)", 2),
        ("set OS=\nif %OS%==x echo a", 1),
    ],
)
def test_what_can_be_empty_is_looked_at_once(text: str, checks: int) -> None:
    script = translated({"run.cmd": text.encode()}).script
    assert sum(line.strip().startswith("given ") for line in script.splitlines()) == checks
