"""The content of a site: the other files of a deployed zip, kept for jobs that need them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from unittest.mock import Mock

import httpx
import obstore
import pytest

from tests.fakes.kube import Call
from tests.fakes.shim import Shim, shim, zipped
from webjobs.files import tree
from webjobs.model.site.site_content import SiteContent, content_of
from webjobs.store import job_files, packages
from webjobs_apiserver.config import LimitsConfig
from webjobs_kube.errors import Forbidden, Invalid

JOB = "App_Data/jobs/triggered/report"
JOBS = {f"{JOB}/run.sh": "echo"}
SITE = JOBS | {"index.php": "<?php echo 1;", "lib/a.txt": "a", "App_Data/list.csv": "1;2"}
LIMIT = 10_000


@pytest.fixture
def one() -> Iterator[Shim]:
    limits = LimitsConfig(
        upload_bytes=2**20, unpacked_bytes=2**22, files=50, settings_bytes=2000, site_content_bytes=LIMIT
    )
    with shim(limits=limits) as made:
        yield made


def content(one: Shim) -> SiteContent | None:
    return content_of(one.kube.objects.get(("Secret", "site", "webjobs-settings")))


def files(one: Shim) -> dict[str, bytes]:
    """What a pod would get."""
    there = content(one)
    if there is None:
        return {}
    manifest = packages.read_manifest(one.store, namespace="site", digest=there.digest)
    assert (there.size, there.files) == (manifest.size, len(manifest.files))
    return {path: packages.read_file(one.store, namespace="site", file=file) for path, file in manifest.files.items()}


async def deploy(client: httpx.AsyncClient, files: dict[str, str], query: str = "") -> httpx.Response:
    return await client.post(f"/api/zipdeploy{query}", content=zipped(files))


async def log(client: httpx.AsyncClient) -> list[tuple[int, str]]:
    lines = (await client.get("/api/deployments/latest/log")).json()
    return [(line["type"], line["message"]) for line in lines if "triggered/" not in line["message"]]


async def test_other_files_are_kept(one: Shim, client: httpx.AsyncClient) -> None:
    await client.put("/api/settings", json={"A": "b"})
    assert (await deploy(client, SITE)).status_code == 200
    assert files(one) == {"index.php": b"<?php echo 1;", "lib/a.txt": b"a", "App_Data/list.csv": b"1;2"}
    assert await log(client) == [(0, "content of the site: updated (3 files, 17 bytes)")]
    assert (await client.get("/api/settings")).json() == {"A": "b"}
    await client.put("/api/settings", json={"C": "d"})
    assert len(files(one)) == 3, "a change of the settings leaves it alone"


async def test_the_next_zip_says_all_of_it(one: Shim, client: httpx.AsyncClient) -> None:
    await deploy(client, SITE)
    before = content(one)
    await deploy(client, SITE)
    assert content(one) == before
    assert await log(client) == [(0, "content of the site: unchanged (3 files, 17 bytes)")]
    await deploy(client, JOBS | {"index.php": "new"})
    assert files(one) == {"index.php": b"new"}
    await deploy(client, JOBS)
    assert content(one) is None
    assert await log(client) == [(0, "content of the site: removed (0 files, 0 bytes)")]
    await deploy(client, JOBS)
    assert await log(client) == []


def built(files: dict[str, str], *, year: int) -> bytes:
    """A zip whose files were all written in one year."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, text in files.items():
            archive.writestr(zipfile.ZipInfo(path, (year, 1, 1, 0, 0, 0)), text)
    return out.getvalue()


async def test_times_of_files_do_not_count(one: Shim, client: httpx.AsyncClient) -> None:
    """As for jobs: what a build writes anew each time would restart all continuous jobs in place."""
    await client.post("/api/zipdeploy", content=built(SITE, year=2020))
    before, version = content(one), one.kube.objects["Secret", "site", "webjobs-settings"]["metadata"]
    await client.post("/api/zipdeploy", content=built(SITE, year=2021))
    assert content(one) == before
    assert one.kube.objects["Secret", "site", "webjobs-settings"]["metadata"] == version
    assert await log(client) == [(0, "content of the site: unchanged (3 files, 17 bytes)")]
    await client.post("/api/zipdeploy", content=built(SITE | {"lib/a.txt": "b"}, year=2021))
    assert files(one)["lib/a.txt"] == b"b"
    await client.post("/api/zipdeploy", content=built(SITE | {"lib/a.txt": "b"}, year=2021))
    assert await log(client) == [(0, "content of the site: unchanged (3 files, 17 bytes)")]


async def test_content_that_the_store_has_lost_comes_anew(one: Shim, client: httpx.AsyncClient) -> None:
    await client.post("/api/zipdeploy", content=built(SITE, year=2020))
    before = content(one)
    assert before
    obstore.delete(one.store, packages.manifest_key(namespace="site", digest=before.digest))
    assert (await client.post("/api/zipdeploy", content=built(SITE, year=2021))).status_code == 200
    assert len(files(one)) == 3


async def test_an_earlier_deployment_brings_its_content_back(one: Shim, client: httpx.AsyncClient) -> None:
    await deploy(client, SITE)
    first = (await client.get("/api/deployments/latest")).json()["id"]
    await deploy(client, JOBS | {"index.php": "new"})
    assert (await client.put(f"/api/deployments/{first}")).status_code == 200
    assert files(one)["index.php"] == b"<?php echo 1;"
    assert len(files(one)) == 3


@pytest.mark.parametrize("first", [True, False], ids=["there was none", "there was one"])
async def test_jobs_never_begin_without_their_content(one: Shim, client: httpx.AsyncClient, first: bool) -> None:
    """It is in force before the first job is written; a job that is refused takes it back."""
    if not first:
        await deploy(client, SITE)
        one.pass_time(minutes=1)
    before, new = content(one), {"index.php": "new"}
    at_the_write: list[SiteContent | None] = []

    async def refuse(call: Call) -> None:
        if (call.verb, call.kind, call.name, call.dry_run) == ("create", "WebJob", "more", False):
            at_the_write.append(content(one))
            raise Invalid(422, "Invalid", "spec.resources: too much")

    one.kube.before_call = refuse
    more = {"App_Data/jobs/triggered/more/run.sh": "echo"}
    assert (await deploy(client, JOBS | more | new)).status_code == 400
    one.kube.before_call = None
    assert [there and there.files for there in at_the_write] == [1]
    assert content(one) == before


async def test_a_zip_of_jobs_alone_says_nothing_of_it(one: Shim, client: httpx.AsyncClient) -> None:
    await deploy(client, SITE)
    before = content(one)
    body = zipped({"triggered/report/run.sh": "echo 2", "readme.txt": "not of the site"})
    answer = await client.post("/api/publish", params={"type": "zip", "path": "App_Data/jobs"}, content=body)
    assert answer.status_code == 200
    assert content(one) == before
    assert await log(client) == [(0, "1 files outside of App_Data/jobs are left out.")]
    await client.put("/api/zip/site/wwwroot/", content=zipped({"index.php": "by zip"} | JOBS))
    assert content(one) == before, "only a deployment changes it"


async def test_too_much_content_is_left_out_with_a_word(one: Shim, client: httpx.AsyncClient) -> None:
    await deploy(client, SITE)
    big = {f"img/{number}": "x" * (LIMIT // 2) for number in range(3)}
    assert (await deploy(client, JOBS | big)).status_code == 200
    assert content(one) is None, "what is there would not be what was deployed"
    (warned, text), (_, removed) = await log(client)
    assert (warned, "3 files" in text, "apiserver.limits.siteContentBytes" in text) == (1, True, True)
    assert removed == "content of the site: removed (0 files, 0 bytes)"


@pytest.mark.parametrize("size", [LIMIT, LIMIT + 1])
async def test_the_limit_itself(one: Shim, client: httpx.AsyncClient, size: int) -> None:
    await deploy(client, JOBS | {"a": "x" * (size - 1), "b": "y"})
    assert (content(one) is not None) == (size == LIMIT)


async def test_jobs_have_no_more_room_for_that() -> None:
    limits = LimitsConfig(unpacked_bytes=1000, site_content_bytes=1000)
    with shim(limits=limits) as small:
        async with small.client() as other:
            answer = await deploy(other, {f"{JOB}/run.sh": "x" * 1001, "index.php": "y"})
            assert (answer.status_code, "1000 bytes (apiserver.limits.unpackedBytes" in answer.text) == (400, True)
            full = {f"{JOB}/run.sh": "x" * 1000}
            assert (await deploy(other, full | {"index.php": "y" * 1000})).status_code == 200
            assert len(files(small)) == 1
            assert (await deploy(other, full | {"index.php": "y" * 1001})).status_code == 200
            assert files(small) == {}, "too much content is no reason to refuse the jobs"


async def test_a_deployment_that_fails_changes_no_content(one: Shim, client: httpx.AsyncClient) -> None:
    await deploy(client, SITE)
    before = content(one)
    one.kube.fail(Invalid(422, "Invalid", "no"), verb="create", kind="WebJob")
    answer = await deploy(client, JOBS | {"App_Data/jobs/triggered/new/run.sh": "echo", "index.php": "new"})
    assert answer.status_code == 400
    assert content(one) == before


async def test_content_that_can_not_be_named_is_found_out_before_anything_changes(
    one: Shim, client: httpx.AsyncClient
) -> None:
    """The chart makes the Secret, and the shim may not. It is no reason to try for minutes, with half a deployment."""
    one.kube.fail(Forbidden(403, "Forbidden", "no"), verb="create", kind="Secret", times=100)
    answer = await deploy(client, SITE)
    assert (answer.status_code, "kubectl create secret generic webjobs-settings" in answer.text) == (503, True)
    assert "kubectl annotate secret webjobs-settings -n site helm.sh/resource-policy=keep" in answer.text, (
        "else helm upgrade deletes it with all that is in it"
    )
    assert one.kube.of_kind("WebJob") == []
    assert "WebJob" not in {call.kind for call in one.kube.writes}


async def test_without_a_job_nothing_is_deployed(one: Shim, client: httpx.AsyncClient) -> None:
    assert (await deploy(client, {"index.php": "x"})).status_code == 400
    assert content(one) is None


async def test_nothing_is_kept_where_that_is_switched_off() -> None:
    with shim(limits=LimitsConfig(site_content_bytes=0)) as off:
        async with off.client() as other:
            assert (await deploy(other, SITE)).status_code == 200
            assert await log(other) == [(0, "3 files outside of App_Data/jobs are left out.")]
        assert content(off) is None


async def test_it_can_be_read_and_not_written(one: Shim, client: httpx.AsyncClient) -> None:
    await deploy(client, SITE)
    got = await client.get("/api/vfs/site/wwwroot/index.php")
    assert (got.status_code, got.text) == (200, "<?php echo 1;")
    assert got.headers["ETag"]
    names = [node["name"] for node in (await client.get("/api/vfs/Site/WWWroot/")).json()]
    assert names == ["App_Data", "lib", "index.php"]
    names = [node["name"] for node in (await client.get("/api/vfs/site/wwwroot/App_Data/")).json()]
    assert names == ["jobs", "list.csv"]
    with zipfile.ZipFile(io.BytesIO((await client.get("/api/zip/site/wwwroot/")).content)) as archive:
        assert set(archive.namelist()) >= {"index.php", "lib/a.txt", "App_Data/list.csv", f"{JOB}/run.sh"}
    for path in ("none", "lib/b.txt", "lib/a.txt/b", "LIB/a.txt"):
        assert (await client.get(f"/api/vfs/site/wwwroot/{path}")).status_code == 404
    here, by_force = "/api/vfs/site/wwwroot/index.php", {"If-Match": "*"}
    assert (await client.put(here, content="x", headers=by_force)).status_code == 403
    assert (await client.delete(here, headers=by_force)).status_code == 403
    assert (await client.get("/api/vfs/elsewhere/index.php")).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "App_Data/jobs/triggered/readme.txt",
        "App_Data/jobs/continuous/report",
        "App_Data/jobs/continuous",
        "app_data/Jobs",
        "app_data",
    ],
)
async def test_a_file_where_folders_of_jobs_are_is_left_out(one: Shim, client: httpx.AsyncClient, path: str) -> None:
    """It was a job of its own, with one file without a name; or pods could not make the folder of their job."""
    assert (await deploy(client, SITE | {path: "x"})).status_code == 200
    assert [job["name"] for job in (await client.get("/api/webjobs")).json()] == ["report"]
    assert len(one.kube.of_kind("WebJob")) == 1
    assert len(files(one)) == 3
    (warned, text), _ = await log(client)
    assert (warned, text[:22]) == (1, "1 files are left out, ")


async def test_the_case_of_app_data_does_not_matter(one: Shim, client: httpx.AsyncClient) -> None:
    """A job looks for it beside its own folder, which pods have in one spelling."""
    await deploy(client, JOBS | {"APP_DATA/list.csv": "1", "app_data/Jobs/shared/a.txt": "2", "Lib/app_data/x": "3"})
    assert set(files(one)) == {"App_Data/list.csv", "App_Data/jobs/shared/a.txt", "Lib/app_data/x"}
    for folder in ("App_Data", "app_data"):
        assert (await client.get(f"/api/vfs/site/wwwroot/{folder}/list.csv")).text == "1"
        names = [node["name"] for node in (await client.get(f"/api/vfs/site/wwwroot/{folder}/")).json()]
        assert names == ["jobs", "list.csv"]
    answer = await deploy(client, JOBS | {"App_Data/a": "1", "app_data/a/b": "2"})
    assert (answer.status_code, "a file and a folder" in answer.text) == (400, True)


@pytest.mark.parametrize(
    "folder", ["/api/vfs/site/wwwroot/", f"/api/vfs/site/wwwroot/{JOB}/", "/api/zip/site/wwwroot/"]
)
async def test_a_folder_of_many_is_looked_through_once(
    one: Shim, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    """Ten thousand folders, each sought among all files, held up the whole shim for ten seconds."""
    many = {f"{where}{number}/x": "x" for number in range(20) for where in ("d", f"{JOB}/d")}
    assert (await deploy(client, JOBS | many)).status_code == 200
    counted = Mock(side_effect=tree.folders_of)
    monkeypatch.setattr(tree, "folders_of", counted)
    monkeypatch.setattr(job_files, "folders_of", counted)
    assert (await client.get(folder)).status_code == 200
    assert 1 <= counted.call_count <= 4, "once for each level of what is always there"


async def test_lost_content_hides_no_job(one: Shim, client: httpx.AsyncClient) -> None:
    await deploy(client, SITE)
    there = content(one)
    assert there
    obstore.delete(one.store, packages.manifest_key(namespace="site", digest=there.digest))
    assert [node["name"] for node in (await client.get("/api/vfs/site/wwwroot/")).json()] == ["App_Data"]
    assert (await client.get(f"/api/vfs/site/wwwroot/{JOB}/run.sh")).text == "echo"
    with zipfile.ZipFile(io.BytesIO((await client.get("/api/zip/site/wwwroot/")).content)) as archive:
        assert f"{JOB}/run.sh" in archive.namelist()
