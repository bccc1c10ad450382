"""Answers from memory: no call of the API server, never older than what the client itself has done or seen."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.fakes.kube import Call, not_authorized
from tests.fakes.objects import run_body, webjob_body
from tests.fakes.shim import RUN_ID, Shim, script, shim
from webjobs_apiserver.app import create_app
from webjobs_kube.errors import Unreachable

SETTINGS = [("get", "ConfigMap"), ("get", "Secret")]
"""What a start asks of the settings of its site: both at once."""
RUN = "/api/triggeredwebjobs/job/run"
LABELS = {"webjobs.dev/webjob": "job"}


@pytest.fixture
def one() -> Any:
    with shim() as made:
        made.kube.add(webjob_body(name="job"))
        yield made


def _verbs(one: Shim) -> list[tuple[str, str]]:
    return [(call.verb, call.kind) for call in one.kube.calls]


async def test_reads_cost_no_call_and_say_the_same(one: Shim) -> None:
    one.kube.add(webjob_body({"type": "continuous", "jobName": "Worker 1"}, name="worker"))
    one.kube.add(run_body(f"job-{RUN_ID}", state="Success", labels=LABELS, status={"endTime": "2026-01-01T12:00:09Z"}))
    one.kube.add(run_body("by-hand", created="2026-01-02T00:00:00Z", labels=LABELS))
    one.kube.add(run_body("job-202701010000000000", state="Skipped", labels=LABELS))
    paths = [
        "/api/webjobs",
        "/api/triggeredwebjobs",
        "/api/continuouswebjobs",
        "/api/triggeredwebjobs/JOB",
        "/api/continuouswebjobs/worker%201",
        "/api/continuouswebjobs/worker%201/settings",
        "/api/triggeredwebjobs/job/history",
        f"/api/triggeredwebjobs/job/history/{RUN_ID}",
    ]
    async with one.client() as client:
        direct = [await client.get(path) for path in paths]
    async with one.running() as client:
        found = [await client.get(path) for path in paths]
    assert not one.kube.calls
    assert [answer.text for answer in found] == [answer.text for answer in direct]
    assert [answer.headers.get("etag") for answer in found] == [answer.headers.get("etag") for answer in direct]
    assert {answer.status_code for answer in found} == {200}


async def test_ready_is_after_all_jobs_are_known(one: Shim) -> None:
    async with one.app.router.lifespan_context(one.app), one.client(auth=None) as client:
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/healthz")).status_code == 200
    async with one.running() as client:
        assert (await client.get("/readyz")).text == "ok"


async def test_a_client_reads_its_own_writes(one: Shim) -> None:
    """However late the watch is."""
    async with one.running() as client:
        one.kube.mute = True
        await client.put("/api/triggeredwebjobs/new", content=b"", headers=script())
        await client.put("/api/continuouswebjobs/worker", content=b"", headers=script())
        names = [job["name"] for job in (await client.get("/api/webjobs")).json()]
        assert names == ["job", "new", "worker"]
        await client.put("/api/triggeredwebjobs/new/settings", json={"a": 1})
        assert (await client.get("/api/triggeredwebjobs/new")).json()["settings"] == {"a": 1}
        await client.post("/api/continuouswebjobs/worker/stop")
        location = (await client.post(RUN)).headers["location"]
        one.kube.calls.clear()
        assert (await client.get(location)).json()["status"] == "Initializing"
        assert (await client.get("/api/triggeredwebjobs/job")).json()["latest_run"]["id"] == RUN_ID
        assert not one.kube.calls
        await client.delete("/api/triggeredwebjobs/new")
        one.kube.calls.clear()
        assert [job["name"] for job in (await client.get("/api/webjobs")).json()] == ["job", "worker"]
        assert not one.kube.calls


async def test_what_others_do_is_seen(one: Shim) -> None:
    async with one.running() as client:
        one.kube.add(webjob_body(name="theirs"))
        await one.kube.patch("WebJob", "site", "job", {"spec": {"settings": {"x": 1}}})
        await one.caught_up()
        found = (await client.get("/api/webjobs")).json()
        assert [(job["name"], job["settings"]) for job in found] == [("job", {"x": 1}), ("theirs", {})]
        await one.kube.delete("WebJob", "site", "job")
        await one.caught_up()
        assert [job["name"] for job in (await client.get("/api/webjobs")).json()] == ["theirs"]


async def test_a_run_from_memory_costs_its_two_writes(one: Shim) -> None:
    async with one.running() as client:
        assert (await client.post(RUN)).status_code == 202
        assert _verbs(one) == [*SETTINGS, ("patch", "WebJob"), ("create", "WebJobRun")]


async def test_one_at_a_time_over_two_replicas(one: Shim) -> None:
    other = Shim(directory=one.directory, kube=one.kube, store=one.store)
    async with one.running() as here, other.running() as there:
        answers = await asyncio.gather(*(replica.post(RUN) for replica in (here, there) * 3))
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 5
    assert len(one.kube.of_kind("WebJobRun")) == 1


async def test_another_replica_may_know_more(one: Shim) -> None:
    """This one's watch tells nothing, as if it were a moment late."""
    async with one.running() as client:
        one.kube.mute = True
        one.kube.add(webjob_body(name="new"))
        assert (await client.get("/api/triggeredwebjobs/New")).status_code == 200
        one.kube.add(run_body(f"job-{RUN_ID}", state="Running", labels=LABELS))
        assert (await client.get(f"/api/triggeredwebjobs/job/history/{RUN_ID}")).json()["status"] == "Running"
        assert (await client.get("/api/triggeredwebjobs/none")).status_code == 404


async def test_a_client_that_saw_the_end_of_a_run_can_start_the_next(one: Shim) -> None:
    async with one.running() as client:
        assert (await client.post(RUN)).status_code == 202
        one.kube.mute = True
        ended = {"status": {"state": "Success", "endTime": "2026-01-01T12:00:01Z"}}
        await one.kube.patch("WebJobRun", "site", f"job-{RUN_ID}", ended, subresource="status")
        one.pass_time(seconds=2)
        assert (await client.post(RUN)).status_code == 202
        assert (await client.post(RUN)).status_code == 409


async def test_a_run_on_old_news_is_decided_anew(one: Shim) -> None:
    async with one.running() as client:

        async def operator(call: Call) -> None:
            if call.subresource == "status" and not one.kube.writes:
                one.kube.objects[("WebJob", "site", "job")]["metadata"]["resourceVersion"] = "77"

        one.kube.before_call = operator
        assert (await client.post(RUN)).status_code == 202
        assert _verbs(one)[:4] == [*SETTINGS, ("patch", "WebJob"), ("get", "WebJob")]


async def test_old_news_is_not_served_for_long(one: Shim, monkeypatch: pytest.MonkeyPatch) -> None:
    async with one.running() as client:
        one.kube.fail(Unreachable("down"), times=10**6)
        one.kube.end_watches(Unreachable("down"))
        for _ in range(10):
            await asyncio.sleep(0)
        assert (await client.get("/api/webjobs")).status_code == 200
        monkeypatch.setattr("webjobs_apiserver.watching.watch._BELIEVED", 0)
        assert (await client.get("/api/webjobs")).status_code == 503
        assert (await client.get("/readyz")).status_code == 200


async def test_without_the_right_to_watch_it_still_works(one: Shim) -> None:
    one.kube.fail(not_authorized(), verb="list", times=2)
    async with one.app.router.lifespan_context(one.app), one.client() as client:
        while (await client.get("/readyz")).status_code != 200:  # noqa: ASYNC110  others get their turn
            await asyncio.sleep(0)
        assert len((await client.get("/api/webjobs")).json()) == 1


async def test_a_copy_of_the_application_has_its_own_memory(one: Shim) -> None:
    again = create_app(config=one.config, kube=one.kube, store=one.store, clock=lambda: one.now)
    async with one.running():
        transport = httpx.ASGITransport(again)
        async with httpx.AsyncClient(transport=transport, base_url="https://s") as client:
            assert (await client.get("/readyz")).status_code == 503
