"""``start``: beside the batch file, or with ``/wait`` before what follows; its title, folder and other options."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.batch_cases import SHELLS, run_package, translated

FILES = {
    "App.exe": b"MZ",
    "sub/Other.exe": b"MZ",
    "child.cmd": b"@echo child %1\r\n@exit /b 4\r\n",
}
MONO = 'echo "$(basename "$1") $(basename "$PWD") $2"; exit 3'
"""A program that shows which file it runs, in which folder, and its argument."""


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ('start "" /wait App.exe a', "App.exe work a 3"),
        ('start /wait "a title" App.exe a', "App.exe work a 3"),
        ("start /wait /b /min /max /low /normal /high /realtime /abovenormal /belownormal app a", "App.exe work a 3"),
        ('start "" /d sub /wait Other.exe a', "Other.exe sub a 3"),
        ('start "" /wait /d"sub" Other.exe a', "Other.exe sub a 3"),
        ('start "" /wait /d "%~dp0sub" "%~dp0sub\\Other.exe" a', "Other.exe sub a 3"),
        ("start /wait child.cmd a", "child a 4"),
        ("start /wait cmd /c exit 5", "5"),
        ("start /wait nothing-so-named", "9009"),
        ("start /wait /d nowhere App.exe a", "1"),
    ],
)
@pytest.mark.parametrize("shell", SHELLS)
def test_wait(command: str, shown: str, shell: str, tmp_path: Path) -> None:
    text = f"@echo off\n{command}\necho %ERRORLEVEL% %CD%\n"
    done = run_package({**FILES, "run.cmd": text.encode()}, tmp_path / "job", shell=shell, programs={"mono": MONO})
    assert done.stdout.decode().split() == [*shown.split(), str(done.work)]


@pytest.mark.parametrize(
    "command", ["start App.exe", 'start "" /d sub Other.exe', "start /b App.exe", "start child.cmd"]
)
@pytest.mark.parametrize("shell", SHELLS)
def test_beside(command: str, shell: str, tmp_path: Path) -> None:
    """The program ends only when the batch file has done what stands behind it."""
    program = 'while [ ! -e "$WEBJOBS_PATH/go" ]; do sleep 0.01; done; echo program'
    child = b"@call App.exe\r\n"
    text = f"@echo off\n{command}\necho behind\necho x>go\n:again\nif not exist done goto again\necho end\n"
    files = {**FILES, "child.cmd": child, "run.cmd": text.encode()}
    done = run_package(
        files, tmp_path / "job", shell=shell, programs={"mono": f'{program}; echo x >"$WEBJOBS_PATH/done"'}
    )
    assert done.stdout.decode().split() == ["behind", "program", "end"]


def test_its_runtimes_are_those_of_the_program() -> None:
    found = translated({**FILES, "run.cmd": b'start "" App.exe\nstart /wait node x.js'})
    assert set(found.runtimes) == {"mono", "js"}
    assert "App.exe" in found.uses


def test_a_note_tells_how_long_a_program_runs() -> None:
    text = b"start node a.js\nstart /wait node b.js"
    notes = translated({"run.cmd": text}).notes
    assert notes == ("run.cmd, line 1: start without /wait: the program ends with the batch file.",)
