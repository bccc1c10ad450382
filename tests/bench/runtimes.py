"""Starts of programs for Windows: ``python -m tests.bench.runtimes [--runs N]``, beside native Jobs of the same image.

Both sides take turns and run the same program with the same command; its first act is to tell the clock. A native Job
gets the files by a ConfigMap.
"""

from __future__ import annotations

import argparse
import base64
import statistics
import time

from tests import runtimes
from tests import stack as stacks
from tests.bench.sides import PROXY, milliseconds, native_start, table
from tests.site import Site, zip_of

Files = dict[str, bytes]
SIDES: tuple[tuple[str, runtimes.Runtime, str, str], ...] = (
    (".NET by run.cmd", "dotnet", "report-net", "dotnet Report.dll"),
    (".NET Framework under Mono by run.cmd", "mono", "report", "mono Report.exe"),
    ("native program under Wine by run.cmd", "wine", "report-native", "wine Report.exe"),
)
"""Row, runtime, program of ``tests.runtimes``, and the command line of the native Job."""


def webjob_start(site: Site, name: str) -> float:
    """Seconds from POST run to the program's first instruction."""
    before = time.time()
    run = site.ended(site.run(name, "--clock").headers["Location"])
    line = next(line for line in site.log(run).splitlines() if ": INFO] 1" in line)
    return float(line.rpartition(" ")[2]) - before


def put(site: Site, name: str, files: Files) -> None:
    """Upload a program as a WebJob, and make the ConfigMap of its native Job."""
    program = next(iter(files))
    line = f"dotnet {program} %*" if program.endswith(".dll") else f"{program} %*"
    assert site.upload(name, zip_of({"run.cmd": f"@echo off\r\n{line}\r\n", **files})).status_code == 200
    data = {file: base64.b64encode(content).decode() for file, content in files.items()}
    meta = {"name": name, "namespace": stacks.SITE}
    site.apply_all({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "binaryData": data})


def measure(site: Site, row: str, image: str, program: str, command: str, *, runs: int) -> list[tuple[str, str]]:
    """Return the rows of a runtime."""
    name = f"bench-{program}"
    put(site, name, runtimes.program(program))
    line = f"cp /files/* /tmp && cd /tmp && exec {command} --clock"
    own, native = list[float](), list[float]()
    for number in range(-1, runs):
        pair = native_start(site, number=number + 1, image=image, command=line, files=name), webjob_start(site, name)
        if number >= 0:  # the first one of each fills the caches of the node
            native.append(pair[0])
            own.append(pair[1])
    site.http.delete(f"/api/triggeredwebjobs/{name}")
    site.kubectl("delete", "configmap", name)
    ratio = statistics.median(own) / statistics.median(native)
    return [(f"{row}: native Job", milliseconds(native)), ("  WebJob", milliseconds(own)), ("  ratio", f"{ratio:7.2f}")]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.runtimes", description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="of each side (default: 10)")
    parser.add_argument("--name", default="dev", help="of the cluster (default: dev)")
    options = parser.parse_args()
    with Site(stacks.up(options.name)) as site:
        images = {runtime: runtimes.image(runtime, site.stack.cluster) for _, runtime, _, _ in SIDES}
        versions = {"dotnet": {"3.1": images["dotnet"]}}
        values = {name: {"image": image, "versions": versions.get(name, {})} for name, image in images.items()}
        stacks.upgrade(site.stack, {"runtimes": values})
        PROXY.start(site)
        try:
            for row, runtime, program, command in SIDES:
                table(row, measure(site, row, images[runtime], program, command, runs=options.runs))
        finally:
            PROXY.stop()


if __name__ == "__main__":
    main()
