"""What a site may heap up: bytes in the store, and runs that wait. And what is left of an upload that is refused."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import httpx
import obstore
import pytest

from tests.fakes.objects import run_body, webjob_body
from tests.fakes.shim import ZIP, Shim, shim, zipped
from webjobs_apiserver.config import LimitsConfig

FILES = "/api/vfs/site/wwwroot/App_Data/jobs/triggered"


@pytest.fixture
async def small() -> AsyncIterator[tuple[Shim, httpx.AsyncClient]]:
    with shim(limits=LimitsConfig(site_bytes=10_000, queued_runs=2)) as one:
        async with one.client() as client:
            yield one, client


def blobs(one: Shim) -> int:
    return sum(len(batch) for batch in obstore.list(one.store, "site/blobs"))


async def put(client: httpx.AsyncClient, name: str, size: int) -> httpx.Response:
    content = zipped({"run.sh": "true", "data": os.urandom(size).hex()[:size]})
    return await client.put(f"/api/triggeredwebjobs/{name}", content=content, headers=ZIP)


async def test_a_site_has_its_share(small: tuple[Shim, httpx.AsyncClient]) -> None:
    one, client = small
    assert (await put(client, "a", 6000)).status_code == 200
    before = blobs(one)
    refused = await put(client, "b", 6000)
    assert refused.status_code == 413
    assert "apiserver.limits.siteBytes" in refused.text
    assert (await client.put(f"{FILES}/a/more", content=b"x" * 6000)).status_code == 413
    zip_of_site = zipped({"a/more": "x" * 6000})
    assert (await client.put("/api/zip/site/wwwroot/App_Data/jobs/triggered/", content=zip_of_site)).status_code == 413
    assert blobs(one) == before
    assert (await put(client, "c", 1000)).status_code == 200


async def test_no_value_is_no_bound() -> None:
    with shim() as one:
        async with one.client() as client:
            assert (await put(client, "a", 200_000)).status_code == 200


@pytest.mark.parametrize(
    "files", [{"notes.txt": "x"}, {"run.sh": "x", "../up": "y"}, {"run.sh": "", "settings.job": "x" * 200_000}]
)
async def test_nothing_is_left_of_a_refused_upload(files: dict[str, str]) -> None:
    with shim() as one:
        async with one.client() as client:
            answer = await client.put("/api/triggeredwebjobs/a", content=zipped(files), headers=ZIP)
            assert answer.status_code == 400
            assert blobs(one) == 0


async def test_a_queue_has_an_end(small: tuple[Shim, httpx.AsyncClient]) -> None:
    one, client = small
    one.kube.add(webjob_body({"concurrencyPolicy": "Queue"}))
    labels = {"webjobs.dev/webjob": "job"}
    one.kube.add(run_body("job-202601010000000001", state="Running", labels=labels))
    codes = [(await client.post("/api/triggeredwebjobs/job/run")).status_code for _ in range(4)]
    assert codes == [202, 202, 409, 409]
    assert "queuedRuns" in (await client.post("/api/triggeredwebjobs/job/run")).text
