"""A run of 200 MB of output: all of it is kept, in bounded memory."""

from __future__ import annotations

from tests.faults import COMPONENTS, peak
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


def test_two_hundred_megabytes(site: Site) -> None:
    before = {component: peak(site, component) for component in COMPONENTS}
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
    grown = {component: peak(site, component) - most for component, most in before.items()}
    print(f"{size / 10**6:.0f} MB; peaks grew by", {name: f"{by / 2**20:.0f} MiB" for name, by in grown.items()})
    assert max(grown.values()) < GROWTH
    site.http.delete("/api/triggeredwebjobs/large-output")
