"""Logs of runs that take longer, or write more, than a kubelet keeps."""

from __future__ import annotations

from tests.site import Site, eventually
from tests.stack import SYSTEM

LINES = 130_000
NOISY = f"""
block() {{ seq -f "$1 %.0f {"x" * 80}" {LINES}; }}
echo first; block one; sleep 20; block two; sleep 20; block three; echo last
"""


def test_rotation_takes_nothing_away(site: Site) -> None:
    """Three blocks of 12 MB each: the kubelet rotates at 10 MB, and its log API gives the newest file only."""
    site.put_script("noisy", NOISY)
    run = site.ended(site.run("noisy").headers["Location"], seconds=180)
    assert run["status"] == "Success"
    lines = [line.partition("] ")[2] for line in site.log(run).splitlines()]
    output = [line for line in lines if not line.startswith(("Status changed", "Run script"))]
    assert (output[0], output[-1], len(output)) == ("first", "last", 3 * LINES + 2)
    for block, begin in (("one", 1), ("two", 1 + LINES), ("three", 1 + 2 * LINES)):
        numbers = [line.split()[1] for line in output[begin : begin + LINES] if line.startswith(f"{block} ")]
        assert numbers == [str(number) for number in range(1, LINES + 1)]
    site.http.delete("/api/triggeredwebjobs/noisy")


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
