"""Rounds of the collector: what goes, what stays, what it costs."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import obstore
import pytest

from tests.fakes.kube import FakeKube
from tests.fakes.objects import job, run_body, webjob_body
from webjobs.constants import DEPLOYMENTS
from webjobs.files import package_history
from webjobs.files.unpack import Entry
from webjobs.model.site.site_content import SiteContent
from webjobs.store import ObjectStore, continuous_journal, guard, open_store, packages
from webjobs_kube import site_content
from webjobs_kube.errors import ApiError
from webjobs_operator.store.garbage_collector import GarbageCollector

GRACE = timedelta(hours=2)


class World:
    """A store, whose clock is real, and a collector that moves on in time."""

    def __init__(self, store: ObjectStore, *, namespaces: Sequence[str] = ()) -> None:
        self.store = store
        self.kube = FakeKube()
        self.now = datetime.now(UTC)
        self.collector = GarbageCollector(
            kube=self.kube, store=store, namespaces=namespaces, grace=GRACE, clock=lambda: self.now
        )

    def upload(self, text: str, *, namespace: str = "site", shared: str = "shared") -> str:
        files = {"run.sh": text, "lib.sh": shared}
        entries = [Entry(path=path, content=io.BytesIO(body.encode())) for path, body in files.items()]
        manifest = packages.write(self.store, namespace=namespace, entries=entries)
        return packages.commit(self.store, namespace=namespace, manifest=manifest)

    def use(self, digest: str, *, name: str = "job") -> None:
        package = {"digest": digest, "entrypoint": "run.sh", "size": 1, "files": 2}
        self.kube.objects.pop(("WebJob", "site", name), None)
        self.kube.add(webjob_body({"script": None, "package": package}, name=name))

    async def round(self, *, hours: float = 0) -> list[str]:
        """What is there after a round so much later, without the record."""
        self.now += timedelta(hours=hours)
        await self.collector.round()
        return self.keys()

    def keys(self) -> list[str]:
        found = [one["path"] for batch in obstore.list(self.store) for one in batch]
        return sorted(key for key in found if not key.endswith("unreferenced.json"))


@pytest.fixture(params=["memory", "file"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    return World(open_store("memory:///" if request.param == "memory" else f"file://{tmp_path}/store"))


async def test_a_package_goes_a_grace_after_its_last_reference(world: World) -> None:
    old = world.upload("old")
    world.use(old)
    assert len(await world.round(hours=100)) == 3
    world.use(world.upload("new"))
    assert len(await world.round(hours=0.1)) == 5  # it is old, but has only now lost its reference
    assert len(await world.round(hours=1.8)) == 5
    after = await world.round(hours=0.3)
    assert len(after) == 3
    with pytest.raises(packages.PackageError):
        packages.read_manifest(world.store, namespace="site", digest=old)
    assert await world.round(hours=1000) == after


async def test_a_package_to_which_a_webjob_can_go_back_stays(world: World) -> None:
    old, new, newest = (world.upload(text) for text in ("old", "new", "newest"))
    world.use(old)
    for digest in (new, newest):
        before = world.kube.objects["WebJob", "site", "job"]
        package = {"digest": digest, "entrypoint": "run.sh", "size": 1, "files": 2}
        after = before | {"spec": before["spec"] | {"package": package}}
        package_history.record(before, after, now=world.now)
        world.kube.objects["WebJob", "site", "job"] = after
    await world.round()
    assert len(await world.round(hours=1000)) == 7  # three manifests, three scripts, what they share
    world.kube.objects["WebJob", "site", "job"]["metadata"]["annotations"].clear()
    await world.round()
    assert len(await world.round(hours=1000)) == 3


async def test_a_package_that_is_referred_to_again_stays(world: World) -> None:
    old, new = world.upload("old"), world.upload("new")
    world.use(new)
    await world.round(hours=1.9)
    world.use(old)
    await world.round(hours=1)
    world.use(new)
    assert len(await world.round(hours=1.9)) == 5
    assert len(await world.round(hours=2.1)) == 3


async def test_jobs_that_still_fetch_keep_a_package(world: World) -> None:
    digest = world.upload("large")
    fetch = {"name": "fetch", "args": [f"http://shim/internal/packages/site/{digest}", "/work"]}
    world.kube.add(job(spec={"template": {"spec": {"initContainers": [fetch]}}}))
    for _ in range(3):
        assert len(await world.round(hours=10)) == 3
    world.kube.objects.clear()
    await world.round()
    assert await world.round(hours=2) == []


async def test_blobs_of_uploads_that_failed_go(world: World) -> None:
    entry = Entry(path="run.sh", content=io.BytesIO(b"never committed"))
    packages.write(world.store, namespace="site", entries=[entry])
    assert len(await world.round(hours=1)) == 1
    assert await world.round(hours=1.1) == []


async def test_a_round_without_anything_due_writes_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.use(world.upload("one"))

    async def put(*_: Any, **__: Any) -> None:
        raise AssertionError("written")

    monkeypatch.setattr(obstore, "put_async", put)
    await world.round(hours=100)
    assert [call.verb for call in world.kube.calls if call.verb != "list"] == []


async def test_while_an_upload_goes_on_nothing_goes(world: World) -> None:
    world.upload("unused")
    await world.round()
    async with guard.uploading(world.store, namespace="site"):
        assert len(await world.round(hours=3)) == 4  # its announcement among them
    assert await world.round() == []


async def test_the_announcement_of_an_upload_that_died_is_void(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.upload("unused")
    await world.round()
    obstore.put(world.store, "site/guard/uploads/dead", b"\n")
    assert len(await world.round(hours=3)) == 4
    monkeypatch.setattr(guard, "_UPLOAD_VOID", timedelta(seconds=-5))  # as if it were older than that
    assert await world.round() == []


async def test_an_upload_does_not_wait_forever_for_a_collection(world: World) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async with guard.collecting(world.store, namespace="site") as alone:
        assert alone
        with pytest.raises(guard.Occupied):
            async with guard.uploading(world.store, namespace="site", sleep=sleep):
                raise AssertionError("entered")
        async with guard.uploading(world.store, namespace="other", sleep=sleep):
            pass
    assert 10 <= sum(waits) <= 30
    assert world.keys() == []


async def test_a_manifest_that_cannot_be_read_keeps_all_blobs(world: World) -> None:
    digest = world.upload("one")
    world.use(digest)
    obstore.put(world.store, packages.manifest_key(namespace="site", digest=digest), b"damaged")
    assert len(await world.round(hours=100)) == 3


async def test_namespaces_are_apart_and_only_those_that_are_watched() -> None:
    world = World(open_store("memory:///"), namespaces=["site"])
    for namespace in ("site", "other"):
        world.upload("unused", namespace=namespace)
    await world.round()
    assert {key.partition("/")[0] for key in await world.round(hours=3)} == {"other"}


async def test_while_the_api_server_is_away_nothing_goes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.upload("unused")
    await world.round()

    async def away(*_: Any, **__: Any) -> Any:
        raise ApiError(503, "ServiceUnavailable", "away")

    with monkeypatch.context() as patch:
        patch.setattr(world.kube, "list", away)
        assert len(await world.round(hours=3)) == 3
    assert await world.round() == []


async def test_a_log_of_a_job_that_was_deleted_unseen_goes(world: World) -> None:
    world.kube.add(webjob_body({"type": "continuous"}, name="there"))
    for name in ("there", "gone"):
        journal = await continuous_journal.read(world.store, namespace="site", webjob=name, owner="uid")
        await continuous_journal.append(
            world.store, journal, namespace="site", webjob=name, text=b"x" * 10**5, positions={}
        )
        journal = await continuous_journal.read(world.store, namespace="site", webjob=name, owner="uid")
        await continuous_journal.append(world.store, journal, namespace="site", webjob=name, text=b"x", positions={})
    keys = world.keys()
    kept = [key for key in keys if "/there/" in key]
    assert (len(kept), len(keys)) == (2, 4)
    world.kube.fail(ApiError(500, "Unknown", "away"), verb="list", times=10)
    assert len(await world.round()) == 4, "whether it is gone nobody knows"
    world.kube._failures.clear()
    assert await world.round() == kept


async def test_logs_are_no_packages(world: World) -> None:
    obstore.put(world.store, "site/data/jobs/triggered/job/1/output_log.txt", b"log")
    assert len(await world.round(hours=1000)) == 1


async def test_runs_of_webjobs_that_are_gone(world: World) -> None:
    world.kube.add(webjob_body(name="there"))
    run_id = "202601010000000000"
    for webjob in ("there", "gone"):
        for name in ("status", "output_log.txt", "parts/pod/1"):
            obstore.put(world.store, f"site/data/jobs/triggered/{webjob}/{run_id}/{name}", b"x")
        obstore.put(world.store, f"site/data/jobs/triggered/{webjob}/job_scheduler.log", b"x")
    there = [f"site/data/jobs/triggered/there/{run_id}/{name}" for name in ("output_log.txt", "parts/pod/1", "status")]
    left = [f"site/data/jobs/triggered/{webjob}/job_scheduler.log" for webjob in ("gone", "there")]
    assert await world.round() == sorted([*there, *left])


async def test_what_is_stored_of_runs_that_their_webjob_left_stays(world: World) -> None:
    world.kube.add(run_body("gone-202601010000000000", spec={"webJobName": "gone"}))
    for number in range(2):
        for name in ("output_log.txt", "parts/pod/1"):
            obstore.put(world.store, f"site/data/jobs/triggered/gone/20260101000000000{number}/{name}", b"x")
    kept = [f"site/data/jobs/triggered/gone/202601010000000000/{name}" for name in ("output_log.txt", "parts/pod/1")]
    assert await world.round() == kept


async def test_the_content_of_a_site_stays_without_a_record_of_its_deployment(world: World) -> None:
    """It is in force for as long as later deployments are of jobs alone, and nobody runs all the time."""
    content = SiteContent(digest=world.upload("of the site"), size=17, files=2)
    await site_content.put(world.kube, "site", content)
    await world.round()
    assert len(await world.round(hours=1000)) == 3
    other = SiteContent(digest=world.upload("newer"), size=11, files=2)
    await site_content.put(world.kube, "site", other)
    await world.round()
    assert len(await world.round(hours=1000)) == 3
    packages.read_manifest(world.store, namespace="site", digest=other.digest)


async def test_packages_of_earlier_deployments_stay(world: World) -> None:
    digest = world.upload("deployed")
    deployments = {"kind": "ConfigMap", "metadata": {"name": DEPLOYMENTS, "namespace": "site"}}
    world.kube.add(deployments | {"data": {"deployments.json": json.dumps({"package": digest})}})
    await world.round()
    assert len(await world.round(hours=1000)) == 3
    world.kube.objects.pop(("ConfigMap", "site", DEPLOYMENTS))
    await world.round()
    assert await world.round(hours=1000) == []
