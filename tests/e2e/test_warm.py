"""Warm runs on a real node: they begin in a pod that waits, and everything else is as of any run."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests import faults
from tests.site import Site, eventually, shell, zip_of

ARMED = "webjobs.dev/armed"
SAY = 'echo "out $#"; for one in "$@"; do printf "<%s>\\n" "$one"; done; echo err >&2\n'
POLICY = "no-attach"


def warm(site: Site, name: str, text: str = SAY, **spec: Any) -> None:
    """A job that is warm, once it is."""
    site.apply(name, {"type": "triggered", "warm": 2} | shell(text) | spec)
    ready(site, name)


def ready(site: Site, name: str, count: int = 2) -> None:
    """Waits until so many pods do."""
    eventually(lambda: _ready(site, name) == count, what=f"{count} pods of {name} that wait")


def _ready(site: Site, name: str) -> int | None:
    found: int | None = site.object("wj", name).get("status", {}).get("warmReady")
    return found


def waiting(site: Site, name: str) -> dict[str, str]:
    """Jobs that wait, and what of."""
    jobs = site.objects("job", f"webjobs.dev/webjob={name},{ARMED}")
    taken = {run.get("status", {}).get("jobName") for run in site.objects("wjr", f"webjobs.dev/webjob={name}")}
    return {
        job["metadata"]["name"]: job["metadata"]["labels"][ARMED]
        for job in jobs
        if job["metadata"]["name"] not in taken and not job["metadata"].get("deletionTimestamp")
    }


def run_of(site: Site, location: str) -> dict[str, Any]:
    """The WebJobRun behind a Location."""
    job, _, run_id = location.rpartition("/history/")
    return site.object("wjr", f"{job.rpartition('/')[2]}-{run_id}")


def output(text: str) -> list[str]:
    """What the script wrote."""
    lines = [line.partition(": ")[2] for line in text.splitlines()]
    return [line for line in lines if not line.startswith("SYS ")]


@pytest.fixture(autouse=True)
def tidy(site: Site) -> Iterator[None]:
    yield
    site.kubectl("delete", "wj", "--all", "--wait=false")


def test_a_run_begins_in_a_pod_that_waits(site: Site) -> None:
    warm(site, "warm")
    there = waiting(site, "warm")
    answer = site.run("warm", 'a "b  c" "$(id)" "it\'s" ""')
    assert answer.status_code == 202
    run = site.ended(answer.headers["Location"])
    assert run["status"] == "Success"
    body = run_of(site, answer.headers["Location"])
    assert body["status"]["jobName"] in there
    assert body["status"]["exitCode"] == 0
    lines = output(site.log(run))
    words = ["out 5", "<a>", "<b  c>", "<$(id)>", "<it's>", "<>"]
    assert [line for line in lines if line.startswith("INFO")] == [f"INFO] {word}" for word in words]
    assert [line for line in lines if line.startswith("ERR")] == ["ERR ] err"]
    assert output(site.http.get(run["error_url"]).text) == ["ERR ] err"]
    ready(site, "warm")
    assert body["status"]["jobName"] not in waiting(site, "warm")
    plain = site.kubectl("logs", f"job/{body['status']['jobName']}").splitlines()
    assert sorted(plain) == sorted([*words, "err"]), "nothing of ours is among it"
    conditions = {one["type"]: one for one in site.object("wj", "warm")["status"]["conditions"]}
    assert (conditions["Warm"]["status"], conditions["Warm"]["reason"]) == ("True", "Armed")


def test_how_a_run_fails(site: Site) -> None:
    warm(site, "failing", "echo before; exit 3\n")
    run = site.ended(site.run("failing").headers["Location"])
    assert run["status"] == "Failed"
    assert "exit code 3" in site.log(run)
    assert "before" in site.log(run)


def test_two_runs_in_a_row(site: Site) -> None:
    """As clients do that know Kudu: who starts a second one at once is not told of the first, which is over then."""
    warm(site, "twice", "echo hello world\n")
    answers = [site.run("twice") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert all(site.http.get(one.headers["Location"]).json()["output_url"].endswith(".txt") for one in answers)
    assert [site.ended(one.headers["Location"])["status"] for one in answers] == ["Success", "Success"]


def test_one_at_a_time_all_the_same(site: Site) -> None:
    warm(site, "long", "sleep 6\n")
    first = site.run("long")
    assert first.status_code == 202
    assert site.run("long").status_code == 409
    assert site.ended(first.headers["Location"])["status"] == "Success"


def test_another_package_is_what_runs(site: Site) -> None:
    """Warm by settings.job; the run right after an upload is of the upload."""
    files = {"run.sh": "echo one\n", "settings.job": json.dumps({"warm": 2})}
    assert site.upload("fresh", zip_of(files)).status_code == 200
    ready(site, "fresh")
    before = waiting(site, "fresh")
    for text in ("two", "three"):
        assert site.upload("fresh", zip_of(files | {"run.sh": f"echo {text}\n"})).status_code == 200
        run = site.ended(site.run("fresh").headers["Location"])
        assert output(site.log(run)) == [f"INFO] {text}"]
    eventually(lambda: len(waiting(site, "fresh")) == 2 and not set(waiting(site, "fresh")) & set(before), what="new")
    ready(site, "fresh")
    assert len(set(waiting(site, "fresh").values())) == 1


def test_what_takes_waiting_pods_away(site: Site) -> None:
    warm(site, "taken")
    for stop, start in (({"suspend": True}, {"suspend": None}), ({"warm": 0}, {"warm": 2})):
        site.kubectl("patch", "wj", "taken", "--type=merge", "-p", json.dumps({"spec": stop}))
        eventually(lambda: not waiting(site, "taken"), what=f"the end of those that waited, by {stop}")
        site.kubectl("patch", "wj", "taken", "--type=merge", "-p", json.dumps({"spec": start}))
        ready(site, "taken")
    site.http.post("/api/settings", json={"WEBJOBS_STOPPED": "1"})
    try:
        eventually(lambda: not waiting(site, "taken"), what="the end of those that waited, by WEBJOBS_STOPPED")
    finally:
        site.http.delete("/api/settings/WEBJOBS_STOPPED")
    ready(site, "taken")
    site.http.delete("/api/triggeredwebjobs/taken")
    eventually(lambda: not site.objects("pod", "webjobs.dev/webjob=taken"), what="the end of all pods", seconds=60)


def test_pods_that_are_slow_to_end_keep_none_from_waiting(site: Site) -> None:
    """The Jobs of before the stop and those after it have the same names; the pods of before are still there."""
    warm(site, "slow")
    before = site.objects("pod", f"webjobs.dev/webjob=slow,{ARMED}")

    def hold(*finalizers: str) -> None:
        patch = json.dumps({"metadata": {"finalizers": finalizers or None}})
        site.kubectl("patch", "pod", *(pod["metadata"]["name"] for pod in before), "--type=merge", "-p", patch)

    hold("webjobs.dev/slow")
    try:
        site.kubectl("patch", "wj", "slow", "--type=merge", "-p", json.dumps({"spec": {"suspend": True}}))
        eventually(lambda: not waiting(site, "slow"), what="the end of those that waited")
        site.kubectl("patch", "wj", "slow", "--type=merge", "-p", json.dumps({"spec": {"suspend": None}}))
        ready(site, "slow")
        assert len(site.objects("pod", f"webjobs.dev/webjob=slow,{ARMED}")) == 4
        run = site.ended(site.run("slow", "a").headers["Location"])
        assert "INFO] <a>" in output(site.log(run))
    finally:
        hold()


def test_other_settings_reach_the_next_run(site: Site) -> None:
    warm(site, "settled", 'echo "greeting $GREETING"\n')
    site.http.post("/api/settings", json={"GREETING": "hello"})
    try:
        run = site.ended(site.run("settled").headers["Location"])
        assert output(site.log(run)) == ["INFO] greeting hello"]
    finally:
        site.http.delete("/api/settings/GREETING")


def test_a_pod_that_is_gone_is_replaced(site: Site) -> None:
    warm(site, "gone")
    before = waiting(site, "gone")
    (pod, *_) = site.objects("pod", f"webjobs.dev/webjob=gone,{ARMED}")
    site.kubectl("delete", "pod", pod["metadata"]["name"])
    eventually(lambda: set(waiting(site, "gone")) != set(before) and _ready(site, "gone") == 2, what="another pod")
    assert site.ended(site.run("gone").headers["Location"])["status"] == "Success"


def test_a_pod_that_waits_requests_little(site: Site) -> None:
    """Until its run has run for two seconds; then the kubelet gives it what the job requests, without a restart."""
    little, own = {"cpu": "10m", "memory": "32Mi"}, {"cpu": "100m", "memory": "64Mi"}
    warm(site, "small", "sleep 8\n", resources={"requests": own, "limits": {"memory": "64Mi"}})
    pods = site.objects("pod", f"webjobs.dev/webjob=small,{ARMED}")
    assert [one["spec"]["containers"][0]["resources"]["requests"] for one in pods] == [little, little]
    location = site.run("small").headers["Location"]
    job = run_of(site, location)["status"]["jobName"]

    def given() -> dict[str, Any] | None:
        (pod,) = site.objects("pod", f"batch.kubernetes.io/job-name={job}")
        (container,) = pod["status"]["containerStatuses"]
        return container if container["resources"]["requests"] == own else None

    assert eventually(given, what="what the job requests", seconds=8)["restartCount"] == 0
    assert site.ended(location)["status"] == "Success"


def test_cancel_and_time_limit(site: Site) -> None:
    warm(site, "cancelled", "echo up; sleep 100\n", stoppingWaitSeconds=1)
    location = site.run("cancelled").headers["Location"]
    assert site.http.delete(location).status_code in (200, 202, 204)
    assert site.ended(location)["status"] == "Aborted"
    warm(site, "limited", "echo up; sleep 100\n", timeoutSeconds=2, stoppingWaitSeconds=1)
    time.sleep(3)  # longer than the limit: it is the run's, not that of the pod which waited
    location = site.run("limited").headers["Location"]
    run = site.ended(location)
    assert run["status"] == "Failed"
    assert "INFO] up" in site.log(run)
    assert "deadline" in run_of(site, location)["status"]["message"]


def test_the_log_of_a_run_that_goes_on(site: Site) -> None:
    """Live, INFO and ERR apart, and the same in the end."""
    warm(site, "live", "for n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo out $n; echo err $n >&2; sleep 1; done\n")
    location = site.run("live").headers["Location"]
    run = site.http.get(location).json()
    eventually(lambda: "INFO] out 1" in site.log(run), what="the first line", seconds=5)
    eventually(lambda: "ERR ] err 1" in site.log(run), what="a line of stderr, as one", seconds=11)
    assert site.http.get(location).json()["status"] == "Running"
    lines = output(site.log(site.ended(location)))
    for level, word in (("INFO]", "out"), ("ERR ]", "err")):
        assert [line for line in lines if line.startswith(level)] == [f"{level} {word} {n}" for n in range(1, 13)]
    assert len(lines) == 24


def test_an_operator_that_dies_while_a_run_goes_on(site: Site) -> None:
    """SIGKILL: the pod goes on, its log is whole, and it ran once; those that waited wait on."""
    warm(site, "orphan", "echo began; for n in 1 2 3 4 5 6 7 8; do sleep 1; echo $n; done; echo last >&2\n")
    location = site.run("orphan").headers["Location"]
    time.sleep(2)
    before = waiting(site, "orphan")
    assert faults.kill(site, "operator") == 1
    run = site.ended(location)
    assert run["status"] == "Success"
    lines = [line.partition("] ")[2] for line in output(site.log(run))]
    assert sorted(lines) == sorted(["began", *map(str, range(1, 9)), "last"])
    assert set(before) & set(waiting(site, "orphan")), "a new operator takes over those that wait"
    ready(site, "orphan")
    assert site.run("orphan").status_code == 202


def test_a_schedule_by_a_cron_job(site: Site) -> None:
    """The Job that the CronJob made goes, the run takes a pod that waits: one record."""
    warm(site, "cron", schedule="0 * * * * *")
    there = waiting(site, "cron")
    (run,) = eventually(
        lambda: [one for one in site.objects("wjr", "webjobs.dev/webjob=cron") if one.get("status", {}).get("endTime")],
        seconds=75,
        what="the minute's run",
    )
    assert run["status"]["state"] == "Success"
    (digest,) = set(there.values())  # the slot may have come before all of them waited
    assert run["status"]["jobName"].startswith(f"cron-{digest}-")
    assert run["spec"]["cronJobName"] not in [job["metadata"]["name"] for job in site.objects("job")]


def test_a_policy_that_forbids_attaching(site: Site) -> None:
    """One condition that says so, and runs as usual."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CONNECT"], "resources": ["pods/attach"]}
    api = "admissionregistration.k8s.io/v1"
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": "false", "message": "nobody attaches here"}],
    }
    policy = {"apiVersion": api, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": POLICY}, "spec": spec}
    binding = policy | {
        "kind": "ValidatingAdmissionPolicyBinding",
        "spec": {"policyName": POLICY, "validationActions": ["Deny"]},
    }
    for body in (policy, binding):
        site.kubectl("apply", "-f", "-", stdin=json.dumps(body), namespace=None)
    try:
        time.sleep(2)  # policies are in force a moment after they were written
        site.apply("refused", {"type": "triggered", "warm": 1} | shell(SAY))

        def refused() -> bool:
            status = site.object("wj", "refused").get("status", {})
            return any(one["reason"] == "AttachForbidden" for one in status.get("conditions", []))

        eventually(refused, what="the condition")
        run = site.ended(site.run("refused", "x").headers["Location"])
        assert run["status"] == "Success"
        eventually(lambda: not waiting(site, "refused"), what="the end of the pod that waited in vain")
    finally:
        for kind in ("validatingadmissionpolicybinding", "validatingadmissionpolicy"):
            site.kubectl("delete", kind, POLICY, namespace=None)
        faults.kill(site, "operator")  # it would try again in five minutes
        faults.ready(site)
