"""The dashboard of a large site: ``python -m tests.bench.dashboard [--jobs N] [--runs N] [--calls N] [--pages N]``.

Pages take turns with ``GET /api/webjobs``. Then many pages stay open while runs end, and it is counted what that costs
the shim and the API server. The operator is away meanwhile, as in ``tests.bench.lists``.
"""

from __future__ import annotations

import argparse
import gzip
import re
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx

from tests import stack as stacks
from tests.bench.lists import OPERATOR, fill, node_of, requests, timed
from tests.bench.sides import PROXY, milliseconds
from tests.site import Site, eventually

CHANGES = 20
"""Runs that end while the pages are open."""


def log_in(site: Site) -> httpx.Client:
    """A client with a session."""
    client = httpx.Client(base_url=site.stack.url, timeout=60)
    answer = client.post("/ui/login", data={"username": site.stack.user, "password": site.stack.password})
    assert answer.status_code == 303, answer.text
    return client


def in_turn(site: Site, pages: httpx.Client, paths: list[str], *, calls: int) -> dict[str, list[float]]:
    """Seconds of each call of several paths, which take turns."""
    found: dict[str, list[float]] = {path: [] for path in paths}
    for _ in range(calls):
        for path in paths:
            client = site.http if path.startswith("/api") else pages
            before = time.perf_counter()
            answer = client.get(path)
            found[path].append(time.perf_counter() - before)
            assert answer.status_code == 200, answer.text
    return found


@contextmanager
def open_page(site: Site, cookies: httpx.Cookies, heard: list[int], number: int) -> Iterator[None]:
    """Keep a page open; count the events that it hears."""
    client = httpx.Client(base_url=site.stack.url, timeout=None, cookies=cookies)  # noqa: S113  it has no end
    begun = threading.Event()

    def listen() -> None:
        try:
            with client.stream("GET", "/ui/jobs/live?seen=x") as answer:
                for line in answer.iter_lines():
                    begun.set()
                    heard[number] += line.startswith("id: ")
        except httpx.TransportError:
            pass  # it was closed

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    begun.wait(60)
    try:
        yield
    finally:
        client.close()


def memory(site: Site) -> float:
    """The shim's working set in MiB, as the kubelet says."""
    usage = site.kubectl("get", "--raw", f"/api/v1/nodes/{node_of(site)}/proxy/stats/summary", namespace=None)
    found = re.search(r'"name": "apiserver".*?"workingSetBytes": (\d+)', usage, re.DOTALL)
    assert found
    return int(found[1]) / 2**20


def end_runs(jobs: int) -> None:
    """Make runs that end, of some jobs, one after the other."""
    base = f"/apis/webjobs.dev/v1/namespaces/{stacks.SITE}/webjobruns"
    for number in range(CHANGES):
        name = f"list-{number * 37 % jobs:04d}"
        meta = {"name": f"{name}-202602010000{number:02d}0000", "namespace": stacks.SITE}
        body = {"apiVersion": "webjobs.dev/v1", "kind": "WebJobRun", "metadata": meta, "spec": {"webJobName": name}}
        PROXY.request("POST", base, body)
        time.sleep(0.3)


def measure(site: Site, *, jobs: int, runs: int, calls: int, pages: int) -> None:
    """Fills, measures, tells."""
    fill(jobs=jobs, runs=runs)
    eventually(lambda: len(site.http.get("/api/webjobs").json()) >= jobs, what="the list")
    client = log_in(site)
    paths = ["/api/webjobs", "/ui/jobs", "/ui/jobs?page=10&order=last", "/ui/"]
    timed(site, "/api/webjobs", calls=3)
    for path, times in in_turn(site, client, paths, calls=calls).items():
        print(f"GET {path:<32}{milliseconds(times)}")
    first = client.get("/ui/jobs")
    print(f"first page: {len(first.content)} bytes, compressed {len(gzip.compress(first.content))}")
    before, heard = memory(site), [0] * pages
    with ExitStack() as opened:
        for number in range(pages):
            opened.enter_context(open_page(site, client.cookies, heard, number))
        asked, begin = requests(), time.perf_counter()
        end_runs(jobs)
        time.sleep(2)
        after = requests()
        more = {verb: int(after[verb] - asked.get(verb, 0)) for verb in after if after[verb] != asked.get(verb, 0)}
        eventually(lambda: memory(site) != before, seconds=30, what="a new figure")
        time.sleep(15)  # the kubelet's figures are seconds old
        print(f"{pages} pages open: {memory(site) - before:+.0f} MiB over {before:.0f} MiB")
        print(f"{CHANGES} changes in {time.perf_counter() - begin:.0f} s: the API server served {more}")
        print(f"events of a page: {statistics.median(heard):.0f} (least {min(heard)})")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.dashboard", description=__doc__)
    parser.add_argument("--name", default="dev", help="of the cluster (default: dev)")
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--pages", type=int, default=200)
    options = parser.parse_args()
    stack = stacks.up(options.name)
    # All pages come from one address here.
    stacks.upgrade(stack, {"apiserver": {"connections": {"mostPerAddress": 2 * options.pages + 20}}})
    with Site(stack) as site:
        PROXY.start(site)
        site.kubectl(*OPERATOR, "--replicas=0", namespace=stacks.SYSTEM)
        site.kubectl("delete", "webjobs", "--all")
        try:
            measure(site, jobs=options.jobs, runs=options.runs, calls=options.calls, pages=options.pages)
        finally:
            site.kubectl("delete", "webjobs,webjobruns", "--all", "--wait=false")
            site.kubectl(*OPERATOR, "--replicas=1", namespace=stacks.SYSTEM)
            PROXY.stop()


if __name__ == "__main__":
    main()
