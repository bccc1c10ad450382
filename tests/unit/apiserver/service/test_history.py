"""The history over HTTP when older runs are in the store: no difference for clients."""

from __future__ import annotations

from typing import Any

import httpx
import obstore
import pytest

from tests.fakes.objects import run, run_body, webjob_body
from tests.fakes.shim import Shim, shim
from webjobs.store import run_logs, run_records, stored_run
from webjobs_apiserver.kudu import triggered
from webjobs_apiserver.service import stored_runs

HISTORY = "/api/triggeredwebjobs/job/history"
DATA = "/api/vfs/data/jobs/triggered/job"
LABELS = {"webjobs.dev/webjob": "job"}


def _id(number: int) -> str:
    return f"2025010100000000{number:02d}"


def _run(number: int, state: Any = "Success", **status: Any) -> dict[str, Any]:
    key = run_logs.run_log_key(namespace="site", webjob="job", run_id=_id(number))
    end = {"endTime": "2025-01-01T00:00:09.5Z", "logPath": key}
    spec = {"webJobName": "job", "trigger": "External - me"}
    return run_body(f"job-{_id(number)}", state=state, spec=spec, status=end | status, labels=LABELS)


def _store(one: Shim, number: int, *, owner: str = "uid-job", **more: Any) -> None:
    key = run_records.key(namespace="site", webjob="job", run_id=_id(number))
    body = _run(number, **more)
    model = run(body["metadata"]["name"], spec=body["spec"], status=body["status"])
    obstore.put(one.store, key, stored_run.to_json(model, owner=owner))
    obstore.put(one.store, key.replace("status", run_logs.OUTPUT), f"log {number}\n".encode())


def _said(newest: int) -> dict[str, Any]:
    return {"storedRuns": {"newest": _id(newest), "limit": 50}}


@pytest.fixture
def one() -> Any:
    with shim() as made:
        made.kube.add(webjob_body(name="job", status=_said(2)))
        for number in (3, 4):
            made.kube.add(_run(number))
        for number in (0, 1, 2):
            _store(made, number)
        yield made


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Calls of the store."""
    made: list[str] = []
    for name in ("candidates", "read"):
        real = getattr(run_records, name)

        async def call(*arguments: Any, _name: str = name, _real: Any = real, **more: Any) -> Any:
            made.append(_name)
            return await _real(*arguments, **more)

        monkeypatch.setattr(run_records, name, call)
    return made


async def _ids(client: httpx.AsyncClient) -> list[str]:
    return [body["id"] for body in (await client.get(HISTORY)).json()["runs"]]


@pytest.mark.parametrize("remembering", [True, False])
async def test_stored_runs_are_as_others(one: Shim, calls: list[str], remembering: bool) -> None:
    for number in (0, 1, 2):
        one.kube.add(_run(number, "Failed", exitCode=3) if number == 1 else _run(number))
    paths = [f"{HISTORY}/{_id(number)}" for number in range(5)] + [
        f"{DATA}/{_id(0)}/status",
        f"{DATA}/{_id(0)}/output_log.txt",
    ]
    async with one.client() as client:
        before = [await client.get(path) for path in paths]
    obstore.delete(one.store, f"site/data/jobs/triggered/job/{_id(1)}/status")
    _store(one, 1, state="Failed", exitCode=3)
    for number in (0, 1, 2):
        del one.kube.objects["WebJobRun", "site", f"job-{_id(number)}"]

    async def same(client: httpx.AsyncClient) -> None:
        for _ in range(2):
            after = [await client.get(path) for path in paths]
            assert [answer.status_code for answer in after] == [200] * 7
            assert [answer.content for answer in after] == [answer.content for answer in before]
            assert [answer.headers.get("etag") for answer in after] == [answer.headers.get("etag") for answer in before]
            calls.clear()
            listed = (await client.get(HISTORY)).json()["runs"]
            assert listed == [answer.json() for answer in reversed(before[:5])]
            assert calls == ["candidates"], "what was read before is remembered"
        refused = await client.delete(paths[0])
        assert (refused.status_code, "has ended already: Success" in refused.text) == (409, True)
        assert (await client.get(f"{HISTORY}/{_id(9)}")).status_code == 404
        assert (await client.get(f"{DATA}/{_id(0)}/error_log.txt")).status_code == 404

    if remembering:
        async with one.running() as client:
            await same(client)
    else:
        async with one.client() as client:
            await same(client)


async def test_a_trimmed_run_is_gone_at_once(one: Shim) -> None:
    async with one.running() as client:
        assert (await client.get(f"{HISTORY}/{_id(0)}")).status_code == 200
        assert len(await _ids(client)) == 5
        for name in ("status", "output_log.txt"):
            obstore.delete(one.store, f"site/data/jobs/triggered/job/{_id(0)}/{name}")
        assert (await client.get(f"{HISTORY}/{_id(0)}")).status_code == 404
        assert len(await _ids(client)) == 4


async def test_a_run_in_both_is_shown_once(one: Shim, client: httpx.AsyncClient) -> None:
    _store(one, 3)
    assert await _ids(client) == [_id(number) for number in (4, 3, 2, 1, 0)]
    folder = (await client.get(f"{DATA}/")).json()
    assert [entry["name"] for entry in folder] == [_id(number) for number in range(5)]


async def test_vfs_shows_the_files_of_stored_runs(one: Shim, client: httpx.AsyncClient, calls: list[str]) -> None:
    _store(one, 0, errorLogPath="x")
    obstore.put(one.store, f"site/data/jobs/triggered/job/{_id(0)}/error_log.txt", b"oops\n")
    assert len((await client.get(f"{DATA}/")).json()) == 5
    assert calls == ["candidates"], "no run is read for its folder"
    inside = (await client.get(f"{DATA}/{_id(0)}/")).json()
    assert [(entry["name"], entry["size"] > 0) for entry in inside] == [
        ("error_log.txt", True),
        ("output_log.txt", True),
        ("status", True),
    ]
    body = (await client.get(f"{HISTORY}/{_id(0)}")).json()
    assert (await client.get(body["output_url"])).text == "log 0\n"
    assert (await client.get(body["error_url"])).text == "oops\n"


async def test_a_poll_costs_no_call_of_the_store(one: Shim, calls: list[str]) -> None:
    async with one.running() as client:
        first = await client.get(HISTORY)
        calls.clear()
        again = await client.get(HISTORY, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
        assert calls == []
        assert (await client.get(HISTORY)).text == first.text
        assert calls == ["candidates"]
        calls.clear()
        await client.get("/api/triggeredwebjobs/job")
        await client.get("/api/webjobs")
        assert calls == []


async def test_a_job_without_stored_runs_costs_no_call_of_the_store(one: Shim, calls: list[str]) -> None:
    del one.kube.objects["WebJob", "site", "job"]["status"]["storedRuns"]
    async with one.running() as client:
        assert await _ids(client) == [_id(4), _id(3)]
        assert (await client.get(f"{HISTORY}/{_id(0)}")).status_code == 404
        assert len((await client.get(f"{DATA}/")).json()) == 2
    assert calls == []


async def test_only_stored_runs_are_left(one: Shim, client: httpx.AsyncClient) -> None:
    for number in (3, 4):
        del one.kube.objects["WebJobRun", "site", f"job-{_id(number)}"]
    found = await client.get(HISTORY)
    assert [body["id"] for body in found.json()["runs"]] == [_id(2), _id(1), _id(0)]
    again = await client.get(HISTORY, headers={"If-None-Match": found.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"Name":1}', b"\xff", None])
async def test_what_is_no_run_of_this_job_is_not_shown(
    one: Shim, client: httpx.AsyncClient, content: bytes | None
) -> None:
    key = run_records.key(namespace="site", webjob="job", run_id=_id(1))
    if content is None:
        _store(one, 1, owner="uid-of-an-earlier-one")
    else:
        obstore.put(one.store, key, content)
    assert await _ids(client) == [_id(number) for number in (4, 3, 2, 0)]
    assert (await client.get(f"{HISTORY}/{_id(1)}")).status_code == 404


async def test_a_store_that_fails_is_told(one: Shim, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*arguments: Any, **more: Any) -> Any:
        raise OSError("no")

    monkeypatch.setattr(run_records, "candidates", fails)
    monkeypatch.setattr(run_records, "read", fails)
    async with one.running() as client:
        assert (await client.get(HISTORY)).status_code == 503
        assert (await client.get(f"{HISTORY}/{_id(0)}")).status_code == 503
        assert (await client.get(f"{HISTORY}/{_id(4)}")).status_code == 200
        assert (await client.get("/api/triggeredwebjobs/job")).status_code == 200


async def test_memory_is_bounded(
    one: Shim, client: httpx.AsyncClient, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_runs, "_REMEMBERED_BYTES", 1)
    for _ in range(2):
        assert len(await _ids(client)) == 5
    assert calls.count("read") == 6


async def test_long_histories_are_rendered_beside(
    one: Shim, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await client.get(HISTORY)
    monkeypatch.setattr(triggered, "_RENDERED_HERE", 1)
    monkeypatch.setattr(stored_runs, "_PART", 2)
    beside = await client.get(HISTORY)
    assert (beside.text, beside.headers["etag"]) == (here.text, here.headers["etag"])


@pytest.mark.parametrize(
    ("older", "newest", "listed"),
    [("Aborted", "Running", ["Running", "Aborted"]), ("Success", "Aborted", ["Aborted", "Success"])],
)
async def test_aborted_is_the_same_in_list_and_single_get(
    one: Shim, client: httpx.AsyncClient, older: str, newest: str, listed: list[str]
) -> None:
    """Kudu computes it as it reads; here the operator has recorded it (docs/kudu-contract.md, section 6.1)."""
    one.set_status("WebJob", "job", storedRuns=None)
    one.kube.add(_run(8, older))
    one.kube.add(_run(9, newest))
    bodies = (await client.get(HISTORY)).json()["runs"]
    assert [body["status"] for body in bodies[:2]] == listed
    for body in bodies[:2]:
        assert (await client.get(body["url"])).json()["status"] == body["status"]
