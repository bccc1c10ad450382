"""What ``&&``, ``||`` and ERRORLEVEL make of each command: the codes that Windows has, as Wine's tests record them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.batch_cases import SHELLS, run_package

FILES = {"fileA": b"a\r\n", "fileB": b"b\r\n", "dir/fileB": b"b\r\n", "child.bat": b"@exit /b %1\r\n", "empty/x": b""}

SAME = "666"
"""The code before, which is kept."""


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("call :setError 0", "SUCCESS 0"),
        ("call :setError 33", "FAILURE 33"),
        ("echo foo>nul", f"SUCCESS {SAME}"),
        ("echo foo >> h:\\i\\dont\\exist\\at\\all.txt", "FAILURE 1"),
        ('(if 1==1 echo "">nul)', f"SUCCESS {SAME}"),
        ('(if 1==0 echo "">nul)', f"SUCCESS {SAME}"),
        ("(if 1==1 (call :setError 33))", "FAILURE 33"),
        ("(if 1==0 (call :setError 33) else call :setError 34)", "FAILURE 34"),
        ('(for %%i in () do echo "")', f"SUCCESS {SAME}"),
        ("(for %%i in (a) do call :setError 0)", "SUCCESS 0"),
        ("(for %%i in (a) do call :setError 33)", "FAILURE 33"),
        ("Idontexist.exe", "FAILURE 1"),
        ('cmd.exe /c "exit /b 0"', "SUCCESS 0"),
        ('cmd.exe /c "exit /b 1024"', "FAILURE 1024"),
        ("call Idontexist.exe", "FAILURE 1"),
        ("call .\\child.bat 0", "SUCCESS 0"),
        ("call .\\child.bat 1024", "FAILURE 1024"),
        ("(echo a | echo b>nul)", "SUCCESS 0"),
        ("(echo a | call :setError 34)", "FAILURE 1"),
        ('start "" /B /WAIT cmd.exe /c "exit /b 1024"', "FAILURE 1024"),
        ("type nul", "SUCCESS 0"),
        ("type", "FAILURE 1"),
        ("type i\\dont\\exist\\at\\all.txt", "FAILURE 1"),
        ("copy fileA fileZ >nul", "SUCCESS 0"),
        ("copy fileX >nul", "FAILURE 1"),
        ("copy /b fileA fileA /Y >nul", "FAILURE 1"),
        ("move >nul", "FAILURE 1"),
        ("move fileA fileC >nul", "SUCCESS 0"),
        ("move fileA nowhere\\fileC >nul", "FAILURE 1"),
        ("move fileD fileE >nul", "FAILURE 1"),
        ("rename fileB", "FAILURE 1"),
        ("rename fileB fileA", "FAILURE 1"),
        ("rename fileB nowhere\\fileB", "FAILURE 1"),
        ("rename fileD fileC", "FAILURE 1"),
        ("rename fileB fileC", "SUCCESS 0"),
        ("erase", "FAILURE 1"),
        ("erase fileA", "SUCCESS 0"),
        ("erase i\\dont\\exist\\at\\all.txt", "FAILURE 1"),
        ("erase *.idontexistatall", "SUCCESS 0"),
        ("c:", f"SUCCESS {SAME}"),
        ("mkdir", "FAILURE 1"),
        ("mkdir abc", "SUCCESS 0"),
        ("mkdir dir", "FAILURE 1"),
        ("cd dir", "SUCCESS 0"),
        ("cd nowhere", "FAILURE 1"),
        ("cd >nul", "SUCCESS 0"),
        ("pushd dir", "SUCCESS 0"),
        ("pushd nowhere", "FAILURE 1"),
        ("popd", "FAILURE 1"),
        ("dir zzz >nul", "FAILURE 1"),
        ("dir file* >nul", "SUCCESS 0"),
        ("dir dir\\zzz >nul", "FAILURE 1"),
        ("rmdir", "FAILURE 1"),
        ("rmdir dir", "FAILURE 145"),
        ("rmdir fileA", "FAILURE 267"),
        ("rmdir nowhere", "FAILURE 2"),
        ("rmdir @:\\cba\\abc", "FAILURE 3"),
        ("rmdir /s /q empty", f"SUCCESS {SAME}"),
        ("setlocal", "SUCCESS 0"),
        ("date /t >nul", "SUCCESS 0"),
        ("time /t >nul", "SUCCESS 0"),
        ("break", f"SUCCESS {SAME}"),
        ("ver >nul", "SUCCESS 0"),
        ("set X=1", "SUCCESS 0"),
        ("set /a X=1+2", "SUCCESS 0"),
        ("set /a X=3 4", "FAILURE 1073750989"),
        ("set /a X=1+2 UNKNOWN", "FAILURE 1073750989"),
        ('set /a "X=(1) (2)"', "FAILURE 1073750989"),
        ("set /a X=3 -4, Y= ~ 1 ^<^< 2", "SUCCESS 0"),
        ("set NOTHING_SO_NAMED", "FAILURE 1"),
        ("shift", f"SUCCESS {SAME}"),
        ("title foo", f"SUCCESS {SAME}"),
        ("prompt $g", "SUCCESS 0"),
        ("path x", "SUCCESS 0"),
        ("more nul", "SUCCESS 0"),
    ],
)
@pytest.mark.parametrize("shell", list(SHELLS)[:1])
def test_code(command: str, found: str, shell: str, tmp_path: Path) -> None:
    text = (
        "@echo off\nsetlocal enabledelayedexpansion\n"
        f"call :setError 666 & ({command} 2>nul &&echo SUCCESS !errorlevel!||echo FAILURE !errorlevel!)\n"
        "exit /b 0\n:setError\nexit /b %1\n"
    )
    done = run_package({**FILES, "run.cmd": text.encode()}, tmp_path / "job", shell=shell)
    assert done.stdout.decode().splitlines()[-1:] == [found], done.stderr


@pytest.mark.parametrize(
    "command", ["rmdir dir", "rmdir nowhere", "popd", "echo x > no\\such\\file", "title x", "echo x>nul", "shift"]
)
def test_some_failures_leave_no_trace(command: str, tmp_path: Path) -> None:
    """Without ``||`` behind them these commands keep ERRORLEVEL, as on Windows."""
    text = f"@echo off\ncmd /c exit 66\n{command} 2>nul\nexit /b %ERRORLEVEL%\n"
    assert run_package({**FILES, "run.cmd": text.encode()}, tmp_path / "job").code == 66


@pytest.mark.parametrize(("ending", "code"), [("cmd", 0), ("bat", 5)])
def test_set_keeps_the_code_in_bat_files(ending: str, code: int, tmp_path: Path) -> None:
    files = {"run.cmd": f"@helper.{ending}".encode(), f"helper.{ending}": b"@cmd /c exit 5\r\n@set X=1\r\n"}
    assert run_package(files, tmp_path / "job").code == code
