"""The chart on an S3 bucket in a real cluster: packages, logs, a bucket that goes away, packages nobody uses."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import obstore
import pytest

from tests import bucket as buckets
from tests import stack as stacks
from tests.site import Site, eventually, shell, zip_of
from webjobs.files import package_history
from webjobs.store import garbage, open_store, packages

FOLDER = "a/prefix/" + stacks.SITE
OBJECTS = 2
"""WebJobRuns of a job: what is older is in the bucket alone."""


@dataclass(frozen=True, kw_only=True)
class Bucket(buckets.Bucket):
    @property
    def folder(self) -> Path:
        """What the site has in it."""
        return self.server.folder / FOLDER

    def manifest(self, digest: str) -> Path:
        return self.server.folder / "a/prefix" / packages.manifest_key(namespace=stacks.SITE, digest=digest)


@pytest.fixture(scope="module")
def bucket(site: Site) -> Iterator[Bucket]:
    """The installed chart with its store in a bucket, and back again."""
    collection = {"enabled": True, "graceHours": 1, "periodMinutes": 0.05}
    values = {"store": {"garbageCollection": collection}, "jobs": {"historyObjects": OBJECTS}}
    back = {"store": {"garbageCollection": {"periodMinutes": 60}}, "jobs": {"historyObjects": 100}}
    with buckets.bucket_of(site, values=values, back=back) as made:
        yield Bucket(server=made.server, way=made.way)


def _digest(site: Site, name: str) -> str:
    digest: str = site.object("webjob", name)["spec"]["package"]["digest"]
    return digest


def test_packages_and_logs_lie_in_the_bucket(site: Site, bucket: Bucket) -> None:
    large = os.urandom(3 * 2**20)  # beyond a ConfigMap, so that the pod fetches it
    for name, files in (
        ("s3small", {"run.sh": b"echo small"}),
        ("s3large", {"run.sh": b"wc -c <data", "data": large}),
    ):
        assert site.upload(name, zip_of(files)).status_code == 200
        assert bucket.manifest(_digest(site, name)).is_file()
        run = site.ended(site.run(name).headers["Location"])
        assert run["status"] == "Success"
        log = site.log(run)
        assert (f"INFO] {len(large)}" if name == "s3large" else "INFO] small") in log
        stored = bucket.folder / f"data/jobs/triggered/{name}/{run['id']}/output_log.txt"
        assert stored.read_bytes().decode() == log
    read = site.http.get("/api/vfs/site/wwwroot/App_Data/jobs/triggered/s3large/data", headers={"Range": "bytes=5-9"})
    assert read.content == large[5:10]


def test_older_runs_and_the_log_of_a_worker_lie_in_the_bucket(site: Site, bucket: Bucket) -> None:
    site.apply("s3worker", {"type": "continuous", **shell("echo at work; sleep 1000\n")})
    site.apply("s3many", {"type": "triggered", "concurrencyPolicy": "Allow", **shell("echo $WEBJOBS_RUN_ID\n")})
    accepted = [site.run("s3many").headers["Location"].rpartition("/")[2] for _ in range(OBJECTS + 2)]
    history = "/api/triggeredwebjobs/s3many/history"

    def moved() -> bool:
        ids = [run["id"] for run in site.http.get(history).json()["runs"]]
        return ids == accepted[::-1] and len(site.objects("wjr", "webjobs.dev/webjob=s3many")) == OBJECTS

    eventually(moved, seconds=60, what="older runs in the bucket")
    for run in site.http.get(history).json()["runs"]:
        assert (run["status"], f"INFO] {run['id']}" in site.log(run)) == ("Success", True)
    kept = bucket.folder / "data/jobs/triggered/s3many"
    assert sorted(path.parent.name for path in kept.rglob("status")) == accepted[:2]
    log = "/vfs/data/jobs/continuous/s3worker/job_log.txt"
    journal = bucket.folder / "data/jobs/continuous/s3worker"
    eventually(lambda: any(path.is_file() for path in journal.rglob("*")), what="the log of the worker")
    assert "INFO] at work" in site.http.get(log).text
    site.kubectl("delete", "wj", "s3many", "s3worker", "--wait")
    eventually(lambda: not any(one.is_file() for one in [*kept.rglob("*"), *journal.rglob("*")]), what="their end")


def test_while_the_bucket_is_away(site: Site, bucket: Bucket) -> None:
    site.put_script("s3away", "echo before")
    assert site.ended(site.run("s3away").headers["Location"])["status"] == "Success"
    bucket.way.set("refuse")
    try:
        begun = time.monotonic()
        refused = site.upload("s3away", b"echo after", file_name="run.sh", zipped=False)
        assert (refused.status_code, time.monotonic() - begun < 30) == (503, True)
        assert refused.json()["Message"].startswith("The store for packages and logs does not answer.")
        assert site.http.get("/api/triggeredwebjobs/s3away").status_code == 200
        location = site.run("s3away").headers["Location"]  # its package is in the cluster already
        run_id = location.rpartition("/")[2]

        def over() -> bool:
            pods = site.objects("pod", f"webjobs.dev/run={run_id}")
            return bool(pods) and pods[0]["status"]["phase"] == "Succeeded"

        eventually(over, what="the end of the pod")
        assert site.http.get(location).json()["status"] in ("Initializing", "Running")
    finally:
        bucket.way.set("pass")
    run = site.ended(location)
    assert run["status"] == "Success"
    assert "INFO] before" in site.log(run)
    site.put_script("s3away", "echo after")


def test_a_package_that_nobody_uses_goes(site: Site, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    site.put_script("s3old", "echo first")
    first = _digest(site, "s3old")
    site.put_script("s3old", "echo second")
    second = _digest(site, "s3old")
    site.kubectl("annotate", "wj", "s3old", f"{package_history.ANNOTATION}-")  # else one could go back to the first
    record = bucket.folder / "guard/unreferenced.json"
    key = first.removeprefix("sha256:")
    eventually(lambda: record.exists() and key in json.loads(record.read_text()), what="its mark")
    past = datetime.now(UTC) - timedelta(hours=2)
    for digest in (first, second):  # time passes
        os.utime(bucket.manifest(digest), (past.timestamp(), past.timestamp()))
    for name, value in bucket.server.environment().items():
        monkeypatch.setenv(name, value)
    marks = garbage.marks_to_json({key: past})
    obstore.put(open_store(bucket.server.url), f"{stacks.SITE}/guard/unreferenced.json", marks)
    eventually(lambda: not bucket.manifest(first).exists(), what="the end of the package")
    assert bucket.manifest(second).exists()
    read: httpx.Response = site.http.get("/api/vfs/site/wwwroot/App_Data/jobs/triggered/s3old/run.sh")
    assert read.text == "echo second"
