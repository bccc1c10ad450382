"""Logs of runs that take longer, or write more, than a kubelet keeps."""

from __future__ import annotations

import time

from tests.site import Site, eventually
from tests.stack import SYSTEM

LINES = 130_000
BLOCKS = ("one", "two", "three", "four")
NOISY = f"""
block() {{ seq -f "$1 %.0f {"x" * 80}" {LINES}; }}
echo first; block one; block two; sleep 15; block three; sleep 15; block four; echo last
"""


def test_rotation_takes_nothing_away(site: Site) -> None:
    """Blocks of 12 MB: the kubelet rotates at 10 MB, and its log API gives the newest file only.

    It does so every ten seconds, and is least expected while a first large block is read: the second job has that in
    the other half of these ten.
    """
    names = ["noisy-1", "noisy-2"]
    for name in names:
        site.put_script(name, NOISY)
    locations = []
    for name in names:
        locations.append(site.run(name).headers["Location"])
        time.sleep(5)
    for location in locations:
        run = site.ended(location, seconds=180)
        assert run["status"] == "Success"
        lines = [line.partition("] ")[2] for line in site.log(run).splitlines()]
        output = [line for line in lines if not line.startswith(("Status changed", "Run script"))]
        torn = [line for line in output if line.split(" ")[0] not in (*BLOCKS, "first", "last")]
        assert torn == [], "the runtime begins a file within a line"
        found = {block: sum(line.startswith(f"{block} ") for line in output) for block in BLOCKS}
        assert found == dict.fromkeys(BLOCKS, LINES)
        assert (output[0], output[-1], len(output)) == ("first", "last", len(BLOCKS) * LINES + 2)
        for begin, block in enumerate(BLOCKS):
            numbers = [line.split()[1] for line in output[1 + begin * LINES :][:LINES]]
            assert numbers == [str(number) for number in range(1, LINES + 1)], block
    for name in names:
        site.http.delete(f"/api/triggeredwebjobs/{name}")


def test_what_was_written_outlives_its_pod(site: Site) -> None:
    """The pod is torn away with its log, as with a lost node, and the operator was killed before."""
    site.put_script("torn", 'for i in $(seq 1000); do echo "line $i"; sleep 0.5; done\n')
    location = site.run("torn").headers["Location"]
    url = site.http.get(location).json()["output_url"]
    eventually(lambda: "line 20\r" in site.http.get(url).text, what="ten seconds of output")
    site.kubectl("delete", "pod", "-l", "app.kubernetes.io/component=operator", "--force", namespace=SYSTEM)
    eventually(lambda: "line 50\r" in site.http.get(url).text, what="more of it")
    site.kubectl("delete", "pod", "-l", "webjobs.dev/webjob=torn", "--force", "--grace-period=0")
    site.kubectl("delete", "job", "-l", "webjobs.dev/webjob=torn")
    run = site.ended(location)
    assert run["status"] in ("Aborted", "Failed"), "whether the Job noticed before it was deleted, too"
    lines = [line.partition("] ")[2] for line in site.log(run).splitlines() if "INFO] line " in line]
    assert len(lines) >= 30, "at most ten seconds are lost"
    assert lines == [f"line {number + 1}" for number in range(len(lines))]
    site.http.delete("/api/triggeredwebjobs/torn")
