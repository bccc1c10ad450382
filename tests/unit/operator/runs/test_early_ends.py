"""Which runs end before their time, and how: one table for each reason."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fakes.objects import KEPT_BACK, job, kept_back, run, webjob
from webjobs.model import WebJobRun
from webjobs.model.site.site_settings import SiteSettings
from webjobs_operator.context.facts import KINDS, Facts
from webjobs_operator.runs import early_ends
from webjobs_operator.runs.early_ends import EarlyEnd, Kill

NOW = datetime(2026, 1, 1, 1, tzinfo=UTC)
A, B, C = (f"job-20260101000000000{n}" for n in (1, 2, 3))


def facts(*runs: WebJobRun, jobs: tuple[dict[str, Any], ...] = (), **spec: Any) -> Facts:
    objects: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
    objects["Job"] = {one["metadata"]["name"]: one for one in jobs}
    return Facts(
        key=("site", "job"),
        now=NOW,
        webjob=webjob(spec),
        site=SiteSettings(),
        runs={one.metadata.name: one for one in runs},
        objects=objects,
    )


def told(ends: list[EarlyEnd]) -> list[tuple[str, ...]]:
    """Shorter: what happens to which run."""
    return [
        ("kill", end.run.metadata.name, end.job["metadata"]["name"], end.reason)
        if isinstance(end, Kill)
        else ("refuse", end.run.metadata.name, end.state, end.reason)
        for end in ends
    ]


CANCEL = {"cancel": True}


@pytest.mark.parametrize(
    ("one", "jobs", "expected"),
    [
        (run(A, spec=CANCEL), (), [("refuse", A, "Aborted", "Cancelled")]),
        (run(A, spec=CANCEL, state="Running"), (job(name=A),), [("kill", A, A, "RunCancelled")]),
        (run(A, spec=CANCEL, state="Initializing"), (job(name=A),), [("kill", A, A, "RunCancelled")]),
        (
            run(A, spec=CANCEL, state="Running", status={"jobName": "job-d1-1"}),
            (job(name="job-d1-1"), job(name=A)),
            [("kill", A, "job-d1-1", "RunCancelled")],
        ),
        (run(A, spec=CANCEL, state="Running"), (), []),
        (run(A, spec=CANCEL, state="Running"), (job(name=A, deletionTimestamp="2026-01-01T00:00:30Z"),), []),
        (run(A, spec=CANCEL, state="Success"), (job(name=A),), []),
        (run(A, spec=CANCEL, deletionTimestamp="2026-01-01T00:00:30Z"), (), []),
        (run(A, spec=CANCEL, state="Running", deletionTimestamp="2026-01-01T00:00:30Z"), (job(name=A),), []),
        (run(A, state="Running"), (job(name=A),), []),
        (run(A), (), []),
    ],
)
def test_cancelled(one: WebJobRun, jobs: tuple[dict[str, Any], ...], expected: list[tuple[str, ...]]) -> None:
    assert told(early_ends.cancelled(facts(one, jobs=jobs))) == expected


def test_all_that_were_cancelled_end() -> None:
    there = facts(run(A, spec=CANCEL, state="Running"), run(B, spec=CANCEL), run(C), jobs=(job(name=A),))
    assert sorted(told(early_ends.cancelled(there))) == [
        ("kill", A, A, "RunCancelled"),
        ("refuse", B, "Aborted", "Cancelled"),
    ]


@pytest.mark.parametrize(
    ("seconds", "status", "ends", "due"),
    [
        (99, kept_back("ImagePullFailed"), [], [NOW + timedelta(seconds=1)]),
        (100, kept_back("ImagePullFailed"), [("kill", A, A, "RunGivenUp")], []),
        (100, kept_back("ContainerRefused"), [("kill", A, A, "RunGivenUp")], []),
        (100, kept_back("PodRefused"), [("kill", A, A, "RunGivenUp")], []),
        (100, kept_back("NodeNotPrepared"), [("kill", A, A, "RunGivenUp")], []),
        (100, kept_back("ImagePullFailed") | {"processStartTime": "2026-01-01T00:00:00Z"}, [], []),
        (100, kept_back("Unschedulable"), [], []),
        (100, kept_back("SchedulingGated"), [], []),
        (100, kept_back("JobSuspended"), [], []),
        (100, {"message": KEPT_BACK}, [], []),
        (100, {}, [], []),
    ],
)
@pytest.mark.parametrize("started", [True, False], ids=["startTime", "creationTimestamp"])
def test_given_up(
    seconds: int, status: dict[str, Any], ends: list[tuple[str, ...]], due: list[datetime], started: bool
) -> None:
    begun = (NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    body = job(name=A, creationTimestamp="2026-01-01T00:30:00Z" if started else begun)
    body["status"] = {"startTime": begun} if started else {}
    there = facts(run(A, state="Initializing", status=status), jobs=(body,), startingDeadlineSeconds=100)
    found = early_ends.given_up(there)
    assert (told(found[0]), found[1]) == (ends, due)


def test_given_up_says_why() -> None:
    there = facts(run(A, state="Initializing", status=kept_back("ImagePullFailed")), jobs=(job(name=A),))
    ((end,), _) = early_ends.given_up(there)
    assert isinstance(end, Kill)
    assert end.why == f", as it could not begin. {KEPT_BACK}"


def test_a_job_that_can_not_run_refuses_only_what_has_not_started() -> None:
    there = facts(
        run(A),
        run(B, state="Running"),
        run(C, deletionTimestamp="2026-01-01T00:00:30Z"),
        jobs=(job(name=B),),
    )
    assert told(early_ends.cannot_run(there, "why")) == [("refuse", A, "Failed", "CannotRun")]


def test_who_comes_while_another_runs_is_skipped() -> None:
    assert told(early_ends.busy([run(A), run(B)])) == [
        ("refuse", A, "Skipped", "AlreadyRunning"),
        ("refuse", B, "Skipped", "AlreadyRunning"),
    ]


def test_who_gives_way_is_ended_once() -> None:
    going = job(name=B, deletionTimestamp="2026-01-01T00:00:30Z")
    runs = [run(A, state="Running"), run(B, state="Running")]
    there = facts(*runs, jobs=(job(name=A), going))
    assert told(early_ends.replaced(there, runs)) == [("kill", A, A, "RunReplaced")]
