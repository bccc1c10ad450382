"""Limits of an administrator: the shim refuses settings that would not run, and leaves the job as it is."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.fakes.objects import webjob_body
from tests.fakes.shim import ZIP, Shim, shim, zipped
from webjobs.model.limits import Limits

REFUSED = {"image": "evil/x", "command": ["x"]}
ALLOWED = {"image": "good.example.com/x", "command": ["x"]}


@pytest.fixture
async def limited() -> AsyncIterator[tuple[Shim, httpx.AsyncClient]]:
    limits = Limits(images=["good.example.com/*"], own_images=["own:1"])
    with shim(settings={"job_limits": limits}) as one:
        one.kube.add(webjob_body({"settings": {"a": 1}}))
        async with one.client() as client:
            yield one, client


def check(answer: httpx.Response) -> None:
    assert answer.status_code == 400
    assert "settings.job: The image 'evil/x' is not allowed here. limits.images of the chart allows" in answer.text


async def test_settings(limited: tuple[Shim, httpx.AsyncClient]) -> None:
    one, client = limited
    check(await client.put("/api/triggeredwebjobs/job/settings", json=REFUSED))
    path, over = "/api/vfs/site/wwwroot/App_Data/jobs/triggered/job/settings.job", {"If-Match": "*"}
    check(await client.put(path, json=REFUSED, headers=over))
    assert one.kube.objects["WebJob", "site", "job"]["spec"]["settings"] == {"a": 1}
    for good in (ALLOWED, {"image": "own:1"}, {"image": 5}):
        assert (await client.put("/api/triggeredwebjobs/job/settings", json=good)).status_code == 200


async def test_uploads(limited: tuple[Shim, httpx.AsyncClient]) -> None:
    one, client = limited
    for name in ("job", "new"):
        content = zipped({"run.sh": "true\n", "settings.job": json.dumps(REFUSED)})
        check(await client.put(f"/api/triggeredwebjobs/{name}", content=content, headers=ZIP))
    content = zipped({"new/run.sh": "true\n", "new/settings.job": json.dumps(REFUSED)})
    answer = await client.put("/api/zip/site/wwwroot/App_Data/jobs/triggered", content=content, headers=ZIP)
    assert answer.status_code == 400
    assert not one.kube.writes
    content = zipped({"run.sh": "true\n", "settings.job": json.dumps(ALLOWED)})
    assert (await client.put("/api/triggeredwebjobs/new", content=content, headers=ZIP)).status_code == 200


async def test_what_was_set_before_hinders_no_other_change(limited: tuple[Shim, httpx.AsyncClient]) -> None:
    one, client = limited
    one.kube.objects["WebJob", "site", "job"]["spec"]["settings"] = REFUSED
    path = "/api/vfs/site/wwwroot/App_Data/jobs/triggered/job/more.txt"
    assert (await client.put(path, content=b"x")).status_code == 201
    one.kube.add(webjob_body({"image": "kubectl/said:1", "script": None}, name="own"))
    answer = await client.put("/api/triggeredwebjobs/own/settings", json={"image": "evil/x"})
    assert answer.status_code == 200, "spec.image stands, and is the operator's affair"
