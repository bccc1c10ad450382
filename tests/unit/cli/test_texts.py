"""Tables, times and sizes of the command line, and the exit code of a run."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fakes.objects import run, webjob
from webjobs_cli import exit_codes, tables, text
from webjobs_cli.progress import Progress, line

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0s"),
        (0, "0s"),
        (59, "59s"),
        (60, "1m"),
        (61, "1m1s"),
        (3600, "1h"),
        (3660, "1h1m"),
        (86400, "1d"),
        (90000, "1d1h"),
        (20 * 86400 + 3600, "20d"),
    ],
)
def test_span(seconds: int, said: str) -> None:
    assert text.span(timedelta(seconds=seconds)) == said


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (2**30, "1.0 GiB"), (2**50, "1024.0 TiB")]
)
def test_size(count: int, said: str) -> None:
    assert text.size(count) == said


def test_a_table_has_straight_columns_and_moves_no_cursor() -> None:
    rows = [["a", "", "x"], ["日本", "b\x1b[31m\n\u202e", "y"], ["e\u0301", "c", "z"]]
    assert text.table(["N", "V", "W"], rows) == (
        "N      V          W\na      -          x\n日本   b [31m     y\ne\u0301      c          z\n"
    )


def test_progress_lines() -> None:
    assert line("x", 512, 2048) == "x: 512 B of 2.0 KiB (25%)"
    assert line("x", 512, None) == "x: 512 B"


@pytest.mark.parametrize(
    ("state", "code", "expected"),
    [
        ("Success", 0, 0),
        ("Success", None, 0),
        ("Failed", 3, 3),
        ("Failed", 255, 255),
        ("Failed", 137, 137),
        ("Failed", None, 1),
        ("Failed", 0, 1),
        ("Failed", 3221225786, 1),  # of Windows
        ("Aborted", None, 1),
        ("Aborted", 143, 143),
        ("Skipped", None, 1),
        (None, None, 1),
    ],
)
def test_exit_code_of_a_run(state: str | None, code: int | None, expected: int) -> None:
    assert exit_codes.exit_code(run(status={"state": state, "exitCode": code})) == expected


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ({"state": "Success", "message": "fine"}, "Run 1 ended: Success"),
        (
            {"state": "Failed", "exitCode": 3, "message": "The process ended with exit code 3."},
            "Run 1 ended: Failed with exit code 3",
        ),
        (
            {"state": "Failed", "exitCode": 137, "message": "Out of memory."},
            "Run 1 ended: Failed with exit code 137: Out of memory.",
        ),
        ({"state": "Aborted", "message": "Cancelled."}, "Run 1 ended: Aborted: Cancelled."),
    ],
)
def test_the_end_in_words(status: dict[str, Any], said: str) -> None:
    assert exit_codes.sentence(run(status=status), "1") == said


@pytest.mark.parametrize(
    ("kudu", "seconds"),
    [
        ("00:00:01", 1),
        ("00:00:01.5000000", 1),
        ("1.02:00:00", 93600),
        ("1.00:00:00.1000000", 86400),
        ("", None),
        ("x", None),
        ("1:2", None),
    ],
)
def test_durations_of_kudu(kudu: str, seconds: int | None) -> None:
    found = tables.duration(kudu)
    assert (None if found is None else found.total_seconds()) == seconds


def test_rows_of_jobs() -> None:
    latest = {"name": "x", "runId": "1", "state": "Success", "endTime": "2026-03-01T11:00:00Z"}
    status = {"state": "Idle", "nextRunTime": "2026-03-01T12:05:00Z", "latestRun": latest}
    triggered = webjob({"jobName": "My Job", "schedule": "0 0 3 * * *"}, name="my-job", status=status)
    running = {"state": "Running", "readyReplicas": 1}
    continuous = webjob({"type": "continuous", "replicas": 2}, name="a", status=running)
    headers, rows = tables.jobs([continuous, triggered], now=NOW, wide=False)
    assert headers == ["NAME", "TYPE", "STATE", "SCHEDULE", "NEXT RUN", "LAST RUN", "INSTANCES"]
    assert rows == [
        ["My Job", "triggered", "Idle", "0 0 3 * * *", "in 5m", "Success 1h ago", ""],
        ["a", "continuous", "Running", "", "", "", "1/2"],
    ]
    wide_headers, wide = tables.jobs([continuous], now=NOW, wide=True)
    assert len(wide[0]) == len(wide_headers) == 12


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("out", "shown"), [(Terminal(), True), (io.StringIO(), False)])
def test_progress_is_for_terminals_and_leaves_a_clean_line(out: io.StringIO, shown: bool) -> None:
    with Progress(out, "job\x1b[2J", total=200) as progress:
        progress.moved(100)
        progress.moved(101)  # too soon for another look
    assert out.getvalue() == ("\r\x1b[Kjob [2J: 100 B of 200 B (50%)\r\x1b[K" if shown else "")


def test_who_asked_for_a_run_is_in_the_wide_table() -> None:
    known = run(state="Success", annotations={"webjobs.dev/requested-by": "account:webjobs"})
    headers, (row,) = tables.history([known], now=NOW, wide=True)
    assert dict(zip(headers, row, strict=True))["REQUESTED BY"] == "account:webjobs"
    headers, (row,) = tables.history([known], now=NOW, wide=False)
    assert len(row) == len(headers) == 6
