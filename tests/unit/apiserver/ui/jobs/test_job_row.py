"""Jobs in a list: what is shown of one, and what filters and orders make of all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, get_args

import pytest

from webjobs.model import WebJobRun
from webjobs_apiserver.ui import words
from webjobs_apiserver.ui.jobs.job_row import PER_PAGE, Filter, JobRow, in_english
from webjobs_apiserver.watching import job as jobs
from webjobs_apiserver.watching.job import Job

RAN = "202601011200001234"


def job(name: str, *, kind: str = "triggered", status: dict[str, Any] | None = None, **spec: Any) -> Job:
    meta = {"name": name, "namespace": "site", "uid": f"uid-{name}", "generation": 1}
    whole = {"image": "i", "type": kind, **spec}
    found = jobs.of({"metadata": meta, "spec": whole, "status": status or {}})
    assert found
    return found


def run(webjob: str, state: str | None, *, number: int = 0, end: str = "2026-01-01T12:00:07Z") -> WebJobRun:
    run_id = f"{int(RAN) + number}"
    status: dict[str, Any] = {"state": state} if state else {}
    if state in ("Success", "Failed", "Aborted"):
        status["endTime"] = end
    meta = {"name": f"{webjob}-{run_id}", "namespace": "site", "uid": run_id}
    return WebJobRun.parse({"metadata": meta, "spec": {"webJobName": webjob}, "status": status})


def test_a_triggered_job() -> None:
    ended = [run("a", "Failed", number=1), run("a", "Success")]
    one = JobRow.of(job("a", schedule="0 */5 * * * *", status={"state": "Idle"}), [run("a", None, number=2), *ended])
    assert (one.name, one.url, one.schedule, one.told) == (
        "a",
        "/ui/jobs/triggered/a",
        "0 */5 * * * *",
        "every 5 minutes",
    )
    assert one.word.text == "Waiting", "a run waits"
    assert one.bars == ("good", "bad")
    assert one.latest
    assert one.latest.took is None
    older = JobRow.of(job("a"), ended)
    assert older.latest
    assert older.latest.took is not None
    assert older.latest.took.total_seconds() == pytest.approx(6.88, abs=0.01)
    assert older.states == {"failed"}


def test_only_the_newest_runs_are_bars() -> None:
    known = [run("a", "Success" if number else "Failed", number=number) for number in reversed(range(30))]
    assert JobRow.of(job("a"), known).bars == ("good",) * 20


def test_a_continuous_job() -> None:
    status = {"state": "Running", "readyReplicas": 1}
    one = JobRow.of(job("w", kind="continuous", replicas=3, status=status), [])
    assert (one.instances, one.word.text, one.states) == ("1 of 3", "Running", frozenset({"running"}))
    stopped = JobRow.of(job("w", kind="continuous", stopped=True, status={"state": "Stopped"}), [])
    assert (stopped.instances, stopped.states) == ("0 of 0", frozenset({"stopped"}))


def test_a_problem_is_told() -> None:
    ready = {
        "type": "Ready",
        "status": "False",
        "reason": "NoRuntime",
        "message": "Name an image.",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    one = JobRow.of(job("a", status={"conditions": [ready]}), [])
    assert (one.word.text, one.problem, one.states) == ("Needs attention", "Name an image.", frozenset({"problem"}))


ROWS = [
    JobRow.of(job("Alpha", status={"nextRunTime": "2026-01-02T00:00:00Z"}), [run("Alpha", "Failed", number=5)]),
    JobRow.of(job("beta", status={"nextRunTime": "2026-01-01T00:00:00Z"}), [run("beta", "Success", number=9)]),
    JobRow.of(job("worker", kind="continuous", status={"state": "Running"}), []),
]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["Alpha", "beta", "worker"]),
        ({"q": "ALP"}, ["Alpha"]),
        ({"q": " a "}, ["Alpha", "beta"]),
        ({"type": "continuous"}, ["worker"]),
        ({"type": "none of these"}, ["Alpha", "beta", "worker"]),
        ({"state": "failed"}, ["Alpha"]),
        ({"state": "running"}, ["worker"]),
        ({"order": "next"}, ["beta", "Alpha", "worker"]),
        ({"order": "last"}, ["beta", "Alpha", "worker"]),
        ({"q": "x"}, []),
    ],
)
def test_filter(query: dict[str, str], names: list[str]) -> None:
    assert [row.name for row in Filter.of(query).select(ROWS)] == names


@pytest.mark.parametrize(
    ("page", "number"),
    [
        ("1", 1),
        ("2", 2),
        ("0", 1),
        ("-1", 1),
        ("x", 1),
        ("", 1),
        ("\N{ARABIC-INDIC DIGIT TWO}", 1),
        ("9" * 5000, 999999),
    ],
)
def test_page(page: str, number: int) -> None:
    assert Filter.of({"page": page}).page == number


def test_pages() -> None:
    many = [ROWS[0]] * (PER_PAGE + 1)
    assert [len(Filter.of({"page": str(number)}).page_of(many)) for number in (1, 2, 3)] == [PER_PAGE, 1, 0]


def test_the_query_of_a_filter_is_read_back() -> None:
    for query in ({"q": "a b", "type": "triggered", "state": "failed", "order": "next"}, {}, {"q": "&=#"}):
        assert Filter.of(Filter.of(query).query) == Filter.of(query)


def test_schedules_that_can_not_be_read_have_no_text() -> None:
    assert in_english("every day") == ""
    assert in_english("") == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (0.44, "0.4 s"),
        (9.96, "10.0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3725, "1 h 2 min"),
        (90000, "1 d 1 h"),
        (-5, "0.0 s"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert words.duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 KB"), (2 * 10**9, "2.0 GB")]
)
def test_sizes(count: int, text: str) -> None:
    assert words.size(count) == text


def test_every_state_has_a_word_a_sign_and_a_tone() -> None:
    for state in (
        "Initializing",
        "Running",
        "Success",
        "Failed",
        "Aborted",
        "Skipped",
        "Stopped",
        "PendingRestart",
        None,
    ):
        one = words.of(state)
        assert (len(one.sign), bool(one.text), one.tone in get_args(words.Tone)) == (1, True, True)
    assert words.of("SomethingNew").text == "SomethingNew"
