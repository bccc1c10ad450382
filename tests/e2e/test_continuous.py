"""Continuous jobs in real pods."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.site import Site, eventually, zip_of

WORKER = 'echo "up on $WEBJOBS_PORT"; while [ ! -e "$WEBJOBS_SHUTDOWN_FILE" ]; do sleep 0.2; done; echo bye\n'


def test_upload_stop_start_delete(site: Site) -> None:
    answer = site.upload(
        "worker", zip_of({"run.sh": WORKER, "settings.job": '{"is_singleton": true}'}), kind="continuous"
    )
    assert answer.status_code == 200
    assert answer.json()["status"] == "Initializing"
    site.kubectl("wait", "--for=condition=Ready", "wj/worker", "--timeout=30s")
    deployment = site.object("deployment", "worker")
    assert (deployment["spec"]["replicas"], deployment["spec"]["strategy"]["type"]) == (1, "Recreate")
    body = site.http.get("/api/continuouswebjobs/worker").json()
    assert body["status"] == "Running"
    log = eventually(
        lambda: text if "up on" in (text := site.http.get(body["log_url"]).text) else None, what="the output"
    )
    assert "INFO] up on 8100" in log
    assert site.http.post("/api/continuouswebjobs/worker/stop").status_code == 200
    eventually(lambda: site.http.get("/api/continuouswebjobs/worker").json()["status"] == "Stopped", what="the stop")
    eventually(lambda: not site.objects("pod", "webjobs.dev/webjob=worker"), what="the end of the pod")
    assert site.http.post("/api/continuouswebjobs/worker/start").status_code == 200
    site.kubectl("wait", "--for=condition=Ready", "wj/worker", "--timeout=30s")
    assert site.http.delete("/api/continuouswebjobs/worker").status_code == 200
    eventually(lambda: not site.objects("wj,deployment,pod,configmap", "webjobs.dev/webjob=worker"), what="the end")


def test_a_singleton_with_three_replicas_is_refused(site: Site) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        site.apply(
            "three",
            {"type": "continuous", "singleton": True, "replicas": 3, "script": {"fileName": "run.sh", "text": "true"}},
        )


def test_scale(site: Site) -> None:
    site.apply("scaled", {"type": "continuous", "script": {"fileName": "run.sh", "text": "sleep 1000\n"}})
    site.kubectl("wait", "--for=condition=Ready", "wj/scaled", "--timeout=30s")
    site.kubectl("scale", "wj/scaled", "--replicas=2")
    eventually(lambda: site.object("wj", "scaled")["status"].get("readyReplicas") == 2, what="two instances")
    body = site.http.get("/api/continuouswebjobs/scaled").json()
    assert body["detailed_status"].count(" - Running\r\n") == 2
    site.kubectl("delete", "wj", "scaled")


def test_the_same_name_for_both_types(site: Site) -> None:
    site.put_script("both", "echo once\n")
    site.put_script("both", "sleep 1000\n", kind="continuous")
    jobs = [job for job in site.http.get("/api/webjobs").json() if job["name"] == "both"]
    assert [job["type"] for job in jobs] == ["triggered", "continuous"]
    assert site.ended(site.run("both").headers["Location"])["status"] == "Success"
    for kind in ("triggered", "continuous"):
        assert site.http.delete(f"/api/{kind}webjobs/both").status_code == 200


def test_settings_take_effect(site: Site) -> None:
    site.put_script("tuned", "sleep 1000\n", kind="continuous")
    url = "/api/continuouswebjobs/tuned/settings"
    assert site.http.put(url, json={"is_singleton": True, "mine": [1]}).status_code == 200
    assert site.http.get(url).text == json.dumps({"is_singleton": True, "mine": [1]}, separators=(",", ":"))
    eventually(
        lambda: site.object("deployment", "tuned")["spec"]["strategy"]["type"] == "Recreate", what="the new strategy"
    )
    site.http.delete("/api/continuouswebjobs/tuned")
