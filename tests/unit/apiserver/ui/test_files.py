"""Uploads, the way back to earlier packages, and deployments."""

from __future__ import annotations

import asyncio

import httpx

from tests.fakes.shim import Shim, zipped
from tests.fakes.visitor import Browser

JOB = "/ui/jobs/triggered/report"


async def put(visitor: Browser, path: str, file_name: str, content: bytes, **fields: str) -> httpx.Response:
    fields["csrf"] = await visitor.token()
    return await visitor.client.post(path, data=fields, files={"file": (file_name, content)})


async def text_of(one: Shim, job: str = "report") -> str:
    return (await one.client().get(f"/api/vfs/site/wwwroot/App_Data/jobs/triggered/{job}/run.sh")).text


async def test_a_new_job(one: Shim, visitor: Browser) -> None:
    answer = await put(visitor, "/ui/upload", "x.ZIP", zipped({"run.sh": "echo 1\n"}), name="report", kind="triggered")
    assert (answer.status_code, answer.headers["location"]) == (303, JOB)
    assert await text_of(one) == "echo 1\n"
    again = await put(visitor, "/ui/upload", "run.sh", b"echo 2", name="REPORT", kind="triggered")
    assert (again.status_code, await text_of(one)) == (409, "echo 1\n")
    worker = await put(visitor, "/ui/upload", "run.sh", b"echo w", name="w", kind="continuous")
    assert worker.headers["location"] == "/ui/jobs/continuous/w"


async def test_other_files_and_back(one: Shim, visitor: Browser) -> None:
    await put(visitor, f"{JOB}/files", "run.sh", b"echo 1")
    await put(visitor, f"{JOB}/files", "run.sh", b"echo 2")
    page = (await visitor.client.get(f"{JOB}/files")).text
    digest = page.partition('name="digest" value="')[2].partition('"')[0]
    assert digest.startswith("sha256:")
    answer = await visitor.send(f"{JOB}/back", digest=digest)
    assert (answer.status_code, await text_of(one)) == (303, "echo 1")
    for wrong in ("sha256:00", "", "x"):
        answer = await visitor.send(f"{JOB}/back", digest=wrong)
        assert (answer.status_code, "no going back" in answer.text) == (400, True)
    assert (await visitor.send("/ui/jobs/triggered/none/back", digest=digest)).status_code == 404


async def test_uploads_that_fail_keep_the_old(one: Shim, visitor: Browser) -> None:
    await put(visitor, f"{JOB}/files", "run.sh", b"echo 1")
    for name, content in (("a.zip", b"no zip"), ("a.zip", zipped({"readme.txt": "x"})), ("read.me", b"x")):
        answer = await put(visitor, f"{JOB}/files", name, content)
        assert (answer.status_code, 'role="alert"' in answer.text) == (400, True)
    none = await visitor.send(f"{JOB}/files")
    assert (none.status_code, "Choose a file" in none.text) == (400, True)
    assert await text_of(one) == "echo 1"


async def test_deploy_and_deploy_again(one: Shim, visitor: Browser) -> None:
    for number in (1, 2):
        content = zipped({"App_Data/jobs/triggered/report/run.sh": f"echo {number}\n"})
        token = await visitor.token()
        form = {"csrf": token, "message": f"number <{number}>"}
        answer = await visitor.client.post("/ui/deployments", data=form, files={"zip": ("site.zip", content)})
        assert answer.status_code == 303
        await over(visitor, answer.headers["location"])
    page = (await visitor.client.get("/ui/deployments")).text
    assert ("number &lt;2&gt;" in page, "In force" in page, "user" in page) == (True, True, True)
    known = (await one.client().get("/api/deployments")).json()
    first = next(found for found in known if found["message"] == "number <1>")
    assert first["author"] == "user"
    not_sure = await visitor.send(f"/ui/deployments/{first['id']}/again")
    assert (not_sure.status_code, await text_of(one)) == (400, "echo 2\n")
    await visitor.send(f"/ui/deployments/{first['id']}/again", sure="yes")
    await over(visitor, f"/ui/deployments/{first['id']}")
    assert await text_of(one) == "echo 1\n"


async def over(visitor: Browser, path: str) -> None:
    """Wait for the end of a deployment."""
    async with asyncio.timeout(10):
        while "Look again" in (await visitor.client.get(path)).text:  # noqa: ASYNC110  others get their turn
            await asyncio.sleep(0)


async def test_a_reader_sees_deployments_and_may_not_deploy(one: Shim, reader: Browser) -> None:
    page = (await reader.client.get("/ui/deployments")).text
    assert ("Nothing was deployed yet" in page, "Deploy a zip" in page) == (True, False)
    assert (await reader.client.get("/ui/deployments/none")).status_code == 404
