"""A run of 200 MB of output: all of it is kept, in bounded memory."""

from __future__ import annotations

import json

from tests import stack as stacks
from tests.site import Site

BLOCKS, LINES = 20, 100_000
SCRIPT = f"""
for block in $(seq {BLOCKS}); do
  seq -f "%.0f {"x" * 92}" $(( (block - 1) * {LINES} + 1 )) $(( block * {LINES} ))
  sleep 3
done
"""
GROWTH = 150 * 2**20
"""Bytes that the operator may grow by: a part of half a MiB, what is on its way, and Python's own ways."""


def resident(site: Site, component: str) -> float:
    """Bytes of memory of a component's process, the most of its pods."""
    selector = f"app.kubernetes.io/component={component}"
    pods = json.loads(site.kubectl("get", "pods", "-l", selector, "-o", "json", namespace=stacks.SYSTEM))["items"]
    found = []
    for pod in pods:
        status = site.kubectl(
            "exec", pod["metadata"]["name"], "--", "cat", "/proc/1/status", namespace=stacks.SYSTEM
        ).splitlines()
        found.append(next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:")))
    return max(found)


def test_two_hundred_megabytes(site: Site) -> None:
    before = {component: resident(site, component) for component in ("operator", "apiserver")}
    site.put_script("large-output", SCRIPT)
    run = site.ended(site.run("large-output").headers["Location"], seconds=400)
    assert run["status"] == "Success"
    expected, size = 1, 0
    with site.http.stream("GET", run["output_url"]) as answer:
        for line in answer.iter_lines():
            size += len(line) + 2
            text = line.partition("INFO] ")[2]
            if text.endswith("x"):
                assert text.startswith(f"{expected} "), (expected, text[:40])
                expected += 1
    assert expected == BLOCKS * LINES + 1
    assert size > 200 * 10**6
    grown = {component: resident(site, component) - most for component, most in before.items()}
    print(f"{size / 10**6:.0f} MB; peaks grew by", {name: f"{by / 2**20:.0f} MiB" for name, by in grown.items()})
    assert max(grown.values()) < GROWTH
    site.http.delete("/api/triggeredwebjobs/large-output")
