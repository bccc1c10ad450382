"""The control plane fails while runs are asked for: each accepted one ends, none runs twice, and nobody storms it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from tests import faults
from tests import stack as stacks
from tests.bucket import Bucket, bucket_of
from tests.full.proxy import Mode, Proxy, kubeconfig_of, proxy
from tests.promises import ENDED, Facts, broken
from tests.site import Site, eventually
from tests.soak.soak import Soak
from webjobs_operator.watching.handlers import WATCHED

OUTAGE = float(os.environ.get("WEBJOBS_OUTAGE_SECONDS", "120"))
STORM = 60.0
"""Seconds of load while a program is killed."""
CALM = 10.0
"""Requests a second of an operator with a handful of jobs that can't reach its API server."""
WATCH_PAUSE = 2.5
"""Least mean of the seconds between two tries of one watch."""
JOBS = {"forbid": None, "queue": "Queue", "allow": "Allow"}
SCRIPT = 'echo "began $WEBJOBS_RUN_ID"; sleep 0.5; echo done\n'


@pytest.mark.parametrize("program", ["kube-apiserver", "etcd"])
def test_a_program_that_is_killed(site: Site, program: str) -> None:
    """SIGKILL, four times under load."""

    def kill() -> None:
        site.stack.cluster.kill_program(program)

    site.kubectl("delete", "wj,wjr", "--all")
    soak = Soak(site, count=24, kill_period=0, seed=1)
    soak.create()
    soak.storm(STORM, others=[(at * STORM / 60, kill) for at in (10, 22, 34, 46)])
    assert soak.wrong == []
    site.kubectl("delete", "wj", "--all")


@pytest.fixture(scope="module")
def way(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """An operator outside of the cluster, instead of the one inside, behind a proxy.

    Both it and the shim inside have their store in a bucket: a volume of the node is not on every provider's host.
    """
    folder = tmp_path_factory.mktemp("operator")
    deployment = f"deploy/{stacks.RELEASE}-operator"
    site.kubectl("delete", "wj,wjr", "--all")
    with bucket_of(site) as bucket:
        site.kubectl("scale", deployment, "--replicas=0", namespace=stacks.SYSTEM)
        try:
            eventually(lambda: not faults.pods(site, "operator"), seconds=90, what="the end of the operator inside")
            with proxy(site.stack.kubeconfig) as made, (folder / "log").open("w") as log:
                process = _operator(site, made, bucket, folder, log)
                try:
                    yield made
                finally:
                    process.terminate()
                    process.wait(30)
        finally:
            site.kubectl("scale", deployment, "--replicas=1", namespace=stacks.SYSTEM)
            print((folder / "log").read_text()[-5000:])
            faults.ready(site)


def _operator(site: Site, made: Proxy, bucket: Bucket, folder: Path, log: IO[str]) -> subprocess.Popen[str]:
    """Our own program, with the chart's settings, the bucket's and the proxy's address."""
    shown = site.kubectl("get", "configmap", f"{stacks.RELEASE}-operator", "-o", "json", namespace=stacks.SYSTEM)
    (text,) = json.loads(shown)["data"].values()
    (folder / "config.yaml").write_text(text)
    (folder / "kubeconfig").write_text(kubeconfig_of(made))
    command = [sys.executable, "-m", "webjobs_operator", "--config", str(folder / "config.yaml"), "--metrics-port=0"]
    return subprocess.Popen(
        [*command, "--health=http://127.0.0.1:0/healthz"],
        env=os.environ | bucket.server.environment() | {"KUBECONFIG": str(folder / "kubeconfig")},
        stdout=log,
        stderr=subprocess.STDOUT,
        text=True,
    )


class Load:
    """Runs of a few jobs, and what was accepted."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.accepted: set[str] = set()
        for name, policy in JOBS.items():
            site.apply(
                name, {"type": "triggered", "script": {"fileName": "run.sh", "text": SCRIPT}, "historyLimit": 500}
            )
            patch = json.dumps({"spec": {"concurrencyPolicy": policy}})
            site.kubectl("patch", "wj", name, "--type=merge", "-p", patch)

    def call(self, seconds: float) -> None:
        """A run each second."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for name in JOBS:
                answer = self.site.run(name)
                if answer.status_code == 202:
                    self.accepted.add(f"{name}-{answer.headers['Location'].rpartition('/')[2]}")
                time.sleep(1)

    def ended(self) -> bool:
        """Whether all runs have."""
        return all(run.get("status", {}).get("state") in ENDED for run in self.site.objects("wjr"))

    def facts(self) -> Facts:
        """All that can be seen from outside."""
        found = {run["metadata"]["name"]: run for run in self.site.objects("wjr")}
        logs = {name: self._log(name) for name in found}
        return Facts(
            webjobs=self.site.objects("wj"),
            runs=list(found.values()),
            jobs=self.site.objects("job"),
            accepted=self.accepted,
            begun={name: len(re.findall(r"INFO\] began", text)) for name, text in logs.items()},
            log=lambda run: logs[run["metadata"]["name"]],
            unreadable=[name for name in self.accepted if self._read(name) != 200],
        )

    def _read(self, name: str) -> int:
        job, _, run_id = name.rpartition("-")
        return self.site.http.get(f"/api/triggeredwebjobs/{job}/history/{run_id}").status_code

    def _log(self, name: str) -> str:
        job, _, run_id = name.rpartition("-")
        return self.site.http.get(f"/vfs/data/jobs/triggered/{job}/{run_id}/output_log.txt").text


@pytest.mark.parametrize("mode", ["fail", "busy", "hang", "gone"])
def test_an_api_server_that_fails_the_operator(site: Site, way: Proxy, mode: Mode) -> None:
    load = Load(site)
    load.call(5)
    assert load.accepted
    begun = time.monotonic()
    way.set(mode)
    load.call(min(OUTAGE, 10))
    time.sleep(max(begun + OUTAGE - time.monotonic(), 0))
    asked = way.since(begun)
    way.set("pass")
    load.call(5)
    eventually(load.ended, seconds=300, what="the end of all runs")
    assert broken(load.facts()) == []
    watches = [at - begun for at, _, path in asked if "watch=" in path]
    others = [at - begun for at, _, path in asked if "watch=" not in path]
    late = sum(at > OUTAGE / 2 for at in others)
    print(f"{mode}: {len(watches)} watches and {len(others)} other requests in {OUTAGE:g} s, {late} in the second half")
    if mode != "gone":  # there, all but the watches works on
        assert len(asked) < CALM * OUTAGE
        # Each watch is tried at even pauses, so that all of them stand soon after the end.
        assert len(watches) < len(WATCHED) * OUTAGE / WATCH_PAUSE
        assert late <= len(others) / 2 + 5, "it asks less and less"
    site.kubectl("delete", "wj", "--all")


def test_watches_that_are_dropped_again_and_again(site: Site, way: Proxy) -> None:
    load = Load(site)
    for _ in range(10):
        load.call(1)
        way.cut()
    eventually(load.ended, seconds=300, what="the end of all runs")
    assert broken(load.facts()) == []
    site.kubectl("delete", "wj", "--all")
