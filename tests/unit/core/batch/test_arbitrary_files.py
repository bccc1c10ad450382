"""Whatever a batch file holds, it becomes a script that sh can read, or an error with a line; and its text is data."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cases.batch_cases import SHELLS, run_package, translated
from webjobs.batch import Translated, Untranslatable

_PIECES = st.sampled_from(
    [
        *("echo ", "set X=", "set /a X=", "if ", "else ", "for %%a in (", ") do ", "goto ", ":eof", ":label", "call "),
        *("exit /b ", "cmd /c ", "setlocal enabledelayedexpansion", "endlocal", "rem ", "::", "exist ", "defined "),
        *(
            "errorlevel ",
            "not ",
            "nul",
            "con",
            "/f ",
            "/l ",
            '"tokens=1,2 delims=," ',
            "'type x'",
            "a b",
            "$(id)",
            "${x}",
        ),
        *(
            "(",
            ")",
            "&",
            "&&",
            "|",
            "||",
            ">",
            ">>",
            "<",
            "2>&1",
            "^",
            "%X%",
            "%1",
            "%*",
            "%~dp0",
            "!X!",
            "%%a",
            "%%~na",
        ),
        *("@", '"', "'", "`", "\\", "*", "?", "==", "EQU ", "1", ";", ",", "=", "~", " ", "\n", "\n", "\n"),
    ]
)


def outcome(content: bytes) -> Translated | None:
    try:
        return translated({"run.cmd": content, "other.bat": b"@echo other"})
    except Untranslatable as found:
        error = found
    assert error.line >= 1
    assert str(error).startswith(("run.cmd, line ", "other.bat, line "))
    return None


def accepted(script: str) -> str:
    """What a shell has to say of a script that it only reads."""
    for command in SHELLS.values():
        done = subprocess.run(
            [*command, "-n"], input=script.encode("utf-8", "surrogateescape"), capture_output=True, check=False
        )
        if done.returncode:
            return done.stderr.decode(errors="replace")
    return ""


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(content: bytes) -> None:
    found = outcome(content)
    assert found is None or accepted(found.script) == ""


@settings(max_examples=400, deadline=None)
@given(st.lists(_PIECES, max_size=25).map("".join))
def test_any_pieces(text: str) -> None:
    found = outcome(text.encode())
    assert found is None or accepted(found.script) == ""


@pytest.mark.parametrize(
    "text",
    [
        "echo $(touch owned) `touch owned` ${IFS}",
        "set X=$(touch owned)\necho %X%",
        "set \"X='; touch owned; '\"\necho %X%\ncall :s %X%\nexit /b\n:s\necho %1 %*",
        "set X=a[$(touch owned)]\nset /a Y=X+1\nset /a Z=%X%+1",
        "for %%i in ($(touch owned) `touch owned`) do echo %%i",
        "echo %1 %*\nif %1==%2 echo %~n1\nset /a N=%1\nfor %%i in (%*) do echo %%~fi",
        'set "$(touch owned)=1"\nset',
        'echo x> "$(touch owned)"\ncd $(touch owned)',
        "rem $(touch owned)\n:: `touch owned`\ngoto lab`touch owned`el\necho no\n:lab`touch owned`el",
        'for /f "tokens=1,2" %%a in (data.txt) do set %%a=%%b\nset',
        "%X%",
        "set /p X=\nset %X%=1\nset /a %X%\ncall echo %%%X%%%",
        "setlocal enabledelayedexpansion\nset /p X=\nset /a Y=!X!\necho !X! !%X%!\nset A=%X:a=!X!%",
    ],
)
def test_values_are_never_commands(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """``touch owned`` stands in the file, the arguments, the environment, a file and the input; it never runs."""
    evil = "$(touch owned)`touch owned`;touch owned;a[$(touch owned)]"
    for shell in SHELLS:
        folder = tmp_path_factory.mktemp("job")
        files = {"run.cmd": f"@echo off\n{text}\n".encode(), "data.txt": f"{evil} 1\nb$(touch owned) 2\n".encode()}
        try:
            done = run_package(
                files,
                folder / "job",
                shell=shell,
                args=evil,
                env={"X": evil, "a.b`touch owned`": evil},
                stdin=evil.encode(),
            )
        except Untranslatable:
            continue
        assert [path.name for path in done.work.rglob("owned")] == []
        assert b"yntax error" not in done.stderr
