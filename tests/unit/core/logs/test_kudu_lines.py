"""Log lines (docs/kudu-contract.md, section 8)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.fakes.objects import run, webjob
from webjobs.logs import kudu_lines
from webjobs.logs.kudu_lines import Output

WHEN = datetime(2016, 5, 19, 1, 50, 32, tzinfo=UTC)


def test_lines() -> None:
    assert kudu_lines.line(WHEN, "abc123", "x", system=True) == "[05/19/2016 01:50:32 > abc123: SYS INFO] x\r\n"
    assert kudu_lines.line(WHEN, "abc123", "x", level="ERR") == "[05/19/2016 01:50:32 > abc123: ERR ] x\r\n"


@pytest.mark.parametrize(
    ("stamped", "expected"),
    [
        ("2016-05-19T01:50:32.123456789Z a b ", "[05/19/2016 01:50:32 > abc123: INFO] a b \r\n"),
        ("2016-05-19T01:50:32Z a", "[05/19/2016 01:50:32 > abc123: INFO] a\r\n"),
        ("2016-05-19T03:50:32.123456789+02:00 a\r", "[05/19/2016 01:50:32 > abc123: INFO] a\r\n"),
        ("2016-05-19T01:50:32.5Z", "[05/19/2016 01:50:32 > abc123: INFO] \r\n"),
        ("", "[01/01/1970 00:00:00 > abc123: INFO] \r\n"),
        ("oh no", "[01/01/1970 00:00:00 > abc123: INFO] oh no\r\n"),
    ],
)
def test_output_line(stamped: str, expected: str) -> None:
    assert kudu_lines.output_line(Output(stamped), "abc123") == expected


async def _render(log: kudu_lines.RunLog, *lines: str) -> list[str]:
    async def output() -> AsyncIterator[Output]:
        for line in lines:
            yield Output(line)

    pieces = [piece async for piece in kudu_lines.render(log, output())]
    return [line.partition("] ")[2] for line in b"".join(pieces).decode().splitlines()]


START = ["Status changed to Initializing"]
STARTED = [*START, "Run script 'run.sh' with script host - 'BashScriptHost'", "Status changed to Running"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, START),
        ({"state": "Running", "processStartTime": "2026-01-01T00:00:01Z"}, STARTED),
        (
            {
                "state": "Success",
                "processStartTime": "2026-01-01T00:00:01Z",
                "endTime": "2026-01-01T00:00:02Z",
                "exitCode": 0,
            },
            [*STARTED, "Status changed to Success"],
        ),
        (
            {
                "state": "Failed",
                "processStartTime": "2026-01-01T00:00:01Z",
                "endTime": "2026-01-01T00:00:02Z",
                "exitCode": 1,
            },
            [*STARTED, "Status changed to Failed", "Job failed due to exit code 1"],
        ),
        (
            {"state": "Aborted", "endTime": "2026-01-01T00:00:02Z", "message": "The node went away."},
            [*START, "Status changed to Aborted", "The node went away."],
        ),
    ],
)
async def test_run_log(status: dict[str, Any], expected: list[str]) -> None:
    assert await _render(kudu_lines.run_log(webjob(), run(status=status), None)) == expected


@pytest.mark.parametrize(
    "state", [{"running": {"startedAt": "2026-01-01T00:00:03Z"}}, {"terminated": {"startedAt": "2026-01-01T00:00:03Z"}}]
)
def test_the_start_is_seen_in_the_pod(state: dict[str, Any]) -> None:
    statuses = [
        {"name": "side", "state": {"running": {"startedAt": "2020-01-01T00:00:00Z"}}},
        {"name": "job", "state": state},
    ]
    pod = {"metadata": {"uid": "12345678-1234"}, "status": {"containerStatuses": statuses}}
    log = kudu_lines.run_log(webjob(), run(), pod)
    assert log.started == datetime(2026, 1, 1, 0, 0, 3, tzinfo=UTC)
    assert log.instance == "123456"
    recorded = run(status={"processStartTime": "2026-01-01T00:00:02Z"})
    assert kudu_lines.run_log(webjob(), recorded, pod).started == datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC)


def test_a_plain_image_has_no_script_line() -> None:
    log = kudu_lines.run_log(
        webjob({"script": None, "image": "tool:1"}), run(status={"processStartTime": "2026-01-01T00:00:02Z"}), None
    )
    assert log.head().count("\r\n") == 2


def test_a_packages_script() -> None:
    package = {"digest": "sha256:" + "0" * 64, "entrypoint": "in/go.py", "size": 1, "files": 1}
    log = kudu_lines.run_log(webjob({"script": None, "package": package}), run(), None)
    assert (log.script, log.host) == ("go.py", "PythonScriptHost")


TWICE = ["2026-01-01T00:00:01Z a", "2026-01-01T00:00:01Z a", "b"]


async def _stream(*lines: str) -> AsyncIterator[str]:
    for line in lines:
        yield line


@pytest.mark.parametrize(
    ("out", "err", "expected"),
    [
        ([], [], []),
        (["2026-01-01T00:00:01Z a"], [], ["I a"]),
        ([], ["2026-01-01T00:00:01Z a"], ["E a"]),
        (["2026-01-01T00:00:01Z a", "2026-01-01T00:00:03Z c"], ["2026-01-01T00:00:02Z b"], ["I a", "E b", "I c"]),
        # Nanoseconds count, however many of them are written, and the zone in which they are.
        (["2026-01-01T00:00:01.000000002Z b"], ["2026-01-01T00:00:01.000000001Z a"], ["E a", "I b"]),
        (["2026-01-01T00:00:01.5Z b"], ["2026-01-01T00:00:01.123456789Z a"], ["E a", "I b"]),
        (["2026-01-01T02:00:01+02:00 a"], ["2026-01-01T00:00:02Z b"], ["I a", "E b"]),
        # Lines of one stream stay in their order, whatever their stamps say.
        (["2026-01-01T00:00:09Z a", "2026-01-01T00:00:01Z b"], ["2026-01-01T00:00:05Z c"], ["E c", "I a", "I b"]),
        # A server that does not know of streams gives everything twice.
        (TWICE, TWICE, ["I a", "I a", "I b"]),
    ],
)  # fmt: skip
async def test_streams_are_merged_by_time(out: list[str], err: list[str], expected: list[str]) -> None:
    merged = [line async for line in kudu_lines.merge(_stream(*out), _stream(*err))]
    assert [f"{line.level[0]} {line.stamped.rpartition(' ')[2]}" for line in merged] == expected


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_lines_of_stderr_alone(size: int) -> None:
    errors = [kudu_lines.line(WHEN, "abc123", "one", level="ERR"), kudu_lines.line(WHEN, "abc123", "two", level="ERR")]
    others = [
        kudu_lines.line(WHEN, "abc123", "[05/19/2016 01:50:32 > abc123: ERR ] told by the job"),
        kudu_lines.line(WHEN, "abc123", "Job failed due to exit code 1", level="ERR", system=True),
    ]
    content = "".join([others[0], errors[0], others[1], errors[1]]).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(content), size):
            yield content[start : start + size]

    assert b"".join([piece async for piece in kudu_lines.errors_of(pieces())]).decode() == "".join(errors)


SYS = b"[05/19/2016 01:50:32 > abc123: SYS INFO] "
OWN = b"[05/19/2016 01:50:31 > abc123: INFO] "
ERROR = b"[05/19/2016 01:50:32 > abc123: SYS ERR ] "


@pytest.mark.parametrize(
    ("tail", "whole", "expected"),
    [
        (SYS + b"Status changed to Success\r\n", True, ("Success", WHEN, 0, None)),
        (SYS + b"Status changed to Success\r\n", False, None),  # its begin was cut off
        (b"x\r\n" + SYS + b"Status changed to Success\r\n", False, ("Success", WHEN, 0, None)),
        (SYS + b"Status changed to Success", True, None),  # its end was cut off
        (SYS + b"Status changed to Running\r\n", True, None),
        (SYS + b"Status changed to Failed\r\n", True, ("Failed", WHEN, None, None)),
        (
            SYS + b"Status changed to Failed\r\n" + ERROR + b"Job failed due to exit code 7\r\n",
            True,
            ("Failed", WHEN, 7, None),
        ),
        (
            SYS + b"Status changed to Aborted\r\n" + ERROR + b"It was\ncancelled.\r\n",
            True,
            ("Aborted", WHEN, None, "It was\ncancelled."),
        ),
        # What the job wrote, or a message says, is no end.
        (OWN + SYS + b"Status changed to Success\r\n", True, None),
        (OWN + b"a\r" + SYS + b"Status changed to Success\r\n", True, None),
        (
            SYS + b"Status changed to Failed\r\n" + ERROR + b"x\r\n" + SYS + b"Status changed to Success\r\n",
            True,
            ("Failed", WHEN, None, "x"),
        ),
        (SYS.replace(b"05/19", b"13/45") + b"Status changed to Success\r\n", True, None),
        (b"", True, None),
    ],
)
def test_the_end_that_a_log_tells(tail: bytes, whole: bool, expected: tuple[Any, ...] | None) -> None:
    assert kudu_lines.end_of(tail, whole=whole) == expected
