"""The line that starts a warm run, and the shells that wait for it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from webjobs.runs import warm_protocol
from webjobs_operator.manifests import boot

SHELLS = [shell for shell in (["dash"], ["bash", "--posix"], ["busybox", "sh"]) if shutil.which(shell[0])]
SHOW = 'printf "%s\\0" "$#" "$@"; cat; env -0'
"""Words, stdin (nothing), environment: all as they are."""

# Bytes that shells might take for something, and all others but NUL.
PIECES = st.sampled_from(
    [b" ", b"\n", b"'", b'"', b"\\", b"$(id)", b"`id`", b"\\0", b"%b", b"*", b"=", b"end", b"\r", b""]
)
VALUES = st.lists(PIECES | st.binary(max_size=8).map(lambda raw: raw.replace(b"\0", b"\x01")), max_size=6).map(b"".join)
NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{1,12}", fullmatch=True).filter(
    lambda name: name not in ("PATH", "IFS", "PWD", "OLDPWD", "PS4", "OPTIND", "PPID", "UID", "EUID", "SHELLOPTS")
)


class Armed:
    """A shell that waits, and the reader of its pipe."""

    def __init__(self, shell: list[str], folder: Path, *, script: str = SHOW, words: tuple[str, ...] = ()) -> None:
        (folder / "job").mkdir(parents=True)
        (folder / "job/run.sh").write_text(script)
        self.message, pipe = folder / "message", folder / "pipe"
        text = boot.script(package=None, end_pipe=str(pipe), termination_log=str(self.message))
        self.process = subprocess.Popen(
            [*shell, "-euc", text, "job", shutil.which("bash") or "bash", "run.sh", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "WEBJOBS_PATH": str(folder), "name": "theirs", "line": "theirs"},
        )
        os.mkfifo(pipe)
        self.said, self.waits = b"", threading.Event()
        self._reader = threading.Thread(target=self._read, args=(pipe,))
        self._reader.start()

    def _read(self, pipe: Path) -> None:
        with pipe.open("rb") as opened:  # once the shell has opened it, too
            self.waits.set()
            self.said = opened.read()

    def send(self, data: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def end(self) -> tuple[bytes, bytes]:
        """Its output; stdin stays open meanwhile, as a container's does."""
        assert self.process.stdout
        assert self.process.stderr
        assert self.process.stdin
        out, err = self.process.stdout.read(), self.process.stderr.read()
        self.process.wait(20)
        self._reader.join(20)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        return out, err


@pytest.fixture(params=SHELLS, ids=lambda shell: shell[0])
def shell(request: pytest.FixtureRequest) -> list[str]:
    found: list[str] = request.param
    return found


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arguments=st.lists(VALUES, max_size=5), environment=st.dictionaries(NAMES, VALUES, max_size=3))
def test_the_script_sees_exactly_what_was_sent(
    shell: list[str], arguments: list[bytes], environment: dict[str, bytes]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        armed = Armed(shell, Path(folder), words=("given",))
        armed.send(warm_protocol.line(environment=environment, arguments=arguments))
        out, err = armed.end()
    assert (err, armed.process.returncode, armed.said) == (b"", 0, b"0\n")
    count, *rest = out.split(b"\0")
    words, variables = rest[: int(count)], dict(one.split(b"=", 1) for one in rest[int(count) : -1])
    assert words == [b"given", *arguments]
    assert {name: variables[name.encode()] for name in environment} == environment
    assert (variables[b"name"], variables[b"line"]) == (b"theirs", b"theirs")


def test_what_was_cut_starts_nothing_and_spoils_nothing(shell: list[str], tmp_path: Path) -> None:
    armed = Armed(shell, tmp_path)
    whole = warm_protocol.line(environment={"A": b"1"}, arguments=[b"x", b"y z"])
    for cut in (1, 5, len(whole) // 2, len(whole) - 2):
        armed.send(whole[:cut])
    armed.send(b"\nrm -rf nothing\n\n; id\ngo\ngo  en\n")
    armed.send(whole)
    out, _ = armed.end()
    assert out.split(b"\0")[:3] == [b"2", b"x", b"y z"]


def test_only_the_first_line_counts(shell: list[str], tmp_path: Path) -> None:
    armed = Armed(shell, tmp_path, script='echo "$@"; cat; exit 3')
    armed.send(
        warm_protocol.line(environment={}, arguments=[b"first"])
        + warm_protocol.line(environment={}, arguments=[b"second"])
    )
    assert armed.end() == (b"first\n", b"")
    assert (armed.process.returncode, armed.said) == (3, b"3\n")


def test_one_that_is_ended_while_it_waits_says_that_it_ran_nothing(shell: list[str], tmp_path: Path) -> None:
    armed = Armed(shell, tmp_path)
    assert armed.waits.wait(20)
    armed.send(b"\ngo =cut")
    armed.process.send_signal(signal.SIGTERM)
    # A shell that is not just then asleep in its read hears of it with the next byte; a container is killed, at last.
    with contextlib.suppress(BrokenPipeError):
        armed.send(b"\n")
    assert armed.end() == (b"", b"")
    assert (armed.process.returncode, armed.said) == (143, b"")
    assert armed.message.read_text() == f"{warm_protocol.UNUSED}\n"


def test_one_that_was_ended_before_it_waited_does_not_wait(shell: list[str], tmp_path: Path) -> None:
    text = boot.script(package=None, end_pipe=str(tmp_path / "pipe"), termination_log=str(tmp_path / "message"))
    (tmp_path / "job").mkdir()
    early = text.replace("trap tell TERM\n", "trap tell TERM\nkill -TERM $$\n", 1)
    command = [*shell, "-euc", early, "job", "true"]
    done = subprocess.run(command, env={"PATH": os.environ["PATH"], "WEBJOBS_PATH": str(tmp_path)}, timeout=20)
    assert (done.returncode, (tmp_path / "message").read_text()) == (143, f"{warm_protocol.UNUSED}\n")


def test_one_whose_stdin_ends_goes(shell: list[str], tmp_path: Path) -> None:
    armed = Armed(shell, tmp_path)
    assert armed.process.stdin
    armed.process.stdin.close()
    assert armed.process.wait(20) == 143
    assert armed.message.read_text() == f"{warm_protocol.UNUSED}\n"
    armed.end()


def test_a_term_after_the_line_is_the_scripts(shell: list[str], tmp_path: Path) -> None:
    armed = Armed(shell, tmp_path, script="trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.05; done")
    armed.send(warm_protocol.line(environment={}, arguments=[]))
    assert armed.process.stdout
    assert armed.process.stdout.readline() == b"up\n"
    armed.process.terminate()
    assert armed.end() == (b"bye\n", b"")
    assert (armed.process.returncode, armed.said, armed.message.exists()) == (5, b"5\n", False)


def test_a_script_that_is_killed_has_a_code_too(shell: list[str], tmp_path: Path) -> None:
    armed = Armed(shell, tmp_path, script="kill -9 $$")
    armed.send(warm_protocol.line(environment={}, arguments=[]))
    armed.end()
    assert (armed.process.returncode, armed.said) == (137, b"137\n")


@pytest.mark.parametrize(
    ("environment", "arguments", "error"),
    [
        ({"A B": b""}, [], ValueError),
        ({"_value": b""}, [], ValueError),
        ({"": b""}, [], ValueError),
        ({"A": b"\0"}, [], ValueError),
        ({}, [b"a\0"], ValueError),
        ({}, [b"a"] * 257, warm_protocol.TooLong),
        ({}, [b"\n" * 20_000], warm_protocol.TooLong),
    ],
)
def test_what_is_no_line(environment: dict[str, bytes], arguments: list[bytes], error: type[Exception]) -> None:
    with pytest.raises(error):
        warm_protocol.line(environment=environment, arguments=arguments)


def test_the_most_that_a_line_holds(shell: list[str], tmp_path: Path) -> None:
    armed = Armed(shell, tmp_path, script='echo "$# ${256} ${#1}"')
    armed.send(warm_protocol.line(environment={}, arguments=[b"a" * 60_000, *(str(n).encode() for n in range(2, 257))]))
    assert armed.end() == (b"256 256 60000\n", b"")
