"""A store that fails, hangs, is slow, full or damaged: what clients are told, and what is left behind."""

from __future__ import annotations

import resource
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import obstore
import pytest

from tests import s3
from tests.fakes.cluster import World
from tests.fakes.objects import run_async, run_body, webjob_body
from tests.fakes.shim import ZIP, Shim, script, shim, zipped
from webjobs.store import ObjectStore, open_store, packages

PATH = "/api/triggeredwebjobs/job"
FILE = "/api/vfs/site/wwwroot/App_Data/jobs/triggered/job/run.sh"
AWAY = {"Message": "The store for packages and logs does not answer. Try again later."}
SILENCE = 1.0
BOUND = 8.0
"""Seconds for one request while the store is silent for SILENCE: some calls, each with its retries."""
BROKEN: tuple[s3.Mode, ...] = ("refuse", "hang", "cut")


@pytest.fixture(scope="module")
def server() -> Iterator[s3.S3]:
    with s3.server() as made:
        yield made


@pytest.fixture
def way(server: s3.S3, monkeypatch: pytest.MonkeyPatch) -> Iterator[s3.Proxy]:
    with s3.proxy(server.port) as made:
        for name, value in server.environment(port=made.port).items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.fixture
def one(way: s3.Proxy, server: s3.S3) -> Iterator[Shim]:
    with shim(store=open_store(server.url, silence=SILENCE)) as made:
        yield made


@pytest.fixture
async def client(one: Shim) -> AsyncIterator[httpx.AsyncClient]:
    async with one.client() as made:
        yield made


def _spec(one: Shim) -> Any:
    (there,) = one.kube.of_kind("WebJob")
    return there["spec"]


async def _timed(request: Any) -> httpx.Response:
    begun = time.monotonic()
    answer: httpx.Response = await request
    assert time.monotonic() - begun < BOUND
    return answer


@pytest.mark.parametrize("mode", BROKEN)
async def test_a_store_that_fails(one: Shim, client: httpx.AsyncClient, way: s3.Proxy, mode: s3.Mode) -> None:
    assert (await client.put(PATH, content=b"echo old", headers=script())).status_code == 200
    before = _spec(one)
    way.set(mode)
    for request in (
        client.put(PATH, content=b"echo new", headers=script()),
        client.put(PATH, content=zipped({"run.sh": "echo new", "lib/a.py": "a = 1"}), headers=ZIP),
        client.put(FILE, content=b"echo new", headers={"If-Match": "*"}),
        client.put("/api/zip/site/wwwroot/App_Data/jobs/triggered/job/", content=zipped({"run.sh": "new"})),
        client.get(FILE),
        client.get("/api/zip/site/wwwroot/App_Data/jobs/triggered/job/"),
    ):
        answer = await _timed(request)
        assert (answer.status_code, answer.json()) == (503, AWAY)
    assert _spec(one) == before
    for path in (PATH, "/api/webjobs", "/api/triggeredwebjobs"):  # what needs no file does not notice
        assert (await client.get(path)).status_code == 200
    way.set("pass")
    assert (await client.get(FILE)).text == "echo old"
    assert (await client.put(PATH, content=b"echo new", headers=script())).status_code == 200
    assert (await client.get(FILE)).text == "echo new"


async def test_a_store_that_is_slow(way: s3.Proxy, server: s3.S3) -> None:
    with shim(store=open_store(server.url, silence=5)) as one:
        async with one.client() as client:
            way.set("slow")
            assert (await client.put(PATH, content=b"echo slow", headers=script())).status_code == 200
            assert (await client.get(FILE)).text == "echo slow"


async def test_a_bucket_that_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    with s3.server(largest=2**18) as full:
        for name, value in full.environment().items():
            monkeypatch.setenv(name, value)
        with shim(store=open_store(full.url, silence=SILENCE)) as one:
            async with one.client() as client:
                await _upload_to_what_is_full(one, client)


async def _upload_to_what_is_full(one: Shim, client: httpx.AsyncClient) -> None:
    assert (await client.put(PATH, content=b"echo old", headers=script())).status_code == 200
    before = _spec(one)
    large: dict[str, str | bytes] = {"run.sh": "echo new", "data": b"0123456789abcdef" * 2**15}
    answer = await _timed(client.put(PATH, content=zipped(large), headers=ZIP))
    assert (answer.status_code, answer.json()) == (503, AWAY)
    assert _spec(one) == before
    assert (await client.get(FILE)).text == "echo old"
    listed = [found["size"] for batch in obstore.list(one.store) for found in batch]
    assert max(listed) < 2**18  # nothing is half there


@contextmanager
def _full_disk(largest: int) -> Iterator[None]:
    """Writes beyond so many bytes of a file fail, as on a full disk; the upload itself fits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_volume_that_is_full(tmp_path: Path) -> None:
    with shim(store=open_store(f"file://{tmp_path}/store")) as one:
        async with one.client() as client:
            with _full_disk(2**18):
                await _upload_to_what_is_full(one, client)
        left = [path for path in (tmp_path / "store").rglob("*") if path.is_file() and path.stat().st_size > 2**16]
        assert left == []


@contextmanager
def _gone(folder: Path) -> Iterator[None]:
    """A volume that is not there: a file is in its place, which keeps out even root."""
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.write_text("")
    try:
        yield
    finally:
        folder.unlink()
        aside.rename(folder)


async def test_a_volume_that_is_gone(tmp_path: Path) -> None:
    with shim(store=open_store(f"file://{tmp_path}/store")) as one:
        async with one.client() as client:
            assert (await client.put(PATH, content=b"echo old", headers=script())).status_code == 200
            with _gone(tmp_path / "store"):
                for request in (client.put(PATH, content=b"x", headers=script()), client.get("/api/zip/site/")):
                    assert (await request).status_code == 503
            assert (await client.get(FILE)).text == "echo old"


def _damage(store: ObjectStore, key: str) -> None:
    content = bytes(obstore.get(store, key).bytes())
    obstore.put(store, key, content[:-1] + bytes([content[-1] ^ 1]))


@pytest.mark.parametrize("size", [100, 6 * 2**20])
async def test_a_damaged_file(size: int) -> None:
    with shim() as one:
        async with one.client() as client:
            whole = b"0123456789abcdef" * (size // 16)
            await client.put(PATH, content=whole, headers=script())
            manifest = packages.read_manifest(one.store, namespace="site", digest=_spec(one)["package"]["digest"])
            blob = manifest.files["run.sh"].sha256
            key = packages.blob_key(namespace="site", digest=blob)
            _damage(one.store, key)
            if size < 2**20:
                answer = await client.get(FILE)
                told = f"A file can't be read: blob {blob} is damaged in the store: upload the job again."
                assert (answer.status_code, answer.json()) == (503, {"Message": told})
            else:
                with pytest.raises(RuntimeError, match="already started") as caught:  # the server cuts the connection
                    await client.get(FILE)
                assert isinstance(caught.value.__cause__, packages.PackageError)
            assert (await client.put(PATH, content=whole, headers=script())).status_code == 200
            assert (await client.get(FILE)).content == whole  # the upload has healed it
            assert (await client.get(FILE, headers={"Range": "bytes=16-31"})).content == b"0123456789abcdef"
            obstore.delete(one.store, key)
            assert (await client.get(FILE)).status_code == 503


async def test_a_damaged_manifest() -> None:
    with shim() as one:
        async with one.client() as client:
            await client.put(PATH, content=b"echo old", headers=script())
            digest = _spec(one)["package"]["digest"]
            _damage(one.store, packages.manifest_key(namespace="site", digest=digest))
            answer = await client.get(FILE)
            told = f"A file can't be read: WebJob job: package {digest} is damaged in the store: upload the job again."
            assert (answer.status_code, answer.json()) == (503, {"Message": told})
            assert (await client.get(PATH)).status_code == 200
            assert (await client.put(PATH, content=b"echo old", headers=script())).status_code == 200
            assert (await client.get(FILE)).text == "echo old"


# Runs


class Stored(World):
    """A cluster with one WebJob whose package is in a store on disk."""

    def __init__(self, folder: Path) -> None:
        with shim(store=open_store(f"file://{folder}")) as one:

            async def upload() -> None:
                async with one.client() as client:
                    await client.put(PATH, content=b"echo hello", headers=script())

            run_async(upload())
            package = _spec(one)["package"]
            super().__init__(webjob_body({"script": None, "package": package}), run_body())
            self.store = one.store
        self.restart()

    def condition(self) -> tuple[str, str]:
        (ready,) = [one for one in self.one("WebJob")["status"]["conditions"] if one["type"] == "Ready"]
        return ready["status"], ready["reason"]


def test_a_run_waits_for_the_store(tmp_path: Path) -> None:
    world = Stored(tmp_path / "store")
    with _gone(tmp_path / "store"):
        world.settle()
        assert world.condition() == ("False", "StoreUnavailable")
        assert world.events() == ["StoreUnavailable"]
        assert "state" not in world.one("WebJobRun").get("status", {})
        assert world.kube.of_kind("Job") == []
        assert world.due is not None
        assert world.due <= 11
        assert world.settle() == []  # waiting writes nothing
    world.settle()
    assert world.condition() == ("True", "Runnable")
    assert world.one("WebJobRun")["status"]["state"] == "Initializing"


def test_a_run_of_a_damaged_package_fails_with_the_reason(tmp_path: Path) -> None:
    world = Stored(tmp_path / "store")
    digest = world.one("WebJob")["spec"]["package"]["digest"]
    _damage(world.store, packages.manifest_key(namespace="site", digest=digest))
    world.settle()
    status = world.one("WebJobRun")["status"]
    assert status["state"] == "Failed"
    assert status["message"] == f"package {digest} is damaged in the store: upload the job again."
    assert world.condition() == ("False", "PackageMissing")


def test_the_end_is_told_when_the_store_has_the_log(tmp_path: Path) -> None:
    world = Stored(tmp_path / "store")
    world.settle()
    world.start_processes()
    world.settle()
    with _gone(tmp_path / "store"):
        world.end_processes()
        world.settle()
        assert world.one("WebJobRun")["status"]["state"] == "Running"
    world.settle()
    run = world.one("WebJobRun")
    assert run["status"]["state"] == "Success"
    assert "INFO] hello" in world.log(run)
