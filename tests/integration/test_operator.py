"""The operator against the real API server: what it writes, and what it leaves alone."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from typing import Any

from tests.site import Site, eventually

SCRIPT = {"fileName": "run.sh", "text": "echo x"}
IDLE_WORKER: dict[str, Any] = {"type": "continuous", "image": "registry.local/none:1", "replicas": 0}
OURS = {"webjobs", "webjobruns", "deployments", "cronjobs", "jobs", "configmaps", "persistentvolumeclaims"}
_LINE = re.compile(r"^apiserver_request_total\{(.*)\} (\d+)", re.MULTILINE)


def all_writes(site: Site) -> Counter[tuple[str, str, str]]:
    """Requests that change something, of everybody: by API group, verb and resource; the API server's own counters."""
    found: Counter[tuple[str, str, str]] = Counter()
    for labels, count in _LINE.findall(site.kubectl("get", "--raw", "/metrics", namespace=None)):
        by = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        if by["verb"] in ("POST", "PUT", "PATCH", "APPLY", "DELETE") and not by["code"].startswith("5"):
            name = by["resource"] + (f"/{by['subresource']}" if by["subresource"] else "")
            found[by["group"], by["verb"], name] += int(count)
    return found


def writes(site: Site) -> Counter[str]:
    """Those that change our kinds of objects, by verb and resource.

    Controllers' PUTs of other statuses are left out; APPLY is nobody's but the operator's.
    """
    found: Counter[str] = Counter()
    for (group, verb, name), count in all_writes(site).items():
        if name.partition("/")[0] in OURS and (group == "webjobs.dev" or verb == "APPLY"):
            found[f"{verb} {name}"] += count
    return found


def settled(site: Site) -> Counter[str]:
    """The counters once nothing has been written for two seconds."""
    last, since = writes(site), time.monotonic()

    def look() -> bool:
        nonlocal last, since
        now = writes(site)
        if now != last:
            last, since = now, time.monotonic()
        return time.monotonic() - since > 2

    eventually(look, what="rest")
    return last


def observed(site: Site, name: str) -> bool:
    webjob = site.object("wj", name)
    return bool(webjob["status"].get("observedGeneration") == webjob["metadata"]["generation"])


def test_a_change_costs_one_child_write_and_one_status_write(site: Site) -> None:
    site.apply("cost", IDLE_WORKER)
    eventually(lambda: site.object("wj", "cost").get("status", {}).get("observedGeneration"), what="the first pass")
    before = settled(site)
    changes = 5
    for number in range(changes):
        patch = json.dumps({"spec": {"env": [{"name": "A", "value": str(number)}]}})
        site.kubectl("patch", "wj", "cost", "--type=merge", "-p", patch)
        eventually(lambda: observed(site, "cost"), what="the change")
    spent = settled(site) - before
    site.kubectl("delete", "wj", "cost")
    assert spent == {"PATCH webjobs": changes, "APPLY deployments": changes, "PATCH webjobs/status": changes}


def test_a_restart_writes_nothing(site: Site) -> None:
    site.apply("calm-worker", IDLE_WORKER)
    site.apply("calm-cron", {"type": "triggered", "schedule": "0 0 3 1 * *", "script": SCRIPT})
    site.apply("calm-run", {"type": "triggered", "script": SCRIPT})
    run = site.create_run("calm-run")
    site.kubectl("wait", f"wjr/{run}", "--for=condition=Complete", "--timeout=30s")
    eventually(lambda: observed(site, "calm-worker") and observed(site, "calm-cron"), what="the first passes")
    before = settled(site)
    site.kubectl("rollout", "restart", "deploy/webjobs-operator", namespace="webjobs-system")
    site.kubectl("rollout", "status", "deploy/webjobs-operator", "--timeout=60s", namespace="webjobs-system")
    time.sleep(3)  # time in which an operator that writes at its start would have written
    spent = settled(site) - before
    assert spent == {}, "restarting the operator must write nothing"
    # It is awake all the same:
    site.apply("calm-proof", IDLE_WORKER)
    eventually(lambda: site.object("wj", "calm-proof").get("status", {}).get("observedGeneration"), what="a pass")
    site.kubectl("delete", "wj", "calm-worker", "calm-cron", "calm-run", "calm-proof")


def test_no_annotations_or_finalizers_on_users_objects(site: Site) -> None:
    site.apply("clean", IDLE_WORKER)
    eventually(lambda: observed(site, "clean"), what="the first pass")
    meta = site.object("wj", "clean")["metadata"]
    assert set(meta["annotations"]) == {"kubectl.kubernetes.io/last-applied-configuration"}
    assert "finalizers" not in meta
    site.kubectl("delete", "wj", "clean")


def test_children_are_repaired(site: Site) -> None:
    site.apply("repair", IDLE_WORKER)
    eventually(lambda: site.objects("deployment", "webjobs.dev/webjob=repair"), what="the Deployment")
    site.kubectl("patch", "deployment", "repair", "-p", '{"spec": {"replicas": 2}}')
    eventually(lambda: site.object("deployment", "repair")["spec"]["replicas"] == 0, what="the repair")
    first = site.object("deployment", "repair")["metadata"]["uid"]
    site.kubectl("delete", "deployment", "repair")
    eventually(
        lambda: [d for d in site.objects("deployment", "webjobs.dev/webjob=repair") if d["metadata"]["uid"] != first],
        what="a new Deployment",
    )
    site.kubectl("delete", "wj", "repair")


def test_somebody_elses_deployment_is_not_taken_over(site: Site) -> None:
    foreign = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "taken"},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "taken"}},
            "template": {
                "metadata": {"labels": {"app": "taken"}},
                "spec": {"containers": [{"name": "c", "image": "registry.local/none:1"}]},
            },
        },
    }
    site.kubectl("apply", "-f", "-", stdin=json.dumps(foreign))
    site.apply("taken", IDLE_WORKER)
    ready = eventually(
        lambda: [c for c in site.object("wj", "taken").get("status", {}).get("conditions", []) if c["type"] == "Ready"],
        what="the condition",
    )[0]
    assert (ready["status"], ready["reason"]) == ("False", "NameTaken")
    assert "ownerReferences" not in site.object("deployment", "taken")["metadata"]
    site.kubectl("delete", "wj/taken", "deployment/taken")


def test_what_cannot_run_says_what_to_do(site: Site) -> None:
    site.apply("windows", {"type": "triggered", "script": {"fileName": "run.cmd", "text": "tasklist"}})
    site.kubectl("wait", "wj/windows", "--for=condition=Ready=False", "--timeout=30s")
    (ready,) = (c for c in site.object("wj", "windows")["status"]["conditions"] if c["type"] == "Ready")
    assert ready["reason"] == "BatchNotTranslated"
    assert "run.cmd, line 1" in ready["message"]
    about = f"involvedObject.uid={site.object('wj', 'windows')['metadata']['uid']}"
    events = site.kubectl("get", "events", "--field-selector", about, "-o", "name").split()
    assert len(events) == 1
    site.kubectl("delete", "wj", "windows")


def test_a_run_of_an_unknown_webjob_fails_with_its_reason(site: Site) -> None:
    run = site.create_run("nobody")
    site.kubectl("wait", f"wjr/{run}", "--for=condition=Failed", "--timeout=30s")
    assert "There is no WebJob nobody" in site.object("wjr", run)["status"]["message"]
    site.kubectl("delete", "wjr", run)


def test_a_bad_schedule_in_settings_is_a_condition(site: Site) -> None:
    spec = {
        "type": "triggered",
        "script": {"fileName": "run.sh", "text": ":"},
        "settings": {"schedule": "0 0 25 * * *"},
    }
    site.apply("badtime", spec)
    site.kubectl("wait", "wj/badtime", "--for=condition=Scheduled=False", "--timeout=30s")
    (condition,) = (c for c in site.object("wj", "badtime")["status"]["conditions"] if c["type"] == "Scheduled")
    assert condition["reason"] == "InvalidSchedule"
    assert "hour" in condition["message"]
    site.kubectl("delete", "wj", "badtime")


def test_deletion_removes_all_children(site: Site) -> None:
    site.apply("family", {"type": "triggered", "schedule": "0 0 3 * * *", "script": SCRIPT})
    run = site.create_run("family")
    site.kubectl("wait", f"wjr/{run}", "--for=condition=Complete", "--timeout=30s")
    kinds = "wj,wjr,cronjob,job,pod,configmap"
    assert {o["kind"] for o in site.objects(kinds, "webjobs.dev/webjob=family")} >= {
        "CronJob",
        "Job",
        "Pod",
        "ConfigMap",
    }
    site.kubectl("delete", "wj", "family")
    eventually(lambda: not site.objects(kinds, "webjobs.dev/webjob=family"), what="the end of all children")
