"""A site is lost and comes back: by ``kubectl webjob restore``, and by plain manifests. Nothing runs again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import stack as stacks
from tests.cli import Cli
from tests.site import Site, eventually, shell

RUNS = 3
HISTORY = "/api/triggeredwebjobs/bk/history"
KEPT = ("id", "status", "start_time", "end_time", "trigger", "output_url", "job_name", "url")


@pytest.fixture(scope="module")
def full(site: Site) -> Iterator[Site]:
    """A site with a triggered job that has run, one with a schedule of every few seconds, a worker, and settings."""
    delete_all(site)
    site.put_script("bk", "echo ran $1\n")
    site.apply("ticks", {"type": "triggered", "concurrencyPolicy": "Queue", **shell("echo tick")})
    site.apply("often", {"webJobName": "ticks", "cron": "*/10 * * * * *"}, kind="WebJobSchedule")
    site.apply("worker", {"type": "continuous", **shell("echo up\nexec sleep 1000\n")})
    assert site.http.post("/api/settings", json={"SOME": "value"}).status_code == 204
    for number in range(RUNS):
        answer = site.run("bk", str(number))
        assert answer.status_code == 202, answer.text
        assert site.ended(answer.headers["Location"])["status"] == "Success"
    eventually(lambda: [run for run in runs(site, "ticks") if run["status"]["state"] == "Success"], what="a slot")
    yield site
    delete_all(site)
    site.empty_secrets()


def runs(site: Site, webjob: str) -> list[dict[str, Any]]:
    return [one for one in site.objects("wjr") if one["spec"]["webJobName"] == webjob]


def delete_all(site: Site) -> None:
    site.kubectl("delete", "webjobschedules,webjobs,webjobruns", "--all", "--wait")
    eventually(lambda: not site.objects("wjr") and not site.objects("jobs") and not site.objects("pods"), seconds=90)


def history(site: Site) -> list[dict[str, Any]]:
    found = site.http.get(HISTORY).json()["runs"]
    return [{key: one.get(key) for key in KEPT} for one in found]


def logs(site: Site) -> list[str]:
    return [site.log(one) for one in site.http.get(HISTORY).json()["runs"]]


def none_runs(site: Site, webjob: str, *, seconds: float) -> None:
    """No Job or pod of a WebJob is there, for a while."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert site.objects("jobs", f"webjobs.dev/webjob={webjob}") == []
        assert site.pods(webjob) == []
        time.sleep(0.5)


def scale(site: Site, replicas: int) -> None:
    """So many operators, once the others are gone."""
    selector = "app.kubernetes.io/component=operator"
    site.kubectl("scale", f"--replicas={replicas}", "deployment", "-l", selector, namespace=stacks.SYSTEM)

    def look() -> bool:
        found = json.loads(site.kubectl("get", "pods", "-l", selector, "-o", "json", namespace=stacks.SYSTEM))["items"]
        return len(found) == replicas

    eventually(look, seconds=60, what=f"{replicas} operators")


def test_by_the_command_line(full: Site, tmp_path: Path) -> None:
    site, cli, file = full, Cli.of(full.stack), tmp_path / "site.tar"
    before, said = history(site), logs(site)
    assert len(before) == RUNS
    assert "backed up into" in cli("backup", str(file)).well().out
    assert file.stat().st_mode & 0o077 == 0, "it holds the settings"
    ticked = {one["spec"]["scheduleTime"] for one in runs(site, "ticks")}
    delete_all(site)
    site.empty_secrets()
    assert site.http.get("/api/webjobs").json() == []

    assert cli("restore", str(file), "--dry-run", "-o", "json").well().body["restored"]["WebJob"] == 3
    assert site.objects("wj") == []
    report = cli("restore", str(file), "-o", "json").well().body
    assert (report["restored"]["WebJob"], report["notes"]) == (3, [])
    assert history(site) == before
    assert logs(site) == said
    assert site.http.get("/api/settings").json() == {"SOME": "value"}
    none_runs(site, "bk", seconds=10)

    def fired() -> list[str]:
        new = [one["spec"]["scheduleTime"] for one in runs(site, "ticks")]
        return [slot for slot in new if slot not in ticked]

    slots = eventually(fired, seconds=40, what="the next slot")
    created = site.object("wj", "ticks")["metadata"]["creationTimestamp"]
    assert all(slot >= created for slot in slots), "none of before the restore"
    eventually(lambda: site.object("wj", "worker")["status"]["state"] == "Running", seconds=60, what="the worker")
    assert "up" in site.http.get("/api/vfs/data/jobs/continuous/worker/job_log.txt").text
    answer = site.run("bk", "more")
    assert site.ended(answer.headers["Location"])["status"] == "Success", "the package is there"
    assert [one["id"] for one in history(site)[1:]] == [one["id"] for one in before]

    again = cli("restore", str(file), "-o", "json").well().body
    assert again["restored"].get("WebJob", 0) == 0
    site.kubectl("patch", "wj", "worker", "--type=merge", "-p", '{"spec": {"stopped": true}}')
    refused = cli("restore", str(file))
    assert (refused.code, "there and differ: worker" in refused.err) == (1, True)


def test_by_plain_manifests(full: Site) -> None:
    """The objects are lost with the cluster, the store is not; no status comes back."""
    site = full
    before, said = history(site), logs(site)
    manifests = json.loads(site.kubectl("get", "wj/bk", "-o", "json")), *runs(site, "bk")
    for one in manifests:
        one["metadata"].pop("ownerReferences", None)
    scale(site, 0)
    try:
        delete_all(site)
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
        site.kubectl("create", "-f", "-", stdin=text)
        assert all("state" not in one.get("status", {}) for one in runs(site, "bk"))
    finally:
        scale(site, 1)
    eventually(lambda: site.object("wj", "bk")["status"]["observedGeneration"], seconds=60, what="a pass")
    none_runs(site, "bk", seconds=5)
    eventually(lambda: all("state" in one.get("status", {}) for one in runs(site, "bk")), seconds=120, what="the ends")
    none_runs(site, "bk", seconds=5)
    assert {one["status"]["conditions"][0]["reason"] for one in runs(site, "bk")} == {"Restored"}
    after = history(site)
    assert [(one["id"], one["status"], one["output_url"]) for one in after] == [
        (one["id"], one["status"], one["output_url"]) for one in before
    ]
    assert logs(site) == said
    answer = site.run("bk", "new")
    assert site.ended(answer.headers["Location"])["status"] == "Success", "and new ones run"
