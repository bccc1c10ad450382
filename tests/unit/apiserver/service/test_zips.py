"""Folders as zips, out and in."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import httpx
import obstore
import pytest

from tests.fakes.objects import run_body, webjob_body
from tests.fakes.shim import RUN_ID, Shim, answer_of, shim, zipped
from tests.unit.apiserver.service.test_uploads import ATTACKS
from webjobs.store import packages
from webjobs_apiserver.config import LimitsConfig
from webjobs_apiserver.kudu.files.zips import attachment
from webjobs_apiserver.service.files.nodes import FileNode, FolderNode, Node, in_memory
from webjobs_apiserver.service.files.zips import zipped as zipped_folder

JSON = "application/json; charset=utf-8"
JOB = "/api/zip/site/wwwroot/App_Data/jobs/triggered/job/"
WEB = "App_Data/jobs"


@pytest.fixture
def one() -> Any:
    with shim(limits=LimitsConfig(upload_bytes=2**20, unpacked_bytes=2**22, files=50, settings_bytes=2000)) as made:
        yield made


def _opened(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


async def test_a_zip_goes_in_and_comes_out(one: Shim, client: httpx.AsyncClient) -> None:
    files = {"run.sh": b"echo", "in/data.bin": bytes(range(256)) * 1000, "settings.job": b'{"a": 1}', "empty/": b""}
    put = await client.put(JOB, content=zipped(files))
    assert answer_of(put) == (200, None, "")
    assert (await client.get("/api/triggeredwebjobs/job")).json()["settings"] == {"a": 1}
    got = await client.get(JOB)
    assert got.headers["content-type"] == "application/zip"
    assert got.headers["content-disposition"] == 'attachment; filename="job.zip"'
    assert _opened(got.content) == files
    with zipfile.ZipFile(io.BytesIO(got.content)) as archive:
        assert archive.getinfo("run.sh").date_time == (1980, 1, 1, 0, 0, 0)
    assert (await client.get(JOB.rstrip("/"))).status_code == 200


async def test_a_job_whose_package_is_lost_takes_no_other_along(one: Shim, client: httpx.AsyncClient) -> None:
    for name in ("good", "bad", "half"):
        url = f"/api/zip/site/wwwroot/App_Data/jobs/triggered/{name}/"
        files = {"run.sh": f"echo {name}", "lib/a.txt": f"{name} " * 9}
        assert (await client.put(url, content=zipped(files))).status_code == 200
    digests = {job["metadata"]["name"]: job["spec"]["package"]["digest"] for job in one.kube.of_kind("WebJob")}
    obstore.delete(one.store, packages.manifest_key(namespace="site", digest=digests["bad"]))
    blob = sha256(b"half " * 9).hexdigest()
    obstore.delete(one.store, packages.blob_key(namespace="site", digest=blob))
    got = await client.get("/api/zip/site/wwwroot/")
    found = _opened(got.content)
    told = found.pop("UNREADABLE.txt").decode().splitlines()
    base = "App_Data/jobs/triggered"
    assert sorted(path for path in found if not path.endswith("/")) == [
        f"{base}/good/lib/a.txt",
        f"{base}/good/run.sh",
        f"{base}/half/run.sh",
    ]
    assert told == [
        f"{base}/bad/: WebJob bad: package {digests['bad']} is not in the store: upload the job again",
        f"{base}/half/lib/a.txt: blob {blob} is not in the store: upload the job again",
    ]
    alone = await client.get(f"/api/zip/site/wwwroot/{base}/bad/")
    assert (alone.status_code, "WebJob bad: package" in alone.text) == (503, True)
    assert (await client.put("/api/zip/site/wwwroot/", content=got.content)).status_code == 200, "it goes back in"


async def test_a_zip_deletes_nothing(one: Shim, client: httpx.AsyncClient) -> None:
    one.kube.add(webjob_body({"settings": {"a": 1}, "env": [{"name": "X", "value": "1"}]}, name="job"))
    assert (await client.put(JOB, content=zipped({"lib/a.py": "a"}))).status_code == 200
    assert (await client.put(JOB.rstrip("/"), content=zipped({"lib/b.py": "b", "run.sh": "new"}))).status_code == 200
    expected = {"run.sh": b"new", "lib/a.py": b"a", "lib/b.py": b"b", "settings.job": b'{"a":1}'}
    assert _opened((await client.get(JOB)).content) == expected
    spec = one.kube.of_kind("WebJob")[0]["spec"]
    assert (spec["settings"], spec["env"]) == ({"a": 1}, [{"name": "X", "value": "1"}])


async def test_a_whole_site(one: Shim, client: httpx.AsyncClient) -> None:
    files = {
        "index.html": "<html>",
        f"{WEB}/triggered/one/run.sh": "1",
        f"{WEB}/Triggered/Two words/in/run.py": "2",
        f"{WEB}/continuous/three/run.sh": "3",
        f"{WEB}/continuous/three/disable.job": "",
        f"{WEB}/continuous/folder/": "",
        f"{WEB}/other/x": "",
        f"{WEB}/triggered/loose.txt": "",
    }
    put = await client.put("/zip/site/wwwroot/", content=zipped(files))
    assert (answer_of(put), put.headers["x-webjobs-ignored-files"]) == ((200, None, ""), "3")
    jobs = (await client.get("/api/webjobs")).json()
    assert [(job["type"], job["name"], job["run_command"]) for job in jobs] == [
        ("triggered", "one", "run.sh"),
        ("triggered", "Two words", "in/run.py"),
        ("continuous", "three", "run.sh"),
    ]
    assert one.kube.objects["WebJob", "site", "three"]["spec"]["stopped"] is True
    out = _opened((await client.get("/api/zip/site/wwwroot/?fileName=all.zip")).content)
    assert out == {
        f"{WEB}/triggered/one/run.sh": b"1",
        f"{WEB}/triggered/Two words/in/run.py": b"2",
        f"{WEB}/continuous/folder/": b"",
        f"{WEB}/continuous/three/disable.job": b"",
        f"{WEB}/continuous/three/run.sh": b"3",
    }
    assert set(_opened((await client.get("/api/zip")).content)) >= {f"site/wwwroot/{path}" for path in out}
    again = await client.put("/api/zip/", content=zipped({f"site/wwwroot/{WEB}/triggered/one/run.sh": "9"}))
    assert answer_of(again) == (200, None, "")
    assert (await client.get(f"/vfs/site/wwwroot/{WEB}/triggered/one/run.sh")).text == "9"


async def test_logs_as_a_zip(one: Shim, client: httpx.AsyncClient) -> None:
    one.kube.add(webjob_body(name="job"))
    one.kube.add(run_body(f"job-{RUN_ID}", labels={"webjobs.dev/webjob": "job"}))
    found = _opened((await client.get("/api/zip/data/jobs/triggered/job/")).content)
    assert set(found) == {f"{RUN_ID}/output_log.txt", f"{RUN_ID}/status"}
    assert b"Status changed to Initializing" in found[f"{RUN_ID}/output_log.txt"]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "message"),
    [
        ("GET", "site/wwwroot/App_Data/jobs/triggered/none/", {}, 404, "'/home/{}' not found."),
        ("GET", "site/wwwroot/App_Data/jobs/triggered/job/run.sh", {}, 404, "'/home/{}' not found."),
        ("PUT", "site/wwwroot/App_Data/jobs/triggered/none", {}, 404, "'/home/{}' not found."),
        ("PUT", "site/wwwroot/App_Data/jobs/triggered/job/run.sh", {}, 404, "'/home/{}' not found."),
        (
            "PUT",
            "site/wwwroot/App_Data/jobs/triggered/job/run.sh/",
            {},
            409,
            "'/home/{}': A part of the path is a file.",
        ),
        ("PUT", "DATA/jobs/", {}, 403, "Logs can't be written."),
    ],
)
async def test_errors(
    one: Shim, client: httpx.AsyncClient, method: str, path: str, headers: dict[str, str], status: int, message: str
) -> None:
    one.kube.add(webjob_body(name="job"))
    answer = await client.request(method, f"/api/zip/{path}", content=zipped({"x.sh": ""}), headers=headers)
    assert answer_of(answer) == (status, JSON, f'{{"Message":"{message.format(path)}"}}')
    assert not one.kube.writes


@pytest.mark.parametrize(
    "attack", [attack for attack in ATTACKS if attack not in ("empty", "folders only", "no script", "script too deep")]
)
async def test_a_refused_zip_changes_nothing(one: Shim, client: httpx.AsyncClient, attack: str) -> None:
    one.kube.add(webjob_body(name="job"))
    make, status, text = ATTACKS[attack]
    put = await client.put(JOB, content=make())
    assert put.status_code == (413 if attack == "large settings" else status)
    assert text in put.json()["Message"]
    assert not one.kube.writes


async def test_a_bad_name_among_good_ones_changes_nothing(one: Shim, client: httpx.AsyncClient) -> None:
    files = {f"{WEB}/triggered/good/run.sh": "", f"{WEB}/triggered/bad:name/run.sh": ""}
    put = await client.put("/api/zip/site/wwwroot/", content=zipped(files))
    assert put.status_code == 400
    assert "The WebJob name must not contain" in put.json()["Message"]
    assert not one.kube.writes


async def test_a_large_file_is_never_whole_in_memory() -> None:
    pieces_read = 0

    async def noise() -> AsyncIterator[bytes]:
        nonlocal pieces_read
        for at in range(64):
            pieces_read += 1
            yield random.Random(at).randbytes(2**16)  # noqa: S311  must not compress

    async def open_(span: Any) -> AsyncIterator[bytes]:
        return noise()

    with shim() as one:
        file = FileNode(name="big", size=None, mtime=one.now, crtime=one.now, etag=None, open=open_)
        small = FileNode(name="small", size=1, mtime=one.now, crtime=one.now, etag=None, open=in_memory(b"x"))

        async def children() -> list[Node]:
            return [file, small]

        out, first_at = bytearray(), 0
        folder = FolderNode(name="f", mtime=one.now, crtime=one.now, children=children)
        async for piece in zipped_folder(folder):
            first_at = first_at or pieces_read
            assert len(piece) < 2**18
            out += piece
    assert 0 < first_at < 64
    assert len(_opened(bytes(out))["big"]) == 2**22


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.zip", 'attachment; filename="a.zip"'),
        ("é.zip", "attachment; filename=\"_.zip\"; filename*=UTF-8''%C3%A9.zip"),
        ('a"\r\nX: y', "attachment; filename=\"a___X: y\"; filename*=UTF-8''a%22%0D%0AX%3A%20y"),
    ],
)
def test_attachment(name: str, expected: str) -> None:
    assert attachment(name) == expected
