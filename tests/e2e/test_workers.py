"""Continuous jobs that crash, are replaced or scaled, and runs that are told to end: in real pods.

The tests share the seconds that pass: all that has to wait is made at the beginning.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests import stack as stacks
from tests.site import Site, eventually, shell

BOOK = "$WEBJOBS_DATA_PATH/book"
CRASH = f'echo "begin $(date +%s.%N)" >> {BOOK}; exit 3\n'
SLOW_END = f"""trap 'sleep 4; echo "end $(date +%s.%N)" >> {BOOK}; exit 0' TERM
echo "begin $(date +%s.%N)" >> {BOOK}
while :; do sleep 0.1; done
"""


@pytest.fixture
def data(site: Site, request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """A claim of the test's own, as ``spec.data`` of its job ``name``."""
    # A folder of a local volume outlives its claim, and a cluster can be kept.
    name = f"{request.node.name.removeprefix('test_').replace('_', '-')[:40]}-{time.time_ns() % 10**9}"
    volume = site.stack.cluster.local_volume(name)
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Mi"}}}
    if volume is not None:
        volume["spec"]["claimRef"] = {"namespace": stacks.SITE, "name": name}
        stacks.apply(site.stack.kubeconfig, volume)
        spec["storageClassName"] = stacks.STORAGE_CLASS
    meta = {"name": name, "namespace": stacks.SITE}
    stacks.apply(
        site.stack.kubeconfig, {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}
    )
    yield {"data": {"claimName": name}}
    site.kubectl("delete", "pvc", name)
    if volume is not None:
        site.kubectl("delete", "pv", name, namespace=None)


def book(site: Site, data: dict[str, Any], *, name: str) -> list[tuple[str, float]]:
    """What the job's processes wrote: word and time of each line, by a run of a job with the same data."""
    reader = f"{name}-reader"
    site.apply(reader, {"type": "triggered", **shell(f"cat {BOOK}\n"), **data})
    log = site.log(site.ended(site.run(reader).headers["Location"]))
    site.kubectl("delete", "wj", reader)
    return [(word, float(at)) for word, at in re.findall(r"INFO\] (begin|end) (\d+\.\d+)", log)]


def state_of(site: Site, name: str) -> str | None:
    state: str | None = site.object("wj", name).get("status", {}).get("state")
    return state


def words_of(site: Site, name: str) -> list[str]:
    found: list[dict[str, Any]] = site.object("wj", name).get("status", {}).get("instances", [])
    return [one["status"] for one in found]


def test_restarts_after_the_delay(site: Site, data: dict[str, Any]) -> None:
    """In the container while Kubernetes' back-off is shorter, and by a new pod when it is longer (10 s, 20 s ...)."""
    delay = 6
    site.apply("crashes", {"type": "continuous", "restartDelaySeconds": delay, **shell(CRASH), **data})
    eventually(lambda: state_of(site, "crashes") == "PendingRestart", what="the first end")
    assert site.http.get("/api/continuouswebjobs/crashes").json()["status"] == "PendingRestart"
    seen = 0

    def restarts() -> bool:
        nonlocal seen
        for pod in site.pods("crashes"):
            for status in pod["status"].get("containerStatuses", []):
                seen = max(seen, status["restartCount"])
        return seen >= 1

    eventually(restarts, seconds=60, what="restarts that Kubernetes counts")
    time.sleep(4 * delay)
    log = site.http.get(site.http.get("/api/continuouswebjobs/crashes").json()["log_url"]).text
    assert log.count("Job failed due to exit code 3") >= 3
    assert f"SYS INFO] Process went down, waiting for {delay} seconds" in log
    site.kubectl("delete", "wj", "crashes")
    lives = [at for word, at in book(site, data, name="crashes") if word == "begin"]
    waits = [later - at for at, later in pairwise(lives)]
    assert len(waits) >= 3, waits
    assert min(waits) > delay - 1.5, "whole seconds are compared"
    assert max(waits) < delay + 8, waits


def test_a_singleton_never_runs_twice(site: Site, data: dict[str, Any]) -> None:
    """A deleted pod's process goes on for seconds: the next begins after its end."""
    spec = {"type": "continuous", "singleton": True, "stoppingWaitSeconds": 20, **shell(SLOW_END), **data}
    site.apply("alone", spec)
    site.kubectl("wait", "wj/alone", "--for=condition=Ready", "--timeout=30s")
    for way in ("delete", "rollout"):
        (old,) = site.pods("alone")
        if way == "delete":
            site.kubectl("delete", "pod", old["metadata"]["name"], "--wait=false")
            waiting = eventually(
                lambda: [
                    one
                    for one in site.object("wj", "alone")["status"]["instances"]
                    if one["status"] == "InactiveInstance"
                ],
                what="an instance that waits",
            )
            assert len(waiting) == 1
            body = site.http.get("/api/continuouswebjobs/alone").json()
            assert "InactiveInstance" in body["detailed_status"]
        else:
            site.apply("alone", spec | {"env": [{"name": "NEW", "value": "1"}]})
        uid = old["metadata"]["uid"]

        def replaced(uid: str = uid) -> bool:
            there = site.pods("alone")
            return len(there) == 1 and there[0]["metadata"]["uid"] != uid and state_of(site, "alone") == "Running"

        eventually(replaced, seconds=40, what="the new instance alone")
    site.kubectl("delete", "wj", "alone")
    eventually(lambda: not site.pods("alone"), what="the end")
    words = [word for word, _ in book(site, data, name="alone")]
    assert words == ["begin", "end"] * 3, "never two at once"


def test_term_ends_a_run_at_once(site: Site) -> None:
    """Its script has no handler, and would have half a minute."""
    site.apply("deaf", {"type": "triggered", **shell("echo up; while :; do sleep 1; done\n")})
    location = site.run("deaf").headers["Location"]
    eventually(lambda: "INFO] up" in site.log(site.http.get(location).json()), what="its output")
    begin = time.monotonic()
    assert site.http.delete(location).status_code == 200
    assert site.ended(location)["status"] == "Aborted"
    assert time.monotonic() - begin < 15
    site.kubectl("delete", "wj", "deaf")


def test_a_run_with_a_shutdown_file(site: Site) -> None:
    """It is told that it has to end, and says so."""
    text = 'echo up; while [ ! -e "$WEBJOBS_SHUTDOWN_FILE" ]; do sleep 0.1; done; sleep 1; echo "saw it"\n'
    site.apply("told", {"type": "triggered", "shutdownFile": True, **shell(text)})
    location = site.run("told").headers["Location"]
    eventually(lambda: "INFO] up" in site.log(site.http.get(location).json()), what="its output")
    assert site.http.delete(location).status_code == 200
    run = site.ended(location)
    assert (run["status"], "INFO] saw it" in site.log(run)) == ("Aborted", True)
    site.kubectl("delete", "wj", "told")


def test_idle_runs_are_killed_and_busy_ones_are_not(site: Site) -> None:
    texts = {
        "idle-sleeps": "sleep 60\n",
        "idle-writes": "for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.9; done\n",
        "idle-computes": "i=0; end=$(($(date +%s) + 7)); while [ $(date +%s) -lt $end ]; do i=$((i+1)); done\n",
    }
    for name, text in texts.items():
        site.apply(name, {"type": "triggered", "idleTimeoutSeconds": 2, **shell(text)})
    locations = {name: site.run(name).headers["Location"] for name in texts}
    ended = {name: site.ended(location) for name, location in locations.items()}
    assert {name: run["status"] for name, run in ended.items()} == {
        "idle-sleeps": "Failed",
        "idle-writes": "Success",
        "idle-computes": "Success",
    }
    log = site.log(ended["idle-sleeps"])
    assert "was aborted due to no output nor CPU activity for 4 seconds. You can increase" in log
    assert "Job failed due to exit code 137" in log
    for name in texts:
        site.kubectl("delete", "wj", name)


def test_ends_in_words(site: Site) -> None:
    """Memory, an image that is not there, a pod that is taken away."""
    hungry = "import time\nheld = []\nwhile True:\n    held.append(b'x' * 2**20 + bytes([len(held) % 256]))\n"
    site.apply(
        "hungry",
        {
            "type": "triggered",
            "script": {"fileName": "run.py", "text": hungry},
            "resources": {"limits": {"memory": "32Mi"}},
        },
    )
    site.apply("imageless", {"type": "triggered", "image": "localhost/none:1", "startingDeadlineSeconds": 10})
    site.apply("drained", {"type": "triggered", **shell("echo up; while :; do sleep 1; done\n")})
    runs = {name: site.create_run(name) for name in ("hungry", "imageless", "drained")}
    pod = eventually(lambda: site.pods("drained"), what="its pod")[0]["metadata"]["name"]
    site.kubectl("wait", f"pod/{pod}", "--for=condition=Ready", "--timeout=30s")
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": stacks.SITE}}
    path = f"/api/v1/namespaces/{stacks.SITE}/pods/{pod}/eviction"
    site.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction), namespace=None)
    expected = {
        "hungry": "it needed more memory than its limit (OOMKilled)",
        "imageless": "It never began.",
        "drained": "Its pod was evicted, as when a node is drained",
    }
    for name, run in runs.items():
        site.kubectl("wait", f"wjr/{run}", "--for=condition=Failed", "--timeout=60s")
        status = site.object("wjr", run)["status"]
        assert (status["state"], expected[name] in status["message"]) == ("Failed", True), status
        site.kubectl("delete", "wj", name)


def test_an_autoscaler_owns_the_replicas(site: Site) -> None:
    """The example of a HorizontalPodAutoscaler on the WebJob's scale; applied again, it leaves the number alone."""
    manifests = str(Path(__file__).parents[2] / "examples" / "worker-autoscaled.yaml")
    site.kubectl("apply", "-f", manifests)
    eventually(lambda: words_of(site, "worker-autoscaled") == ["Running"] * 2, seconds=60, what="two instances")
    site.kubectl("apply", "-f", manifests)
    assert site.object("wj", "worker-autoscaled")["spec"]["replicas"] == 2
    site.kubectl("delete", "-f", manifests)
