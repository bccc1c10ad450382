"""Opt-in behaviour that Kudu never had: queue, replace, beside each other, retries, a time limit."""

from __future__ import annotations

from typing import Any

from tests.site import Site, eventually

GOODBYE = 'trap "echo goodbye; exit 0" TERM; echo up; sleep 1000 & wait $!\n'
SLOW = {"type": "triggered", "script": {"fileName": "run.sh", "text": 'trap "exit 0" TERM; sleep 3 & wait $!\n'}}


def states(site: Site, webjob: str) -> dict[str, str]:
    """State by run, oldest first."""
    found = sorted(site.objects("wjr", f"webjobs.dev/webjob={webjob}"), key=lambda run: run["metadata"]["name"])
    return {run["metadata"]["name"]: run.get("status", {}).get("state", "") for run in found}


def running_pods(site: Site, webjob: str) -> list[dict[str, Any]]:
    """Pods whose process runs: the phase of a pod follows seconds after."""
    pods = site.objects("pod", f"webjobs.dev/webjob={webjob}")
    return [p for p in pods for c in p["status"].get("containerStatuses", []) if "running" in c["state"]]


def test_queue(site: Site) -> None:
    site.apply("queued", SLOW | {"concurrencyPolicy": "Queue"})
    answers = [site.run("queued") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202] * 3
    most = 0

    def done() -> bool:
        nonlocal most
        most = max(most, len(running_pods(site, "queued")))
        return list(states(site, "queued").values()) == ["Success"] * 3

    eventually(done, seconds=60, what="the end of all three")
    assert most == 1, "one after the other"
    site.kubectl("delete", "wj", "queued")


def test_allow(site: Site) -> None:
    site.apply("beside", SLOW | {"concurrencyPolicy": "Allow"})
    for _ in range(2):
        assert site.run("beside").status_code == 202
    eventually(lambda: len(running_pods(site, "beside")) == 2, what="two at once")
    site.kubectl("delete", "wj", "beside")


def test_replace(site: Site) -> None:
    site.apply("replaced", SLOW | {"concurrencyPolicy": "Replace"})
    first = site.run("replaced").headers["Location"]
    eventually(lambda: site.http.get(first).json()["status"] == "Running", what="the first")
    second = site.run("replaced")
    assert second.status_code == 202
    assert site.ended(second.headers["Location"])["status"] == "Success"
    assert site.ended(first)["status"] == "Aborted"
    site.kubectl("delete", "wj", "replaced")


def test_retries(site: Site) -> None:
    script = {"fileName": "run.sh", "text": "echo attempt; exit 4\n"}
    site.apply("retried", {"type": "triggered", "script": script, "retries": 1})
    run = site.ended(site.run("retried").headers["Location"], seconds=90)
    assert run["status"] == "Failed"
    assert site.log(run).count("attempt") == 2
    assert "Job failed due to exit code 4" in site.log(run)
    site.kubectl("delete", "wj", "retried")


def test_time_limit(site: Site) -> None:
    script = {"fileName": "run.sh", "text": "echo begun; sleep 1000\n"}
    site.apply("limited", {"type": "triggered", "script": script, "timeoutSeconds": 3, "stoppingWaitSeconds": 1})
    run = site.ended(site.run("limited").headers["Location"], seconds=60)
    assert run["status"] == "Failed"
    name = f"limited-{run['id']}"
    assert "deadline" in site.object("wjr", name)["status"]["message"]
    assert site.http.get("/api/triggeredwebjobs/limited").json()["latest_run"]["status"] == "Failed"
    site.kubectl("delete", "wj", "limited")


def test_cancel(site: Site) -> None:
    """By REST and by kubectl: the process gets TERM and may say goodbye, the lock is free."""
    site.apply("cancelled", {"type": "triggered", "script": {"fileName": "run.sh", "text": GOODBYE}})
    for by in ("REST", "kubectl"):
        location = site.run("cancelled").headers["Location"]
        run = site.http.get(location).json()
        eventually(lambda run=run: "INFO] up" in site.http.get(run["output_url"]).text, what="the process")  # type: ignore[misc]
        if by == "REST":
            assert site.http.delete(location).status_code == 200
        else:
            name = f"cancelled-{run['id']}"
            site.kubectl("patch", "wjr", name, "--type=merge", "-p", '{"spec":{"cancel":true}}')
        ended = site.ended(location)
        assert ended["status"] == "Aborted"
        assert "INFO] goodbye" in site.log(ended)
        assert "SYS ERR ] It was cancelled." in site.log(ended)
        assert site.http.delete(location).status_code == 409
    site.kubectl("delete", "wj", "cancelled")
