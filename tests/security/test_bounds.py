"""What one job, or one site, may heap up: runs in a queue, and bytes in the store."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from tests import stack as stacks
from tests.security.attacker import restarts, stored_bytes
from tests.site import Site, eventually, shell, zip_of

QUEUED = 5
SPARE = 3 * 2**20
QUEUE = {"type": "triggered", "concurrencyPolicy": "Queue"}


@pytest.fixture(scope="module", autouse=True)
def small(site: Site) -> Iterator[None]:
    """The values of an administrator who wants little."""
    most = stored_bytes(site) + SPARE
    stacks.upgrade(site.stack, {"apiserver": {"limits": {"queuedRuns": QUEUED, "siteBytes": most}}})
    yield
    stacks.upgrade(site.stack, {"apiserver": {"limits": {"queuedRuns": 500, "siteBytes": 0}}})
    site.kubectl("delete", "wj,wjr", "--all")


def test_a_queue_has_an_end_over_rest(site: Site) -> None:
    site.apply("queue", QUEUE | shell("sleep 1000"))
    eventually(lambda: site.http.get("/api/triggeredwebjobs/queue").status_code == 200)
    answers = [site.run("queue") for _ in range(20)]
    accepted = [answer for answer in answers if answer.status_code == 202]
    assert QUEUED <= len(accepted) <= QUEUED + 1, "those that wait, and perhaps the first, which began"
    for answer in answers:
        if answer.status_code != 202:
            assert answer.status_code == 409
            assert "apiserver.limits.queuedRuns" in answer.text
    eventually(lambda: site.http.get("/api/triggeredwebjobs/queue").json()["latest_run"], what="the list")
    runs = site.objects("wjr", "webjobs.dev/webjob=queue")
    assert len(runs) == len(accepted)
    assert "Skipped" not in {run.get("status", {}).get("state") for run in runs}, "no 202 is taken back"
    site.kubectl("delete", "wj", "queue")


def test_a_queue_has_an_end_for_kubectl(site: Site) -> None:
    site.apply("crowd", QUEUE | shell("sleep 1000"))
    run = {"apiVersion": "webjobs.dev/v1", "kind": "WebJobRun", "spec": {"webJobName": "crowd"}}
    items = [run | {"metadata": {"name": f"crowd-{number:03d}"}} for number in range(40)]
    site.kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))

    def states() -> list[tuple[str | None, str]]:
        runs = site.objects("wjr")  # those that wait have no label yet
        status = [run.get("status", {}) for run in runs if run["spec"]["webJobName"] == "crowd"]
        return [(one.get("state"), next((c["reason"] for c in one.get("conditions", [])), "")) for one in status]

    eventually(lambda: sum(state in (None, "Initializing", "Running") for state, _ in states()) == QUEUED + 1)
    assert {reason for state, reason in states() if state == "Skipped"} == {"QueueFull"}
    assert "queuedRuns" in site.kubectl("get", "wjr", "-o", "jsonpath={.items[*].status.message}")
    site.kubectl("delete", "wj", "crowd")
    site.kubectl("delete", "wjr", "--all")


def test_a_site_has_its_share_of_the_store(site: Site) -> None:
    def upload(name: str, size: int) -> tuple[int, str]:
        answer = site.upload(name, zip_of({"run.sh": "true", "data.bin": os.urandom(size)}))
        return answer.status_code, answer.text

    assert upload("small", 2**20)[0] == 200
    before = stored_bytes(site)
    for _ in range(3):
        status, text = upload("large", 4 * 2**20)
        assert status == 413
        assert "apiserver.limits.siteBytes" in text
    folder = "/api/vfs/site/wwwroot/App_Data/jobs/triggered/small"
    assert site.http.put(f"{folder}/data2.bin", content=os.urandom(4 * 2**20)).status_code == 413
    content = zip_of({"data3.bin": os.urandom(4 * 2**20)})
    assert site.http.put("/api/zip/site/wwwroot/App_Data/jobs/triggered/small/", content=content).status_code == 413
    assert stored_bytes(site) == before, "what is refused is not kept"
    assert upload("small-too", 2**19)[0] == 200
    assert site.ended(site.run("small").headers["Location"])["status"] == "Success"


def test_nothing_fell_over(site: Site) -> None:
    assert set(restarts(site)) == {0}
