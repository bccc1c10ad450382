"""App settings, swagger, the shim's own document, and log streams."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import httpx
import looptime
import pytest

from tests.fakes.kube import Call, FakeKube
from tests.fakes.objects import pod, webjob_body
from tests.fakes.shim import Shim, answer_of
from webjobs_apiserver.errors import Missing, Unavailable
from webjobs_apiserver.kudu.operations import OPERATIONS
from webjobs_apiserver.service import log_stream
from webjobs_apiserver.service.jobs import Jobs
from webjobs_apiserver.service.log_stream import LogStreams
from webjobs_apiserver.sites import Site
from webjobs_apiserver.watching.watch import Feed
from webjobs_kube.errors import Forbidden, Unreachable

JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
SITE = Site(name="site", namespace="site")


# App settings


async def test_settings_of_a_site(one: Shim, client: httpx.AsyncClient) -> None:
    assert answer_of(await client.get("/api/settings")) == (200, JSON, "{}")
    assert answer_of(await client.post("/api/settings", json={"b": "2", "a": "é"})) == (204, None, "")
    assert answer_of(await client.put("/settings/", json={"key": "c", "value": True})) == (204, None, "")
    assert answer_of(await client.get("/settings/")) == (200, JSON, '{"a":"é","b":"2","c":"True"}')
    assert answer_of(await client.get("/api/settings/a")) == (200, JSON, '"é"')
    for _ in range(2):
        assert answer_of(await client.delete("/api/settings/a")) == (204, None, "")
    assert answer_of(await client.get("/api/settings/a")) == (404, JSON, '{"Message":"\'a\' setting does not exist."}')
    (stored,) = one.kube.of_kind("Secret")
    assert (stored["metadata"]["name"], stored["type"]) == ("webjobs-settings", "Opaque")
    assert {name: b64decode(value).decode() for name, value in stored["data"].items()} == {"b": "2", "c": "True"}
    assert not one.kube.of_kind("ConfigMap")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "Send a JSON object of names and texts."),
        (b"[1]", "Send a JSON object of names and texts."),
        (b'{"a":{}}', "Send a JSON object of names and texts."),
        (b'{"a b":"1"}', "The name of a setting may hold letters, digits, '.', '_' and '-': 'a b'."),
        (b'{"":"1"}', "The name of a setting may hold letters, digits, '.', '_' and '-': ''."),
    ],
)
async def test_settings_that_are_none(one: Shim, client: httpx.AsyncClient, content: bytes, expected: str) -> None:
    assert answer_of(await client.post("/api/settings", content=content)) == (400, TEXT, expected)
    assert not one.kube.writes


async def test_two_first_settings_at_once(one: Shim, client: httpx.AsyncClient) -> None:
    async def other(call: Call) -> None:
        if call.verb == "create" and not one.kube.of_kind("Secret"):
            meta = {"name": "webjobs-settings", "namespace": "site"}
            one.kube.add({"kind": "Secret", "metadata": meta, "data": {"theirs": "MQ=="}})

    one.kube.before_call = other
    assert (await client.post("/api/settings", json={"ours": "2"})).status_code == 204
    assert (await client.get("/api/settings")).json() == {"ours": "2", "theirs": "1"}


def forbid_creation(one: Shim) -> None:
    """The shim's Role has no create of Secrets and ConfigMaps: with it, it could have tokens made."""

    async def forbid(call: Call) -> None:
        if call.verb == "create" and call.kind in ("Secret", "ConfigMap"):
            raise Forbidden(403, "Forbidden", f"cannot create resource {call.kind}")

    one.kube.before_call = forbid


async def test_settings_and_hooks_lie_in_the_secrets_that_the_chart_makes(one: Shim, client: httpx.AsyncClient) -> None:
    for name in ("webjobs-settings", "webjobs-hooks"):
        one.kube.add({"kind": "Secret", "type": "Opaque", "metadata": {"name": name, "namespace": "site"}})
    forbid_creation(one)
    assert (await client.put("/api/settings", json={"a": "1"})).status_code == 204
    assert (await client.get("/api/settings")).json() == {"a": "1"}
    hook = {"url": "http://a.example/x", "event": "TriggeredJobFinished"}
    assert (await client.post("/api/hooks", json=hook)).status_code == 201
    assert [one["type"] for one in one.kube.of_kind("Secret")] == ["Opaque", "Opaque"]


async def test_a_secret_that_is_missing_is_told(one: Shim, client: httpx.AsyncClient) -> None:
    forbid_creation(one)
    hook = {"url": "http://a.example/x", "event": "TriggeredJobFinished"}
    for answer, name in [
        (await client.put("/api/settings", json={"a": "word"}), "webjobs-settings"),
        (await client.post("/api/hooks", json=hook), "webjobs-hooks"),
    ]:
        assert answer.status_code == 503
        assert f"kubectl create secret generic {name} -n site" in answer.text
    assert (await client.delete("/api/settings/a")).status_code == 204


async def test_settings_of_before_move_with_the_first_write(one: Shim, client: httpx.AsyncClient) -> None:
    meta = {"name": "webjobs-settings", "namespace": "site", "labels": {"webjobs.dev/site-settings": "true"}}
    one.kube.add({"kind": "ConfigMap", "metadata": meta, "data": {"old": "1", "gone": "2"}})
    assert (await client.get("/api/settings")).json() == {"gone": "2", "old": "1"}
    assert not one.kube.writes
    assert (await client.delete("/api/settings/gone")).status_code == 204
    assert (await client.get("/api/settings")).json() == {"old": "1"}
    assert one.kube.of_kind("ConfigMap")[0]["data"] == {}


async def test_a_setting_in_a_config_map_of_somebody_else_can_not_be_deleted(
    one: Shim, client: httpx.AsyncClient
) -> None:
    meta = {"name": "webjobs-settings", "namespace": "site"}
    one.kube.add({"kind": "ConfigMap", "metadata": meta, "data": {"theirs": "1"}})
    answer = await client.delete("/api/settings/theirs")
    assert answer.status_code == 400
    assert "webjobs.dev/site-settings" in answer.text
    assert (await client.get("/api/settings/theirs")).json() == "1"


async def test_a_stopped_site_starts_no_run(one: Shim, client: httpx.AsyncClient) -> None:
    one.kube.add(webjob_body(name="job", status={"activeRun": {"name": "x", "since": "2026-01-01T12:00:00Z"}}))
    await client.post("/api/settings", json={"WEBJOBS_STOPPED": "True"})
    stopped = await client.post("/api/triggeredwebjobs/job/run")
    assert answer_of(stopped) == (409, TEXT, 'WebJobs are currently in "stopped" state.')
    assert (await client.post("/api/triggeredwebjobs/none/run")).status_code == 404
    assert not one.kube.of_kind("WebJobRun")
    await client.delete("/api/settings/WEBJOBS_STOPPED")
    running = await client.post("/api/triggeredwebjobs/job/run")
    assert running.text == "Cannot start a new run since job is already running."


# Documents


async def test_swagger(one: Shim, client: httpx.AsyncClient) -> None:
    one.kube.add(webjob_body(name="job1"))
    one.kube.add(webjob_body({"type": "continuous"}, name="other"))
    expected = (
        '{"swagger":"2.0","info":{"version":"v1","title":"WebJobs"},"host":"placeHolder","schemes":["https"],"paths":'
        '{"/api/triggeredjobs/job1/run":{"post":{"deprecated":false,"operationId":"job1","consumes":[],"produces":[],'
        '"responses":{"200":{"description":"Success"},"default":{"description":"Success"}},"parameters":'
        '[{"name":"arguments","in":"query","description":"Web Job Arguments","required":false,"type":"string"}]}}}}'
    )
    found = await client.get("/api/triggeredwebjobsswagger")
    assert answer_of(found) == (200, JSON, expected)
    assert "etag" not in found.headers
    assert (await client.get("/api/triggeredjobsswagger")).status_code == 404


async def test_the_document_has_every_route(one: Shim, client: httpx.AsyncClient) -> None:
    body = (await client.get("/openapi.json")).json()
    assert body["openapi"].startswith("3.")
    told = {(path, method) for path, operations in body["paths"].items() for method in operations}
    assert told == {(path, method) for path, operations in OPERATIONS.items() for method in operations}
    assert body["paths"]["/api/zip/{path}"]["put"]["summary"] == "Unpack a zip over a folder"


async def test_the_page_needs_nobody_else(one: Shim, client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<script" not in page.text
    assert "//" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert page.text.count("<tr>") == sum(len(operations) for operations in OPERATIONS.values())
    async with one.client(auth=None) as stranger:
        for path in ("/docs", "/openapi.json", "/api/settings", "/api/logstream"):
            assert (await stranger.get(path)).status_code == 401


# Log streams

RUNNING = {"running": {"startedAt": "2026-01-01T12:00:00Z"}}


def _virtual(work: Coroutine[Any, Any, None]) -> None:
    """Runs in virtual time: waiting takes none."""
    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        runner.run(work)


async def _take(lines: AsyncIterator[str], count: int) -> list[str]:
    return [await anext(lines) for _ in range(count)]


def jobs_of(kube: FakeKube) -> Jobs:
    """Jobs without a memory of their own."""
    return Jobs(kube, feed=Feed(kube, namespaces=[]))


def test_a_stream_tells_new_lines_of_old_and_new_pods(one: Shim) -> None:
    async def work() -> None:
        kube = one.kube
        kube.add(webjob_body(name="job"))
        kube.add(pod(name="old", phase="Running", state=RUNNING))
        kube.add(pod(name="foreign", phase="Running", state=RUNNING, labels={"webjobs.dev/webjob": "gone"}))
        old = kube.logs["site", "old", False] = ["2026-01-01T12:00:00Z before"]
        kube.logs["site", "foreign", False] = ["2026-01-01T12:00:00Z foreign"]
        streams = LogStreams(kube, jobs=jobs_of(kube), clock=lambda: one.now)
        lines = await streams.follow(SITE)
        assert await anext(lines) == (
            "2026-01-01T12:00:00  Welcome, you are now connected to log-streaming service.\r\n"
        )
        soon = asyncio.ensure_future(anext(lines))
        await asyncio.sleep(2)
        old.append("2026-01-01T12:00:03Z now")
        assert await soon == "[01/01/2026 12:00:03 > abcdef: INFO] job: now\r\n"
        kube.add(pod(name="new", phase="Succeeded", state={"terminated": {}}))
        kube.logs["site", "new", False] = ["2026-01-01T12:00:04Z one", "2026-01-01T12:00:05Z two"]
        assert [line.partition("] ")[2] for line in await _take(lines, 2)] == ["job: one\r\n", "job: two\r\n"]
        await lines.aclose()  # type: ignore[attr-defined]
        assert len(asyncio.all_tasks()) == 1

    _virtual(work())


def test_a_stream_goes_on_where_its_connection_broke(one: Shim) -> None:
    async def work() -> None:
        kube = one.kube
        kube.add(webjob_body(name="job"))
        kube.add(pod(name="one", phase="Running", state=RUNNING))
        written = kube.logs["site", "one", False] = ["2026-01-01T12:00:00Z before"]
        asked, read = list[str | None](), kube.log_lines

        async def breaks(*where: Any, **how: Any) -> AsyncIterator[str]:
            asked.append(how.get("since_time"))
            count = 0
            async for line in read(*where, **how):
                yield line
                count += 1
                if len(asked) == 1 and count == 2:
                    raise Unreachable("broken")

        kube.log_lines = breaks  # type: ignore[method-assign]
        lines = await LogStreams(kube, jobs=jobs_of(kube), clock=lambda: one.now).follow(SITE)
        await anext(lines)
        soon = asyncio.ensure_future(_take(lines, 4))
        for number in range(4):
            await asyncio.sleep(3)
            written.append(f"2026-01-01T12:00:0{number}.5Z {number}")
        assert [line.partition("job: ")[2].strip() for line in await soon] == ["0", "1", "2", "3"]
        assert [since is not None for since in asked] == [False, True]
        await lines.aclose()  # type: ignore[attr-defined]

    _virtual(work())


def test_a_silent_stream_beats_and_ends(one: Shim) -> None:
    async def work() -> None:
        streams = LogStreams(one.kube, jobs=jobs_of(one.kube), clock=lambda: one.now)
        found = [line async for line in await streams.follow(SITE)]
        assert len(found) == 1 + 119 + 1
        assert found[1] == "2026-01-01T12:00:00  No new trace in the past 1 min(s).\r\n"
        assert found[-1] == "2026-01-01T12:00:00  Stream terminated due to no new trace in the past 120 min(s).\r\n"

    _virtual(work())


def test_a_client_that_does_not_read_fills_no_memory(one: Shim) -> None:
    async def work() -> None:
        one.kube.add(webjob_body(name="job"))
        streams = LogStreams(one.kube, jobs=jobs_of(one.kube), clock=lambda: one.now)
        lines = await streams.follow(SITE, "triggered", "job")
        await anext(lines)
        soon = asyncio.ensure_future(anext(lines))
        await asyncio.sleep(1.5)
        one.kube.add(pod(name="p", phase="Running", state=RUNNING))
        one.kube.logs["site", "p", False] = [f"2026-01-01T12:00:00Z {at}" for at in range(5000)]
        assert "job: 0" in await soon
        await asyncio.sleep(5)
        (queue,) = [frame for frame in _queues()]
        assert queue.qsize() == log_stream._QUEUE
        assert "job: 1\r" in await anext(lines)
        await lines.aclose()  # type: ignore[attr-defined]

    _virtual(work())


def _queues() -> list[asyncio.Queue[Any]]:
    found: dict[int, asyncio.Queue[Any]] = {}
    for task in asyncio.all_tasks():
        frame = getattr(task.get_coro(), "cr_frame", None)
        for value in (frame.f_locals if frame else {}).values():
            if isinstance(value, asyncio.Queue):
                found[id(value)] = value
    return list(found.values())


def test_too_many_streams(one: Shim) -> None:
    async def work() -> None:
        streams = LogStreams(one.kube, jobs=jobs_of(one.kube), clock=lambda: one.now)
        known = [await streams.follow(SITE) for _ in range(log_stream._STREAMS)]
        for lines in known:
            await anext(lines)
        with pytest.raises(Unavailable):
            await streams.follow(SITE)
        for lines in known:
            await lines.aclose()  # type: ignore[attr-defined]
        await streams.follow(SITE)

    _virtual(work())


def test_a_stream_of_no_job(one: Shim) -> None:
    async def work() -> None:
        streams = LogStreams(one.kube, jobs=jobs_of(one.kube), clock=lambda: one.now)
        with pytest.raises(Missing):
            await streams.follow(SITE, "triggered", "none")

    _virtual(work())


@pytest.mark.parametrize(
    "path", ["jobs/triggered/none", "http", "jobs/other", "jobs/triggered/a/b", "jobs/triggered/%2e%2e"]
)
async def test_streams_that_are_none(client: httpx.AsyncClient, path: str) -> None:
    assert answer_of(await client.get(f"/api/logstream/{path}")) == (404, None, "")


async def test_recent_lines(one: Shim, client: httpx.AsyncClient) -> None:
    one.kube.add(webjob_body(name="job"))
    for name in ("first", "second"):
        one.kube.add(pod(name=name, phase="Running", state=RUNNING))
    one.kube.add(pod(name="waiting"))
    one.kube.logs["site", "first", False] = ["2026-01-01T12:00:01Z a", "2026-01-01T12:00:03.5Z c"]
    one.kube.logs["site", "second", False] = ["2026-01-01T12:00:02Z b"]
    found = await client.get("/logs/recent")
    assert [entry["message"] for entry in found.json()] == ["job: c", "job: b", "job: a"]
    assert answer_of(await client.get("/api/logs/recent/?top=1")) == (
        200,
        JSON,
        '[{"timestamp":"2026-01-01T12:00:03.5Z","level":"Information","pid":0,"message":"job: c"}]',
    )
