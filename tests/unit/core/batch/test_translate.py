"""The script as its reader sees it, and as bytes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.batch_cases import SHELLS, run_package, translated
from tests.cases.batch_files import generate
from webjobs.batch import Untranslatable
from webjobs.batch.prelude import functions


def body(text: str) -> str:
    """The lines of the script for a file, without functions and settings."""
    script = translated({"run.cmd": text.encode()}).script
    inside = script.partition("# run.cmd\n")[2].partition("\n}\n")[0]
    return "\n".join(line.strip() for line in inside.splitlines()[1:] if line.strip())


def test_the_first_lines_say_where_it_is_from() -> None:
    lines = translated({"sub/run.cmd": b"echo x"}, "sub/run.cmd").script.splitlines()
    assert lines[0] == "#!/bin/sh"
    assert lines[1].startswith("# Generated from sub/run.cmd")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@echo off\necho it's %X%", "# 1: @echo off\necho=off\n# 2: echo it's %X%\nsay \"it's $v_X\""),
        ("@set X=a b", "# 1: @set X=a b\nassign X X 'a b'"),
        ('@dotnet X.dll a "b c"', "# 1: @dotnet X.dll a \"b c\"\nrun dotnet X.dll a 'b c'"),
        (
            "@if errorlevel 1 exit /b 2",
            '# 1: @if errorlevel 1 exit /b 2\nif [ "$err" -ge 1 ]; then\nleave 2\nreturn\nfi',
        ),
        (
            "@for %%i in (a b) do @echo %%i",
            'local f_i\n# 1: @for %%i in (a b) do @echo %%i\nfor f_i in a b; do\necho_text "$f_i"\ndone',
        ),
        ("@cmd /c exit 3", "# 1: @cmd /c exit 3\nleave 3"),
    ],
)
def test_lines(text: str, expected: str) -> None:
    assert body(text) == expected


def test_bytes_stay_as_they_are(tmp_path: Path) -> None:
    content = b"@echo gr\x81\xe1e \xc3\xa4\r\n@set X=\xff\r\n@echo %X%\r\n"
    assert run_package({"run.cmd": content}, tmp_path / "job").stdout == b"gr\x81\xe1e \xc3\xa4\n\xff\n"


def test_utf_16_is_refused() -> None:
    with pytest.raises(Untranslatable, match=r"run\.cmd, line 1: the file holds NUL"):
        translated({"run.cmd": "echo x".encode("utf-16")})


def test_only_what_is_called_comes_along() -> None:
    script = translated({"run.cmd": b"@echo off\necho x"}).script
    assert "robocopy" not in script
    assert len(script) < 6000


def test_each_function_says_what_it_does() -> None:
    assert {name for name, text in functions().items() if not text.startswith("# ")} == set()


@pytest.mark.parametrize("seed", range(40))
def test_generated_files_run_in_every_shell_alike(seed: int, tmp_path: Path) -> None:
    found = {
        shell: run_package({"run.cmd": generate(seed).encode()}, tmp_path / shell, shell=shell) for shell in SHELLS
    }
    assert len({(done.code, done.stdout) for done in found.values()}) == 1
    assert all(b"run.sh" not in done.stderr for done in found.values())
    assert any(done.stdout for done in found.values())
