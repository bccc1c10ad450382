"""Jobs of the Kragle API: every field of both versions of its text, ids, names, switching on and off, deleting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.fakes.kragle import Kragle, kragle
from tests.fakes.objects import webjob_body
from tests.fakes.shim import START

NOW = int(START.timestamp())
JANUARY = {"id", "name", "stack", "schedule", "do_run"}
"""Fields of a Job in the January 2015 text: list and get."""
NOVEMBER = JANUARY | {"next_run", "do_del"}
JANUARY_PUT = {"owner", "name", "stack", "schedule", "do_run", "do_del"}
NOVEMBER_PUT = JANUARY_PUT | {"next_run"}


@pytest.fixture
async def api() -> AsyncIterator[Kragle]:
    async with kragle() as made:
        yield made


# Every field

FIELDS: list[tuple[str, dict[str, Any], Any, Any]] = [
    # field of the reply, what POST gives (of a Job with id 1, Stack 1, Schedule 1), and its value
    ("id", {}, 1, None),
    ("name", {}, None, None),
    ("name", {"name": None}, None, None),
    ("name", {"name": "Größe / nightly"}, "Größe / nightly", None),
    ("stack", {}, 1, None),
    ("schedule", {}, 1, None),
    ("do_run", {}, False, None),
    ("do_run", {"enabled": False}, False, None),
    ("do_run", {"enabled": True}, True, None),
    ("do_del", {}, False, None),
    ("do_del", {"enabled": True}, False, None),
    ("next_run", {}, None, None),
    ("next_run", {"enabled": True}, NOW + 3600, None),
]


@pytest.mark.parametrize(("name", "given", "value", "_"), FIELDS)
async def test_every_field_of_list_and_get(api: Kragle, name: str, given: dict[str, Any], value: Any, _: None) -> None:
    assert await api.job(**given) == 1
    by_id = await api.get("/jobs/byid/1")
    assert set(by_id) == NOVEMBER > JANUARY
    assert by_id[name] == value
    assert type(by_id[name]) is type(value), "true is no 1"
    assert (await api.get("/jobs"))["jobs"] == [by_id]
    if by_id["name"]:
        assert await api.get(f"/jobs/byname/{by_id['name']}") == by_id


@pytest.mark.parametrize(
    ("change", "name", "value"),
    [
        ({}, "owner", 1),
        ({"name": "new"}, "name", "new"),
        ({"name": None}, "name", None),
        ({"stack_id": 2}, "stack", 2),
        ({"schedule_id": 2}, "schedule", 2),
        ({"schedule_id": 2}, "next_run", NOW + 120),
        ({"enabled": False}, "do_run", False),
        ({"enabled": False}, "next_run", None),
        ({"enabled": True}, "next_run", NOW + 3600),
        ({}, "do_del", False),
    ],
)
async def test_put_changes_what_it_names_and_nothing_else(
    api: Kragle, change: dict[str, Any], name: str, value: Any
) -> None:
    await api.stack()
    await api.stack("other")
    await api.schedule(period=3600)
    await api.schedule(period=120)
    assert await api.job(name="old", stack_id=1, schedule_id=1, enabled=True) == 1
    before = await api.get("/jobs/byid/1")
    reply = await api.ok("PUT", "/jobs/1", change)
    assert set(reply) == NOVEMBER_PUT > JANUARY_PUT
    assert reply[name] == value
    changed = {"stack_id": "stack", "schedule_id": "schedule", "enabled": "do_run"}
    touched = {changed.get(key, key) for key in change} | ({"next_run"} if change.keys() - {"name"} else set())
    after = await api.get("/jobs/byid/1")
    assert {key: one for key, one in after.items() if key not in touched} == {
        key: one for key, one in before.items() if key not in touched
    }
    assert {key: one for key, one in after.items() if key != "id"} == {k: v for k, v in reply.items() if k != "owner"}


async def test_a_put_that_changes_nothing_writes_nothing(api: Kragle) -> None:
    await api.job(name="same", enabled=True)
    api.shim.kube.calls.clear()
    await api.ok("PUT", "/jobs/1", {})
    await api.ok("PUT", "/jobs/1", {"name": "same", "enabled": True, "stack_id": 1, "schedule_id": 1})
    assert api.shim.kube.writes == []


async def test_what_the_operator_gets(api: Kragle) -> None:
    moment = NOW + 500
    await api.stack()
    await api.stack("other")
    await api.job(schedule_id=await api.schedule(period=90), stack_id=1, enabled=True, name="one")
    await api.job(schedule_id=await api.schedule(timestamp=moment), stack_id=2)
    period, once = api.object(1), api.object(2)
    assert period
    assert once
    assert period["spec"] == {
        "webJobName": "job",
        "periodSeconds": 90,
        "startTime": "2026-01-01T12:01:30Z",
        "suspend": False,
    }
    assert once["spec"] == {"webJobName": "other", "at": "2026-01-01T12:08:20Z", "suspend": True}
    assert period["metadata"]["labels"] == {
        "webjobs.dev/kragle-job": "1",
        "webjobs.dev/kragle-schedule": "1",
        "webjobs.dev/kragle-stack": "1",
    }
    await api.ok("PUT", "/jobs/1", {"schedule_id": 2, "stack_id": 2, "enabled": False})
    assert (api.object(1) or {})["spec"] == {"webJobName": "other", "at": "2026-01-01T12:08:20Z", "suspend": True}


# Pages


async def test_pages(api: Kragle) -> None:
    for _ in range(12):
        await api.job(stack_id=1 if api.object(1) else None)
    first, second, third = [await api.get(f"/jobs?page={page}") for page in (1, 2, 3)]
    for number, page, rows in ((1, first, 10), (2, second, 2), (3, third, 0)):
        assert (page["count"], page["pagesize"], page["page"], len(page["jobs"])) == (12, 10, number, rows)
        assert list(page) == ["count", "pagesize", "page", "jobs"]
    assert [job["id"] for job in first["jobs"] + second["jobs"]] == list(range(1, 13))
    assert await api.get("/jobs") == first
    assert await api.get("/jobs?other=1") == first
    assert await api.get("/jobs/") == first
    assert (await api.get("/jobs?page=99999999999999999999"))["jobs"] == []


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=two", "page=", "page=1.0", "page=1&page=2"])
async def test_wrong_pages(api: Kragle, query: str) -> None:
    for path in ("/jobs", "/schedules", "/blockstacks"):
        assert await api.code("GET", f"{path}?{query}") == 1


# Ids and names


async def test_ids_never_come_back(api: Kragle) -> None:
    for expected in range(1, 4):
        assert await api.job(name="same") == expected
        assert await api.ok("DELETE", f"/jobs/{expected}") == {"deleted": expected}
        assert await api.code("GET", f"/jobs/byid/{expected}") == 6
    assert api.shim.kube.of_kind("WebJobSchedule") == []


async def test_fifty_at_once(api: Kragle) -> None:
    stack, schedule = await api.stack(), await api.schedule()
    body = {"stack_id": stack, "schedule_id": schedule, "enabled": True}
    found = await asyncio.gather(*(api.ok("POST", "/jobs", body) for _ in range(50)))
    assert sorted(one["id"] for one in found) == list(range(1, 51))
    listed = [job["id"] for page in range(1, 6) for job in (await api.get(f"/jobs?page={page}"))["jobs"]]
    assert listed == list(range(1, 51))
    assert len(api.shim.kube.of_kind("WebJobSchedule")) == 50


async def test_one_name_at_once_is_one_job(api: Kragle) -> None:
    body = {"stack_id": await api.stack(), "schedule_id": await api.schedule(), "name": "only"}
    found = await asyncio.gather(*(api.ask("POST", "/jobs", body) for _ in range(10)))
    assert sorted((status, one.get("code")) for status, one in found) == [(200, None), *[(500, 12)] * 9]
    assert (await api.get("/jobs"))["count"] == 1


async def test_names(api: Kragle) -> None:
    body = {"stack_id": await api.stack(), "schedule_id": await api.schedule()}
    await api.ok("POST", "/jobs", body | {"name": "taken"})
    assert await api.code("POST", "/jobs", body | {"name": "taken"}) == 12
    for _ in range(2):
        await api.ok("POST", "/jobs", body)
    assert await api.code("PUT", "/jobs/2", {"name": "taken"}) == 12
    await api.ok("POST", "/jobs", body | {"name": "Taken"})
    await api.ok("PUT", "/jobs/1", {"name": "taken"})
    await api.ok("PUT", "/jobs/1", {"name": "else"})
    await api.ok("PUT", "/jobs/2", {"name": "taken"})
    assert (await api.get("/jobs/byname/taken"))["id"] == 2
    for missing in ("null", "None", "nobody"):
        assert await api.code("GET", f"/jobs/byname/{missing}") == 6
    await api.ok("PUT", "/jobs/2", {"name": "a/b c%?/"})
    for path in ("a%2Fb%20c%25%3F%2F", "a/b%20c%25%3F%2F", "a/b%20c%25%3F%2F/"):
        assert (await api.get(f"/jobs/byname/{path}"))["id"] == 2


async def test_the_name_of_what_is_gone_is_free(api: Kragle) -> None:
    """The operator and kubectl delete without us."""
    await api.job(name="again")
    del api.shim.kube.objects["WebJobSchedule", "site", "kragle-1"]
    assert await api.job(name="again") == 2
    assert await api.code("GET", "/jobs/byid/1") == 6


async def test_two_puts_at_once_lose_nothing(api: Kragle) -> None:
    await api.job(enabled=False)
    await api.schedule(period=60)
    changes = [{"name": "new"}, {"enabled": True}, {"schedule_id": 2}]
    await asyncio.gather(*(api.ok("PUT", "/jobs/1", change) for change in changes))
    job = await api.get("/jobs/byid/1")
    assert (job["name"], job["do_run"], job["schedule"]) == ("new", True, 2)
    assert (api.object(1) or {})["spec"]["periodSeconds"] == 60


# On, off, once


async def test_a_period_begins_when_it_is_switched_on(api: Kragle) -> None:
    """Nothing that passed while it was off is made up for."""
    await api.job(schedule_id=await api.schedule(period=60))
    api.shim.pass_time(seconds=150)
    assert (await api.ok("PUT", "/jobs/1", {"enabled": True}))["next_run"] == NOW + 210
    api.shim.pass_time(seconds=10)
    await api.ok("PUT", "/jobs/1", {"enabled": True, "name": "other"})
    assert (await api.get("/jobs/byid/1"))["next_run"] == NOW + 210, "it was on: its times stay"
    api.shim.pass_time(seconds=51)
    assert (await api.get("/jobs/byid/1"))["next_run"] == NOW + 270


async def test_a_one_time_job_switches_itself_off(api: Kragle) -> None:
    await api.job(schedule_id=await api.schedule(timestamp=NOW + 30), enabled=True)
    assert (await api.get("/jobs/byid/1"))["next_run"] == NOW + 30
    api.shim.pass_time(seconds=31)
    job = await api.get("/jobs/byid/1")
    assert (job["do_run"], job["next_run"]) == (True, NOW + 30), "it is due"
    api.handled(1, "2026-01-01T12:00:30Z")
    job = await api.get("/jobs/byid/1")
    assert (job["do_run"], job["next_run"], job["do_del"]) == (False, None, False)
    period = await api.schedule(period=60)
    job = await api.ok("PUT", "/jobs/1", {"schedule_id": period})
    assert (job["do_run"], job["next_run"]) == (False, None), "it was off: another Schedule does not switch it on"
    job = await api.ok("PUT", "/jobs/1", {"enabled": True})
    assert (job["do_run"], job["next_run"]) == (True, NOW + 91)


async def test_a_job_whose_stack_is_gone_or_rests_has_no_next_run(api: Kragle) -> None:
    await api.job(enabled=True)
    api.shim.kube.objects["WebJob", "site", "job"]["spec"]["suspend"] = True
    job = await api.get("/jobs/byid/1")
    assert (job["do_run"], job["next_run"]) == (True, None)
    del api.shim.kube.objects["WebJob", "site", "job"]
    assert (await api.get("/jobs/byid/1"))["next_run"] is None
    assert await api.ok("DELETE", "/jobs/1") == {"deleted": 1}, "it waits for no run"


# Deleting


async def test_an_active_job_is_queued(api: Kragle) -> None:
    await api.job(enabled=True)
    assert await api.ok("DELETE", "/jobs/1") == {"queued_for_deletion": 1}
    job = await api.get("/jobs/byid/1")
    assert (job["do_run"], job["do_del"], job["next_run"]) == (True, True, NOW + 3600)
    spec = (api.object(1) or {})["spec"]
    assert (spec["deleteAt"], spec["suspend"]) == ("2026-01-01T13:00:00Z", True)
    assert await api.ok("DELETE", "/jobs/1") == {"queued_for_deletion": 1}
    assert (await api.ok("PUT", "/jobs/1", {"enabled": True, "name": "x"}))["do_del"] is True
    schedule = await api.schedule(period=120)
    job = await api.ok("PUT", "/jobs/1", {"schedule_id": schedule})
    assert (job["do_run"], job["do_del"], job["next_run"]) == (True, True, NOW + 120)
    spec = (api.object(1) or {})["spec"]
    assert (spec["deleteAt"], spec["suspend"]) == ("2026-01-01T12:02:00Z", True)
    job = await api.ok("PUT", "/jobs/1", {"enabled": False})
    assert (job["do_run"], job["do_del"], job["next_run"]) == (False, True, None)
    assert await api.code("GET", "/jobs/byid/1") == 6


async def test_a_late_one_time_job_is_queued_too(api: Kragle) -> None:
    """Its time has passed while the operator was away: it goes when that comes back."""
    await api.job(schedule_id=await api.schedule(timestamp=NOW + 30), enabled=True)
    api.shim.pass_time(seconds=60)
    assert await api.ok("DELETE", "/jobs/1") == {"queued_for_deletion": 1}
    assert (api.object(1) or {})["spec"]["deleteAt"] == "2026-01-01T12:00:30Z"


async def test_what_does_not_run_any_more_is_deleted_at_once(api: Kragle) -> None:
    await api.job(schedule_id=await api.schedule(timestamp=NOW + 30), enabled=True, name="once")
    api.shim.pass_time(seconds=31)
    api.handled(1, "2026-01-01T12:00:30Z")
    assert await api.ok("DELETE", "/jobs/1") == {"deleted": 1}
    assert await api.code("DELETE", "/jobs/1") == 6
    await api.job(name="once")


async def test_a_delete_while_the_operator_writes(api: Kragle) -> None:
    await api.job(enabled=True)

    async def other(call: Any) -> None:
        if call.verb == "patch":
            api.shim.kube.before_call = None
            api.handled(1, "2026-01-01T11:00:00Z")
            there = api.object(1) or {}
            there["metadata"]["resourceVersion"] = api.shim.kube._next_version()

    api.shim.kube.before_call = other
    assert await api.ok("DELETE", "/jobs/1") == {"queued_for_deletion": 1}
    assert (await api.get("/jobs/byid/1"))["do_del"] is True


# Sites


async def test_what_kubectl_does_counts(api: Kragle) -> None:
    await api.job(enabled=True)
    (api.object(1) or {})["spec"]["suspend"] = True
    assert (await api.get("/jobs/byid/1"))["do_run"] is False
    assert (await api.ok("PUT", "/jobs/1", {"name": "renamed"}))["do_run"] is False
    strangers = webjob_body(name="stranger")
    api.shim.kube.add(strangers | {"kind": "WebJobSchedule", "spec": {"webJobName": "job", "periodSeconds": 60}})
    assert (await api.get("/jobs"))["count"] == 1, "others are none of Kragle's"
