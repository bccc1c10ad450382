"""The shell text that starts scripts, run by real shells."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from webjobs.logs import restarts
from webjobs_operator.manifests import boot

SHELLS = [shell for shell in (["dash"], ["bash", "--posix"], ["busybox", "sh"]) if shutil.which(shell[0])]
BASH = shutil.which("bash") or "bash"
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(params=SHELLS, ids=lambda shell: shell[0])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Start]:
    """Starts a script by the text, as a container does."""
    (tmp_path / "work" / "in ner").mkdir(parents=True)
    (tmp_path / "shutdown").mkdir()
    begun: list[subprocess.Popen[str]] = []

    def begin(
        text: str, *words: str, command: str | None = None, path: str | None = None, **options: Any
    ) -> subprocess.Popen[str]:
        (tmp_path / "work" / "in ner" / "run.sh").write_bytes(text.encode())
        options.setdefault("package", None)
        boots = boot.script(termination_log=str(tmp_path / "termination-log"), **options)
        process = subprocess.Popen(
            [
                shutil.which(request.param[0]) or "",
                *request.param[1:],
                "-euc",
                boots,
                "in ner",
                *([command] if command else [BASH, "run.sh"]),
                *words,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.PIPE,
            text=True,
            env={
                "PATH": path or os.environ["PATH"],
                "WEBJOBS_PATH": str(tmp_path / "work"),
                "WEBJOBS_SHUTDOWN_FILE": str(tmp_path / "shutdown" / "stop"),
            },
        )
        begun.append(process)
        return process

    yield begin
    for process in begun:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            assert pipe
            pipe.close()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


@pytest.mark.parametrize("code", [0, 1, 3, 126, 127, 255])
@pytest.mark.parametrize("options", [{}, {"notice": True, "restart_delay": 60}, {"idle_timeout": 60}])
def test_exit_codes_output_and_words_are_the_scripts(start: Start, code: int, options: dict[str, Any]) -> None:
    process = start(
        f'printf "%s\\n" "$@"; pwd; echo oops >&2; read -r x && echo "$x"; exit {code}', "a b", "$(id)", **options
    )
    out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (code, "oops\n")
    assert out.splitlines()[:2] == ["a b", "$(id)"]
    assert out.endswith("/in ner\n"), "its directory; and nothing is there to read"


@pytest.mark.parametrize("signal_name", ["INT", "QUIT"])
@pytest.mark.parametrize("options", [{}, {"notice": True, "restart_delay": 60}, {"idle_timeout": 60}])
def test_a_script_and_what_it_starts_can_be_interrupted(
    start: Start, signal_name: str, options: dict[str, Any]
) -> None:
    text = f"trap 'echo told; exit 5' {signal_name}; kill -{signal_name} $$; sleep 1; echo deaf"
    process = start(f'bash -c "{text}"'.replace("$", "\\$"), **options)
    out, _ = process.communicate(timeout=20)
    assert (out, process.returncode) == ("told\n", 5)


INHERITED = r"""
grep -E '^(Sig(Ign|Blk)|Seccomp|NoNewPrivs)' /proc/self/status
umask; nice; ulimit -a
for fd in /proc/self/fd/*; do case "${fd##*/}" in 0 | 1 | 2) ;; *) [ ! -e "$fd" ] || echo "$fd"; esac; done
"""


@pytest.mark.parametrize("options", [{}, {"notice": True, "restart_delay": 60}, {"idle_timeout": 60}])
def test_a_script_inherits_what_its_container_has(start: Start, options: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "bare.sh").write_text(INHERITED)
    # A container begins with INT and QUIT as they are by default; tests may run beside somebody's shell.
    command = ["env", "--default-signal=INT,QUIT", BASH, str(tmp_path / "bare.sh")]
    bare = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    out, _ = start(INHERITED, **options).communicate(timeout=20)
    assert out == bare.stdout


@pytest.mark.parametrize("options", [{}, {"notice": True, "restart_delay": 60}, {"idle_timeout": 60}])
def test_no_variable_of_the_script_is_touched(options: dict[str, Any]) -> None:
    """A shell exports what it assigns to a variable that was in its environment."""
    text = boot.script(package=None, listen_seconds=1, end_pipe="/p", **options)
    assigned = {name for name in re.findall(r"(?:^|[\s;&|{(])([A-Za-z_]\w*)=", text) if not name.startswith("IFS")}
    read = {name for names in re.findall(r"\bread -r ([\w ]+)", text) for name in names.split()}
    looped = set(re.findall(r"\bfor (\w+) in", text))
    assert [name for name in assigned | read | looped if not name.startswith("_")] == []
    assert {"_told", "_child", "_signals"} <= assigned


def test_a_program_with_an_equals_sign_in_its_name(start: Start, tmp_path: Path) -> None:
    tool = tmp_path / "a=b"
    tool.write_text("#!/bin/sh\necho ran\n")
    tool.chmod(0o755)
    process = start("", command=str(tool))
    assert process.communicate(timeout=20)[0] == "ran\n"


def test_an_image_without_gnus_env(start: Start, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "true", "sleep", "date"):
        (tools / name).symlink_to(shutil.which(name) or name)
    (tools / "env").write_text("#!/bin/bash\necho 'env: unrecognized option' >&2; exit 1\n")
    (tools / "env").chmod(0o755)
    out, err = start("echo ran", path=str(tools)).communicate(timeout=20)
    assert (out, err) == ("ran\n", "")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("echo one\r\necho two\r\n", True),
        ("#!/bin/bash\r\nexit 0\r\n", True),
        ("echo one\necho two\n", False),
        ("echo 'a\rb'\n", False),
        ("", False),
    ],
)
def test_windows_line_ends_are_told(start: Start, text: str, told: bool) -> None:
    _, err = start(text).communicate(timeout=20)
    assert ("run.sh has Windows line ends (CRLF), which no shell takes: save it with LF." in err) == told


def test_an_interpreter_that_is_not_there() -> None:
    env = {"PATH": "/nowhere", "WEBJOBS_PATH": "/"}
    command = ["/bin/sh", "-euc", boot.script(package=None), ".", "node"]
    found = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (found.returncode, "has no node: set spec.image" in found.stderr) == (127, True)


def test_term_ends_a_script_without_a_handler(start: Start) -> None:
    process = start("echo up; while :; do sleep 0.1; done")
    assert line(process) == "up"
    process.terminate()
    assert process.wait(timeout=20) == 128 + signal.SIGTERM


@pytest.mark.parametrize("options", [{}, {"notice": True}])
def test_a_handler_of_term_has_its_say(start: Start, options: dict[str, Any]) -> None:
    process = start("trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.1; done", **options)
    assert line(process) == "up"
    process.terminate()
    assert line(process) == "bye"
    assert process.wait(timeout=20) == 5


def test_a_script_that_goes_on_after_term_is_waited_for(start: Start) -> None:
    process = start("trap 'echo told' TERM; echo up; for i in 1 2 3 4 5 6; do sleep 0.2; done; echo end; exit 7")
    assert line(process) == "up"
    process.terminate()
    assert [line(process), line(process)] == ["told", "end"]
    assert process.wait(timeout=20) == 7


def test_with_a_shutdown_file_only_a_handler_gets_term(start: Start, tmp_path: Path) -> None:
    """The time between the file and the end belongs to the script, as on App Service."""
    file = '"$WEBJOBS_SHUTDOWN_FILE"'
    process = start(f"echo up; while [ ! -e {file} ]; do sleep 0.1; done; echo saw it", notice=True)
    assert line(process) == "up"
    process.terminate()
    time.sleep(0.3)
    assert process.poll() is None
    (tmp_path / "shutdown" / "stop").touch()
    assert line(process) == "saw it"
    assert process.wait(timeout=20) == 0


def test_term_before_the_script_began(start: Start, tmp_path: Path) -> None:
    (tmp_path / "shutdown" / "life").write_text(f"{int(time.time())}\n")
    process = start("echo up", notice=True, restart_delay=600)
    time.sleep(0.3)
    process.terminate()
    assert process.communicate(timeout=20)[0] == "", "it waits, and never starts it"
    assert process.returncode == 143


@pytest.mark.parametrize(
    ("before", "waits"),
    [
        (None, False),
        ("{-1} {-1}", True),
        ("{-10} {-8}", False),
        ("{-121} {-1}", False),
        ("{-119} {-1}", True),
        ("{-1}", True),
        ("{-300}", False),
        ("", True),
    ],
    ids=["first", "short", "long ago", "lived", "nearly", "killed", "killed after long", "unwritten"],
)
def test_the_wait_after_a_short_life(start: Start, tmp_path: Path, before: str | None, waits: bool) -> None:
    now = int(time.time())
    if before is not None:
        text = before.replace("{", "").replace("}", "")
        words = [str(now + int(word)) for word in text.split()]
        (tmp_path / "shutdown" / "life").write_text(" ".join(words) + "\n" * bool(words))
    process = start("echo up", notice=True, restart_delay=3)
    begin = time.monotonic()
    assert process.communicate(timeout=20) == ("up\n", "")
    assert (time.monotonic() - begin > 1) == waits


def test_what_is_left_of_a_life(start: Start, tmp_path: Path) -> None:
    (tmp_path / "termination-log").write_text("the script's own\n")
    begin = int(time.time())
    assert start("exit 4", notice=True, restart_delay=60).wait(timeout=20) == 4
    told = (tmp_path / "termination-log").read_text()
    lived = restarts.life(told)
    assert told.startswith("the script's own\n")
    assert lived
    assert begin <= lived[0] <= lived[1] <= begin + 5
    assert (tmp_path / "shutdown" / "life").read_text() == f"{lived[0]} {lived[1]}\n"


@pytest.mark.parametrize("end", ["line", "closed", "time", "term"])
def test_it_waits_for_somebody_who_listens(start: Start, end: str) -> None:
    process = start('echo up; read -r x || echo "nothing to read"', listen_seconds=2 if end == "time" else 60)
    assert process.stdin
    time.sleep(0.5)
    assert process.poll() is None
    assert process.stdout
    assert not select.select([process.stdout], [], [], 0)[0]
    begin = time.monotonic()
    match end:
        case "line":
            process.stdin.write("\nfor nobody\n")
            process.stdin.flush()
        case "closed":
            process.stdin.close()
        case "term":
            process.terminate()
    assert process.wait(timeout=20) == (143 if end == "term" else 0)
    assert process.stdout.read() == ("" if end == "term" else "up\nnothing to read\n")
    assert time.monotonic() - begin < 10


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (None, None),
        ("", None),
        ("webjobs: the process lived from 1 to 2", (1, 2)),
        ("webjobs: the process lived from 1 to 2\n", (1, 2)),
        ("mine\nwebjobs: the process lived from 17 to 21\n", (17, 21)),
        ("webjobs: the process lived from x to 2", None),
        ("webjobs: the process lived from 1 to 2 or so", None),
    ],
)
def test_reading_a_life(message: str | None, found: tuple[int, int] | None) -> None:
    assert restarts.life(message) == found
