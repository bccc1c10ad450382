"""Jobs over HTTP: whole answers, and what Kubernetes has afterwards."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.fakes.kube import not_authorized
from tests.fakes.objects import webjob_body
from tests.fakes.shim import Shim, answer_of, script
from webjobs_kube.errors import Unreachable

JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"


async def test_put_get_list_delete_of_a_triggered_job(one: Shim, client: httpx.AsyncClient) -> None:
    put = await client.put("/api/triggeredwebjobs/My Job", content=b"echo", headers=script())
    body = (
        '{"latest_run":null,"history_url":"https://s/api/triggeredwebjobs/My Job/history","scheduler_logs_url":null,'
        '"name":"My Job","run_command":"run.sh","url":"https://s/api/triggeredwebjobs/My Job",'
        '"extra_info_url":"https://s/azurejobs/#/jobs/triggered/My Job","type":"triggered","error":null,'
        '"using_sdk":false,"settings":{},"runCommand":"run.sh"}'
    )
    assert answer_of(put) == (200, JSON, body)
    assert answer_of(await client.get("/api/triggeredwebjobs/My%20Job")) == (200, JSON, body)
    for path in ("/api/triggeredwebjobs", "/api/triggeredjobs/", "/api/jobs/triggered", "/jobs/", "/API/WEBJOBS"):
        assert answer_of(await client.get(path)) == (200, JSON, f"[{body}]"), path
    assert answer_of(await client.get("/api/continuouswebjobs")) == (200, JSON, "[]")
    (created,) = one.kube.of_kind("WebJob")
    assert created["metadata"]["name"].startswith("my-job-")
    assert created["spec"]["jobName"] == "My Job"
    deleted = await client.delete("/api/triggeredwebjobs/my job")
    assert answer_of(deleted) == (200, None, "")
    assert deleted.headers["content-length"] == "0"
    assert (await client.delete("/api/triggeredwebjobs/my job")).status_code == 200
    assert answer_of(await client.get("/api/triggeredwebjobs/My%20Job")) == (404, None, "")
    assert (await client.get("/api/triggeredwebjobs")).headers["etag"] == '"11"'


async def test_put_of_a_continuous_job(one: Shim, client: httpx.AsyncClient) -> None:
    put = await client.put("/api/continuouswebjobs/worker", content=b"sleep 9", headers=script())
    uid = one.kube.of_kind("WebJob")[0]["metadata"]["uid"][:6]
    assert answer_of(put) == (
        200,
        JSON,
        f'{{"status":"Initializing","detailed_status":"{uid} - Initializing",'
        '"log_url":"https://s/vfs/data/jobs/continuous/worker/job_log.txt","name":"worker","run_command":"run.sh",'
        '"url":"https://s/api/continuouswebjobs/worker",'
        '"extra_info_url":"https://s/azurejobs/#/jobs/continuous/worker","type":"continuous","error":null,'
        '"using_sdk":false,"settings":{},"runCommand":"run.sh"}',
    )


async def test_the_name_is_echoed_as_it_was_asked_for(one: Shim, client: httpx.AsyncClient) -> None:
    one.kube.add(webjob_body(name="report"))
    found = (await client.get("/api/triggeredwebjobs/REPORT")).json()
    assert (found["name"], found["url"]) == ("REPORT", "https://s/api/triggeredwebjobs/REPORT")
    assert (await client.get("/api/triggeredwebjobs")).json()[0]["name"] == "report"
    await client.put("/api/triggeredwebjobs/Report", content=b"", headers=script("run.py"))
    (stored,) = one.kube.of_kind("WebJob")  # the same job in another spelling
    assert stored["metadata"]["name"] == "report"
    assert "jobName" not in stored["spec"]
    assert stored["spec"]["package"]["entrypoint"] == "run.py"


async def test_both_types_under_one_name(one: Shim, client: httpx.AsyncClient) -> None:
    for kind in ("triggered", "continuous"):
        assert (await client.put(f"/api/{kind}webjobs/both", content=b"", headers=script())).status_code == 200
    names = [stored["metadata"]["name"] for stored in one.kube.of_kind("WebJob")]
    assert len(names) == 2
    assert "both" in names
    assert [found["type"] for found in (await client.get("/api/webjobs")).json()] == ["triggered", "continuous"]
    await client.delete("/api/triggeredwebjobs/both")
    assert [found["type"] for found in (await client.get("/api/webjobs")).json()] == ["continuous"]


async def test_a_job_of_kubectl_with_any_object_name(one: Shim, client: httpx.AsyncClient) -> None:
    one.kube.add(webjob_body({"jobName": "Nightly Report"}, name="nightly"))
    assert (await client.get("/api/triggeredwebjobs/nightly report")).status_code == 200
    assert (await client.get("/api/triggeredwebjobs/nightly")).status_code == 404
    await client.put("/api/triggeredwebjobs/Nightly Report", content=b"", headers=script("run.py"))
    (stored,) = one.kube.of_kind("WebJob")
    assert stored["spec"]["package"]["entrypoint"] == "run.py"
    await client.put("/api/triggeredwebjobs/nightly", content=b"", headers=script())
    assert len(one.kube.of_kind("WebJob")) == 2


async def test_a_list_costs_two_reads(one: Shim, client: httpx.AsyncClient) -> None:
    for at in range(20):
        one.kube.add(webjob_body(name=f"job-{at:02d}"))
    assert len((await client.get("/api/webjobs")).json()) == 20
    assert [(call.verb, call.kind) for call in one.kube.calls] == [("list", "WebJob"), ("list", "WebJobRun")]


async def test_an_unreadable_object_hides_only_itself(one: Shim, client: httpx.AsyncClient) -> None:
    one.kube.add(webjob_body(name="good"))
    one.kube.objects[("WebJob", "site", "bad")] = webjob_body({"type": "other"}, name="bad")
    assert [found["name"] for found in (await client.get("/api/webjobs")).json()] == ["good"]


async def test_a_job_that_is_being_deleted(one: Shim, client: httpx.AsyncClient) -> None:
    body = webjob_body(name="gone")
    body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    one.kube.add(body)
    assert (await client.get("/api/webjobs")).text == "[]"
    assert (await client.get("/api/triggeredwebjobs/gone")).status_code == 404
    assert (await client.post("/api/triggeredwebjobs/gone/run")).status_code == 404
    assert (await client.delete("/api/triggeredwebjobs/gone")).status_code == 200
    put = await client.put("/api/triggeredwebjobs/gone", content=b"", headers=script())
    assert answer_of(put) == (409, JSON, '{"Message":"The WebJob is being deleted. Try again when it is gone."}')


async def test_conditional_get(one: Shim, client: httpx.AsyncClient) -> None:
    one.kube.add(webjob_body(name="a"))
    tag = (await client.get("/api/webjobs")).headers["etag"]
    for given in (tag, f"W/{tag}", f'{tag}, "other"'):
        same = await client.get("/api/webjobs", headers={"If-None-Match": given})
        assert (same.status_code, same.text, same.headers["etag"]) == (304, "", tag)
    for given in (f'"other", {tag}', "*", tag.strip('"')):
        assert (await client.get("/api/webjobs", headers={"If-None-Match": given})).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "content", "headers", "expected"),
    [
        ("GET", "/api/triggeredwebjobs/none", None, {}, (404, None, "")),
        ("GET", "/api/continuouswebjobs/none", None, {}, (404, None, "")),
        ("POST", "/api/triggeredwebjobs/none/run", None, {}, (404, None, "")),
        ("POST", "/api/continuouswebjobs/none/start", None, {}, (404, None, "")),
        ("POST", "/api/continuouswebjobs/none/stop", None, {}, (404, None, "")),
        ("GET", "/api/triggeredwebjobs/none/history", None, {}, (404, None, "")),
        ("GET", f"/api/triggeredwebjobs/none/history/{'1' * 18}", None, {}, (404, None, "")),
        ("GET", "/api/triggeredwebjobs/none/settings", None, {}, (200, JSON, "{}")),
        ("GET", "/api/triggeredwebjobs/bad%3Aname/settings", None, {}, (200, JSON, "{}")),
        ("PUT", "/api/triggeredwebjobs/none/settings", b"{}", {"Content-Type": "application/json"}, (404, None, "")),
        ("DELETE", "/api/continuouswebjobs/bad%3Aname", None, {}, (200, None, "")),
        ("PUT", "/api/triggeredwebjobs/x", b"", {}, (400, TEXT, "Missing Content-Disposition header.")),
        ("PUT", "/api/triggeredwebjobs/x", b"", script("a.txt"), (400, TEXT, "No runnable script file was found.")),
        (
            "PUT",
            "/api/triggeredwebjobs/bad%3Aname",
            b"",
            script(),
            (400, TEXT, 'The WebJob name must not contain control characters or any of \\ / : * ? " < > |.'),
        ),
        ("GET", "/api/webjobs/foo", None, {}, (404, JSON, "\"No route registered for '/api/webjobs/foo'\"")),
        ("GET", "/Nope/%C3%A4?x=%20", None, {}, (404, JSON, "\"No route registered for '/Nope/%C3%A4?x=%20'\"")),
        (
            "GET",
            "/jobs/triggered/x/run?arguments=1",
            None,
            {},
            (404, JSON, "\"No route registered for '/jobs/triggered/x/run?arguments=1'\""),
        ),
        (
            "POST",
            "/api/triggeredwebjobs/x/stop",
            None,
            {},
            (404, JSON, "\"No route registered for '/api/triggeredwebjobs/x/stop'\""),
        ),
        ("HEAD", "/api/webjobs", None, {}, (405, None, "")),
        ("HEAD", "/nope", None, {}, (405, None, "")),
        (
            "OPTIONS",
            "/nope",
            None,
            {},
            (405, JSON, '{"Message":"The requested resource does not support http method \'OPTIONS\'."}'),
        ),
    ],
)
async def test_errors(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    content: bytes | None,
    headers: dict[str, str],
    expected: tuple[int, str | None, str],
) -> None:
    assert answer_of(await client.request(method, path, content=content, headers=headers)) == expected


async def test_start_and_stop(one: Shim, client: httpx.AsyncClient) -> None:
    one.kube.add(webjob_body({"type": "continuous"}, name="w"))
    for _ in range(2):
        assert answer_of(await client.post("/api/continuouswebjobs/W/stop")) == (200, None, "")
    assert one.kube.of_kind("WebJob")[0]["spec"]["stopped"] is True
    for _ in range(2):
        assert answer_of(await client.post("/jobs/continuous/w/start")) == (200, None, "")
    assert one.kube.of_kind("WebJob")[0]["spec"]["stopped"] is False
    assert [call.verb for call in one.kube.writes] == ["patch", "patch"]


async def test_settings_are_replaced_as_a_whole(one: Shim, client: httpx.AsyncClient) -> None:
    before = {"settings": {"a": {"b": 1, "c": 2}, "d": 3}, "env": [{"name": "X", "value": "1"}]}
    one.kube.add(webjob_body(before, name="j"))
    put = await client.put("/api/triggeredwebjobs/J/settings", json={"a": {"b": None}, "é": [1.5, "x"]})
    assert answer_of(put) == (200, None, "")
    got = await client.get("/api/triggeredwebjobs/j/settings")
    assert answer_of(got) == (200, JSON, '{"a":{"b":null},"é":[1.5,"x"]}')
    assert one.kube.of_kind("WebJob")[0]["spec"]["env"] == before["env"]


AS_JSON = {"Content-Type": "application/json; charset=utf-8"}


@pytest.mark.parametrize("content", [b"", b"null", b" // nothing\n"])
async def test_settings_of_nothing_wipe(one: Shim, client: httpx.AsyncClient, content: bytes) -> None:
    one.kube.add(webjob_body({"settings": {"a": 1}}, name="j"))
    assert (await client.put("/api/triggeredwebjobs/j/settings", content=content, headers=AS_JSON)).status_code == 200
    assert (await client.get("/api/triggeredwebjobs/j/settings")).text == "{}"


@pytest.mark.parametrize("content", [b"{", b"[1]", b'{"a":1e999}', b"\xff", b"[" * 5000])
async def test_settings_that_can_not_be_read_change_nothing(
    one: Shim, client: httpx.AsyncClient, content: bytes
) -> None:
    one.kube.add(webjob_body({"settings": {"a": 1}}, name="j"))
    answer = await client.put("/api/triggeredwebjobs/j/settings", content=content, headers=AS_JSON)
    assert answer.status_code == 400
    assert "The settings stay as they are. settings.job " in answer.text
    assert (await client.get("/api/triggeredwebjobs/j/settings")).text == '{"a":1}'


async def test_settings_as_people_write_them(one: Shim, client: httpx.AsyncClient) -> None:
    one.kube.add(webjob_body(name="j"))
    content = "{ // every night\r\n 'schedule': '0 0 2 * * *', }".encode("utf-16")
    assert (await client.put("/api/triggeredwebjobs/j/settings", content=content, headers=AS_JSON)).status_code == 200
    assert (await client.get("/api/triggeredwebjobs/j/settings")).json() == {"schedule": "0 0 2 * * *"}


async def test_settings_must_be_json_and_small(one: Shim, client: httpx.AsyncClient) -> None:
    one.kube.add(webjob_body({"settings": {"a": 1}}, name="j"))
    path = "/api/triggeredwebjobs/j/settings"
    told = '{"Message":"The request entity\'s media type \'%s\' is not supported for this resource."}'
    xml = await client.put(path, content=b"{}", headers={"Content-Type": "text/xml; charset=utf-8"})
    assert answer_of(xml) == (415, JSON, told % "text/xml")
    assert answer_of(await client.put(path, content=b"{}")) == (415, JSON, told % "application/octet-stream")
    large = await client.put(path, json={"a": "x" * 2**18})
    assert answer_of(large) == (413, TEXT, "The settings have more than 131072 bytes.")
    assert (await client.get(path)).json() == {"a": 1}


async def test_a_change_survives_a_conflict(one: Shim, client: httpx.AsyncClient) -> None:
    one.kube.add(webjob_body(name="j"))
    key = ("WebJob", "site", "j")

    async def other(call: Any) -> None:
        if call.verb == "replace" and not one.kube.writes:
            one.kube.objects[key]["metadata"]["resourceVersion"] = "99"

    one.kube.before_call = other
    assert (await client.put("/api/triggeredwebjobs/j/settings", json={"a": 1})).status_code == 200
    assert one.kube.objects[key]["spec"]["settings"] == {"a": 1}
    assert [call.verb for call in one.kube.writes] == ["replace", "replace"]


async def test_an_endless_fight_ends(one: Shim, client: httpx.AsyncClient) -> None:
    one.kube.add(webjob_body(name="j"))

    async def other(call: Any) -> None:
        if call.verb == "replace":
            one.kube.objects[("WebJob", "site", "j")]["metadata"]["resourceVersion"] += "0"

    one.kube.before_call = other
    lost = await client.put("/api/triggeredwebjobs/j/settings", json={"a": 1})
    assert lost.status_code == 503
    assert "Try again" in lost.json()["Message"]


@pytest.mark.parametrize(
    ("error", "reason"), [(not_authorized(), "Forbidden"), (Unreachable("TimeoutError"), "Unreachable")]
)
async def test_kubernetes_does_not_answer(one: Shim, client: httpx.AsyncClient, error: Exception, reason: str) -> None:
    one.kube.fail(error, times=99)
    for method, path in (("GET", "/api/webjobs"), ("POST", "/jobs/triggered/x/run"), ("DELETE", "/jobs/triggered/x")):
        expected = f'{{"Message":"The Kubernetes API did not do it ({reason}). Try again later."}}'
        assert answer_of(await client.request(method, path)) == (503, JSON, expected)


async def test_a_bug_tells_nothing(one: Shim) -> None:
    one.kube.fail(ZeroDivisionError("secret"))
    async with one.client(raising=False) as client:
        assert answer_of(await client.get("/api/webjobs")) == (500, JSON, '{"Message":"An error has occurred."}')
