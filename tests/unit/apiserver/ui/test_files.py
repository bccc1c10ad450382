"""Uploads, the way back to earlier packages, and deployments."""

from __future__ import annotations

import asyncio
import re

import httpx
import obstore

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


def stored(one: Shim) -> set[str]:
    return {meta["path"] for batch in obstore.list(one.store) for meta in batch}


SCHEDULE, BERLIN = "0 30 2 * * *", "Europe/Berlin"


async def test_a_new_job_with_a_schedule(one: Shim, visitor: Browser) -> None:
    fields = {"name": "report", "kind": "triggered", "schedule": SCHEDULE, "zone": BERLIN}
    shown = await put(visitor, "/ui/upload", "run.sh", b"echo 1", act="preview", **fields)
    assert shown.status_code == 200
    assert all(text in shown.text for text in ('value="report"', SCHEDULE, "02:30:00", BERLIN))
    assert (await visitor.client.get(JOB)).status_code == 404
    content = zipped({"run.sh": "echo 1\n", "settings.job": '{"schedule": "0 0 0 * * *", "is_in_place": true}'})
    assert (await put(visitor, "/ui/upload", "a.zip", content, **fields)).status_code == 303
    spec = one.kube.objects["WebJob", "site", "report"]["spec"]
    assert (spec["settings"], spec["timeZone"]) == ({"schedule": SCHEDULE, "is_in_place": True}, BERLIN)


async def test_a_new_job_with_a_schedule_that_is_none(one: Shim, visitor: Browser) -> None:
    for wrong, said in (({"schedule": "*/5 * * *"}, "fields"), ({"zone": "Europe/Berlim"}, BERLIN)):
        answer = await put(visitor, "/ui/upload", "run.sh", b"echo 1", name="report", kind="triggered", **wrong)
        assert (answer.status_code, said in answer.text) == (400, True)
    assert not one.kube.of_kind("WebJob")
    await put(visitor, "/ui/upload", "run.sh", b"echo 1", name="w", kind="continuous", schedule=SCHEDULE, zone=BERLIN)
    assert (
        "settings" not in one.kube.of_kind("WebJob")[0]["spec"] or not one.kube.of_kind("WebJob")[0]["spec"]["settings"]
    )


async def test_a_look_ahead_of_a_new_job(visitor: Browser) -> None:
    part = (await visitor.client.get("/ui/upload/preview", params={"schedule": "*/50 * * * * *"})).text
    assert "the last step is" in part
    assert "<html" not in part


async def test_a_look_into_a_zip(one: Shim, visitor: Browser) -> None:
    await put(visitor, f"{JOB}/files", "run.sh", b"echo 1")
    blobs, objects = stored(one), set(one.kube.objects)
    jobs = {
        "triggered/Report/run.cmd": "tasklist\r\n",
        "triggered/Report/settings.job": '{"schedule": "0 0 0 * * *"}',
        "triggered/batch/run.cmd": "echo 1\r\n",
        "continuous/w/run.sh": "echo w\n",
        "continuous/w/settings.job": "no object",
        "continuous/none/readme.txt": "x",
    }
    content = zipped({f"App_Data/jobs/{path}": text for path, text in jobs.items()} | {"index.html": "x"})
    answer = await visitor.client.post(
        "/ui/deployments/verdicts", data={"csrf": await visitor.token()}, files={"zip": ("site.zip", content)}
    )
    rows = [re.sub(r"<[^>]*>|\s+", " ", row) for row in answer.text.split("<tr>")[2:]]
    rows = [" ".join(row.split()) for row in rows]
    assert answer.status_code == 200
    assert len(rows) == 4
    assert rows[0].startswith("✓ Fine batch triggered")
    assert "translated to a shell script" in rows[0]
    assert rows[1].startswith("✗ Windows only Report triggered run.cmd, line 1")
    assert "0 0 0 * * *" in rows[1]
    assert "there is one" in rows[1]
    assert "new" in rows[0]
    assert rows[2].startswith("✗ Can&#39;t run none continuous It has no script")
    assert rows[3].startswith("✓ Fine w continuous settings.job")
    assert "Nothing of it counts" in rows[3]
    assert (stored(one), set(one.kube.objects)) == (blobs, objects)


async def test_a_look_into_what_no_deployment_takes(visitor: Browser) -> None:
    for content, said in ((b"no zip", "zip"), (zipped({"index.html": "x"}), "has no WebJob")):
        answer = await visitor.client.post(
            "/ui/deployments/verdicts", data={"csrf": await visitor.token()}, files={"zip": ("site.zip", content)}
        )
        assert (answer.status_code, said in answer.text, 'id="notice"' in answer.text) == (400, True, True)
