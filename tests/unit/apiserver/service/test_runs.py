"""Runs over HTTP: at most one at a time, whatever breaks in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.fakes.kube import Call, Died
from tests.fakes.objects import run_body, webjob_body
from tests.fakes.shim import RUN_ID, Shim, answer_of, shim
from webjobs.times import rfc3339
from webjobs_apiserver.errors import BadRequest
from webjobs_apiserver.service.jobs import Jobs
from webjobs_apiserver.service.runs import Runs
from webjobs_apiserver.service.stored_runs import StoredRuns
from webjobs_apiserver.sites import Site
from webjobs_apiserver.watching.watch import Feed
from webjobs_kube.errors import ApiError, Conflict, Unreachable
from webjobs_kube.update import TRIES

RUN = "/api/triggeredwebjobs/job/run"
RUNNING = (409, "text/plain; charset=utf-8", "Cannot start a new run since job is already running.")


@pytest.fixture
def one() -> Any:
    with shim() as made:
        made.kube.add(webjob_body(name="job"))
        yield made


def _webjob(one: Shim) -> dict[str, Any]:
    return one.kube.of_kind("WebJob")[0]


async def test_a_run_from_call_to_history(one: Shim, client: httpx.AsyncClient) -> None:
    accepted = await client.post(RUN + "?arguments=a%20b+c%26&x=y")
    assert answer_of(accepted) == (202, None, "")
    assert accepted.headers["location"] == f"https://s/api/triggeredwebjobs/job/history/{RUN_ID}"
    assert accepted.headers["content-length"] == "0"
    (created,) = one.kube.of_kind("WebJobRun")
    uid = _webjob(one)["metadata"]["uid"]
    del created["metadata"]["uid"], created["metadata"]["resourceVersion"]
    assert created == {
        "apiVersion": "webjobs.dev/v1",
        "kind": "WebJobRun",
        "metadata": {
            "name": f"job-{RUN_ID}",
            "namespace": "site",
            "labels": {"webjobs.dev/webjob": "job"},
            "annotations": {"webjobs.dev/webjob-uid": uid, "webjobs.dev/requested-by": "account:user"},
            "ownerReferences": [
                {
                    "apiVersion": "webjobs.dev/v1",
                    "kind": "WebJob",
                    "name": "job",
                    "uid": uid,
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
            "creationTimestamp": "2026-01-01T12:00:00Z",
            "generation": 1,
        },
        "spec": {"webJobName": "job", "arguments": "a b c&", "trigger": "External - curl/8.5.0"},
    }
    assert _webjob(one)["status"] == {
        "activeRun": {"name": f"job-{RUN_ID}", "since": "2026-01-01T12:00:00.123400Z"},
        "latestRun": {
            "name": f"job-{RUN_ID}",
            "runId": RUN_ID,
            "state": "Initializing",
            "startTime": "2026-01-01T12:00:00.123400Z",
            "trigger": "External - curl/8.5.0",
        },
    }
    one.pass_time(seconds=1.5)
    run = (
        f'{{"id":"{RUN_ID}","name":"{RUN_ID}","status":"Initializing","start_time":"2026-01-01T12:00:00.1234Z",'
        '"end_time":"0001-01-01T00:00:00","duration":"00:00:01.5000000",'
        f'"output_url":"https://s/vfs/data/jobs/triggered/job/{RUN_ID}/output_log.txt","error_url":null,'
        f'"url":"https://s/api/triggeredwebjobs/job/history/{RUN_ID}","job_name":"job",'
        '"trigger":"External - curl/8.5.0"}'
    )
    json = "application/json; charset=utf-8"
    assert answer_of(await client.get(accepted.headers["location"])) == (200, json, run)
    assert answer_of(await client.get("/jobs/triggered/job/history/")) == (200, json, f'{{"runs":[{run}]}}')
    assert (await client.get("/api/triggeredwebjobs/job")).text.startswith(f'{{"latest_run":{run},"history_url"')
    assert (await client.get("/api/webjobs")).text.startswith(f'[{{"latest_run":{run},"history_url"')


async def test_one_at_a_time(one: Shim, client: httpx.AsyncClient) -> None:
    assert (await client.post(RUN)).status_code == 202
    one.pass_time(minutes=10)
    assert answer_of(await client.post(RUN)) == RUNNING
    one.set_status("WebJobRun", f"job-{RUN_ID}", state="Running")
    assert answer_of(await client.post(RUN)) == RUNNING
    one.set_status("WebJobRun", f"job-{RUN_ID}", state="Success", endTime="2026-01-01T12:01:00Z")
    assert (await client.post(RUN)).status_code == 202
    assert len(one.kube.of_kind("WebJobRun")) == 2


@pytest.mark.parametrize("calls", [2, 5])
async def test_concurrent_calls_make_one_run(one: Shim, client: httpx.AsyncClient, calls: int) -> None:
    answers = await asyncio.gather(*(client.post(RUN) for _ in range(calls)))
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * (calls - 1)
    assert {answer_of(answer) for answer in answers if answer.status_code == 409} == {RUNNING}
    assert len(one.kube.of_kind("WebJobRun")) == 1


async def test_the_operator_writes_the_status_in_between(one: Shim, client: httpx.AsyncClient) -> None:
    async def operator(call: Call) -> None:
        if call.subresource == "status" and len(one.kube.writes) == 0:
            one.set_status("WebJob", "job", state="Idle")
            one.kube.objects[("WebJob", "site", "job")]["metadata"]["resourceVersion"] = "77"

    one.kube.before_call = operator
    assert (await client.post(RUN)).status_code == 202
    assert _webjob(one)["status"]["state"] == "Idle"
    assert len(one.kube.of_kind("WebJobRun")) == 1


async def test_a_crash_between_lock_and_run_blocks_only_for_the_grace(one: Shim, client: httpx.AsyncClient) -> None:
    one.kube.die_after_writes = 1
    with pytest.raises(Died):
        await client.post(RUN)
    one.kube.die_after_writes = None
    assert _webjob(one)["status"]["activeRun"]["name"] == f"job-{RUN_ID}"
    one.pass_time(seconds=29)
    assert answer_of(await client.post(RUN)) == RUNNING
    one.pass_time(seconds=2)
    assert (await client.post(RUN)).status_code == 202
    assert len(one.kube.of_kind("WebJobRun")) == 1


@pytest.mark.parametrize("error", [ApiError(403, "Forbidden", "quota"), Unreachable("TimeoutError")])
async def test_a_failed_create_gives_the_lock_back(one: Shim, client: httpx.AsyncClient, error: ApiError) -> None:
    latest = {"name": "job-1", "runId": "1", "state": "Success", "endTime": "2026-01-01T00:00:00Z"}
    one.set_status("WebJob", "job", state="Idle", latestRun=latest)
    one.kube.fail(error, verb="create", kind="WebJobRun")
    assert (await client.post(RUN)).status_code == 503
    assert _webjob(one)["status"] == {"state": "Idle", "latestRun": latest}
    assert (await client.post(RUN)).status_code == 202
    assert "endTime" not in _webjob(one)["status"]["latestRun"]


async def test_a_created_run_whose_answer_is_lost_counts(one: Shim, client: httpx.AsyncClient) -> None:
    one.kube.fail(Unreachable("TimeoutError"), verb="create", kind="WebJobRun", after=True)
    assert (await client.post(RUN)).status_code == 202
    assert answer_of(await client.post(RUN)) == RUNNING


async def test_a_lock_whose_answer_is_lost_is_given_back(one: Shim, client: httpx.AsyncClient) -> None:
    one.kube.fail(Unreachable("TimeoutError"), verb="patch", subresource="status", after=True)
    assert (await client.post(RUN)).status_code == 503
    assert "activeRun" not in _webjob(one)["status"]
    assert (await client.post(RUN)).status_code == 202


async def test_giving_back_fails_too(one: Shim, client: httpx.AsyncClient) -> None:
    async def others(call: Call) -> None:
        if call.verb == "create":  # from now on, so that the lock is taken
            one.kube.fail(Conflict(409, "Conflict", "x"), verb="patch", subresource="status", times=TRIES)

    one.kube.before_call = others
    one.kube.fail(ApiError(500, "InternalError", "x"), verb="create", kind="WebJobRun")
    one.kube.fail(Unreachable("x"), verb="get", kind="WebJobRun")
    assert (await client.post(RUN)).status_code == 503
    one.kube.before_call = None
    assert "activeRun" in _webjob(one)["status"]
    one.pass_time(seconds=31)
    assert (await client.post(RUN)).status_code == 202


async def test_a_lock_that_somebody_else_took_is_left_alone(one: Shim, client: httpx.AsyncClient) -> None:
    theirs = {"name": "job-202601010000000000", "since": "2026-01-01T12:00:00Z"}

    async def other(call: Call) -> None:
        if call.verb == "create":
            one.set_status("WebJob", "job", activeRun=theirs)

    one.kube.before_call = other
    one.kube.fail(ApiError(500, "InternalError", "x"), verb="create", kind="WebJobRun")
    assert (await client.post(RUN)).status_code == 503
    assert _webjob(one)["status"]["activeRun"] == theirs


async def test_a_taken_run_id(one: Shim, client: httpx.AsyncClient) -> None:
    """A schedule's slot made a run with this id; it has ended, so the lock is free."""
    one.kube.add(run_body(f"job-{RUN_ID}", state="Success", labels={"webjobs.dev/webjob": "job"}))
    accepted = await client.post(RUN)
    assert accepted.headers["location"].endswith("/202601011200001235")
    assert _webjob(one)["status"]["activeRun"]["name"] == "job-202601011200001235"


@pytest.mark.parametrize("policy", ["Allow", "Queue", "Replace"])
async def test_other_policies_are_the_operators_business(one: Shim, client: httpx.AsyncClient, policy: str) -> None:
    one.kube.objects[("WebJob", "site", "job")]["spec"]["concurrencyPolicy"] = policy
    answers = await asyncio.gather(*(client.post(RUN) for _ in range(3)))
    assert [answer.status_code for answer in answers] == [202] * 3
    assert len({answer.headers["location"] for answer in answers}) == 3
    assert "activeRun" not in _webjob(one)["status"]


async def test_the_job_goes_in_between(one: Shim, client: httpx.AsyncClient) -> None:
    async def other(call: Call) -> None:
        if call.subresource == "status":
            one.kube.objects.clear()

    one.kube.before_call = other
    assert answer_of(await client.post(RUN)) == (404, None, "")
    assert not one.kube.objects


async def test_a_job_that_can_not_run_here_is_accepted_all_the_same(one: Shim, client: httpx.AsyncClient) -> None:
    """As by Kudu: the run fails, and its log says what to do."""
    condition = {
        "type": "Ready",
        "status": "False",
        "reason": "WindowsOnly",
        "message": "run.cmd needs Windows.",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "observedGeneration": 1,
    }
    one.set_status("WebJob", "job", conditions=[condition])
    assert (await client.post(RUN)).status_code == 202


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", None),
        ("?arguments=", None),
        ("?Arguments=x", "x"),
        ("?arguments=x&arguments=y", "x"),
        ("?arguments=%C3%A9%20%22q%22", 'é "q"'),
        ("?arguments=%FF", "\ufffd"),
    ],
)
async def test_arguments(one: Shim, client: httpx.AsyncClient, query: str, expected: str | None) -> None:
    assert (await client.post(RUN + query)).status_code == 202
    assert one.kube.of_kind("WebJobRun")[0]["spec"].get("arguments") == expected


async def test_impossible_arguments(one: Shim, client: httpx.AsyncClient) -> None:
    answer = await client.post(RUN + "?arguments=a%00b")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    feed = Feed(one.kube, namespaces=[])
    jobs, stored = Jobs(one.kube, feed=feed), StoredRuns(one.store)
    runs = Runs(one.kube, feed=feed, jobs=jobs, stored=stored, queued=1, clock=lambda: one.now)
    with pytest.raises(BadRequest):  # longer than any URL that a client here can send
        await runs.start(Site(name="s", namespace="site"), "job", arguments="x" * 65537, trigger="", by="")
    assert not one.kube.writes


@pytest.mark.parametrize(("agent", "trigger"), [("", "External - "), ("x" * 2000, "External - " + "x" * 1013)])
async def test_trigger(one: Shim, client: httpx.AsyncClient, agent: str, trigger: str) -> None:
    await client.post(RUN, headers={"User-Agent": agent})
    assert one.kube.of_kind("WebJobRun")[0]["spec"]["trigger"] == trigger


async def test_history_of_a_job_that_never_ran(one: Shim, client: httpx.AsyncClient) -> None:
    assert answer_of(await client.get("/api/triggeredwebjobs/job/history")) == (404, None, "")
    one.kube.objects[("WebJob", "site", "job")]["spec"]["settings"] = {"schedule": "0 0 0 * * *"}
    empty = await client.get("/api/triggeredwebjobs/job/history")
    assert (empty.status_code, empty.text) == (200, '{"runs":[]}')


async def test_history_is_ordered_and_hides_skipped_runs(one: Shim, client: httpx.AsyncClient) -> None:
    labels = {"webjobs.dev/webjob": "job"}
    for at, state in enumerate(["Success", "Skipped", "Failed"]):
        one.kube.add(run_body(f"job-20260101000000000{at}", state=state, labels=labels))
    one.kube.add(run_body("by-hand", created="2026-01-02T00:00:00Z", labels=labels))
    one.kube.add(run_body("job-202601030000000000", spec={"webJobName": "other"}, labels={}))
    found = await client.get("/api/triggeredwebjobs/job/history")
    ids = [run["id"] for run in found.json()["runs"]]
    assert ids[1:] == ["202601010000000002", "202601010000000000"]
    assert ids[0].startswith("20260102")
    assert (await client.get("/api/triggeredwebjobs/job/history/" + ids[0])).json()["id"] == ids[0]
    skipped = await client.get("/api/triggeredwebjobs/job/history/202601010000000001")
    assert (skipped.status_code, skipped.text) == (404, "")
    tag = found.headers["etag"]
    again = await client.get("/api/triggeredwebjobs/job/history", headers={"If-None-Match": tag})
    assert (again.status_code, again.text, again.headers["etag"]) == (304, "", tag)


@pytest.mark.parametrize("run_id", ["1", "x" * 18, "202613010000000000", "20260101000000000٣", "../job"])
async def test_run_ids_that_are_none(client: httpx.AsyncClient, run_id: str) -> None:
    assert (await client.get(f"/api/triggeredwebjobs/job/history/{run_id}")).status_code == 404


async def test_cancel(one: Shim, client: httpx.AsyncClient) -> None:
    url = (await client.post(RUN)).headers["location"]
    for _ in range(2):
        assert answer_of(await client.delete(url)) == (200, None, "")
    (run,) = one.kube.of_kind("WebJobRun")
    assert run["spec"]["cancel"] is True
    assert len([call for call in one.kube.writes if call.kind == "WebJobRun"]) == 2, "the run, and its cancellation"
    one.set_status("WebJobRun", f"job-{RUN_ID}", state="Aborted", endTime="2026-01-01T12:01:00Z")
    refused = await client.delete(url)
    assert (refused.status_code, refused.json()) == (409, {"Message": f"Run {RUN_ID} has ended already: Aborted."})
    assert (await client.delete(url.replace(RUN_ID, "202601010000000000"))).status_code == 404


# Two runs in a row


@asynccontextmanager
async def _time_passes(one: Shim) -> AsyncIterator[None]:
    """A second within some hundredths of one."""

    async def tick() -> None:
        while True:
            await asyncio.sleep(0.002)
            one.pass_time(seconds=0.05)

    ticking = asyncio.create_task(tick())
    try:
        yield
    finally:
        ticking.cancel()


async def _says(one: Shim, kind: str, name: str, **status: Any) -> None:
    """The operator, so that watches hear of it."""
    await one.kube.patch(kind, "site", name, {"status": status}, subresource="status")


async def test_a_warm_run_that_is_about_to_end_is_waited_for(one: Shim) -> None:
    one.set_status("WebJob", "job", warmReady=0)
    async with one.running() as client, _time_passes(one):
        assert (await client.post(RUN)).status_code == 202
        second = asyncio.create_task(client.post(RUN))
        await asyncio.sleep(0.02)
        assert not second.done()
        await _says(one, "WebJobRun", f"job-{RUN_ID}", state="Success", endTime="2026-01-01T12:00:00Z")
        assert (await second).status_code == 202
    assert len(one.kube.of_kind("WebJobRun")) == 2
    assert _webjob(one)["status"]["activeRun"]["name"] == one.kube.of_kind("WebJobRun")[1]["metadata"]["name"]


async def test_one_of_several_that_wait_gets_its_turn(one: Shim) -> None:
    one.set_status("WebJob", "job", warmReady=1)
    async with one.running() as client, _time_passes(one):
        assert (await client.post(RUN)).status_code == 202
        others = [asyncio.create_task(client.post(RUN)) for _ in range(3)]
        await asyncio.sleep(0.01)
        await _says(one, "WebJobRun", f"job-{RUN_ID}", state="Success", endTime="2026-01-01T12:00:00Z")
        assert sorted(answer.status_code for answer in await asyncio.gather(*others)) == [202, 409, 409]


async def test_but_not_for_longer_than_three_seconds(one: Shim) -> None:
    one.set_status("WebJob", "job", warmReady=1)
    async with one.running() as client:
        assert (await client.post(RUN)).status_code == 202
        begun = one.now
        async with _time_passes(one):
            assert answer_of(await client.post(RUN)) == RUNNING
        assert 3 <= (one.now - begun).total_seconds() < 3.5


@pytest.mark.parametrize(("warm", "age"), [(True, 3.1), (False, 0)])
async def test_others_are_refused_at_once(one: Shim, warm: bool, age: float) -> None:
    """The clock stands still: whoever waits here waits for good."""
    if warm:
        one.set_status("WebJob", "job", warmReady=1)
    async with one.running() as client:
        assert (await client.post(RUN)).status_code == 202
        one.pass_time(seconds=age)
        async with asyncio.timeout(5):
            assert answer_of(await client.post(RUN)) == RUNNING


@pytest.mark.parametrize("gone", [True, False])
async def test_a_run_of_another_replica_that_is_not_known_here(one: Shim, gone: bool) -> None:
    """Waiting for it asks the API server no more often than for any other."""
    name = f"job-{RUN_ID}"
    one.set_status("WebJob", "job", warmReady=1, activeRun={"name": name, "since": rfc3339(one.now)})
    async with one.running() as client, _time_passes(one):
        second = asyncio.create_task(client.post(RUN))
        await asyncio.sleep(0.02)
        asked = len(one.kube.calls)
        assert asked < 10
        if gone:
            await _says(one, "WebJob", "job", activeRun=None)
        assert (await second).status_code == (202 if gone else 409)
        assert len(one.kube.calls) - asked < 10


@pytest.mark.parametrize(
    ("reason", "generation", "expected"),
    [("WindowsOnly", 1, 202), ("InvalidSettings", 1, 202), ("WindowsOnly", 0, 409), ("StoreUnavailable", 1, 409)],
)
async def test_a_job_that_can_not_run_takes_every_run(
    one: Shim, client: httpx.AsyncClient, reason: str, generation: int, expected: int
) -> None:
    """Each of them fails, if what is known is of the job as it is now."""
    condition = {
        "type": "Ready",
        "status": "False",
        "reason": reason,
        "message": "It can't run.",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "observedGeneration": generation,
    }
    one.set_status("WebJob", "job", conditions=[condition])
    assert (await client.post(RUN)).status_code == 202
    assert (await client.post(RUN)).status_code == expected
    assert ("activeRun" in _webjob(one)["status"]) == (expected == 409)
    assert len(one.kube.of_kind("WebJobRun")) == (2 if expected == 202 else 1)
