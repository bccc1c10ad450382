"""A node that does not answer, and a node that dies: nothing runs twice, nothing is lost that was told in time."""

from __future__ import annotations

import json
import time

import httpx
import pytest

from tests import stack as stacks
from tests.site import Site, eventually, shell

TICK = 0.25


def ticks(seconds: float) -> str:
    """Writes the time, again and again."""
    return f'while :; do echo "tick $HOSTNAME $(date +%s.%N)"; sleep {seconds}; done\n'


GONE_SOON = [
    {"key": f"node.kubernetes.io/{word}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 2}
    for word in ("unreachable", "not-ready")
]


def ready_node(site: Site) -> bool:
    (node,) = json.loads(site.kubectl("get", "nodes", "-o", "json", namespace=None))["items"]
    return any(one["type"] == "Ready" and one["status"] == "True" for one in node["status"]["conditions"])


def answers(site: Site) -> bool:
    try:
        return site.http.get("/api/webjobs").status_code == 200
    except httpx.TransportError:
        return False


def message_of(site: Site, name: str) -> str:
    conditions = site.object("wj", name)["status"]["conditions"]
    return next(str(one["message"]) for one in conditions if one["type"] == "Ready")


def ticks_of(text: str) -> list[tuple[str, float]]:
    words = [line.partition("INFO] tick ")[2].split() for line in text.splitlines() if "INFO] tick " in line]
    return [(pod, float(at)) for pod, at in words]


def test_a_singleton_whose_node_does_not_answer(site: Site) -> None:
    """Its process goes on behind the cut; the next one waits for its end, however long Kubernetes has given it up."""
    spec = {"type": "continuous", "singleton": True, "podTemplate": {"spec": {"tolerations": GONE_SOON}}}
    site.apply("lonely", spec | shell(ticks(1)))  # 200 lines of a process are kept, so for three minutes
    site.apply("steady", {"type": "triggered"} | shell("echo begin; sleep 100; echo end\n"))
    site.kubectl("wait", "wj/lonely", "--for=condition=Ready", "--timeout=30s")
    steady = site.create_run("steady")
    site.kubectl("wait", f"wjr/{steady}", "--for=jsonpath={.status.state}=Running", "--timeout=30s")
    (old,) = site.pods("lonely")
    with site.stack.cluster.frozen("kubelet"):
        eventually(lambda: not ready_node(site), seconds=120, what="a node that is given up")
        eventually(lambda: len(site.pods("lonely")) == 2, seconds=60, what="a pod in the place of the old one")
        time.sleep(10)
        (new,) = [pod for pod in site.pods("lonely") if pod["metadata"]["uid"] != old["metadata"]["uid"]]
        assert new["spec"]["schedulingGates"] == [{"name": "webjobs.dev/singleton"}]
        assert f"A new one waits until pod {old['metadata']['name']} on node " in message_of(site, "lonely")
        instances = {one["pod"]: one["status"] for one in site.object("wj", "lonely")["status"]["instances"]}
        assert instances == {old["metadata"]["name"]: "Stopping", new["metadata"]["name"]: "InactiveInstance"}
        back = time.time()
    site.kubectl("wait", f"pod/{new['metadata']['name']}", "--for=condition=Ready", "--timeout=60s")
    url = site.http.get("/api/continuouswebjobs/lonely").json()["log_url"]
    name = new["metadata"]["name"]
    text = eventually(lambda: t if f"tick {name} " in (t := site.http.get(url).text) else None, what="its ticks")
    of_old = [at for pod, at in ticks_of(text) if pod == old["metadata"]["name"]]
    of_new = [at for pod, at in ticks_of(text) if pod == name]
    assert max(of_old) > back - 5, "it went on all the time"
    assert max(of_old) < min(of_new), "never two at once"
    site.kubectl("wait", f"wjr/{steady}", "--for=condition=Complete", "--timeout=120s")
    for name in ("lonely", "steady"):
        site.kubectl("delete", "wj", name)


def test_a_node_without_power(site: Site) -> None:
    """The log of a run is there but for its last ten seconds, and the run ends; operator and shim die with it."""
    if site.stack.cluster.provider != "built":
        pytest.fail("only the built cluster has a power switch: WEBJOBS_CLUSTER=built")
    site.apply("torn-off", {"type": "triggered"} | shell(ticks(TICK)))
    site.apply("goes-on", {"type": "continuous"} | shell(ticks(TICK)))
    run = site.create_run("torn-off")
    site.kubectl("wait", f"wjr/{run}", "--for=jsonpath={.status.state}=Running", "--timeout=30s")
    time.sleep(20)
    cut = time.time()
    site.stack.cluster.kill_node()
    time.sleep(2)
    site.stack.cluster.start_node()
    eventually(lambda: ready_node(site), seconds=120, what="the node")
    for component in ("operator", "apiserver"):
        site.kubectl("rollout", "status", f"deploy/webjobs-{component}", "--timeout=120s", namespace=stacks.SYSTEM)
    eventually(lambda: answers(site), seconds=60, what="the way to the shim")
    site.kubectl("wait", f"wjr/{run}", "--for=condition=Failed", "--timeout=120s")
    status = site.object("wjr", run)["status"]
    assert status["state"] in ("Failed", "Aborted"), status
    text = site.http.get(f"/api/vfs/data/jobs/triggered/torn-off/{status['runId']}/output_log.txt").text
    at = [at for _, at in ticks_of(text)]
    assert max(at) > cut - 10
    assert len(at) > (max(at) - min(at)) / TICK * 0.7, "no hole"
    print(f"the node's death took {cut - max(at):.1f} s of the log; the run ended as {status['state']}", end=" ")
    print(f"({status.get('message')})")
    url = site.http.get("/api/continuouswebjobs/goes-on").json()["log_url"]
    eventually(lambda: max(at for _, at in ticks_of(site.http.get(url).text)) > cut + 5, what="the worker goes on")
    for name in ("torn-off", "goes-on"):
        site.kubectl("delete", "wj", name)
