"""Which file runs, and how (docs/kudu-contract.md, section 3)."""

from __future__ import annotations

import pytest

from webjobs.model.scripts import entrypoint, script_directory, select_script


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([], None),
        (["readme.md"], None),
        (["run.sh"], "run.sh"),
        (["go.py"], "go.py"),
        (["a.py", "run.js"], "run.js"),  # any run.* beats every other file
        (["go.cmd", "go.sh"], "go.sh"),  # the twin for Linux
        (["Go.bat", "go.SH", "a.sh"], "go.SH"),
        (["App.exe", "app.sh", "a.py"], "app.sh"),
        (["feeds.cmd", "update.php"], "feeds.cmd"),  # Kudu's order on Windows
        (["a.exe", "b.bat", "c.cmd", "d.ps1"], "c.cmd"),
        (["a.exe", "b.bat", "d.ps1"], "b.bat"),
        (["a.exe", "d.ps1"], "a.exe"),
        (["b.sh", "a.ps1", "c.py"], "a.ps1"),
        (["go.cmd", "other.sh"], "go.cmd"),
        (["go.cmd", "a/go.sh"], "go.cmd"),
        (["run.exe", "run.ps1"], "run.ps1"),
        (["run.bat", "run.exe", "a.cmd"], "run.bat"),
        (["CreateDump.exe", "job.exe"], "job.exe"),
        (["createdump.exe", "work.py"], "work.py"),
        (["createdump.exe"], None),
        (["App.dll", "App.runtimeconfig.json", "Lib.dll"], "App.dll"),
        (["App.dll", "app.RuntimeConfig.json"], "App.dll"),
        (["App.dll", "App.deps.json"], None),
        (["A.dll", "A.runtimeconfig.json", "B.dll", "B.runtimeconfig.json"], None),
        (["App.dll", "App.runtimeconfig.json", "App.exe"], "App.exe"),
        (["run.dll", "run.runtimeconfig.json", "a.sh"], "a.sh"),
        (["bin/App.dll", "bin/App.runtimeconfig.json"], "bin/App.dll"),
        ([".dll", ".runtimeconfig.json"], None),
        (["run.cmd", "run.sh"], "run.sh"),
        (["run.cmd", "a.sh"], "run.cmd"),
        (["b.sh", "a.py"], "b.sh"),
        (["b.sh", "A.sh"], "A.sh"),
        (["RUN.SH", "a.sh"], "RUN.SH"),
        (["a/b/run.sh"], "a/b/run.sh"),
        (["a/run.sh", "a/lib/x.py"], "a/run.sh"),
        (["a/run.sh", "b/run.sh"], None),
        (["run.sh", "a/run.py"], "run.sh"),
        (["run"], None),
        ([".sh"], None),
        (["project.json", "x.txt"], "project.json"),
        (["project.json", "go.sh"], "project.json"),
        (["project.json", "go.cmd"], "project.json"),
        (["project.json", "run.cmd"], "run.cmd"),
        (["app.jar"], "app.jar"),
    ],
)
def test_select_script(paths: list[str], expected: str | None) -> None:
    for order in (paths, paths[::-1]):
        selected = select_script(order)
        assert (selected.path if selected else None) == expected


@pytest.mark.parametrize(
    ("paths", "expected"),
    [([], "."), (["a"], "."), (["a/b"], "a"), (["a/b/c"], "a/b"), (["a/b", "c"], "."), (["a/b/c", "a/d"], "a")],
)
def test_script_directory(paths: list[str], expected: str) -> None:
    assert script_directory(paths) == expected


def test_words() -> None:
    selected = entrypoint("in/run.PS1")
    assert selected
    assert (selected.words, selected.directory, selected.host.name) == (
        ["pwsh", "-File", "run.PS1"],
        "in",
        "PowerShellScriptHost",
    )
    assert entrypoint("a.txt") is None
