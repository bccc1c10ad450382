"""Lines of stdout and stderr written at nearly the same time, on a busy machine: each is stored once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from tests import stack as stacks
from tests.site import Site, eventually, shell

RUNS, AT_ONCE = 200, 10
SCRIPT = "echo one; echo two >&2; echo three\n"


@contextmanager
def busy() -> Iterator[None]:
    """Every core has something else to do."""
    idle_never = [sys.executable, "-S", "-c", "while True: pass"]
    burning = [subprocess.Popen(idle_never) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for one in burning:
            one.kill()
            one.wait()


@pytest.fixture(params=[False, True], ids=["one stream", "attach"])
def attached(request: pytest.FixtureRequest, site: Site) -> Iterator[bool]:
    """Whether the operator hears stderr by itself."""
    stacks.upgrade(site.stack, {"attach": {"enabled": request.param}})
    yield request.param
    stacks.upgrade(site.stack, {"attach": {"enabled": False}})


def _has(look: Callable[[], Sequence[object]], count: int) -> bool:
    return len(look()) == count


def test_each_line_once(site: Site, attached: bool) -> None:
    spec = {"type": "triggered", "concurrencyPolicy": "Allow", "historyLimit": RUNS + 10}
    site.apply("in-turn", spec | shell(SCRIPT))

    def succeeded() -> list[dict[str, Any]]:
        runs = site.http.get("/api/triggeredwebjobs/in-turn/history").json()["runs"]
        return [run for run in runs if run["status"] == "Success"]

    with busy():
        for count in range(AT_ONCE, RUNS + 1, AT_ONCE):
            for _ in range(AT_ONCE):
                site.create_run("in-turn")
            eventually(partial(_has, succeeded, count), seconds=180, what=f"the end of {count} runs")
    runs = succeeded()
    assert len(runs) == RUNS
    wrong = {}
    for run in runs:
        lines = [line.partition(": ")[2] for line in site.log(run).splitlines()]
        said = Counter(line.partition("] ")[2] for line in lines if not line.startswith("SYS "))
        if said != Counter(["one", "two", "three"]):
            wrong[run["id"]] = lines
    assert wrong == {}
    site.http.delete("/api/triggeredwebjobs/in-turn")
