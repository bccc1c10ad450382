"""Batch files in the forms of public repositories: what runs them here, and that the scripts do call it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.cases.batch_cases import run_package
from tests.cases.forms import FORMS, Form
from webjobs.model import PackageProgram
from webjobs.runtimes.package_program import program_of, script_of

PROGRAMS = Path(__file__).parent / "programs"
KINDS = {"managed": (PROGRAMS / "managed.exe").read_bytes(), "native": (PROGRAMS / "native-x64.exe").read_bytes()}
BY_RUNTIME = {
    **{"dotnet": "dotnet", "aspnet": "dotnet", "py": "python3", "js": "node", "jar": "java", "php": "php"},
    **{"mono": "mono", "wine": "wine", "ps1": "pwsh", "tools": "curl git"},
}
"""Programs of a runtime, one of which its forms call."""
STUBS = sorted({program for programs in BY_RUNTIME.values() for program in programs.split()} | {"npm"})


def files_of(form: Form) -> dict[str, bytes]:
    files: dict[str, bytes] = {"run.cmd": form.text.replace("\n", "\r\n").encode()}
    for path, content in form.files.items():
        known = KINDS.get(content) if isinstance(content, str) else None
        files[path] = known or (content.encode() if isinstance(content, str) else content)
    return files


def choice_of(form: Form) -> PackageProgram:
    files = files_of(form)
    found = program_of(files, files.__getitem__)
    assert found
    return found


def test_how_many_run() -> None:
    """The table in docs/batch-files.md has these numbers."""
    choices = [choice_of(form) for form in FORMS]
    refused = [choice for choice in choices if choice.problem]
    noted = [choice for choice in choices if not choice.problem and (choice.notes or choice.missing)]
    assert (len(choices), len(refused), len(noted)) == (65, 0, 1)
    assert Counter(choice.runtime.name for choice in choices) == {
        **{"py": 23, "dotnet": 18, "aspnet": 1, "mono": 5, "wine": 1, "php": 4, "js": 2},
        **{"jar": 1, "ps1": 1, "tools": 2, "sh": 7},
    }


@pytest.mark.parametrize("form", FORMS, ids=[form.name for form in FORMS])
def test_the_script_calls_its_runtime(form: Form, tmp_path: Path) -> None:
    """With stand-ins for the programs of all runtimes, each of which leaves its name and its words."""
    files, choice = files_of(form), choice_of(form)
    calls = tmp_path / "calls"
    stub = f'echo "$(basename "$0") $*" >> {calls}'
    script = script_of("run.cmd", files, files.__getitem__)
    done = run_package(files, tmp_path / "job", programs=dict.fromkeys(STUBS, stub), made=script)
    assert b"sh:" not in done.stderr, "no error of the shell itself"
    called = calls.read_text().split("\n") if calls.exists() else []
    wanted = BY_RUNTIME.get(choice.runtime.name, "").split()
    if form.name in ("for-files", "chained"):
        return  # there is no such file, and no such argument: nothing is to be called
    assert not wanted or any(line.split(" ")[0] in wanted for line in called), (called, done.stderr)
