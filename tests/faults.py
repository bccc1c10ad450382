"""What goes wrong with our own processes on a cluster: they are killed without a word, and their memory is watched."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests import stack as stacks
from tests.site import Site, eventually
from webjobs.times import parse_time

COMPONENTS = ("operator", "apiserver")
_PROGRAMS = {component: f"webjobs_{component}" for component in COMPONENTS}
_MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Of one container, in MiB. The working set has the pages of files that were read and written, too.

    ``process``: another one after each restart.
    """

    process: str
    rss: float
    working_set: float


def pods(site: Site, component: str) -> list[dict[str, Any]]:
    """The pods of a component."""
    selector = f"app.kubernetes.io/component={component}"
    found: list[dict[str, Any]] = json.loads(
        site.kubectl("get", "pod", "-l", selector, "-o", "json", namespace=stacks.SYSTEM)
    )["items"]
    return found


def kill(site: Site, component: str) -> int:
    """SIGKILL for a component's processes, and a new pod at once; gives how many processes that were.

    The pod goes as well, because a container that is killed again and again is kept waiting by the kubelet. Where no
    process is there just now, because an earlier kill is not over, the next one is waited for: a kill that hits nothing
    would show nothing, and fails.
    """
    return eventually(lambda: _kill(site, component), seconds=60, what=f"a process of the {component} to kill")


def _kill(site: Site, component: str) -> int:
    there = pods(site, component)
    cluster = site.stack.cluster
    killed = sum(cluster.kill_pod_process(pod["metadata"]["uid"], _PROGRAMS[component]) for pod in there)
    for pod in there if killed else ():
        arguments = ("delete", "pod", pod["metadata"]["name"], "--force", "--grace-period=0", "--ignore-not-found")
        site.kubectl(*arguments, namespace=stacks.SYSTEM)
    return killed


def ready_since(site: Site, component: str) -> datetime | None:
    """Since when a component's pod has been ready; None: it is not."""
    times = [
        parse_time(condition["lastTransitionTime"])
        for pod in pods(site, component)
        for condition in pod["status"].get("conditions", [])
        if condition["type"] == "Ready" and condition["status"] == "True" and "deletionTimestamp" not in pod["metadata"]
    ]
    return max(times, default=None)


def ready(site: Site) -> None:
    """Waits until all components are there again, and nothing else is."""
    for component in COMPONENTS:
        deployment = f"deploy/{stacks.RELEASE}-{component}"
        site.kubectl("rollout", "status", deployment, "--timeout=3m", namespace=stacks.SYSTEM)
    stacks.wait_until_settled(site.stack.kubeconfig)


def start_anew(site: Site, component: str) -> None:
    """New pods take the place of a component's, one after the other: with empty memory, and Secrets as they are now."""
    for verb in ("restart", "status"):
        site.kubectl("rollout", verb, f"deploy/{stacks.RELEASE}-{component}", namespace=stacks.SYSTEM)
    eventually(lambda: site.http.get("/api/webjobs").is_success, seconds=60, what="the shim")


def memory(site: Site) -> dict[str, Memory]:
    """Of each component's newest pod, by the kubelet's figures, which are some seconds old."""
    (node, *_) = site.kubectl("get", "nodes", "-o", "name", namespace=None).split()
    path = f"/api/v1/nodes/{node.partition('/')[2]}/proxy/stats/summary"
    summary = json.loads(site.kubectl("get", "--raw", path, namespace=None))
    found = {}
    for pod in sorted(summary["pods"], key=lambda pod: str(pod.get("startTime"))):
        for container in pod.get("containers", []):
            usage = container.get("memory", {})
            if pod["podRef"]["namespace"] == stacks.SYSTEM and container["name"] in COMPONENTS and "rssBytes" in usage:
                found[container["name"]] = Memory(
                    process=f"{pod['podRef']['name']} {container['startTime']}",
                    rss=usage["rssBytes"] / _MIB,
                    working_set=usage["workingSetBytes"] / _MIB,
                )
    return found


def peak(site: Site, component: str) -> float:
    """The most bytes of memory that a process of a component ever had, in the largest of its pods."""
    found = []
    for pod in pods(site, component):
        status = site.kubectl(
            "exec", pod["metadata"]["name"], "--", "cat", "/proc/1/status", namespace=stacks.SYSTEM
        ).splitlines()
        found.append(next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:")))
    return max(found)
