"""Pods that wait for runs: how many, which go, which a run takes, and what counts as its end. Pure."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fakes.objects import JOB_UID, config, job, pod, run, webjob
from webjobs.model import LABEL_ARMED, LABEL_RUN, WebJobRun
from webjobs.runs import warm_protocol
from webjobs_operator.config import Warm
from webjobs_operator.context import armed_jobs
from webjobs_operator.manifests.program import Program, resolve
from webjobs_operator.runs import outcome
from webjobs_operator.warm import plan

Object = dict[str, Any]
NOW = datetime(2026, 1, 1, 0, 10, tzinfo=UTC)
ID, OTHER = "202601010000000000", "202601010000010000"
RUNNING: Object = {"running": {"startedAt": "2026-01-01T00:00:05Z"}}
IMAGE: Object = {"script": None, "image": "tool:1"}
WITH_WINDOWS = config(runtimes={"sh": {"image": "sh:1"}, "windows": {"image": "win:1"}})


def over(code: int = 0, message: str | None = None) -> Object:
    return {"terminated": {"exitCode": code} | ({"message": message} if message else {})}


def program(spec: Object | None = None) -> Program:
    return resolve(webjob(spec), WITH_WINDOWS)


@pytest.mark.parametrize(
    ("spec", "default", "expected"),
    [
        ({}, 0, 0),
        ({}, 2, 2),
        ({"warm": 3}, 2, 3),
        ({"warm": 0}, 2, 0),
        ({"settings": {"warm": 4}}, 2, 4),
        ({"settings": {"warm": 0}}, 2, 0),
        ({"warm": 1, "settings": {"warm": 4}}, 2, 1),
        ({"warm": 1, "settings": {"warm": "not one"}}, 2, 1),
        ({"warm": 3, "suspend": True}, 2, 0),
    ],
)
def test_wanted(spec: Object, default: int, expected: int) -> None:
    assert plan.wanted(webjob(spec), program(spec), Warm(default=default)) == expected
    assert plan.wanted(webjob(spec), None, Warm(default=default)) == 0


@pytest.mark.parametrize(
    ("spec", "enabled", "forbidden", "reason"),
    [
        ({}, True, False, None),
        ({}, False, False, "NotEnabled"),
        ({}, False, True, "NotEnabled"),
        ({}, True, True, "AttachForbidden"),
        (IMAGE, True, False, "NoShell"),
        ({"script": {"fileName": "run.cmd", "text": ""}}, True, False, "NoShell"),
        (
            {"script": {"fileName": "run.cmd", "text": ""}, "settings": {"image": "x", "command": "run"}},
            True,
            False,
            None,
        ),
    ],
)
def test_obstacle(spec: Object, enabled: bool, forbidden: bool, reason: str | None) -> None:
    found = plan.obstacle(program(spec), Warm(enabled=enabled), forbidden=forbidden)
    assert (found and found[0]) == reason
    assert found is None or found[1].endswith(".")


# The pool


def armed(number: int, *, digest: str = "d1", minute: int = 0, **more: Any) -> Object:
    """A Job that waits, made at a minute."""
    labels = {LABEL_ARMED: digest} | more.pop("labels", {})
    return job(
        name=f"job-{digest}-{number}",
        labels=labels,
        creationTimestamp=f"2026-01-01T00:{minute:02d}:00Z",
        **more,
    )


def pod_of(one: Object, *, state: Object | None = None, mark: str | None = None, **more: Any) -> Object:
    """A pod of it that is up."""
    meta = one["metadata"]
    labels = {LABEL_ARMED: meta["labels"][LABEL_ARMED]} | ({LABEL_RUN: mark} if mark else {})
    owners = [{"kind": "Job", "name": meta["name"], "uid": meta["uid"]}]
    known = {"name": f"{meta['name']}-pod", "phase": "Running", "state": state or RUNNING, "ownerReferences": owners}
    return pod(**(known | {"labels": labels} | more))


def pool(
    jobs: list[Object],
    pods: list[Object],
    *,
    known: list[WebJobRun] | None = None,
    digest: str | None = "d1",
    count: int = 1,
    **spec: Any,
) -> tuple[list[str], list[str], list[str], int]:
    """Names: ready, to create, to remove; and how many failed."""
    found = plan.pool(
        webjob(spec),
        jobs={one["metadata"]["name"]: one for one in jobs},
        pods=pods,
        known=known or [],
        digest=digest,
        count=count,
        now=NOW,
    )
    ready = [one.job["metadata"]["name"] for one in found.ready]
    return ready, found.create, [one["metadata"]["name"] for one in found.remove], found.failed


A, B, C = armed(1), armed(2, minute=1), armed(3, minute=2)
BEFORE = armed(1, uid="of another one that had this name")
DELETED: Object = {"deletionTimestamp": "2026-01-01T00:09:00Z"}
COMPLETE = [{"type": "Complete", "status": "True"}]
N1, N2, N3, N4 = (f"job-d1-{number}" for number in range(1, 5))


@pytest.mark.parametrize(
    ("jobs", "pods", "count", "expected"),
    [
        ([], [], 0, ([], [], [], 0)),
        ([], [], 2, ([], [N1, N2], [], 0)),
        ([A], [], 1, ([], [], [], 0)),
        ([A], [pod_of(A, phase="Pending", state={"waiting": {}})], 1, ([], [], [], 0)),
        ([A], [pod_of(A)], 1, ([N1], [], [], 0)),
        ([B, A], [pod_of(B), pod_of(A)], 2, ([N1, N2], [], [], 0)),
        ([A, B, C], [pod_of(A), pod_of(C)], 1, ([N1], [], [N2, N3], 0)),
        ([A], [pod_of(A)], 0, ([], [], [N1], 0)),
        # What ended, or is ended, without a run
        ([A], [pod_of(A, state=over(1))], 1, ([], [N2], [N1], 1)),
        ([A], [pod_of(A, phase="Failed", state={})], 1, ([], [N2], [N1], 1)),
        ([A], [pod_of(A, **DELETED)], 1, ([], [N2], [N1], 1)),
        ([armed(1, conditions=COMPLETE)], [], 1, ([], [N2], [N1], 1)),
        ([A], [pod_of(A, state=over(1)), pod_of(A, name="z")], 1, ([N1], [], [], 0)),
        # What is none of it
        ([armed(1, **DELETED)], [], 1, ([], [N2], [], 0)),
        ([job()], [pod()], 1, ([], [N1], [], 0)),
        ([armed(1, labels={LABEL_RUN: ID})], [], 1, ([], [N2], [], 0)),
        ([A], [pod_of(B)], 1, ([], [], [], 0)),
        ([A], [pod_of(BEFORE, **DELETED)], 1, ([], [], [], 0)),
        ([A], [pod_of(BEFORE, state=over(143)), pod_of(A, name="a")], 1, ([N1], [], [], 0)),
    ],
)
def test_pool(jobs: list[Object], pods: list[Object], count: int, expected: tuple[Any, ...]) -> None:
    assert pool(jobs, pods, count=count) == expected


@pytest.mark.parametrize(("digest", "create"), [("d2", ["job-d2-1"]), (None, [])])
def test_those_of_another_program_go(digest: str | None, create: list[str]) -> None:
    assert pool([A], [pod_of(A)], digest=digest) == ([], create, [N1], 0)


MARKED = pod_of(A, mark=ID)


@pytest.mark.parametrize(
    ("known", "removed"),
    [
        ([run()], []),  # it takes it just now
        ([run(status={"runId": ID, "startTime": "2026-01-01T00:00:00Z"})], []),
        ([], [N1]),
        ([run(f"job-{OTHER}")], [N1]),
        ([run(state="Running", status={"jobName": "job-other"})], [N1]),
        ([run(state="Aborted", status={"endTime": "2026-01-01T00:01:00Z"})], [N1]),
        ([run(state="Running", status={"jobName": N1})], []),
        ([run(state="Success", status={"jobName": N1, "endTime": "2026-01-01T00:01:00Z"})], []),
    ],
)
@pytest.mark.parametrize("digest", ["d1", "d2"])
def test_one_that_is_marked(known: list[WebJobRun], removed: list[str], digest: str) -> None:
    """Whatever program there is now, a run that has it keeps it."""
    ready, create, remove, failed = pool([A], [MARKED], known=known, digest=digest)
    assert (ready, create, remove, failed) == ([], [f"job-{digest}-{2 if digest == 'd1' else 1}"], removed, 0)


OLD: Object = {"warmMaxAgeSeconds": 600}


@pytest.mark.parametrize(
    ("jobs", "up", "count", "expected", "expires"),
    [
        ([A], [A], 1, ([], [N2], [N1], 0), None),
        ([A], [], 1, ([], [N2], [N1], 0), None),
        ([A, B], [A, B], 2, ([N2], [N3], [N1], 0), 11),
        ([A, B], [A], 2, ([N1], [], [], 0), 10),
        ([A, B], [], 2, ([], [], [], 0), 10),
        ([A, armed(2)], [A, armed(2)], 2, ([N2], [N3], [N1], 0), 10),
        ([B], [B], 1, ([N2], [], [], 0), 11),
    ],
)
def test_the_oldest_is_replaced_when_there_is_another(
    jobs: list[Object], up: list[Object], count: int, expected: tuple[Any, ...], expires: int | None
) -> None:
    """Ten minutes after the first minute."""
    pods = [pod_of(one) for one in up]
    assert pool(jobs, pods, count=count, **OLD) == expected
    found = plan.pool(
        webjob(OLD),
        jobs={one["metadata"]["name"]: one for one in jobs},
        pods=pods,
        known=[],
        digest="d1",
        count=count,
        now=NOW,
    )
    assert found.expires == (None if expires is None else datetime(2026, 1, 1, 0, expires, tzinfo=UTC))


def test_an_hour_is_the_age_of_those_that_say_nothing() -> None:
    found = plan.pool(webjob(), jobs={N1: A}, pods=[pod_of(A)], known=[], digest="d1", count=1, now=NOW)
    assert found.expires == datetime(2026, 1, 1, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("jobs", "known", "expected"),
    [
        ([armed(7, **DELETED)], [], "job-d1-8"),
        ([], [run(state="Success", status={"jobName": "job-d1-9"})], "job-d1-10"),
        ([armed(7, digest="d2")], [], "job-d1-1"),
        ([job(name="job-d1-x9"), job(name="job-d1-5-pod"), job(name=f"job-{ID}")], [], "job-d1-1"),
    ],
)
def test_names_are_not_used_again(jobs: list[Object], known: list[WebJobRun], expected: str) -> None:
    assert pool(jobs, [], known=known)[1] == [expected]


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (pod_of(A, mark=ID), True),
        (pod_of(A), True),
        (pod_of(A, mark=OTHER), False),
        (pod_of(B, mark=ID), False),
        (pod_of(BEFORE), False),
        (pod_of(BEFORE, mark=ID), False),
        (pod(), False),
    ],
)
def test_pods_of_a_run_that_took_a_job(one: Object, expected: bool) -> None:
    taken = run(state="Running", status={"jobName": N1, "jobUID": A["metadata"]["uid"]})
    assert armed_jobs.RunPods([one]).of(taken) == ([one] if expected else [])


def test_pods_of_a_run_with_a_job_of_its_own() -> None:
    own, others = pod(labels={LABEL_RUN: ID}), [pod_of(A, mark=ID), pod_of(A), pod()]
    assert armed_jobs.RunPods([own, *others]).of(run(status={"jobUID": JOB_UID})) == [own]


def test_a_pod_that_only_has_the_labels_is_no_runs() -> None:
    made_by_hand = pod(labels={LABEL_RUN: ID}, ownerReferences=[])
    by_another_job = pod(labels={LABEL_RUN: ID}, ownerReferences=[{"kind": "Job", "name": "x", "uid": "x"}])
    known = armed_jobs.RunPods([made_by_hand, by_another_job])
    assert known.of(run(status={"jobUID": JOB_UID})) == known.of(run()) == []


# A run


def test_line_of() -> None:
    found = plan.line_of(run(spec={"arguments": "a  'b c'"}), ["a", "b c", "\u00e4"])
    assert found == warm_protocol.line(
        environment={"WEBJOBS_RUN_ID": ID.encode(), "WEBJOBS_COMMAND_ARGUMENTS": b"a  'b c'"},
        arguments=[b"a", b"b c", "\u00e4".encode()],
    )
    assert b" WEBJOBS_COMMAND_ARGUMENTS= end" in plan.line_of(run(), [])
    with pytest.raises(warm_protocol.TooLong):
        plan.line_of(run(), ["x" * 70_000])


ENDED = NOW - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "Success"),
        ({"pods": [pod_of(A, state=over(0))]}, "Success"),
        ({"code": None}, None),
        ({"code": 3}, None),
        ({"over": None}, None),
        ({"run": run(spec={"cancel": True})}, None),
        ({"job": armed(1, **DELETED)}, None),
        ({"pods": []}, None),
        ({"pods": [pod_of(A, **DELETED)]}, None),
        ({"pods": [pod_of(A, state=over(137))]}, None),
    ],
)
def test_outcome(change: Object, expected: str | None) -> None:
    facts: Object = {"run": run(), "code": 0, "over": ENDED, "job": A, "pods": [pod_of(A)]} | change
    found = outcome.warm_outcome(facts.pop("run"), **facts)
    assert (found and found.state) == expected
    assert found is None or (found.end, found.exit_code, found.pod) == (ENDED, 0, "job-d1-1-pod")


@pytest.mark.parametrize(
    ("state", "pods", "expected"),
    [
        ("Success", [], False),
        ("Success", [pod_of(A)], False),
        ("Success", [pod_of(A, state=over(0))], False),
        ("Success", [pod_of(A, state=over(137))], True),
        ("Failed", [pod_of(A, state=over(137))], False),
        ("Success", [pod_of(A, state=over(1)), pod_of(A, name="z", state=over(0))], False),
    ],
)
def test_contradiction(state: Any, pods: list[Object], expected: bool) -> None:
    assert outcome.contradiction(run(state=state), pods) is expected


UNUSED = over(143, f"{warm_protocol.UNUSED}\n")


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        ([], False),
        ([pod_of(A)], False),
        ([pod_of(A, state=over(143))], False),
        ([pod_of(A, state=over(143, "else"))], False),
        ([pod_of(A, state=UNUSED)], True),
        ([pod_of(A, state=over(1)), pod_of(A, name="z", state=UNUSED)], True),
        ([pod_of(A, state=UNUSED), pod_of(A, name="z")], False),
    ],
)
def test_ran_nothing(pods: list[Object], expected: bool) -> None:
    assert plan.ran_nothing(pods) is expected


def test_nothing_of_the_pool_is_changed() -> None:
    jobs, pods = [deepcopy(A), deepcopy(B)], [pod_of(A), pod_of(B)]
    before = deepcopy((jobs, pods))
    pool(jobs, pods, count=1, **OLD)
    assert (jobs, pods) == before
