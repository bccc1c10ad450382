"""Many schedules due at one second: ``python -m tests.bench.slots [--jobs N] [--name CLUSTER]``.

WebJobs that only the operator's timer can fire, all of the same second, with pods on a simulated node: everything is
real but the processes. Told are the skews, from the schedule's time until a watch tells of the run's record and of its
Job, and that each slot was started once. Before that, as many native CronJobs of one minute on the same node.
"""

from __future__ import annotations

import argparse
import json
import ssl
import statistics
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from tests import stack as stacks
from tests.bench.__main__ import Watch
from tests.bench.sides import PROXY
from tests.cluster.model import HostWay
from tests.conformance.tls import certificate
from tests.site import Site, eventually

WRITERS = 8
NODE = "simulated"
_PODS = f"/api/v1/namespaces/{stacks.SITE}/pods"
_WEBJOBS = f"/apis/webjobs.dev/v1/namespaces/{stacks.SITE}"
_JOBS = f"/apis/batch/v1/namespaces/{stacks.SITE}/jobs"
_CRONJOBS = f"/apis/batch/v1/namespaces/{stacks.SITE}/cronjobs"
_MERGE = {"Content-Type": "application/merge-patch+json"}


class _Logs(BaseHTTPRequestHandler):
    """The part of a kubelet that gives the logs of containers."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = f"{datetime.now(UTC).isoformat().replace('+00:00', 'Z')} simulated\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        return


class Node:
    """A node whose kubelet is this process: what is bound to it has ended well a moment later, and has a log."""

    def __init__(self, way: HostWay) -> None:
        PROXY.http.delete(f"/api/v1/nodes/{NODE}")
        with tempfile.TemporaryDirectory() as folder:
            cert, key = certificate(Path(folder), NODE)
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(cert, key)
        self._server = ThreadingHTTPServer((way.bind, 0), _Logs)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}, "spec": {}}
        PROXY.request("POST", "/api/v1/nodes", node)
        status = {
            "addresses": [{"type": "InternalIP", "address": way.address}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self._server.server_port}},
        }
        PROXY.http.patch(f"/api/v1/nodes/{NODE}/status", json={"status": status}, headers=_MERGE).raise_for_status()
        self._pool = ThreadPoolExecutor(2)
        self._done: set[str] = set()
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        query = {"watch": "true", "fieldSelector": f"spec.nodeName={NODE}"}
        while True:
            try:
                with PROXY.http.stream("GET", _PODS, params=query, timeout=None) as answer:
                    for line in answer.iter_lines():
                        pod = json.loads(line)["object"]
                        if pod.get("kind") == "Pod" and pod["metadata"]["uid"] not in self._done:
                            self._done.add(pod["metadata"]["uid"])
                            self._pool.submit(self._end, pod)
            except (httpx.TransportError, RuntimeError):
                return  # the proxy has ended

    def _end(self, pod: dict[str, Any]) -> None:
        stamp = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        ended = {"exitCode": 0, "reason": "Completed", "startedAt": stamp, "finishedAt": stamp}
        container = {
            "name": "job",
            "image": "none",
            "imageID": "",
            "ready": False,
            "restartCount": 0,
            "state": {"terminated": ended},
        }
        status = {"phase": "Succeeded", "containerStatuses": [container]}
        PROXY.http.patch(f"{_PODS}/{pod['metadata']['name']}/status", json={"status": status}, headers=_MERGE)

    def stop(self) -> None:
        """Takes it away."""
        self._pool.shutdown(cancel_futures=True)
        self._server.shutdown()
        PROXY.http.delete(f"/api/v1/nodes/{NODE}")


def fill(names: list[str], *, schedule: str) -> None:
    """Makes the jobs."""

    def one(name: str) -> None:
        spec = {
            "type": "triggered",
            "image": "none",
            "schedule": schedule,
            "podTemplate": {"spec": {"nodeName": NODE}},
        }
        body = {"apiVersion": "webjobs.dev/v1", "kind": "WebJob", "metadata": {"name": name}, "spec": spec}
        PROXY.request("POST", f"{_WEBJOBS}/webjobs", body)

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(one, names))


def items(path: str) -> list[dict[str, Any]]:
    """All objects at a path."""
    found: list[dict[str, Any]] = PROXY.http.get(path, timeout=120).json()["items"]
    return found


def skews(watch: Watch, names: set[str], *, slot: datetime, seconds: float) -> dict[str, float]:
    """Seconds after the slot at which a watch told of each object, by the WebJob's name."""
    seen: dict[str, float] = {}
    deadline = time.monotonic() + seconds
    while len(seen) < len(names) and time.monotonic() < deadline:
        found = watch.next(timeout=deadline - time.monotonic())
        if found and (name := found[0].rpartition("-")[0]) in names and name not in seen:
            seen[name] = found[1] - slot.timestamp()
    return seen


def told(what: str, values: list[float]) -> str:
    """Median, p99 and the last."""
    ordered = sorted(values)
    p99 = ordered[int(len(ordered) * 0.99)]
    return f"{what:<32} median {statistics.median(ordered):6.2f} s   p99 {p99:6.2f} s   last {ordered[-1]:6.2f} s"


def native(*, jobs: int, lead: timedelta) -> None:
    """The same of CronJobs: from their minute until a watch tells of the Job."""
    names = [f"native-{number:04d}" for number in range(jobs)]
    slot = (datetime.now(UTC) + lead).replace(second=0, microsecond=0)
    secure = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    pod = {
        "restartPolicy": "Never",
        "nodeName": NODE,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": "job", "image": "none", "securityContext": secure}],
    }
    schedule = f"{slot.minute} {slot.hour} * * *"

    def one(name: str) -> None:
        spec = {"schedule": schedule, "timeZone": "Etc/UTC", "jobTemplate": {"spec": {"template": {"spec": pod}}}}
        body = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name}, "spec": spec}
        PROXY.request("POST", _CRONJOBS, body)

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(one, names))
    assert datetime.now(UTC) < slot, "the machine is too slow for this lead: give --lead"
    watch = Watch(_JOBS)
    time.sleep(max((slot - datetime.now(UTC)).total_seconds() - 1, 0))
    seen = skews(watch, set(names), slot=slot, seconds=600)
    print(told(f"{jobs} CronJobs: minute -> Job", list(seen.values())))
    for path in (_CRONJOBS, _JOBS):
        answer = PROXY.http.request("DELETE", path, params={"propagationPolicy": "Background"})
        answer.raise_for_status()
    eventually(lambda: not items(_PODS), seconds=600, what="the end of the pods")


def measure(*, jobs: int, lead: timedelta) -> None:
    """Fills, waits for the slot, tells."""
    names = [f"slot-{number:04d}" for number in range(jobs)]
    slot = (datetime.now(UTC) + lead).replace(second=30, microsecond=0)  # seconds are what cron can't say
    begun = time.perf_counter()
    fill(names, schedule=f"{slot.second} {slot.minute} {slot.hour} * * *")
    made = time.perf_counter()
    known = {one["metadata"]["name"]: one.get("status", {}) for one in items(f"{_WEBJOBS}/webjobs")}

    def planned() -> bool:
        nonlocal known
        known = {one["metadata"]["name"]: one.get("status", {}) for one in items(f"{_WEBJOBS}/webjobs")}
        return all("nextRunTime" in known[name] for name in names)

    eventually(planned, seconds=lead.total_seconds(), what="the plans")
    conditions = [condition for name in names for condition in known[name]["conditions"]]
    assert {one["reason"] for one in conditions if one["type"] == "Scheduled"} == {"OperatorTimer"}
    print(f"{jobs} WebJobs made in {made - begun:.0f} s, all planned after {time.perf_counter() - begun:.0f} s")
    assert datetime.now(UTC) < slot, "the machine is too slow for this lead: give --lead"
    runs, workloads = Watch(f"{_WEBJOBS}/webjobruns"), Watch(_JOBS)
    time.sleep(max((slot - datetime.now(UTC)).total_seconds() - 1, 0))
    wanted = set(names)
    seen = skews(runs, wanted, slot=slot, seconds=600)
    print(told("slot -> record of the run", list(seen.values())))
    print(told("slot -> its Job", list(skews(workloads, wanted, slot=slot, seconds=120).values())))
    assert min(seen.values()) >= 0, "never early"

    def over() -> bool:
        states = Counter(run.get("status", {}).get("state") for run in items(f"{_WEBJOBS}/webjobruns"))
        return states["Success"] >= jobs

    eventually(over, seconds=900, what="the end of all runs")
    print(f"{'slot -> all ended and recorded':<32} {(datetime.now(UTC) - slot).total_seconds():.0f} s")
    found = Counter(run["spec"]["webJobName"] for run in items(f"{_WEBJOBS}/webjobruns"))
    made_jobs = items(_JOBS)
    owners = Counter(job["metadata"]["labels"]["webjobs.dev/webjob"] for job in made_jobs)
    assert found == owners == Counter(names), "each slot once"
    print(f"each of the {jobs} slots has one run and one Job")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.slots", description=__doc__)
    parser.add_argument("--name", default="dev", help="of the cluster (default: dev)")
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--lead", type=int, default=120, help="seconds from now to the slot")
    options = parser.parse_args()
    with Site(stacks.up(options.name)) as site:
        PROXY.start(site)
        site.kubectl("delete", "webjobs", "--all")
        node = Node(site.stack.cluster.way_to_host())
        try:
            native(jobs=options.jobs, lead=timedelta(seconds=options.lead))
            measure(jobs=options.jobs, lead=timedelta(seconds=options.lead))
        finally:
            site.kubectl("delete", "webjobs", "--all", "--wait=false")
            eventually(lambda: not items(_PODS), seconds=600, what="the end of the pods")
            node.stop()
            PROXY.stop()


if __name__ == "__main__":
    main()
