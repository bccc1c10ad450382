"""What takes long of warm runs: five hundred in a row while the operator is killed ten times, and pods that get old."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests import faults
from tests import stack as stacks
from tests.promises import ENDED
from tests.site import Site, eventually, shell

RUNS, KILLS = 500, 10
_OF_STEADY = "webjobs.dev/webjob=steady"
TELL = 'echo "$WEBJOBS_RUN_ID" >> "$WEBJOBS_DATA_PATH/runs"; echo "ran $WEBJOBS_RUN_ID $1"\n'


@pytest.fixture
def storage(site: Site) -> Iterator[dict[str, Any]]:
    """What the claim of the job ``steady`` has to ask for, where the cluster makes no volumes by itself."""
    volume = site.stack.cluster.local_volume("steady")
    if volume is None:
        yield {}
        return
    volume["spec"]["claimRef"] = {"namespace": stacks.SITE, "name": "steady-data"}
    stacks.apply(site.stack.kubeconfig, volume)
    yield {"storageClassName": stacks.STORAGE_CLASS}
    site.kubectl("delete", "pv", "steady", namespace=None)


def _accepted(site: Site, number: int) -> str:
    """The id of a run that was accepted; asks again while one is active."""
    while True:
        try:
            answer = site.run("steady", f"n{number}")
        except httpx.TransportError:
            continue  # whether it was accepted is unknown: its record will tell
        if answer.status_code == 202:
            return answer.headers["Location"].rpartition("/")[2]
        assert answer.status_code in (409, 503), answer.text
        time.sleep(0.05)


def test_each_run_ran_exactly_once(site: Site, storage: dict[str, Any]) -> None:
    spec = {"type": "triggered", "warm": 2, "historyLimit": RUNS + 10, "data": {"size": "10Mi"} | storage}
    site.apply("steady", spec | shell(TELL))
    eventually(lambda: site.object("wj", "steady").get("status", {}).get("warmReady") == 2, what="waiting pods")
    accepted, killed = [], 0
    for number in range(RUNS):
        if number % (RUNS // KILLS) == RUNS // KILLS // 2:
            killed += faults.kill(site, "operator")
        accepted.append(_accepted(site, number))
    assert killed == KILLS
    faults.ready(site)

    def records() -> list[dict[str, Any]] | None:
        found: list[dict[str, Any]] = site.http.get("/api/triggeredwebjobs/steady/history").json()["runs"]
        return found if all(run["status"] in ENDED for run in found) else None

    history = eventually(records, seconds=120, what="the end of all runs")
    assert set(accepted) == {run["id"] for run in history}, "each accepted run has one record, and there is no other"
    assert Counter(run["status"] for run in history) == {"Success": RUNS}
    site.apply(
        "reader",
        {"type": "triggered", "data": {"claimName": "steady-data"}} | shell('cat "$WEBJOBS_DATA_PATH/runs"\n'),
    )
    told = site.log(site.ended(site.run("reader").headers["Location"]))
    lines = Counter(line.rpartition(" ")[2] for line in told.splitlines() if ": INFO] 2" in line)
    assert lines == Counter(accepted), "each ran exactly once"
    objects = site.objects("wjr", _OF_STEADY)  # older ones are in the store
    warm = sum(run["status"]["jobName"] != run["metadata"]["name"] for run in objects)
    print(f"{RUNS} runs, {killed} kills of the operator; of the newest {len(objects)} runs {warm} were warm")
    assert warm > 0
    for run in history[:: RUNS // 20]:
        assert f"ran {run['id']}" in site.log(run)
    site.kubectl("delete", "wj", "steady", "reader")


def test_a_pod_that_waited_long_is_replaced(site: Site) -> None:
    """The oldest first, and the next once the first one's successor waits: a run always finds one."""
    site.apply("aging", {"type": "triggered", "warm": 2, "warmMaxAgeSeconds": 60} | shell("echo hello\n"))

    def ready() -> int:
        found: int = site.object("wj", "aging").get("status", {}).get("warmReady", 0)
        return found

    def waiting() -> set[str]:
        jobs = site.objects("job", "webjobs.dev/webjob=aging,webjobs.dev/armed")
        return {job["metadata"]["name"] for job in jobs if not job["metadata"].get("deletionTimestamp")}

    eventually(lambda: ready() == 2, what="waiting pods")
    first, least, since = waiting(), 2, time.monotonic()
    while waiting() & first:
        least = min(least, ready())
        assert time.monotonic() - since < 90, "nobody replaced them"
        time.sleep(0.5)
    assert time.monotonic() - since > 50
    assert least == 1
    eventually(lambda: ready() == 2, what="waiting pods again")
    run = site.ended(site.run("aging").headers["Location"])
    assert run["status"] == "Success"
    site.kubectl("delete", "wj", "aging")
