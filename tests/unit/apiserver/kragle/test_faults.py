"""Faults of the Kragle API, and what is asked of bodies. Nothing is changed by any of them (see ``Kragle.code``)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.kragle import ROOT, Kragle, kragle
from tests.fakes.objects import run_async, webjob_body
from tests.fakes.shim import Shim
from webjobs_apiserver.kragle import faults, requests
from webjobs_apiserver.kragle.faults import Fault
from webjobs_apiserver.service.schedules.registry import Timing
from webjobs_kube.errors import Unreachable


@pytest.fixture(scope="module")
def shim() -> Iterator[Shim]:
    """With Stack 1, Schedules 1 and 2, Jobs 1 and 2."""

    async def fill(shim: Shim) -> None:
        async with shim.client() as client:
            made = Kragle(shim=shim, http=client)
            await made.job(name="taken", enabled=True)
            await made.job(name="other", schedule_id=1, stack_id=1)
            await made.schedule(period=60)

    with TemporaryDirectory() as folder:
        made = Shim(directory=Path(folder), settings={"kragle": {"enabled": True}})
        run_async(fill(made))
        yield made


@pytest.fixture
async def api(shim: Shim) -> AsyncIterator[Kragle]:
    """It, as if no other test had been there."""
    before = deepcopy(shim.kube.objects)
    async with shim.client() as client:
        yield Kragle(shim=shim, http=client)
    shim.kube.objects = before
    shim.kube.calls.clear()


JOB = {"stack_id": 1, "schedule_id": 1}
LONG = "x" * 257
FAULTS: list[tuple[int, str, str, Any]] = [
    (1, "GET", "/jobs?page=two", None),
    (1, "GET", "/jobs?page=0", None),
    (1, "GET", "/jobs/byid/one", None),
    (1, "PUT", "/jobs/one", {}),
    (1, "DELETE", "/jobs/1.5", None),
    (1, "GET", "/schedules/byid/x", None),
    (1, "GET", "/blockstacks/byid/x", None),
    (4, "POST", "/jobs", []),
    (4, "POST", "/jobs", "text"),
    (4, "POST", "/jobs", {}),
    (4, "POST", "/jobs", {"stack_id": 1}),
    (4, "POST", "/jobs", {"schedule_id": 1}),
    (4, "POST", "/jobs", JOB | {"stack_id": "1"}),
    (4, "POST", "/jobs", JOB | {"stack_id": 1.0}),
    (4, "POST", "/jobs", JOB | {"stack_id": True}),
    (4, "POST", "/jobs", JOB | {"stack_id": None}),
    (4, "POST", "/jobs", JOB | {"schedule_id": None}),
    (4, "POST", "/jobs", JOB | {"enabled": 1}),
    (4, "POST", "/jobs", JOB | {"enabled": "true"}),
    (4, "POST", "/jobs", JOB | {"enabled": None}),
    (4, "POST", "/jobs", JOB | {"name": 5}),
    (4, "POST", "/jobs", JOB | {"name": ""}),
    (4, "POST", "/jobs", JOB | {"name": "a\nb"}),
    (4, "POST", "/jobs", JOB | {"name": LONG}),
    (4, "POST", "/jobs", JOB | {"stack": 1}),
    (4, "POST", "/jobs", JOB | {"do_run": True}),
    (4, "PUT", "/jobs/1", {"id": 7}),
    (4, "PUT", "/jobs/1", {"schedule_id": None}),
    (4, "PUT", "/jobs/1", {"next_run": 0}),
    (4, "PUT", "/jobs/1", {"enabled": False, "nonsense": 1}),
    (4, "POST", "/schedules", {}),
    (4, "POST", "/schedules", {"config": {"period": 60}, "once": 0}),
    (4, "POST", "/schedules", {"config": {"period": 60}, "name": 5}),
    (4, "POST", "/schedules", {"config": {"period": 60}, "every": 5}),
    (6, "GET", "/jobs/byid/99", None),
    (6, "GET", "/jobs/byid/0", None),
    (6, "GET", "/jobs/byid/-1", None),
    (6, "GET", "/jobs/byid/123456789012345678901234567890", None),
    (6, "GET", "/jobs/byname/nobody", None),
    (6, "GET", "/jobs/byname/TAKEN", None),
    (6, "PUT", "/jobs/99", {"enabled": True}),
    (6, "PUT", "/jobs/99", {"stack_id": 99}),
    (6, "DELETE", "/jobs/99", None),
    (6, "GET", "/schedules/byid/99", None),
    (6, "PUT", "/schedules/99", {"name": "x"}),
    (6, "DELETE", "/schedules/99", None),
    (6, "GET", "/blockstacks/byid/99", None),
    (6, "GET", "/blockstacks/byname/nobody", None),
    (6, "GET", "/nothing", None),
    (6, "GET", "", None),
    (6, "PATCH", "/jobs/1", None),
    (6, "POST", "/blockstacks", {}),
    (12, "POST", "/jobs", JOB | {"name": "taken"}),
    (12, "PUT", "/jobs/2", {"name": "taken"}),
    (12, "PUT", "/jobs/2", {"name": "taken", "enabled": True, "schedule_id": 2}),
    (24, "POST", "/jobs", JOB | {"stack_id": 99}),
    (24, "POST", "/jobs", JOB | {"stack_id": 0}),
    (24, "PUT", "/jobs/1", {"stack_id": 99}),
    (25, "POST", "/jobs", JOB | {"schedule_id": 99}),
    (25, "PUT", "/jobs/1", {"schedule_id": -1}),
    (25, "PUT", "/jobs/1", {"schedule_id": 99, "enabled": False, "name": "new"}),
    (26, "POST", "/schedules", {"config": {}}),
    (26, "POST", "/schedules", {"config": None}),
    (26, "POST", "/schedules", {"config": {"period": 60, "timestamp": 5}}),
    (26, "POST", "/schedules", {"config": {"period": 59}}),
    (26, "POST", "/schedules", {"config": {"period": 0}}),
    (26, "POST", "/schedules", {"config": {"period": -60}}),
    (26, "POST", "/schedules", {"config": {"period": 10**12}}),
    (26, "POST", "/schedules", {"config": {"period": "60"}}),
    (26, "POST", "/schedules", {"config": {"period": 60.5}}),
    (26, "POST", "/schedules", {"config": {"period": True}}),
    (26, "POST", "/schedules", {"config": {"timestamp": -1}}),
    (26, "POST", "/schedules", {"config": {"timestamp": 10**15}}),
    (26, "POST", "/schedules", {"config": {"cron": "* * * * *"}}),
    (26, "POST", "/schedules", {"config": {"period": 60}, "once": True}),
    (26, "PUT", "/schedules/2", {"once": True}),
    (26, "PUT", "/schedules/2", {"config": {"period": 1}}),
    (27, "PUT", "/schedules/1", {"name": "new"}),
    (27, "PUT", "/schedules/1", {"config": {"period": 61}}),
    (27, "DELETE", "/schedules/1", None),
]


@pytest.mark.parametrize(
    ("code", "method", "path", "body"), FAULTS, ids=[f"{one[0]}-{one[1]}-{number}" for number, one in enumerate(FAULTS)]
)
async def test_faults(api: Kragle, code: int, method: str, path: str, body: Any) -> None:
    assert await api.code(method, path, body) == code


@pytest.mark.parametrize(
    "content", [b"", b"{", b"nonsense", b'{"a":NaN}', b"\xff\xfe", b"[" * 60_000, b'{"a":1} x', b"1" * 5000]
)
@pytest.mark.parametrize("path", ["/jobs", "/schedules"])
async def test_what_is_no_json(api: Kragle, content: bytes, path: str) -> None:
    assert await api.code("POST", path, content=content) == 2
    assert await api.code("PUT", f"{path}/2", content=content) == 2


async def test_a_body_has_a_limit(api: Kragle) -> None:
    assert await api.code("POST", "/jobs", content=b" " * (64 * 2**10 + 1)) == 4


async def test_a_stack_that_is_gone_and_one_that_is_continuous(api: Kragle) -> None:
    await api.stack("second")
    del api.shim.kube.objects["WebJob", "site", "second"]
    assert await api.code("POST", "/jobs", JOB | {"stack_id": 2}) == 24
    api.shim.kube.add(webjob_body({"type": "continuous", "script": None, "image": "worker:1"}, name="second"))
    assert await api.code("POST", "/jobs", JOB | {"stack_id": 2}) == 24
    assert [stack["id"] for stack in (await api.get("/blockstacks"))["blockstacks"]] == [1]


async def test_http_statuses() -> None:
    """The same bodies, with what HTTP has for them."""
    async with kragle(http_status="http") as api:
        await api.job(name="taken")
        body: Any
        for expected, code, method, path, body in [
            (400, 1, "GET", "/jobs?page=0", None),
            (400, 4, "POST", "/jobs", {}),
            (404, 6, "GET", "/jobs/byid/9", None),
            (409, 12, "POST", "/jobs", JOB | {"name": "taken"}),
            (400, 24, "POST", "/jobs", JOB | {"stack_id": 9}),
            (400, 25, "POST", "/jobs", JOB | {"schedule_id": 9}),
            (400, 26, "POST", "/schedules", {"config": {}}),
            (409, 27, "PUT", "/schedules/1", {}),
        ]:
            status, found = await api.ask(method, path, body)
            assert (status, found["code"]) == (expected, code)
        status, found = await api.ask("POST", "/jobs", content=b"{")
        assert (status, found["code"]) == (400, 2)
        api.shim.kube.fail(Unreachable("down at 10.0.0.1"), verb="get")
        status, found = await api.ask("GET", "/jobs")
        assert (status, found["code"]) == (503, 100)
        assert "10.0.0.1" not in found["msg"]


@pytest.mark.parametrize("error", [Unreachable("secret"), RuntimeError("secret")])
async def test_what_is_behind_fails(api: Kragle, error: Exception) -> None:
    api.shim.kube.fail(error, verb="get", times=2)
    async with api.shim.client(raising=False) as client:
        answer = await client.get(f"{ROOT}/jobs")
    api.shim.kube._failures.clear()
    assert (answer.status_code, answer.json()["code"]) == (500, 100)
    assert "secret" not in answer.text


async def test_switched_off_there_is_nothing() -> None:
    async with kragle(enabled=False) as api:
        for path in ("/jobs", "/authenticate", "/blockstacks"):
            answer = await api.http.get(ROOT + path)
            assert (answer.status_code, answer.text) == (404, f"\"No route registered for '{ROOT}{path}'\"")
        assert "/api/v1/jobs" not in (await api.http.get("/openapi.json")).json()["paths"]


async def test_the_document_has_the_routes(api: Kragle) -> None:
    paths = (await api.http.get("/openapi.json")).json()["paths"]
    assert set(paths["/api/v1/jobs/{identifier}"]) == {"put", "delete"}
    assert paths["/api/v1/jobs/byname/{name}"]["get"]["summary"] == "Get a Job by its name (Kragle)"
    assert "/api/v1/blockstacks" in (await api.http.get("/docs")).text


# Schedules


async def test_schedules(api: Kragle) -> None:
    assert await api.get("/schedules/byid/2") == {"id": 2, "name": None, "once": False, "config": {"period": 60}}
    assert await api.ok("POST", "/schedules", {"name": "x", "once": True, "config": {"timestamp": 5}}) == {"id": 3}
    whole = {"id": 3, "name": "x", "once": True, "config": {"timestamp": 5}}
    assert await api.get("/schedules/byid/3") == whole
    assert await api.ok("PUT", "/schedules/3", {"name": None}) == whole | {"name": None}
    changed = await api.ok("PUT", "/schedules/3", {"once": False, "config": {"period": 61}})
    assert changed == {"id": 3, "name": None, "once": False, "config": {"period": 61}}
    page = await api.get("/schedules")
    assert (page["count"], page["pagesize"], page["page"]) == (3, 10, 1)
    assert [one["id"] for one in page["schedules"]] == [1, 2, 3]
    assert await api.ok("DELETE", "/schedules/3") == {"deleted": 3}
    assert await api.ok("POST", "/schedules", {"config": {"timestamp": 5}}) == {"id": 4}


async def test_a_schedule_is_free_once_its_jobs_are_gone(api: Kragle) -> None:
    await api.ok("DELETE", "/jobs/2")
    del api.shim.kube.objects["WebJobSchedule", "site", "kragle-1"]
    assert (await api.ok("PUT", "/schedules/1", {"config": {"period": 90}}))["config"] == {"period": 90}


# Stacks


async def test_stacks(api: Kragle) -> None:
    assert await api.stack("second") == 2
    assert await api.get("/blockstacks/byid/1") == {"id": 1, "name": "job", "jobs": [1, 2]}
    assert await api.get("/blockstacks/byname/SECOND") == {"id": 2, "name": "second", "jobs": []}
    api.shim.kube.calls.clear()
    page = await api.get("/blockstacks")
    assert [one["name"] for one in page["blockstacks"]] == ["job", "second"]
    assert api.shim.kube.writes == []


async def test_a_webjob_that_is_made_anew_is_the_same_stack(api: Kragle) -> None:
    del api.shim.kube.objects["WebJob", "site", "job"]
    assert await api.stack("other") == 2
    assert await api.stack("job") == 1


# Bodies, by themselves

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_KEYS = st.sampled_from(["schedule_id", "stack_id", "name", "enabled", "config", "once", "period", "timestamp", "x"])


def _read(read: Callable[[Any], Any], value: Any) -> tuple[Any, int]:
    """What was read, and the code of the fault."""
    try:
        return read(value), 0
    except Fault as fault:
        return None, fault.code


@given(
    st.dictionaries(_KEYS, _VALUES | st.dictionaries(_KEYS, st.integers(0, 10**6), max_size=2), max_size=4) | _VALUES
)
def test_any_body_is_a_request_or_a_fault(value: Any) -> None:
    again = requests.parsed(json.dumps(value).encode())
    for read in (requests.job_changes, requests.new_job, requests.new_timing, requests.login, requests.inline):
        found, code = _read(read, again)
        assert code in (0, faults.UNSUITABLE, faults.CONFIG)
        if isinstance(found, Timing):
            assert (found.period is None) != (found.timestamp is None)
            assert found.period is None or found.period >= 60


@given(st.text(max_size=30))
def test_any_page_and_any_number(text: str) -> None:
    for read in (requests.number, lambda text: requests.page(f"page={text}")):
        found, code = _read(read, text)
        assert isinstance(found, int) != (code == faults.QUERY)


@given(st.binary(max_size=50))
def test_any_bytes(content: bytes) -> None:
    assert _read(requests.parsed, content)[1] in (0, faults.JSON)
