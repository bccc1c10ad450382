"""Ratios on the built cluster: ``python -m tests.bench [--runs N]`` (``make bench``).

All figures of a table come from one run, the two sides taking turns, so that a slow moment of the machine hits
both. First instruction means: the script's first act is to print the clock, which node and client share.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import queue
import statistics
import threading
import time
from collections.abc import Callable

import httpx

from tests import stack as stacks
from tests.bench.sides import PROXY, STAMP, milliseconds, native_start, table
from tests.integration.test_operator import IDLE_WORKER, observed, settled
from tests.site import Site, eventually


def webjob_start(site: Site) -> float:
    """Seconds from POST run to the script's first instruction."""
    before = time.time()
    location = site.run("bench").headers["Location"]
    run = site.ended(location)
    (line,) = (line for line in site.log(run).splitlines() if ": INFO]" in line)
    return float(line.rpartition(" ")[2]) - before


class Watch:
    """Names of objects with the moment at which a watch told of them."""

    def __init__(self, path: str) -> None:
        self._seen: queue.Queue[tuple[str, float]] = queue.Queue()
        self._ready = threading.Event()
        self._path = path
        threading.Thread(target=self._follow, daemon=True).start()
        self._ready.wait(10)

    def _follow(self) -> None:
        with (
            contextlib.suppress(httpx.TransportError),  # the proxy ends before the watch does
            PROXY.http.stream("GET", self._path, params={"watch": "true"}, timeout=None) as answer,
        ):
            self._ready.set()
            for line in answer.iter_lines():
                event = json.loads(line)
                if event["type"] == "ADDED":
                    self._seen.put((event["object"]["metadata"]["name"], time.time()))

    def next(self, *, timeout: float) -> tuple[str, float] | None:
        """The next name with its moment; None when there is none for so many seconds."""
        try:
            return self._seen.get(timeout=max(timeout, 0))
        except queue.Empty:
            return None

    def when(self, name: str) -> float:
        """The moment at which the object was told of."""
        while True:
            seen, moment = self._seen.get(timeout=30)
            if seen == name:
                return moment


def child_latencies(site: Site, *, runs: int) -> tuple[list[float], list[float]]:
    """Seconds from the call that creates a WebJob, and a Deployment directly, until a watch tells of the Deployment."""
    watch = Watch(f"/apis/apps/v1/namespaces/{stacks.SITE}/deployments")
    own, direct = [], []
    for number in range(runs):
        name = f"bench-child-{number}"
        webjob = {"apiVersion": "webjobs.dev/v1", "kind": "WebJob", "metadata": {"name": name}, "spec": IDLE_WORKER}
        before = time.time()
        PROXY.request("POST", f"/apis/webjobs.dev/v1/namespaces/{stacks.SITE}/webjobs", webjob)
        own.append(watch.when(name) - before)
        name = f"bench-direct-{number}"
        labels = {"app": name}
        deployment = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name},
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"containers": [{"name": "job", "image": IDLE_WORKER["image"]}]},
                },
            },
        }
        before = time.time()
        PROXY.request("POST", f"/apis/apps/v1/namespaces/{stacks.SITE}/deployments", deployment)
        direct.append(watch.when(name) - before)
        site.kubectl("delete", "--wait=false", f"wj/bench-child-{number}", f"deployment/{name}")
    return own, direct


def writes_per_change(site: Site, *, changes: int) -> float:
    """API writes for one change of a WebJob, from the API server's own counters, the user's own write left out."""
    site.apply("bench-writes", IDLE_WORKER)
    eventually(lambda: site.object("wj", "bench-writes").get("status"), what="the first pass")
    before = settled(site)
    for number in range(changes):
        patch = json.dumps({"spec": {"env": [{"name": "A", "value": str(number)}]}})
        site.kubectl("patch", "wj", "bench-writes", "--type=merge", "-p", patch)
        eventually(lambda: observed(site, "bench-writes"), what="the change")
    spent = settled(site) - before
    site.kubectl("delete", "wj", "bench-writes")
    return (sum(spent.values()) - changes) / changes


def main() -> None:
    """All tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=15, help="runs of each side (default: 15)")
    parser.add_argument("--name", default="dev", help="of the cluster (default: dev)")
    options = parser.parse_args()
    stack = stacks.up(options.name)
    with Site(stack) as site:
        PROXY.start(site)
        try:
            measure(site, runs=options.runs)
        finally:
            PROXY.stop()


def measure(site: Site, *, runs: int) -> None:
    """Takes turns, prints as it goes."""
    site.put_script("bench", STAMP)
    sides: dict[str, Callable[[int], float]] = {
        "webjob": lambda _: webjob_start(site),
        "native": lambda number: native_start(site, number=number),
    }
    found: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(runs + 1):
        for name, take in sides.items():
            value = take(number)
            if number:  # the first of each is a warm-up
                found[name].append(value)
    ratio = statistics.median(found["webjob"]) / statistics.median(found["native"])
    table(
        f"Start of a run, {runs} runs of each side in turn",
        [
            ("native Job: create -> first instruction", milliseconds(found["native"])),
            ("WebJob: POST run -> first instruction", milliseconds(found["webjob"])),
            ("ratio of the medians (aim: at most 1.15)", f"{ratio:7.2f}"),
        ],
    )
    own, direct = child_latencies(site, runs=runs * 2)
    table(
        f"Create -> Deployment seen by a watch, {runs * 2} of each side in turn",
        [
            ("Deployment created directly", milliseconds(direct)),
            ("WebJob applied -> child created (aim: 50 ms)", milliseconds(own)),
        ],
    )
    table(
        "API writes",
        [("for one changed WebJob (aim: 2)", f"{writes_per_change(site, changes=10):7.2f}")],
    )
    site.http.delete("/api/triggeredwebjobs/bench")


if __name__ == "__main__":
    main()
