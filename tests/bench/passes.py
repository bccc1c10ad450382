"""CPU of a pass of the operator at rest, on a cluster in memory: ``python -m tests.bench.passes [--passes N]``.

A pass at rest is what nearly all events lead to: it looks at everything and writes nothing. The figures are this
process's own CPU time, so other work on the machine counts little; each case is a ratio to the least one in the same
run: a WebJob that has never run.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import pstats
import statistics
import time
from datetime import timedelta
from typing import Any

from tests.fakes.cluster import KEY, World
from tests.fakes.objects import pod, run_body, webjob_body

ROUNDS = 7
ENDED = 100

Object = dict[str, Any]


def never_ran() -> World:
    """A WebJob without a schedule and without runs."""
    return settled(World(webjob_body()))


def with_history() -> World:
    """Return a world with a schedule, and as many ended runs as are kept as objects."""
    world = World(webjob_body({"schedule": "0 0 3 * * *", "historyLimit": ENDED}))
    for number in range(ENDED):
        status = {"state": "Success", "endTime": "2026-01-01T00:00:20Z", "runId": f"20260101000000{number:04d}"}
        world.kube.add(
            run_body(
                f"job-20260101000000{number:04d}",
                state="Success",
                status=status,
                labels={"webjobs.dev/webjob": "job"},
                ownerReferences=[{"kind": "WebJob", "name": "job", "uid": "uid-job"}],
            )
        )
    return settled(world)


def running() -> World:
    """Return the world with history, while one more of its runs goes on."""
    world = with_history()
    world.kube.add(run_body("job-202601010000200000"))
    settled(world)
    world.start_processes()
    return settled(world)


def continuous() -> World:
    """A continuous WebJob with ten instances."""
    world = settled(World(webjob_body({"type": "continuous", "replicas": 10, "singleton": False})))
    for number in range(10):
        labels = {"webjobs.dev/webjob": "job"}
        body = pod(name=f"job-{number}", uid=f"pod-{number}", state={"running": {}}, labels=labels)
        body["metadata"].pop("resourceVersion", None)
        world.kube.add(body)
    return settled(world)


CASES = {
    "never ran": never_ran,
    "100 ended runs": with_history,
    "and one that runs": running,
    "10 instances": continuous,
}


def settled(world: World) -> World:
    """Pass until nothing is left to write, some seconds later, so that nothing is young any more."""
    world.settle()
    world.now += timedelta(seconds=10)
    world.settle()
    return world


def seconds(world: World, passes: int) -> float:
    """Return the CPU seconds of one pass."""

    async def work() -> float:
        begun = time.process_time()
        for _ in range(passes):
            await world.reconciler(KEY)
        return (time.process_time() - begun) / passes

    before = len(world.kube.writes)
    found = asyncio.run(work())
    if len(world.kube.writes) != before:
        raise SystemExit("a pass at rest has written: the figure would be another thing's")
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.passes", description=__doc__)
    parser.add_argument("--passes", type=int, default=200, help="of each case in each round (default: 200)")
    parser.add_argument("--profile", choices=CASES, help="of one case: where its time goes")
    options = parser.parse_args()
    if options.profile:
        world = CASES[options.profile]()
        with cProfile.Profile() as profile:
            seconds(world, options.passes)
        pstats.Stats(profile).sort_stats("cumulative").print_stats(35)
        return
    worlds = {name: make() for name, make in CASES.items()}
    found: dict[str, list[float]] = {name: [] for name in worlds}
    for _ in range(ROUNDS):
        for name, world in worlds.items():
            found[name].append(seconds(world, options.passes))
    least = statistics.median(found["never ran"])
    for name, figures in found.items():
        median = statistics.median(figures)
        spread = f"{min(figures) * 1e6:.0f} to {max(figures) * 1e6:.0f}"
        print(f"{name:20} {median * 1e6:7.0f} us a pass ({spread}), {median / least:5.2f} times the least")


if __name__ == "__main__":
    main()
