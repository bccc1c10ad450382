"""Clocks that are wrong, an operator that sees nothing, and WebJobs that are kept back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.objects import run_body
from tests.unit.cli.doctor.broken import Break, Broken
from tests.unit.cli.doctor.installed import (
    FURTHER,
    NOW,
    SITE,
    Installed,
    endpoints,
    facts_of,
    healthy,
    job,
    lease,
    not_ready,
)
from tests.unit.cli.doctor.test_namespaces import hook, quota
from webjobs.objects import Object
from webjobs.times import rfc3339
from webjobs_cli.doctor.checks import attention, clocks, jobs
from webjobs_cli.doctor.examine import examine


def clock(node: str, ahead: float) -> Break:
    def do(kube: Installed) -> None:
        kube.drop("Lease", node, "kube-node-lease")
        kube.add(lease(node, ahead=ahead))

    return do


def here_late(kube: Installed) -> None:
    kube.clock_ahead = timedelta(seconds=90)
    for name in (SITE, FURTHER):
        assert kube.at("Namespace", name, "")


def stamped(seconds: float) -> Break:
    """Nobody may see the Leases of nodes, and the operator tells of what is so many seconds ahead."""

    def do(kube: Installed) -> None:
        kube.drop("Lease", "node-1", "kube-node-lease")
        kube.drop("Lease", "node-2", "kube-node-lease")
        body = kube.at("WebJob", "job", SITE)
        time = rfc3339(NOW - timedelta(minutes=9), micro=False)
        entry = {"manager": "webjobs-operator", "subresource": "status", "time": time}
        body["metadata"]["managedFields"] = [entry]
        told = rfc3339(NOW - timedelta(minutes=9) + timedelta(seconds=seconds), micro=False)
        body["status"]["conditions"][0]["lastTransitionTime"] = told

    return do


def edited(minutes: int) -> Break:
    """A WebJob that was changed so long ago, and that nobody has looked at since."""

    def do(kube: Installed) -> None:
        meta = kube.at("WebJob", "job", SITE)["metadata"]
        then = rfc3339(NOW - timedelta(minutes=minutes), micro=False)
        meta |= {"generation": 2, "managedFields": [{"manager": "kubectl", "time": then}]}

    return do


def run(**changes: Any) -> Break:
    created = rfc3339(NOW - timedelta(minutes=10), micro=False)

    def do(kube: Installed) -> None:
        kube.add(run_body(**({"created": created} | changes)) | {"kind": "WebJobRun"})
        body = kube.objects.pop(("WebJobRun", "site", "job-202601010000000000"))
        body["metadata"]["namespace"] = SITE
        kube.objects["WebJobRun", SITE, body["metadata"]["name"]] = body

    return do


def kept_back(reason: str) -> Object:
    since = rfc3339(NOW - timedelta(minutes=6), micro=False)
    condition = {"type": "Started", "status": "False", "reason": reason, "message": "m", "lastTransitionTime": since}
    return {"state": "Initializing", "conditions": [condition]}


def overdue(kube: Installed) -> None:
    status = {"nextRunTime": rfc3339(NOW - timedelta(minutes=7), micro=False)}
    kube.add(job("late", status=status))


def held(kube: Installed) -> None:
    meta = {"deletionTimestamp": rfc3339(NOW - timedelta(hours=1)), "finalizers": ["example.com/hold"]}
    kube.at("WebJob", "job", SITE)["metadata"] |= meta


def unready(*reasons: str) -> Break:
    def do(kube: Installed) -> None:
        for number, reason in enumerate(reasons):
            kube.add(job(f"job-{number}", status=not_ready(reason)))

    return do


def wrong_schedule(kube: Installed) -> None:
    condition = not_ready("InvalidSchedule", "field 2 is out of range")["conditions"][0] | {"type": "Scheduled"}
    kube.add(job("timed", status={"conditions": [condition]}))


BROKEN = [
    Broken(
        name="the clock of the operator's node",
        by=clock("node-1", 42.3),
        check=clocks.check,
        what="the clock of node node-1, where the operator runs, is 41 s ahead",
        do="too early",
    ),
    Broken(
        name="the clock of another node",
        by=clock("node-2", -33),
        check=clocks.check,
        level="warn",
        what="the clock of node node-2 is 33 s behind",
        do="chrony",
    ),
    Broken(
        name="an operator that is ahead of its time",
        by=stamped(31),
        check=clocks.check,
        what="the operator's clock is, or was within the hour, at least 31 s ahead",
        do="too early",
    ),
    Broken(
        name="an operator that is a little ahead",
        by=stamped(6),
        check=clocks.check,
        level="warn",
        what="at least 6 s ahead",
        do="chrony",
    ),
    Broken(
        name="the clock of this machine",
        by=here_late,
        check=clocks.check,
        level="warn",
        what="the clock of this machine is 90 s behind",
        do="ages and times",
    ),
    Broken(
        name="an operator that sees no changes",
        by=edited(9),
        check=attention.check,
        what=rf"has not looked at 1 of 2 WebJobs since they changed, for up to 9m: {SITE}/job",
        do="kubectl rollout restart deployment webjobs-operator -n system",
    ),
    Broken(
        name="a run that nobody takes up", by=run(), check=attention.check, what="nobody has taken up 1 run", do="log"
    ),
    Broken(
        name="a slot that does not fire", by=overdue, check=attention.check, what="1 WebJob are due .* 7m", do="log"
    ),
    Broken(
        name="an object that can't go",
        by=held,
        check=attention.check,
        level="warn",
        what=r"1 deleted object can't go, .*job \(example\.com/hold\)",
        do="finalizers",
    ),
    Broken(
        name="a store that does not answer",
        by=unready("StoreUnavailable", "StoreUnavailable"),
        check=jobs.check,
        what=rf"2 not Ready \(StoreUnavailable\): {SITE}/job-0, {SITE}/job-1: What is the case",
        do="the store's own state",
    ),
    Broken(
        name="an image of a job",
        by=unready("ImagePullFailed"),
        check=jobs.check,
        level="warn",
        what=r"1 not Ready \(ImagePullFailed\)",
        do="imagePullSecrets",
    ),
    Broken(
        name="a run that can't begin",
        by=run(status=kept_back("PodRefused")),
        check=jobs.check,
        what=r"waiting to begin for more than five minutes \(PodRefused\)",
        do="quota",
    ),
    Broken(
        name="a schedule that can't be read",
        by=wrong_schedule,
        check=jobs.check,
        level="warn",
        what=r"\(InvalidSchedule\): .*: field 2 is out of range",
        do=r"docs/schedules\.md",
    ),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: one.name)
async def test_it_is_named(broken: Broken) -> None:
    await broken.is_named()


async def test_what_is_at_once_in_order_is_not_blamed() -> None:
    """Fresh changes, webhooks and quotas of others, expected states."""
    kube = healthy()
    edited(0)(kube)
    hook(namespaceSelector={"matchLabels": {"team": "x"}})(kube)
    quota({"limits.cpu": "1"}, scopes=["BestEffort"])(kube)
    unready("Stopped", "Progressing")(kube)
    run(created=rfc3339(NOW - timedelta(seconds=5), micro=False))(kube)
    kube.add(job("held", status=not_ready("JobSuspended") | {"nextRunTime": "2026-01-01T00:00:00Z"}))
    kube.add(endpoints("other", namespace="policy"))
    found = [one for one in examine(await facts_of(kube)) if one.level != "ok"]
    assert [(one.level, one.subject) for one in found] == [("warn", "WebJobs")]
    assert "JobSuspended" in found[0].what


async def test_what_is_being_restored_is_left_alone() -> None:
    kube = healthy()
    edited(9)(kube)
    run()(kube)
    assert [one.subject for one in attention.check(await facts_of(kube))] == ["watching", "watching"]
    kube.at("WebJob", "job", SITE)["metadata"]["annotations"] = {"webjobs.dev/restoring": "2026-01-01T11:00:00Z"}
    assert [one.level for one in attention.check(await facts_of(kube))] == ["ok"]
