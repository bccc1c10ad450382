"""Whoever may write a status, and nothing else, neither deletes nor reads nor stops what is another's by it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import pytest

from tests import stack as stacks
from tests.security.attacker import stored, write_status
from tests.site import Site, eventually, shell

SECRET = "nobody but the victim reads this"  # noqa: S105
ELSEWHERE = "victims"


@pytest.fixture(scope="module")
def victim(site: Site) -> Iterator[str]:
    """A run of another job of the site, with its log; its id."""
    site.put_script("victim", f"echo {SECRET}\necho worse: {SECRET} >&2\n")
    yield site.ended(site.run("victim").headers["Location"])["id"]
    site.http.delete("/api/triggeredwebjobs/victim")


@pytest.fixture(scope="module")
def far(site: Site) -> Iterator[str]:
    """The key of the log of a run in another namespace."""
    stacks.apply(site.stack.kubeconfig, stacks.namespace(ELSEWHERE))
    manifest = '{"apiVersion": "webjobs.dev/v1", "kind": "WebJob", "metadata": {"name": "far"}, "spec": '
    text = '{"type": "triggered", "script": {"fileName": "run.sh", "text": "echo far"}}}'
    site.kubectl("apply", "-f", "-", stdin=manifest + text, namespace=ELSEWHERE)
    run = '{"apiVersion": "webjobs.dev/v1", "kind": "WebJobRun", "metadata": {"name": "far-1"}, '
    site.kubectl("apply", "-f", "-", stdin=run + '"spec": {"webJobName": "far"}}', namespace=ELSEWHERE)
    site.kubectl("wait", "wjr/far-1", "--for=condition=Complete", "--timeout=60s", namespace=ELSEWHERE)
    yield site.kubectl("get", "wjr/far-1", "-o", "jsonpath={.status.logPath}", namespace=ELSEWHERE).strip()
    site.kubectl("delete", "namespace", ELSEWHERE, "--wait=false", namespace=None)


@pytest.fixture
def own(site: Site) -> Iterator[str]:
    """A run of the attacker's job that has ended; its object name."""
    site.put_script("attacker", "echo mine\n")
    yield f"attacker-{site.ended(site.run('attacker').headers['Location'])['id']}"
    site.http.delete("/api/triggeredwebjobs/attacker")


def places(victim: str, far: str) -> dict[str, dict[str, str]]:
    """Statuses that say that a run's logs are somewhere else."""
    log = f"shop/data/jobs/triggered/victim/{victim}/output_log.txt"
    return {
        "another run": {"logPath": log, "errorLogPath": log.replace("output", "error")},
        "another namespace": {"logPath": far, "errorLogPath": far},
        "a way up": {"logPath": f"shop/data/../../{far}", "errorLogPath": f"shop/data//../../{far}"},
        "a record": {"logPath": f"shop/data/jobs/triggered/victim/{victim}/", "errorLogPath": "shop/data/"},
    }


@pytest.mark.parametrize("place", ["another run", "another namespace", "a way up", "a record"])
def test_a_log_is_never_read_where_a_status_says(site: Site, victim: str, far: str, own: str, place: str) -> None:
    write_status(site, "wjr", own, **places(victim, far)[place])
    run_id = own.rpartition("-")[2]
    folder = f"/api/vfs/data/jobs/triggered/attacker/{run_id}"

    def forged() -> bool:
        return bool(site.http.get(f"/api/triggeredwebjobs/attacker/history/{run_id}").json()["error_url"])

    eventually(forged, what="the shim's view of the status")
    seen = [site.http.get(f"{folder}/{name}_log.txt").text for name in ("output", "error")]
    with zipfile.ZipFile(io.BytesIO(site.http.get("/api/zip/data/jobs/triggered/attacker/").content)) as archive:
        seen += [archive.read(name).decode() for name in archive.namelist()]
    assert not [text for text in seen if SECRET in text or "INFO] far" in text]
    assert "mine" in seen[0], "its own log is there all the same"


@pytest.mark.parametrize("place", ["another run", "another namespace", "a way up", "a record"])
def test_a_log_is_never_deleted_where_a_status_says(site: Site, victim: str, far: str, own: str, place: str) -> None:
    key = f"shop/data/jobs/triggered/victim/{victim}/output_log.txt"
    write_status(site, "wjr", own, **places(victim, far)[place])
    site.kubectl("delete", "wjr", own)
    mine = f"shop/data/jobs/triggered/attacker/{own.rpartition('-')[2]}/output_log.txt"
    eventually(lambda: mine not in stored(site), what="the end of its own log")
    assert {key, far} <= stored(site)


def test_a_run_does_not_take_the_id_of_another(site: Site, victim: str, own: str) -> None:
    own_id = own.rpartition("-")[2]
    other = site.ended(site.run("attacker").headers["Location"])["id"]
    write_status(site, "wjr", own, runId=other)
    eventually(lambda: site.object("wjr", own)["status"]["runId"] in (other, own_id))
    ids = [run["id"] for run in site.http.get("/api/triggeredwebjobs/attacker/history").json()["runs"]]
    assert sorted(ids) == sorted([own_id, other])
    site.kubectl("delete", "wjr", own)
    eventually(lambda: len(site.http.get("/api/triggeredwebjobs/attacker/history").json()["runs"]) == 1)
    log = site.http.get(f"/api/vfs/data/jobs/triggered/attacker/{other}/output_log.txt")
    assert "mine" in log.text
    assert f"shop/data/jobs/triggered/attacker/{other}/output_log.txt" in stored(site)


def test_a_run_does_not_end_the_job_of_another(site: Site, own: str) -> None:
    """A Job that is said to be of an ended run would be cleaned up with it."""
    site.apply("sleeper", {"type": "triggered", "concurrencyPolicy": "Allow", **shell("sleep 1000")})
    ended, going = site.create_run("sleeper"), site.create_run("sleeper")
    for run in (ended, going):
        site.kubectl("wait", f"wjr/{run}", "--for=jsonpath={.status.state}=Running", "--timeout=60s")
    job = site.object("wjr", going)["status"]
    site.kubectl("patch", "wjr", ended, "--type=merge", "-p", '{"spec": {"cancel": true}}')
    eventually(lambda: site.object("wjr", ended)["status"]["state"] == "Aborted", seconds=60)
    write_status(site, "wjr", ended, jobName=job["jobName"], jobUID=job["jobUID"], endTime="2020-01-01T00:00:00Z")
    site.apply("sleeper", {"type": "triggered", "concurrencyPolicy": "Allow", **shell("sleep 1001")})
    eventually(lambda: site.object("wj", "sleeper")["status"].get("observedGeneration") == 2)
    site.kubectl("delete", "wjr", ended)
    eventually(lambda: ended not in [run["metadata"]["name"] for run in site.objects("wjr")])
    assert site.object("wjr", going)["status"]["state"] == "Running"
    assert not site.object("job", job["jobName"])["metadata"].get("deletionTimestamp")
    site.kubectl("delete", "wj", "sleeper")


@pytest.mark.parametrize(
    "status",
    [
        {"activeRun": {"name": "nobody", "since": "2099-01-01T00:00:00Z"}},
        {"activeRun": {"name": "nobody", "since": "0001-01-01T00:00:00Z"}},
        {"activeRun": {"name": "../../etc", "since": "9999-12-31T23:59:59Z"}},
        {"storedRuns": {"newest": "999999999999999999", "limit": 1}},
        {"storedRuns": {"newest": "../../..", "limit": -(2**31)}},
        {"schedulerLogPath": "victims/data/jobs/triggered/far/job_scheduler.log"},
        {"latestRun": {"name": "nobody", "runId": "nonsense", "state": "Running", "startTime": "9999-12-31T23:59:59Z"}},
        {"lastScheduleTime": "9999-12-31T23:59:59Z", "nextRunTime": "0001-01-01T00:00:00Z", "skippedRuns": 2**31 - 1},
        {"instances": [{"id": "../..", "pod": "x", "status": "Running"}], "replicas": 100, "warmReady": 99},
    ],
    ids=str,
)
def test_a_status_of_a_webjob_stops_nothing(site: Site, victim: str, status: dict[str, object]) -> None:
    write_status(site, "wj", "victim", **status)
    assert [job["name"] for job in site.http.get("/api/webjobs").json()].count("victim") == 1
    assert victim in [run["id"] for run in site.http.get("/api/triggeredwebjobs/victim/history").json()["runs"]]
    started = eventually(lambda: run if (run := site.run("victim")).status_code == 202 else None, what="a run")
    assert site.ended(started.headers["Location"])["status"] == "Success"
    clean = dict.fromkeys(status)
    write_status(site, "wj", "victim", **clean)


def test_a_status_of_a_schedule_stops_nothing(site: Site, victim: str) -> None:
    site.apply(
        "tick", {"webJobName": "victim", "periodSeconds": 2, "startTime": "2020-01-01T00:00:00Z"}, kind="WebJobSchedule"
    )
    site.kubectl("wait", "wjs/tick", "--for=condition=Scheduled", "--timeout=30s")
    before = {run["id"] for run in site.http.get("/api/triggeredwebjobs/victim/history").json()["runs"]}
    write_status(site, "wjs", "tick", lastScheduleTime="9999-12-31T23:59:59Z", nextRunTime="9999-12-31T23:59:59Z")

    def goes_on() -> bool:
        return bool(
            {run["id"] for run in site.http.get("/api/triggeredwebjobs/victim/history").json()["runs"]} - before
        )

    eventually(goes_on, seconds=40, what="a run of the schedule")
    site.kubectl("delete", "wjs", "tick")
