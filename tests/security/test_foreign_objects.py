"""Objects of somebody else with the project's names and labels: never deleted, changed, run, or taken for a job's."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.security.attacker import stored
from tests.site import Site, eventually, shell

LABELS = {
    "webjobs.dev/webjob": "mimic",
    "webjobs.dev/run": "202601010000000000",
    "app.kubernetes.io/managed-by": "webjobs",
    "app.kubernetes.io/name": "mimic",
}
OLD = "202601010000000000"


def _pod_spec(site: Site, *command: str) -> dict[str, Any]:
    container = {
        "name": "job",
        "image": site.stack.image,
        "command": list(command),
        "ports": [{"containerPort": 8100}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    return {"containers": [container], "restartPolicy": "Never", "securityContext": security}


def foreign(site: Site) -> list[dict[str, Any]]:
    """One object of each kind, with the names and labels of the WebJob mimic's own."""
    template = {"metadata": {"labels": LABELS}, "spec": _pod_spec(site, "sleep", "1000")}
    always = {**template, "spec": {**template["spec"], "restartPolicy": "Always"}}
    suspended = {"suspend": True, "template": template}
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "mimic-0123456789abcdef"}, "data": {"a": "b"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mimic"}, "stringData": {"a": "b"}},
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": f"mimic-{OLD}"}, "spec": suspended},
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {"name": "mimic"},
            "spec": {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": {"template": template}}},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "mimic"},
            "spec": {"replicas": 0, "selector": {"matchLabels": LABELS}, "template": always},
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "mimic-data"},
            "spec": {
                "storageClassName": "none",
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Mi"}},
            },
        },
    ]


@pytest.fixture(scope="module")
def theirs(site: Site) -> Iterator[list[dict[str, Any]]]:
    bodies = foreign(site)
    for body in bodies:
        body["metadata"] |= {"labels": LABELS, "namespace": "shop"}
    site.apply_all(*bodies)
    yield bodies
    for body in bodies:
        site.kubectl("delete", body["kind"].lower(), body["metadata"]["name"], "--ignore-not-found")


def versions(site: Site, bodies: list[dict[str, Any]]) -> dict[str, tuple[str, Any]]:
    """UID and spec of each object, to see that it is there and as it was."""
    found = {}
    for body in bodies:
        there = site.object(body["kind"].lower(), body["metadata"]["name"])
        assert "deletionTimestamp" not in there["metadata"]
        assert "ownerReferences" not in there["metadata"], "nobody adopts it"
        found[body["kind"]] = there["metadata"]["uid"], there.get("spec", there.get("data"))
    return found


@pytest.mark.parametrize("kind", ["triggered", "continuous"])
def test_they_are_neither_changed_nor_deleted(site: Site, theirs: list[dict[str, Any]], kind: str) -> None:
    before = versions(site, theirs)
    own = {"schedule": "0 0 3 1 * *"} if kind == "triggered" else {}
    site.apply("mimic", {"type": kind, "data": {"size": "1Mi"}, **own, **shell("echo x")})
    eventually(lambda: site.object("wj", "mimic")["status"].get("observedGeneration"), what="the first pass")
    ready = next(one for one in site.object("wj", "mimic")["status"]["conditions"] if one["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "NameTaken")
    if kind == "triggered":
        run = site.create_run("mimic")
        eventually(lambda: site.object("wjr", run)["status"]["state"] == "Failed", what="a refusal")
    assert versions(site, theirs) == before
    site.kubectl("delete", "wj", "mimic")
    time.sleep(2)  # in which garbage collection, or we, would have taken them along
    assert versions(site, theirs) == before


def test_a_run_with_the_name_of_somebody_elses_job(site: Site, theirs: list[dict[str, Any]]) -> None:
    site.apply("mimic", {"type": "triggered", **shell("echo x")})
    before = versions(site, theirs)
    run = {"apiVersion": "webjobs.dev/v1", "kind": "WebJobRun", "metadata": {"name": f"mimic-{OLD}"}}
    site.kubectl("create", "-f", "-", stdin=json.dumps(run | {"spec": {"webJobName": "mimic"}}))
    eventually(lambda: site.object("wjr", f"mimic-{OLD}")["status"]["state"] == "Failed", what="the refusal")
    assert "somebody else" in site.object("wjr", f"mimic-{OLD}")["status"]["message"]
    site.kubectl("delete", "wjr", f"mimic-{OLD}")
    site.kubectl("delete", "wj", "mimic")
    time.sleep(2)
    assert versions(site, theirs) == before


SERVER = """
import http.server
print("WORDS", flush=True)
class Speaks(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"WORDS")
http.server.HTTPServer(("", 8100), Speaks).serve_forever()
"""


@pytest.fixture
def impostor(site: Site) -> Iterator[str]:
    """A pod of somebody else with the labels of a continuous job, older than those of the job."""
    name = "impostor"
    meta = {"name": name, "namespace": "shop", "labels": {"webjobs.dev/webjob": "served", "pod-template-hash": "x"}}
    spec = _pod_spec(site, "python3", "-c", SERVER.replace("WORDS", "impostor speaks"))
    site.apply_all({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    site.kubectl("wait", f"pod/{name}", "--for=condition=Ready", "--timeout=60s")
    yield name
    site.kubectl("delete", "pod", name, "--wait=false", "--grace-period=1", "--ignore-not-found")


def test_a_pod_with_the_labels_is_no_instance(site: Site, impostor: str) -> None:
    site.put_script("served", SERVER.replace("WORDS", "own words"), file_name="run.py", kind="continuous")
    url = "/api/continuouswebjobs/served/passthrough/"
    seen: set[str] = set()

    def answered() -> bool:
        answer = site.http.get(url)
        seen.add(answer.text)
        return answer.status_code == 200 and "own words" in answer.text

    eventually(answered, seconds=60, what="the job's own answer")
    log = "/api/vfs/data/jobs/continuous/served/job_log.txt"
    eventually(lambda: "own words" in site.http.get(log).text, what="its log")
    status = site.object("wj", "served")["status"]
    assert impostor not in [one["pod"] for one in status["instances"]]
    assert not [text for text in seen if "impostor speaks" in text]
    for where in (log, "/api/logs/recent", "/api/zip/data/jobs/continuous/served/"):
        assert b"impostor speaks" not in site.http.get(where).content
    site.http.post("/api/continuouswebjobs/served/stop")
    eventually(lambda: not site.object("wj", "served")["status"].get("instances"), seconds=60, what="the stop")
    assert site.http.get(url).status_code == 404
    assert "deletionTimestamp" not in site.object("pod", impostor)["metadata"], "it is not ours to delete"
    site.http.delete("/api/continuouswebjobs/served")


def test_a_pod_with_the_labels_is_no_run(site: Site) -> None:
    site.apply("honest", {"type": "triggered", **shell("echo honest; sleep 8; echo more")})
    run = site.create_run("honest")
    eventually(lambda: site.object("wjr", run)["status"]["state"] == "Running", seconds=60)
    run_id = site.object("wjr", run)["status"]["runId"]
    labels = {"webjobs.dev/webjob": "honest", "webjobs.dev/run": run_id}
    meta = {"name": "liar", "namespace": "shop", "labels": labels}
    spec = _pod_spec(site, "python3", "-c", "print('a lie', flush=True); raise SystemExit(3)")
    site.apply_all({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})
    eventually(lambda: site.object("pod", "liar")["status"]["phase"] == "Failed", seconds=60)
    assert "a lie" not in site.http.get(f"/api/vfs/data/jobs/triggered/honest/{run_id}/output_log.txt").text
    site.kubectl("wait", f"wjr/{run}", "--for=condition=Complete", "--timeout=60s")
    log = site.http.get(f"/api/vfs/data/jobs/triggered/honest/{run_id}/output_log.txt").text
    assert "honest" in log
    assert "a lie" not in log
    assert f"shop/data/jobs/triggered/honest/{run_id}/output_log.txt" in stored(site)
    site.kubectl("delete", "pod", "liar", "--wait=false")
    site.kubectl("delete", "wj", "honest")
