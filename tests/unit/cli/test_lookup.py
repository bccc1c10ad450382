"""Which job and which run is meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.fakes.objects import run, webjob_body
from webjobs.model import JobType
from webjobs_cli import lookup
from webjobs_cli.errors import CliError


def found_or_told(look: Callable[[], Any]) -> Any:
    """What was found, else the sentence."""
    try:
        return look()
    except CliError as error:
        return str(error)


JOBS = [
    webjob_body({"jobName": "My Report"}, name="my-report-1"),
    webjob_body(name="both"),
    webjob_body({"type": "continuous", "jobName": "both"}, name="both-2"),
    webjob_body({"jobName": "plain"}, name="other"),
    webjob_body(name="plain-3"),
]


@pytest.mark.parametrize(
    ("name", "job_type", "found"),
    [
        ("My Report", None, "my-report-1"),
        ("my report", None, "my-report-1"),
        ("my-report-1", None, "my-report-1"),
        ("both", "triggered", "both"),
        ("both", "continuous", "both-2"),
        ("both-2", None, "both-2"),
        ("plain", None, "other"),
        ("both", None, "There is a triggered and a continuous WebJob 'both': add --type triggered or continuous."),
        ("My Report", "continuous", "'My Report' is a triggered WebJob, and there is no continuous one of that name."),
        ("My Reprt", None, "There is no WebJob 'My Reprt' in namespace site. Did you mean 'My Report'?"),
        ("zzz", None, "There is no WebJob 'zzz' in namespace site. 'kubectl webjob list' shows those that there are."),
    ],
)
def test_webjob(name: str, job_type: JobType | None, found: str) -> None:
    said = found_or_told(lambda: lookup.webjob(JOBS, name, job_type=job_type, namespace="site")["metadata"]["name"])
    assert said == found


OLD = run("job-202601010000000000", state="Success")
NEW = run("job-202601020000000000", state="Running")
SKIPPED = run("job-202601030000000000", state="Skipped")
WAITS = run("job-202601040000000000")


@pytest.mark.parametrize(
    ("wanted", "known", "found"),
    [
        (None, [SKIPPED, NEW, OLD], NEW),
        ("202601010000000000", [NEW, OLD], OLD),
        ("job-202601030000000000", [SKIPPED], SKIPPED),
        (None, [SKIPPED], "'j' has not run yet"),
        ("x", [OLD], "'j' has no run 'x'"),
    ],
)
def test_run(wanted: str | None, known: list[Any], found: object) -> None:
    said = found_or_told(lambda: lookup.run(known, wanted, job="j"))
    assert said.startswith(str(found)) if isinstance(said, str) else said == found


@pytest.mark.parametrize(
    ("wanted", "every", "known", "found"),
    [
        (None, False, [NEW, OLD], [NEW]),
        (None, False, [WAITS, NEW], "2 runs of 'j' go on"),
        (None, True, [WAITS, NEW, SKIPPED], [WAITS, NEW]),
        ("202601020000000000", False, [WAITS, NEW], [NEW]),
        ("202601010000000000", False, [OLD], "Run 202601010000000000 has ended already: Success."),
        (None, True, [OLD], "No run of 'j' goes on."),
    ],
)
def test_to_cancel(wanted: str | None, every: bool, known: list[Any], found: object) -> None:
    said = found_or_told(lambda: lookup.to_cancel(known, wanted, every=every, job="j"))
    assert said.startswith(str(found)) if isinstance(said, str) else said == found
