"""What becomes of a slot: its run, a new one, or a skip."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.fakes.cluster import cron_job_slot
from tests.fakes.objects import job, run, webjob
from webjobs.model import WebJobRun, WebJobSchedule
from webjobs.model.site.site_settings import SiteSettings
from webjobs.schedules.plan import Plan
from webjobs_operator.context.facts import KINDS, Facts
from webjobs_operator.manifests.children import SlotOrigin
from webjobs_operator.runs.early_ends import BUSY
from webjobs_operator.schedules import slot_outcome
from webjobs_operator.schedules.slot_outcome import HasRun, Run, Skip

SLOT = datetime(2026, 1, 1, 0, 0, 20, tzinfo=UTC)
NOW = datetime(2026, 1, 1, 0, 0, 21, tzinfo=UTC)
OWN = "job-202601010000200000"
"""Name of the run of the WebJob's own slot."""


def facts(*runs: WebJobRun, policy: str | None = None, status: dict[str, Any] | None = None) -> Facts:
    return Facts(
        key=("site", "job"),
        now=NOW,
        webjob=webjob({"concurrencyPolicy": policy}, status=status),
        site=SiteSettings(),
        runs={one.metadata.name: one for one in runs},
        objects={kind: {} for kind in KINDS},
    )


def further(uid: str = "uid-nightly") -> WebJobSchedule:
    return WebJobSchedule.parse(
        {
            "metadata": {
                "name": "nightly",
                "namespace": "site",
                "uid": uid,
                "creationTimestamp": "2026-01-01T00:00:00Z",
                "resourceVersion": "1",
            },
            "spec": {"webJobName": "job", "schedule": "0 0 3 * * *"},
        }
    )


def own(there: Facts, *, refusal: str | None = None) -> HasRun | Run | Skip:
    return slot_outcome.outcome(there, SLOT, SlotOrigin(plan=Plan()), refusal=refusal)


LOCK = {"activeRun": {"name": "job-202601010000100000", "since": "2026-01-01T00:00:10Z"}}
OTHER = "job-202601010000100000"


@pytest.mark.parametrize(
    ("runs", "policy", "status", "expected"),
    [
        ([], None, None, Run(name=OWN)),
        ([run(OTHER, state="Success")], None, None, Run(name=OWN)),
        ([run(OTHER, state="Success")], None, LOCK, Run(name=OWN)),
        ([run(OTHER, state="Running")], None, LOCK, Skip(why=BUSY)),
        ([run(OTHER)], None, None, Skip(why=BUSY)),
        ([], None, LOCK, Skip(why=BUSY)),
        ([run(OTHER, state="Running")], "Queue", LOCK, Run(name=OWN)),
        ([run(OTHER)], "Allow", None, Run(name=OWN)),
        ([run(OTHER, state="Running")], "Replace", LOCK, Run(name=OWN)),
    ],
)
def test_own_slot(
    runs: list[WebJobRun], policy: str | None, status: dict[str, Any] | None, expected: HasRun | Run | Skip
) -> None:
    assert own(facts(*runs, policy=policy, status=status)) == expected


@pytest.mark.parametrize("policy", ["Forbid", "Queue", "Allow", "Replace"])
def test_a_job_that_can_not_run_skips(policy: str) -> None:
    assert own(facts(policy=policy), refusal="no script") == Skip(why="no script")


@pytest.mark.parametrize("state", [None, "Running", "Success"])
def test_a_slot_that_has_its_run_gets_no_second_one(state: str | None) -> None:
    there = run(OWN, state=state)
    assert own(facts(there)) == HasRun(run=there)
    assert own(facts(there), refusal="no script") == HasRun(run=there)


def test_a_name_that_another_schedule_took_is_passed_over() -> None:
    schedule = further()
    first, second = list(slot_outcome.run_ids(SLOT, schedule))[:2]
    origin = SlotOrigin(plan=Plan(), schedule=schedule)
    taken = run(f"job-{first}", state="Success", spec={"scheduleName": "other"})
    mine = run(f"job-{second}", state="Success", spec={"scheduleName": "nightly"})
    assert slot_outcome.outcome(facts(taken), SLOT, origin, refusal=None) == Run(name=f"job-{second}")
    assert slot_outcome.outcome(facts(taken, mine), SLOT, origin, refusal=None) == HasRun(run=mine)


def test_without_a_free_name_nothing_is_made() -> None:
    schedule = further()
    taken = [
        run(f"job-{one}", state="Success", spec={"scheduleName": "other"})
        for one in slot_outcome.run_ids(SLOT, schedule)
    ]
    found = slot_outcome.outcome(facts(*taken), SLOT, SlotOrigin(plan=Plan(), schedule=schedule), refusal=None)
    assert found == Skip(why=f"WebJobRun {taken[-1].metadata.name} is there already, and not of this schedule.")


@pytest.mark.parametrize("spec", [{"webJobName": "other"}, {"scheduleName": "nightly"}])
def test_a_run_of_somebody_else_is_no_run_of_the_slot(spec: dict[str, Any]) -> None:
    """It is not among the facts when it is another WebJob's; the API server says that the name is taken."""
    there = run(OWN, spec=spec)
    found = slot_outcome.outcome(
        facts(), SLOT, SlotOrigin(plan=Plan()), refusal=None, taken={there.metadata.name: there}
    )
    assert found == Skip(why=f"WebJobRun {OWN} is there already, and not of this schedule.")


def test_jobs_of_a_cron_job_by_their_slots() -> None:
    late, early = cron_job_slot("2026-01-01T00:01:00Z"), cron_job_slot("2026-01-01T00:00:00Z")
    late["metadata"]["name"], early["metadata"]["name"] = "a-late", "z-early"
    admitted = cron_job_slot()
    admitted["metadata"] = admitted["metadata"] | {
        "name": "admitted",
        "labels": {"webjobs.dev/run": "202601010000000000"},
    }
    deleted = cron_job_slot()
    deleted["metadata"] = deleted["metadata"] | {"name": "deleted", "deletionTimestamp": "2026-01-01T00:00:30Z"}
    running = cron_job_slot()
    running["metadata"], running["spec"] = running["metadata"] | {"name": "running"}, {"suspend": False}
    jobs = {one["metadata"]["name"]: one for one in (late, early, admitted, deleted, running, job(name="a-run"))}
    assert [one["metadata"]["name"] for one in slot_outcome.cron_slots(jobs)] == ["z-early", "a-late"]
