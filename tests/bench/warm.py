"""Warm runs: ``python -m tests.bench.warm [--runs N]``, against cold ones, native Jobs and a bare process.

All sides take turns in one run. A warm run begins when pods wait again: what is measured is its start, not how fast
Kubernetes makes pods. Figures that are told are those of the whole way, as a client of the REST API sees it.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import time
from datetime import UTC, datetime
from typing import Any

from tests import stack as stacks
from tests.bench.sides import PROXY, STAMP, milliseconds, native_start, table
from tests.integration.test_operator import all_writes, settled
from tests.site import Site, eventually, shell

COUNT = 2
SLOWER = 4
"""Turns between two of the sides that take seconds."""
SCHEDULED = "*/2 * * * * *"


def webjob(name: str) -> dict[str, Any]:
    """A WebJob as the API server has it."""
    return PROXY.request("GET", f"/apis/webjobs.dev/v1/namespaces/{stacks.SITE}/webjobs/{name}")


def is_ready(name: str) -> bool:
    """Whether all pods wait."""
    return bool(webjob(name).get("status", {}).get("warmReady") == COUNT)


def stamps(site: Site, run: dict[str, Any]) -> list[float]:
    """What the script said of the time."""
    lines = (line for line in site.log(run).splitlines() if ": INFO]" in line)
    return [float(line.rpartition(" ")[2]) for line in lines]


def one(site: Site, name: str) -> tuple[float, float]:
    """Seconds from POST to the script's first instruction, and from its last one to Success over REST."""
    before = time.time()
    location = site.run(name).headers["Location"]
    while (run := site.http.get(location).json())["status"] in ("Initializing", "Running"):
        time.sleep(0.005)
    seen = time.time()
    first, last = stamps(site, run)
    return first - before, seen - last


def bare() -> float:
    """Seconds from here to the first instruction of a process on this machine."""
    before = time.time()
    return float(subprocess.run(["bash", "-c", STAMP], capture_output=True, text=True, check=True).stdout) - before


def percentile(values: list[float], share: float) -> str:
    """A value that this share of all does not exceed, in ms."""
    ordered = sorted(values)
    return f"{ordered[max(round(len(ordered) * share) - 1, 0)] * 1000:7.0f} ms"


def starts(site: Site, *, runs: int) -> None:
    """The turns, and their table."""
    site.apply("bench-cold", {"type": "triggered"} | shell(STAMP * 2))
    site.apply("bench-warm", {"type": "triggered", "warm": COUNT} | shell(STAMP * 2))
    figures: dict[str, list[float]] = {
        name: [] for name in ("bare", "native", "cold start", "cold end", "warm start", "warm end")
    }
    for number in range(runs + 1):
        eventually(lambda: is_ready("bench-warm"), what="pods that wait")
        time.sleep(0.5)  # what their start costs is over
        taken = {"bare": bare()}
        taken["warm start"], taken["warm end"] = one(site, "bench-warm")
        if number % SLOWER == 0:
            taken["native"] = native_start(site, number=number)
            taken["cold start"], taken["cold end"] = one(site, "bench-cold")
        if number:  # the first of each is a warm-up
            for name, value in taken.items():
                figures[name].append(value)
    rows = [
        ("bare process: start -> first instruction", "bare"),
        ("native Job: create -> first instruction", "native"),
        ("cold WebJob: POST run -> first instruction", "cold start"),
        ("warm WebJob: POST run -> first instruction", "warm start"),
        ("cold WebJob: last instruction -> Success", "cold end"),
        ("warm WebJob: last instruction -> Success", "warm end"),
    ]
    times = statistics.median(figures["native"]) / statistics.median(figures["warm start"])
    table(
        "Runs of all sides in turn (median, all, p99, count)",
        [
            *(
                (text, f"{milliseconds(figures[key])}  p99 {percentile(figures[key], 0.99)}  {len(figures[key]):4}")
                for text, key in rows
            ),
            ("native start / warm start (aim: 7 at least)", f"{times:7.1f}"),
        ],
    )


def skew(site: Site, *, runs: int) -> None:
    """How late the script of a six-field schedule begins."""
    site.apply(
        "bench-timed", {"type": "triggered", "warm": COUNT, "schedule": SCHEDULED, "historyLimit": 500} | shell(STAMP)
    )
    eventually(lambda: is_ready("bench-timed"), what="pods that wait")
    first = datetime.now(UTC)  # slots before this one had no pod to take
    time.sleep(2 * runs + 1)
    site.kubectl("patch", "wj", "bench-timed", "--type=merge", "-p", '{"spec": {"suspend": true}}')
    time.sleep(5)
    late = []
    for run in site.http.get("/api/triggeredwebjobs/bench-timed/history").json()["runs"]:
        slot = datetime.strptime(run["id"][:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)  # a run is called by its slot
        if slot > first:
            late.append(stamps(site, run)[0] - slot.timestamp())
    table(
        f"Six-field schedule {SCHEDULED!r}, {len(late)} runs",
        [("slot -> first instruction", f"{milliseconds(late)}  p99 {percentile(late, 0.99)}")],
    )


def load(site: Site) -> int:
    """Writes of everybody (operator, shim, controllers, kubelet) but heartbeats and Events, once ours have ceased."""
    settled(site)
    return sum(
        count
        for (_, _, name), count in all_writes(site).items()
        if name not in ("leases", "events") and not name.endswith("reviews")
    )


def at_rest(site: Site) -> int:
    """The same in a minute in which nothing runs."""
    before = load(site)
    time.sleep(60)
    return load(site) - before


def costs(site: Site, *, runs: int) -> None:
    """Writes of a run, and what pods that wait cost."""
    spent: dict[str, int] = {}
    for name in ("bench-cold", "bench-warm"):
        before = load(site)
        for _ in range(runs):
            site.ended(site.run(name).headers["Location"])
            if name == "bench-warm":
                eventually(lambda: is_ready("bench-warm"), what="pods that wait")
        spent[name] = load(site) - before
    time.sleep(30)  # what is left to do for runs that ended
    waiting = at_rest(site)
    (node, *_) = site.kubectl("get", "nodes", "-o", "name", namespace=None).split()
    summary = PROXY.request("GET", f"/api/v1/nodes/{node.partition('/')[2]}/proxy/stats/summary")
    stats = {
        pod["podRef"]["name"]: pod
        for pod in summary["pods"]
        if pod["podRef"]["name"].startswith("bench-warm-") and "workingSetBytes" in pod.get("memory", {})
    }
    up = [p for p in site.pods("bench-warm") if p["status"]["phase"] == "Running"]
    sizes = [stats[p["metadata"]["name"]]["memory"]["workingSetBytes"] for p in up if p["metadata"]["name"] in stats]
    table(
        f"What it costs, {runs} runs of each",
        [
            ("API writes of everybody, a cold run", f"{spent['bench-cold'] / runs:7.1f}"),
            ("API writes of everybody, a warm run and the next pod", f"{spent['bench-warm'] / runs:7.1f}"),
            (f"API writes of everybody in a minute in which {COUNT} pods wait", f"{waiting:7}"),
            (f"memory of a pod that waits (the larger of {len(sizes)})", f"{max(sizes, default=0) / 2**20:7.1f} MiB"),
        ],
    )


def main() -> None:
    """All tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.warm", description=__doc__)
    parser.add_argument("--runs", type=int, default=100, help="warm runs (default: 100)")
    parser.add_argument("--name", default="dev", help="of the cluster (default: dev)")
    options = parser.parse_args()
    with Site(stacks.up(options.name)) as site:
        PROXY.start(site)
        try:
            starts(site, runs=options.runs)
            skew(site, runs=options.runs)
            costs(site, runs=10)
        finally:
            PROXY.stop()
            site.kubectl("delete", "wj", "bench-cold", "bench-warm", "bench-timed", "--ignore-not-found")


if __name__ == "__main__":
    main()
