"""A site with many jobs: ``python -m tests.bench.lists [--jobs N] [--runs N] [--calls N]``.

Time of a list over REST, and what it costs the API server by that one's own metrics. The operator is away meanwhile,
so that the runs stay what they are made as and the shim is the only client of the two resources.
"""

from __future__ import annotations

import argparse
import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests import stack as stacks
from tests.bench.sides import PROXY, milliseconds
from tests.site import Site, eventually

OPERATOR = ("scale", "deployment", f"{stacks.RELEASE}-operator")
_REQUESTS = re.compile(r'^apiserver_request_total\{(.*resource="webjob(?:run)?s".*)\} (\S+)$', re.MULTILINE)
WRITERS = 8


def requests() -> dict[str, float]:
    """What the API server has served so far for WebJobs and WebJobRuns, by verb."""
    found: dict[str, float] = {}
    for labels, count in _REQUESTS.findall(PROXY.http.get("/metrics").text):
        verb = dict(re.findall(r'(\w+)="([^"]*)"', labels))["verb"]
        found[verb] = found.get(verb, 0) + float(count)
    return found


def fill(*, jobs: int, runs: int) -> None:
    """Makes triggered jobs with ended runs."""
    base = f"/apis/webjobs.dev/v1/namespaces/{stacks.SITE}"

    def one(number: int) -> None:
        name = f"list-{number:04d}"
        PROXY.request("POST", f"{base}/webjobs", _object("WebJob", name, type="triggered", image="none"))
        for at in range(runs):
            run_id = f"202601010000{at:02d}0000"
            run = f"{name}-{run_id}"
            spec = {"webJobName": name, "trigger": "External - bench"}
            PROXY.request("POST", f"{base}/webjobruns", _object("WebJobRun", run, **spec))
            status = {"state": "Success", "runId": run_id, "endTime": "2026-01-01T01:00:00Z", "exitCode": 0}
            patch = {"status": status}
            answer = PROXY.http.patch(
                f"{base}/webjobruns/{run}/status",
                json=patch,
                headers={"Content-Type": "application/merge-patch+json"},
            )
            answer.raise_for_status()

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(one, range(jobs)))


def _object(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": stacks.SITE, "labels": {"webjobs.dev/webjob": name}}
    return {"apiVersion": "webjobs.dev/v1", "kind": kind, "metadata": meta, "spec": spec}


def timed(site: Site, path: str, *, calls: int) -> tuple[list[float], int]:
    """Seconds of each call, and bytes of its answer."""
    times, size = [], 0
    for _ in range(calls):
        before = time.perf_counter()
        answer = site.http.get(path)
        times.append(time.perf_counter() - before)
        assert answer.status_code == 200, answer.text
        size = len(answer.content)
    return times, size


def measure(site: Site, *, jobs: int, runs: int, calls: int) -> None:
    """Fills, measures, tells."""
    begun = time.perf_counter()
    fill(jobs=jobs, runs=runs)
    print(f"{jobs} jobs with {runs} runs each, made in {time.perf_counter() - begun:.0f} s")
    eventually(lambda: len(site.http.get("/api/webjobs").json()) >= jobs, what="the list")
    for path in ("/api/webjobs", "/api/triggeredwebjobs/list-0500", "/api/triggeredwebjobs/list-0500/history"):
        before = requests()
        times, size = timed(site, path, calls=calls)
        after = requests()
        extra = {verb: int(after[verb] - before.get(verb, 0)) for verb in after if after[verb] != before.get(verb, 0)}
        print(f"GET {path:<46}{milliseconds(times)}   {size:8} bytes   {calls} calls cost the API server {extra}")
    usage = site.kubectl("get", "--raw", f"/api/v1/nodes/{node_of(site)}/proxy/stats/summary", namespace=None)
    memory = re.search(r'"name": "apiserver".*?"workingSetBytes": (\d+)', usage, re.DOTALL)
    if memory:
        print(f"the shim's working set: {int(memory[1]) / 2**20:.0f} MiB")


def node_of(site: Site) -> str:
    return site.kubectl("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}", namespace=None).strip()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.lists", description=__doc__)
    parser.add_argument("--name", default="dev", help="of the cluster (default: dev)")
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--calls", type=int, default=100)
    options = parser.parse_args()
    with Site(stacks.up(options.name)) as site:
        PROXY.start(site)
        site.kubectl(*OPERATOR, "--replicas=0", namespace=stacks.SYSTEM)
        site.kubectl("delete", "webjobs", "--all")
        try:
            measure(site, jobs=options.jobs, runs=options.runs, calls=options.calls)
        finally:
            site.kubectl("delete", "webjobs,webjobruns", "--all", "--wait=false")
            site.kubectl(*OPERATOR, "--replicas=1", namespace=stacks.SYSTEM)
            PROXY.stop()


if __name__ == "__main__":
    main()
