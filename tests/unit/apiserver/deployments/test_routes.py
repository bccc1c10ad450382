"""Deployments over REST, as pipelines make them."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.fakes.kube import Call
from tests.fakes.shim import ZIP, Shim, script, shim, zipped
from webjobs.constants import DEPLOYMENTS
from webjobs_apiserver.config import LimitsConfig
from webjobs_apiserver.service.deployments.preparation import NO_JOBS
from webjobs_kube.errors import Forbidden, Invalid

JOBS = "App_Data/jobs"
REPORT, MAIL, WORK = f"{JOBS}/triggered/report", f"{JOBS}/triggered/mail", f"{JOBS}/continuous/worker"
SITE = {
    f"{REPORT}/run.sh": "echo report",
    f"{REPORT}/lib/a.txt": "a",
    f"{WORK}/run.sh": "sleep 9",
    "web.config": "<x/>",
    "bin/app.dll": "x",
}
LATEST = "/api/deployments/latest"


@pytest.fixture
def one() -> Iterator[Shim]:
    limits = LimitsConfig(upload_bytes=2**20, unpacked_bytes=2**22, files=50, settings_bytes=2000)
    with shim(limits=limits) as made:
        yield made


async def deploy(client: httpx.AsyncClient, files: dict[str, str], query: str = "", **more: Any) -> httpx.Response:
    return await client.post(f"/api/zipdeploy{query}", content=zipped(files), **more)


async def jobs(client: httpx.AsyncClient) -> list[str]:
    return [f"{one['type']}/{one['name']}" for one in (await client.get("/api/webjobs")).json()]


async def files(client: httpx.AsyncClient, path: str = "site/wwwroot/App_Data/jobs/") -> dict[str, bytes]:
    content = (await client.get(f"/api/zip/{path}")).content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


async def over(client: httpx.AsyncClient, url: str = LATEST) -> dict[str, Any]:
    """The deployment at its end, polled as clients do it."""
    for _ in range(1000):
        answer = await client.get(url)
        assert answer.status_code in (200, 202)
        if answer.status_code == 200:
            return dict(answer.json())
        assert (answer.json()["status"], answer.json()["complete"]) in ((0, False), (2, False))
        await asyncio.sleep(0.005)
    raise AssertionError("it does not end")


async def test_at_once(one: Shim, client: httpx.AsyncClient) -> None:
    answer = await deploy(client, SITE)
    assert (answer.status_code, answer.text, answer.headers.get("content-type")) == (200, "", None)
    assert await jobs(client) == ["triggered/report", "continuous/worker"]
    assert (await files(client))["triggered/report/lib/a.txt"] == b"a"
    got = (await client.get(LATEST)).json()
    assert list(got) == [
        *("id", "status", "status_text", "author_email", "author", "deployer", "message", "progress", "received_time"),
        *("start_time", "end_time", "last_success_end_time", "complete", "active", "is_temp", "is_readonly", "url"),
        *("log_url", "site_name", "provisioningState"),
    ]
    assert (got["status"], got["complete"], got["active"], got["provisioningState"]) == (4, True, True, "Succeeded")
    assert (got["deployer"], got["author"], got["progress"]) == ("ZipDeploy", "N/A", "")
    assert got["log_url"] == f"{got['url']}/log"
    log = (await client.get(got["log_url"])).json()
    assert [line["message"] for line in log] == [
        "content of the site: updated (2 files, 5 bytes)",
        "triggered/report: created",
        "continuous/worker: created",
    ]
    assert (await client.get(f"{got['log_url']}/{log[0]['id']}")).json() == []
    assert (await client.get(f"{got['log_url']}/nothing")).status_code == 404


async def test_later(one: Shim, client: httpx.AsyncClient) -> None:
    query = "?isAsync=true&deployer=GITHUB_ZIP_DEPLOY&message=%7B%22sha%22%3A1%7D&author=me&authorEmail=m%40e"
    answer = await deploy(client, SITE, query)
    assert (answer.status_code, answer.text) == (202, "")
    location = answer.headers["Location"]
    assert location == "https://s/api/deployments/latest?deployer=GITHUB_ZIP_DEPLOY&time=2026-01-01_12-00-00Z"
    assert int(answer.headers["Retry-After"]) > 0
    now = await client.get(location)
    assert now.status_code == 202
    assert (now.headers["Location"], "Retry-After" in now.headers) == (location, True)
    pending = now.json()
    assert (pending["id"], pending["end_time"]) == (answer.headers["SCM-DEPLOYMENT-ID"], None)
    assert (await client.get(f"/api/deployments/{pending['id']}")).status_code == 200
    assert (await client.get("/api/isdeploying")).json() == {"value": "True"}
    done = await over(client, location)
    assert (done["id"], done["status"], done["message"], done["author"]) == (pending["id"], 4, '{"sha":1}', "me")
    assert (await client.get("/api/isdeploying")).json() == {"value": "False"}


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("", "site"),
        ("site/wwwroot", "site"),
        ("/home/site/wwwroot/", "site"),
        ("App_Data/jobs", "jobs"),
        ("/home/site/wwwroot/app_data/Jobs/", "jobs"),
        ("jobs", "jobs"),
        ("data/jobs", "jobs"),
        ("App_Data/jobs/triggered", "type"),
        ("App_Data/jobs/triggered/report", "job"),
        ("data/jobs/triggered/report", "job"),
    ],
)
async def test_the_path_of_publish(one: Shim, client: httpx.AsyncClient, path: str, place: str) -> None:
    depth = {"site": REPORT, "jobs": "triggered/report", "type": "report", "job": ""}[place]
    content = zipped({f"{depth}/run.sh".lstrip("/"): "echo"})
    answer = await client.post("/api/publish", params={"type": "zip", "path": path}, content=content)
    assert answer.status_code == 200, answer.text
    assert await jobs(client) == ["triggered/report"]
    assert (await client.get(LATEST)).json()["deployer"] == "OneDeploy"


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("type=zip&path=../x", "path: The path must not contain"),
        ("type=zip&path=/etc", "path: there is nothing but WebJobs here"),
        ("type=zip&path=bin", "path: there is nothing but WebJobs here"),
        ("type=war", "Artifact type 'war' not supported"),
        ("type=rar", "\"type='rar' not recognized\""),
        ("type=startup", "type: a site has no startup command"),
        ("type=script", "type: a site has no startup command"),
    ],
)
async def test_what_publish_does_not_take(one: Shim, client: httpx.AsyncClient, query: str, text: str) -> None:
    answer = await client.post(f"/api/publish?{query}", content=zipped(SITE))
    assert answer.status_code == 400
    assert text in answer.text
    assert (await client.get(LATEST)).status_code == 404
    assert await jobs(client) == []


async def test_one_file(one: Shim, client: httpx.AsyncClient) -> None:
    url = f"/api/publish?type=static&path={REPORT}/run.sh"
    assert (await client.post(url, content=b"echo 1")).status_code == 200
    assert (await client.put(f"{url}&async=true", content=b"echo 2")).status_code == 202
    assert (await files(client))["triggered/report/run.sh"] == b"echo 2"
    assert (await over(client))["status"] == 4
    assert (await client.post("/api/publish?type=static&path=index.html", content=b"x")).status_code == 400


@pytest.mark.parametrize("query", ["", "?isAsync=true"])
@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"no zip", "zip"),
        (zipped({"index.html": "x"}), NO_JOBS),
        (zipped(SITE | {f"{MAIL}/../../x": "x"}), "outside of its folder"),
        (zipped(SITE | {f"{JOBS}/triggered/a:b/run.sh": "x"}), "name must not contain"),
    ],
)
async def test_bad_zips(one: Shim, client: httpx.AsyncClient, content: bytes, text: str, query: str) -> None:
    await deploy(client, {f"{REPORT}/run.sh": "echo old"})
    one.pass_time(seconds=1)
    before = await files(client)
    answer = await client.post(f"/api/zipdeploy{query}", content=content)
    if query:
        assert answer.status_code == 202
    else:
        assert (answer.status_code, text in answer.text) == (400, True)
    failed = await over(client)
    assert (failed["status"], failed["active"], failed["provisioningState"]) == (3, False, "Failed")
    assert text in failed["status_text"]
    log = (await client.get(failed["log_url"])).json()
    assert (log[-1]["type"], text in log[-1]["message"]) == (2, True)
    assert await files(client) == before


async def test_too_large(one: Shim, client: httpx.AsyncClient) -> None:
    assert (await client.post("/api/zipdeploy?isAsync=true", content=b"x" * (2**20 + 1))).status_code == 413
    assert (await client.get(LATEST)).status_code == 404


async def test_what_changed_and_what_did_not(one: Shim, client: httpx.AsyncClient) -> None:
    await deploy(client, SITE | {f"{MAIL}/run.sh": "echo mail"})
    await client.put(f"/api/vfs/site/wwwroot/{REPORT}/own.txt", content=b"mine")
    await client.put("/api/triggeredwebjobs/other", content=b"echo", headers=script())
    versions = {key[2]: body["metadata"]["resourceVersion"] for key, body in one.kube.objects.items()}
    one.pass_time(minutes=1)
    new = {path: text for path, text in SITE.items() if not path.endswith("a.txt")} | {f"{REPORT}/run.sh": "echo 2"}
    await deploy(client, new)
    assert await jobs(client) == ["triggered/other", "triggered/report", "continuous/worker"]
    there = await files(client)
    assert there["triggered/report/run.sh"] == b"echo 2"
    assert "triggered/report/lib/a.txt" not in there, "it came with the last deployment"
    assert there["triggered/report/own.txt"] == b"mine"
    work = one.kube.objects["WebJob", "site", "worker"]["metadata"]["resourceVersion"]
    assert work == versions["worker"], "a job that did not change is not written"
    log = [line["message"] for line in (await client.get(f"{LATEST}/log")).json()]
    content = "content of the site: unchanged (2 files, 5 bytes)"
    assert log == [content, "triggered/report: updated", "continuous/worker: unchanged", "triggered/mail: removed"]


async def test_a_later_time_in_a_zip_changes_nothing(one: Shim, client: httpx.AsyncClient) -> None:
    def at(year: int) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr(zipfile.ZipInfo(f"{WORK}/run.sh", date_time=(year, 1, 1, 0, 0, 0)), "sleep 9")
        return out.getvalue()

    await client.post("/api/zipdeploy", content=at(2020))
    before = one.kube.objects["WebJob", "site", "worker"]
    await client.post("/api/zipdeploy", content=at(2021))
    assert one.kube.objects["WebJob", "site", "worker"] == before


async def test_a_job_that_was_made_anew_is_not_the_deployments(one: Shim, client: httpx.AsyncClient) -> None:
    await deploy(client, SITE)
    await client.delete("/api/triggeredwebjobs/report")
    await client.put("/api/triggeredwebjobs/report", content=b"echo mine", headers=script())
    one.pass_time(minutes=1)
    await deploy(client, {f"{WORK}/run.sh": "sleep 9"})
    assert await jobs(client) == ["triggered/report", "continuous/worker"]


async def test_files_put_otherwise_keep_their_job(one: Shim, client: httpx.AsyncClient) -> None:
    await deploy(client, SITE)
    await client.put(f"/api/vfs/site/wwwroot/{REPORT}/own.txt", content=b"mine")
    one.pass_time(minutes=1)
    await deploy(client, {f"{WORK}/run.sh": "sleep 9"})
    assert await files(client, f"site/wwwroot/{REPORT}/") == {"own.txt": b"mine"}


async def test_clean_removes_all_else(one: Shim, client: httpx.AsyncClient) -> None:
    await deploy(client, SITE)
    await client.put(f"/api/vfs/site/wwwroot/{REPORT}/own.txt", content=b"mine")
    await client.put("/api/triggeredwebjobs/other", content=b"echo", headers=script())
    one.pass_time(minutes=1)
    await client.post("/api/publish?type=zip&clean=true", content=zipped({f"{REPORT}/run.sh": "echo"}))
    assert await files(client) == {"triggered/report/run.sh": b"echo", "continuous/": b""}


async def test_a_stopped_job_stays_stopped(one: Shim, client: httpx.AsyncClient) -> None:
    await deploy(client, SITE)
    await client.post("/api/continuouswebjobs/worker/stop")
    await deploy(client, SITE | {f"{WORK}/run.sh": "sleep 10"})
    assert one.kube.objects["WebJob", "site", "worker"]["spec"]["stopped"] is True


@pytest.mark.parametrize("dry_run", [True, False])
async def test_all_or_none(one: Shim, client: httpx.AsyncClient, dry_run: bool) -> None:
    await deploy(client, {f"{REPORT}/run.sh": "echo old"})
    before = (await files(client), one.kube.objects["WebJob", "site", "report"]["spec"])
    one.pass_time(minutes=1)

    async def refuse(call: Call) -> None:
        if (call.verb, call.kind, call.name) == ("create", "WebJob", "worker") and call.dry_run == dry_run:
            raise Invalid(422, "Invalid", "spec.resources: too much")

    one.kube.before_call = refuse
    one.kube.calls.clear()
    answer = await deploy(client, SITE | {f"{REPORT}/run.sh": "echo new", f"{MAIL}/run.sh": "echo"})
    one.kube.before_call = None
    assert answer.status_code == 400
    assert "spec.resources: too much" in answer.text
    assert (await files(client), one.kube.objects["WebJob", "site", "report"]["spec"]) == before
    failed = await over(client)
    assert (failed["status"], failed["status_text"]) == (3, "continuous/worker: spec.resources: too much")
    if dry_run:
        writes = [call for call in one.kube.calls if call.kind == "WebJob" and call.verb in ("create", "replace")]
        assert {call.dry_run for call in writes} == {True}, "nothing was written"
    answer = await deploy(client, SITE)
    assert answer.status_code == 200, "the next one goes through"
    assert (await over(client))["status"] == 4


async def test_one_at_a_time(one: Shim, client: httpx.AsyncClient) -> None:
    go_on = asyncio.Event()

    async def hold(call: Call) -> None:
        if call.kind == "WebJob":
            await go_on.wait()

    one.kube.before_call = hold
    several = await asyncio.gather(*[deploy(client, SITE, "?isAsync=true") for _ in range(4)])
    go_on.set()
    codes = sorted(answer.status_code for answer in several)
    assert codes == [202, 409, 409, 409]
    refused = next(answer for answer in several if answer.status_code == 409)
    assert refused.json()["Message"].startswith("There is a deployment currently in progress.")
    await over(client)
    assert (await deploy(client, SITE)).status_code == 200


async def test_an_earlier_one_again(one: Shim, client: httpx.AsyncClient) -> None:
    await deploy(client, SITE)
    first = (await client.get(LATEST)).json()["id"]
    one.pass_time(minutes=1)
    await deploy(client, {f"{REPORT}/run.sh": "echo 2"})
    assert await jobs(client) == ["triggered/report"]
    one.pass_time(minutes=1)
    answer = await client.put(f"/api/deployments/{first}")
    assert (answer.status_code, answer.json()["id"], answer.json()["active"]) == (200, first, True)
    assert await jobs(client) == ["triggered/report", "continuous/worker"]
    assert (await files(client))["triggered/report/run.sh"] == b"echo report"
    assert (await client.get("/api/deployments")).json()[0]["id"] == first
    assert (await client.put("/api/deployments/nothing")).status_code == 404


async def test_records_of_clients(one: Shim, client: httpx.AsyncClient) -> None:
    await deploy(client, SITE)
    one.pass_time(minutes=1)
    body = {"id": "abc1", "status": 4, "message": "m", "author": "me", "deployer": "GitHub", "active": True}
    answer = await client.put("/api/deployments/abc1", json=body)
    assert (answer.status_code, answer.json()["active"], answer.json()["deployer"]) == (200, True, "GitHub")
    assert (await client.get(LATEST)).json()["id"] == "abc1"
    again = await client.put("/api/deployments/abc1", json=body)
    assert (again.status_code, "abc1" in again.json()["Message"]) == (409, True)
    assert (await client.put("/api/deployments/abc1")).status_code == 400, "a record has no files"
    assert (await client.delete("/api/deployments/abc1")).status_code == 409
    for bad, field in (
        ({"status": 1}, "status"),
        ({"status": True}, "status"),
        ({"status": 3, "active": True}, "active"),
        ({"status": 4, "message": 5}, "message"),
        ({"status": 4, "end_time": "soon"}, "end_time"),
    ):
        answer = await client.put("/api/deployments/abc2", json=bad)
        assert (answer.status_code, field in answer.text) == (400, True)
    assert (await client.put("/api/deployments/latest", json={"status": 4})).status_code == 400
    assert (await client.put("/api/deployments/a%20b", json={"status": 4})).status_code == 400
    one.pass_time(minutes=1)
    await deploy(client, SITE)
    assert (await client.delete("/api/deployments/abc1")).status_code == 204
    gone = await client.get("/api/deployments/abc1")
    assert (gone.status_code, gone.json()) == (404, {"Message": "There is no deployment abc1."})


async def test_the_list(one: Shim, client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/deployments")).json() == []
    for number in range(25):
        one.pass_time(minutes=1)
        await deploy(client, {f"{REPORT}/run.sh": f"echo {number}"}, f"?message={number}")
    answer = await client.get("/api/deployments/?warmup=true")
    assert [one["message"] for one in answer.json()] == [str(number) for number in range(24, 4, -1)]
    tagged = {"If-None-Match": answer.headers["ETag"]}
    assert (await client.get("/api/deployments", headers=tagged)).status_code == 304


@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_spellings(one: Shim, client: httpx.AsyncClient, prefix: str) -> None:
    assert (await client.put(f"{prefix}/ZipDeploy/", content=zipped(SITE))).status_code == 200
    assert (await client.post(f"{prefix}/Publish?type=ZIP", content=zipped(SITE))).status_code == 200
    for path in ("deployments", "Deployments/Latest", "deployments/latest/Log", "isdeploying", "environment"):
        assert (await client.get(f"{prefix}/{path}")).status_code == 200, path
    runtime = (await client.get(f"{prefix}/Diagnostics/Runtime")).json()
    assert runtime["system"]["os_name"] == "Linux"
    assert (await client.get(f"{prefix}/scm/info")).json() == {"Type": "None", "GitUrl": "https://s/webjobs.git"}


async def test_a_dump(one: Shim, client: httpx.AsyncClient) -> None:
    await deploy(client, SITE)
    answer = await client.get("/dump")
    assert answer.headers["content-disposition"] == 'attachment; filename="dump-01-01-12-00-00.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = archive.namelist()
    identifier = (await client.get(LATEST)).json()["id"]
    assert f"deployments/{identifier}/log.json" in names
    assert any(name.startswith("LogFiles/jobs/triggered/report/") for name in names)
    listed = (await client.get("/api/vfs/LogFiles/jobs/")).json()
    assert [entry["name"] for entry in listed] == ["triggered", "continuous"]
    assert (await client.put("/api/vfs/LogFiles/jobs/triggered/report/x", content=b"x")).status_code == 403


async def test_without_its_config_map(one: Shim, client: httpx.AsyncClient) -> None:
    async def forbid(call: Call) -> None:
        if (call.verb, call.name) == ("create", DEPLOYMENTS):
            raise Forbidden(403, "Forbidden", "no")

    one.kube.before_call = forbid
    answer = await deploy(client, SITE)
    assert (answer.status_code, "helm upgrade" in answer.text) == (503, True)
    assert await jobs(client) == []


async def test_an_upload_by_the_jobs_api_is_no_deployment(one: Shim, client: httpx.AsyncClient) -> None:
    content = zipped({"run.sh": "echo"})
    assert (await client.put("/api/triggeredwebjobs/a", content=content, headers=ZIP)).status_code == 200
    assert (await client.get("/api/deployments")).json() == []
