"""Batch files on a real cluster: each case's output and exit code, the script that they run as, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import stack as stacks
from tests.cases.batch_cases import CASES
from tests.cli import Cli
from tests.site import Site, eventually, zip_of

FOLDER = "/webjobs/work"
HANDED = sorted(path for path in CASES.iterdir() if len(path.name.partition("-")[0]) == 2)
"""Cases that run on a cluster; all others run in the shells of this machine, which takes a hundredth of the time."""
_LINE = re.compile(r"\[[^]]*: (?:INFO|ERR )\] ?(.*)")


class Case(NamedTuple):
    """A batch file with its right answer."""

    name: str
    files: dict[str, str | bytes]
    arguments: str
    code: int
    output: list[str]
    has_errors: bool


def read(folder: Path) -> Case:
    """Return a case."""
    facts: dict[str, Any] = json.loads((folder / "case.json").read_text())
    files: dict[str, str | bytes] = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in ("case.json", "expected.txt")
    }
    output = (folder / "expected.txt").read_bytes().decode(errors="replace").replace("{DIR}", FOLDER).splitlines()
    return Case(folder.name, files, facts["args"], facts["code"], output, bool(facts["err"]))


def output_of(log: str) -> list[str]:
    """Return the lines that a process wrote, on both streams."""
    return [match[1] for line in log.split("\r\n") if (match := _LINE.fullmatch(line))]


def is_part(wanted: list[str], of: list[str]) -> bool:
    """Return whether lines are among others, in their order."""
    rest = iter(of)
    return all(line in rest for line in wanted)


@pytest.fixture(scope="module")
def answers(site: Site) -> dict[str, tuple[list[str], int]]:
    """Output and exit code of each case, all of them deployed by one zip and run side by side."""
    cases = [read(folder) for folder in HANDED]
    files = {f"App_Data/jobs/triggered/{one.name}/{path}": text for one in cases for path, text in one.files.items()}
    assert site.http.post("/api/zipdeploy", content=zip_of(files)).status_code == 200
    started = {one.name: site.run(one.name, one.arguments).headers["Location"] for one in cases}
    found = {}
    for name, location in started.items():
        log = site.log(site.ended(location, seconds=180))
        code = re.search(r"Job failed due to exit code (\d+)", log)
        found[name] = (output_of(log), int(code[1]) if code else 0)
    for one in cases:
        site.http.delete(f"/api/triggeredwebjobs/{one.name}")
    return found


@pytest.mark.parametrize("name", [folder.name for folder in HANDED])
def test_case(answers: dict[str, tuple[list[str], int]], name: str) -> None:
    """Standard error is in the log, too: between the lines of the output, when there is any."""
    case, (output, code) = read(CASES / name), answers[name]
    assert code == case.code, output
    wanted = [line.rstrip("\r") for line in case.output]
    if case.has_errors:
        assert is_part(wanted, output), output
    else:
        assert output == wanted


def test_what_runs_can_be_read(site: Site) -> None:
    """By REST and by kubectl it is the same text; the log says where it comes from."""
    text = "@echo off\r\nset GREETING=hello\r\necho %GREETING% %1\r\nexit /b 3\r\n"
    site.put_script("greets", text, file_name="run.cmd")
    run = site.ended(site.run("greets", "world").headers["Location"])
    log = site.log(run)
    assert "INFO] hello world" in log
    assert "Run script 'run.cmd' with script host - 'WindowsScriptHost'" in log
    assert "kubectl webjob show greets --script" in log
    shown = site.http.get("/api/triggeredwebjobs/greets/script")
    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert "run.cmd" in shown.text
    cli, show = Cli.of(site.stack), ("show", "greets", "-n", stacks.SITE)
    assert cli.inside(*show, "--script").well().out == shown.text
    told = site.object("wj", "greets")["status"]["program"]
    assert (told["file"], told["host"], told["runtime"]) == ("run.cmd", "WindowsScriptHost", "sh")
    assert told["image"] == site.stack.image
    assert told["why"] in cli.inside(*show).well().out
    site.put_script("plain", "echo", file_name="run.sh")
    assert site.http.get("/api/triggeredwebjobs/plain/script").status_code == 404


def test_what_is_refused_names_the_line(site: Site) -> None:
    site.put_script("refused", "@echo off\r\ntasklist /v\r\n", file_name="run.cmd")
    condition = eventually(
        lambda: next(
            one
            for one in site.object("wj", "refused")["status"]["conditions"]
            if (one["type"], one["reason"]) == ("Ready", "BatchNotTranslated")
        ),
        what="the condition",
    )
    assert "run.cmd, line 2" in condition["message"]
    assert "tasklist" in condition["message"]
    assert site.http.get("/api/triggeredwebjobs/refused").json()["error"] == condition["message"]


def test_a_continuous_one_ends_when_it_is_asked_to(site: Site) -> None:
    text = '@echo off\r\n:again\r\necho at work\r\nif exist "%WEBJOBS_SHUTDOWN_FILE%" goto done\r\n'
    text += "ping -n 2 127.0.0.1 >nul\r\ngoto again\r\n:done\r\necho stopping\r\n"
    site.put_script("loops", text, file_name="run.cmd", kind="continuous")

    def log() -> str:
        return site.http.get("/api/vfs/data/jobs/continuous/loops/job_log.txt").text

    eventually(lambda: "at work" in log(), seconds=60, what="its first line")
    assert site.http.post("/api/continuouswebjobs/loops/stop").status_code == 200
    eventually(lambda: "stopping" in log(), seconds=60, what="its last line")
