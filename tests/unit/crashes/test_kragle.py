"""The Kragle API when the shim dies after any write, or loses its answer: no id twice, no job half made."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from tests.fakes.kragle import Kragle, kragle
from tests.fakes.kube import Call, Died
from webjobs_kube.errors import ApiError

Step = Callable[[Kragle], Awaitable[Any]]


async def _trouble(api: Kragle, step: Step, *, number: int, lost_answer: bool) -> bool:
    """The step with trouble at one write; whether there was any. A new shim is no other: nothing is remembered."""
    kube = api.shim.kube
    if lost_answer:
        count = iter(range(1, 100))

        async def lose(call: Call) -> None:
            if call.verb in ("create", "patch", "replace", "delete") and next(count) == number:
                kube.fail(ApiError(500, "Timeout", "the answer was lost"), after=True)

        kube.before_call = lose
    else:
        kube.die_after_writes = len(kube.writes) + number
    try:
        status, _ = await step(api)
        return bool(status != 200)
    except Died:
        return True
    finally:
        kube.before_call = kube.die_after_writes = None


@pytest.mark.parametrize("lost_answer", [False, True], ids=["death", "lost answer"])
@pytest.mark.parametrize("repeated", [False, True], ids=["once", "repeated"])
async def test_post(lost_answer: bool, repeated: bool) -> None:
    """It is there or not, as it was asked for; the same POST again never makes two of one name."""
    for number in range(10):
        async with kragle() as api:
            body = {"stack_id": await api.stack(), "schedule_id": await api.schedule(), "name": "one", "enabled": True}
            post = partial(Kragle.ask, method="POST", path="/jobs", body=body)
            died = await _trouble(api, post, number=number, lost_answer=lost_answer)
            if repeated:
                status, answer = await api.ask("POST", "/jobs", body)
                assert status == 200 or answer["code"] == 12
            found = (await api.get("/jobs"))["jobs"]
            assert len(found) == 1 or (not repeated and died and not found)
            for job in found:
                assert (job["name"], job["do_run"], job["do_del"]) == ("one", True, False)
                spec = (api.object(job["id"]) or {})["spec"]
                assert (spec["suspend"], spec["webJobName"], spec["periodSeconds"]) == (False, "job", 3600)
            assert len(api.shim.kube.of_kind("WebJobSchedule")) == len(found)
            assert await api.job(schedule_id=body["schedule_id"]) not in [job["id"] for job in found]
            if not died and number:
                return
    raise AssertionError("the scenario never ended")


@pytest.mark.parametrize("lost_answer", [False, True], ids=["death", "lost answer"])
async def test_put(lost_answer: bool) -> None:
    """All of the change is there, or nothing of it."""
    change = {"stack_id": 2, "schedule_id": 2, "name": "new", "enabled": False}
    for number in range(10):
        async with kragle() as api:
            await api.job(name="old", enabled=True)
            await api.stack("other")
            await api.schedule(period=60)
            before = await api.get("/jobs/byid/1")
            died = await _trouble(
                api, lambda api: api.ask("PUT", "/jobs/1", change), number=number, lost_answer=lost_answer
            )
            after = await api.get("/jobs/byid/1")
            changed = before | {"name": "new", "stack": 2, "schedule": 2, "do_run": False, "next_run": None}
            assert after == changed or (died and after == before)
            spec = (api.object(1) or {})["spec"]
            expected = ("other", 60, True) if after == changed else ("job", 3600, False)
            assert (spec["webJobName"], spec["periodSeconds"], spec["suspend"]) == expected
            if not died and number:
                return
    raise AssertionError("the scenario never ended")


@pytest.mark.parametrize("enabled", [False, True], ids=["at once", "queued"])
@pytest.mark.parametrize("lost_answer", [False, True], ids=["death", "lost answer"])
async def test_delete(lost_answer: bool, enabled: bool) -> None:
    for number in range(10):
        async with kragle() as api:
            await api.job(name="one", enabled=enabled)
            died = await _trouble(api, lambda api: api.ask("DELETE", "/jobs/1"), number=number, lost_answer=lost_answer)
            found = (await api.get("/jobs"))["jobs"]
            assert len(api.shim.kube.of_kind("WebJobSchedule")) == len(found)
            if enabled:
                assert died or found[0]["do_del"]
            else:
                assert died or not found
            assert [job["id"] for job in found] in ([], [1])
            if not found:
                assert await api.job(name="one") == 2
            if not died and number:
                return
    raise AssertionError("the scenario never ended")


async def test_a_post_that_slept_through_the_life_of_its_job() -> None:
    """Others have finished its work, and the job was deleted since: it must not come back."""
    async with kragle() as api:
        body = {"stack_id": await api.stack(), "schedule_id": await api.schedule(), "enabled": True}
        asleep, awake = asyncio.Event(), asyncio.Event()

        async def sleep(call: Call) -> None:
            if call.verb == "create" and call.kind == "WebJobSchedule":
                api.shim.kube.before_call = None
                asleep.set()
                await awake.wait()

        api.shim.kube.before_call = sleep
        post = asyncio.create_task(api.ask("POST", "/jobs", body))
        await asleep.wait()
        assert [job["id"] for job in (await api.get("/jobs"))["jobs"]] == [1]
        await api.ok("PUT", "/jobs/1", {"enabled": False})
        assert await api.ok("DELETE", "/jobs/1") == {"deleted": 1}
        awake.set()
        await post
        assert (await api.get("/jobs"))["jobs"] == []
        assert api.shim.kube.of_kind("WebJobSchedule") == []


async def test_a_lost_registry_is_made_anew() -> None:
    async with kragle() as api:
        await api.stack("first")
        await api.job(name="one", enabled=True)
        await api.job(schedule_id=await api.schedule(period=60))
        await api.ok("DELETE", "/jobs/2")
        await api.job(stack_id=await api.stack("other"), schedule_id=2)
        before = await api.get("/jobs")
        del api.shim.kube.objects["ConfigMap", "site", "webjobs-kragle"]
        assert await api.get("/jobs") == before
        assert await api.job(stack_id=2, schedule_id=1) == 4
        assert {key: before["jobs"][0][key] for key in ("id", "name")} == {"id": 1, "name": "one"}
        assert await api.get("/schedules/byid/2") == {"id": 2, "name": None, "once": False, "config": {"period": 60}}


async def test_a_registry_that_is_older_than_its_objects() -> None:
    """Somebody has set it back to a copy."""
    async with kragle() as api:
        await api.job(name="one")
        copy = dict(api.shim.kube.objects["ConfigMap", "site", "webjobs-kragle"])
        await api.ok("PUT", "/jobs/1", {"enabled": True})
        api.shim.kube.objects["ConfigMap", "site", "webjobs-kragle"] = copy
        assert (await api.get("/jobs/byid/1"))["do_run"] is True


async def test_a_registry_that_cannot_be_read_changes_nothing() -> None:
    async with kragle() as api:
        await api.job(name="one")
        api.shim.kube.objects["ConfigMap", "site", "webjobs-kragle"]["data"] = {"registry.json": "{"}
        for method, path in (("GET", "/jobs"), ("POST", "/jobs"), ("DELETE", "/jobs/1")):
            body = {"stack_id": 1, "schedule_id": 1} if method == "POST" else None
            assert await api.code(method, path, body) == 100


async def test_a_stranger_of_the_same_name_is_left_alone() -> None:
    async with kragle() as api:
        stranger = {
            "apiVersion": "webjobs.dev/v1",
            "kind": "WebJobSchedule",
            "metadata": {"name": "kragle-1", "namespace": "site"},
            "spec": {"webJobName": "mine", "periodSeconds": 60},
        }
        api.shim.kube.add(stranger)
        body = {"stack_id": await api.stack(), "schedule_id": await api.schedule()}
        status, answer = await api.ask("POST", "/jobs", body)
        assert (status, answer["code"]) == (500, 100)
        assert await api.ok("POST", "/jobs", body) == {"id": 2}
        assert (api.object(1) or {})["spec"]["webJobName"] == "mine"
