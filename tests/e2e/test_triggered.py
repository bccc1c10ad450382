"""Triggered jobs through REST and kubectl, in real pods."""

from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
import subprocess

from tests.site import Site, eventually, zip_of

ECHO = """
echo "id=$WEBJOBS_RUN_ID name=$WEBJOBS_NAME type=$WEBJOBS_TYPE"
echo "raw=$WEBJOBS_COMMAND_ARGUMENTS"
for a in "$@"; do echo "arg=[$a]"; done
"""
GATE = "/webjobs/work/go"
WAIT = f'while [ ! -e {GATE} ]; do sleep 0.1; done; echo "released"\n'


def release(site: Site, run_id: str) -> None:
    """Lets a waiting script go on."""
    pod = eventually(
        lambda: next(
            (
                p["metadata"]["name"]
                for p in site.objects("pod", f"webjobs.dev/run={run_id}")
                if p["status"]["phase"] == "Running"
            ),
            None,
        ),
        what="a running pod",
    )
    site.kubectl("exec", pod, "-c", "job", "--", "touch", GATE)


def test_a_zip_becomes_a_run_with_a_log(site: Site) -> None:
    assert site.upload("hello", zip_of({"inner/run.sh": ECHO, "inner/data.txt": "x"})).status_code == 200
    started = site.run("hello", '"first arg" "second arg" $(whoami) $HOME $$')
    assert (started.status_code, started.content) == (202, b"")
    location = started.headers["Location"]
    assert site.http.get(location).status_code == 200, "a 202's Location is readable at once"
    run = site.ended(location, seconds=30)
    assert run["status"] == "Success"
    log = site.log(run)
    assert [line.partition("] ")[2] for line in log.split("\r\n") if ": INFO]" in line] == [
        f"id={run['id']} name=hello type=triggered",
        'raw="first arg" "second arg" $(whoami) $HOME $$',
        "arg=[first arg]",
        "arg=[second arg]",
        "arg=[$(whoami)]",
        "arg=[$HOME]",
        "arg=[$$]",
    ]
    assert log.endswith("Status changed to Success\r\n")
    site.kubectl("delete", "pod,job", "-l", "webjobs.dev/webjob=hello")
    eventually(lambda: not site.objects("pod", "webjobs.dev/webjob=hello"), what="the end of the pods")
    history = site.http.get("/api/triggeredwebjobs/hello/history").json()["runs"]
    assert [one["id"] for one in history] == [run["id"]]
    assert site.log(history[0]) == log, "the log outlives its pod"


def test_one_at_a_time(site: Site) -> None:
    site.put_script("single", WAIT)
    first = site.run("single")
    second = site.run("single")
    assert second.status_code == 409
    assert second.text == "Cannot start a new run since job is already running."
    refused = site.create_run("single")
    eventually(lambda: site.object("wjr", refused).get("status", {}).get("state") == "Skipped", what="the skip")
    run_id = first.headers["Location"].rpartition("/")[2]
    eventually(lambda: site.http.get(first.headers["Location"]).json()["status"] == "Running", what="the start")
    live = site.http.get(first.headers["Location"]).json()
    assert "Status changed to Running" in site.log(live), "the log can be read while the run goes on"
    release(site, run_id)
    assert site.ended(first.headers["Location"])["status"] == "Success"
    third = eventually(
        lambda: answer if (answer := site.run("single")).status_code == 202 else None, what="a free lock"
    )
    release(site, third.headers["Location"].rpartition("/")[2])
    assert site.ended(third.headers["Location"])["status"] == "Success"
    ids = [run["id"] for run in site.http.get("/api/triggeredwebjobs/single/history").json()["runs"]]
    assert ids == [third.headers["Location"].rpartition("/")[2], run_id], "a skipped run is no history for clients"


def test_of_many_calls_at_once_one_is_accepted(site: Site) -> None:
    site.put_script("race", WAIT)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: site.run("race"), range(8)))
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 7
    (won,) = (answer for answer in answers if answer.status_code == 202)
    release(site, won.headers["Location"].rpartition("/")[2])
    assert site.ended(won.headers["Location"])["status"] == "Success"


def test_kubectl_create_runs_the_job(site: Site) -> None:
    site.apply(
        "by-kubectl",
        {
            "type": "triggered",
            "script": {"fileName": "run.py", "text": "import sys\nprint(sys.argv[1:])\nsys.exit(len(sys.argv) - 2)\n"},
        },
    )
    good = site.create_run("by-kubectl", arguments='"one argument"')
    site.kubectl("wait", f"wjr/{good}", "--for=condition=Complete", "--timeout=30s")
    bad = site.create_run("by-kubectl", arguments="one two three")
    site.kubectl("wait", f"wjr/{bad}", "--for=condition=Failed", "--timeout=30s")
    status = site.object("wjr", bad)["status"]
    assert (status["state"], status["exitCode"]) == ("Failed", 2)
    runs = site.http.get("/api/triggeredwebjobs/by-kubectl/history").json()["runs"]
    assert [run["status"] for run in runs] == ["Failed", "Success"]
    assert runs[1]["trigger"] == "External - kubectl-create"
    assert "['one argument']" in site.log(runs[1])
    assert "Job failed due to exit code 2" in site.log(runs[0])


def test_a_large_package_is_fetched_and_verified(site: Site) -> None:
    big = bytes(range(256)) * 4096 * 4  # 4 MiB: far too large for a ConfigMap
    script = 'sha256sum < data/big.bin\n[ -x tool.sh ] || true\nls -l "$WEBJOBS_PATH"\n'
    assert site.upload("large", zip_of({"run.sh": script, "data/big.bin": big})).status_code == 200
    assert site.objects("configmap", "webjobs.dev/webjob=large") == []
    run = site.ended(site.run("large").headers["Location"])
    assert run["status"] == "Success", site.log(run)
    assert hashlib.sha256(big).hexdigest() in site.log(run)


def test_a_schedule_fires_through_a_cronjob_and_shares_the_lock(site: Site) -> None:
    settings = '{"schedule": "0 */1 * * * *"}'
    assert site.upload("tick", zip_of({"run.sh": "echo tick\n", "settings.job": settings})).status_code == 200
    webjob = eventually(
        lambda: one if (one := site.object("wj", "tick"))["status"].get("nextRunTime") else None, what="a next run"
    )
    assert webjob["status"]["schedule"] == "0 * * * * *"
    assert site.object("cronjob", "tick")["spec"]["schedule"] == "* * * * *"
    latest = eventually(
        lambda: site.http.get("/api/triggeredwebjobs/tick").json()["latest_run"], seconds=75, what="the schedule"
    )
    run = site.ended(latest["url"])
    assert (run["status"], run["trigger"]) == ("Success", "Schedule - 0 * * * * *")
    assert "tick" in site.log(run)
    site.http.delete("/api/triggeredwebjobs/tick")


def test_a_schedule_with_seconds_is_fired_by_the_operator(site: Site) -> None:
    site.apply(
        "seconds",
        {"type": "triggered", "schedule": "*/5 * * * * *", "script": {"fileName": "run.sh", "text": "echo tock\n"}},
    )
    runs = eventually(
        lambda: found if len(found := site.objects("wjr", "webjobs.dev/webjob=seconds")) >= 2 else None,
        what="two slots",
    )
    site.kubectl("delete", "wj", "seconds")
    assert {run["spec"]["scheduleTime"][-3:-1] for run in runs} <= {f"{s:02d}" for s in range(0, 60, 5)}
    assert all(run["spec"]["trigger"].startswith("Schedule - 0,5,10") for run in runs)


def test_the_operator_may_die_in_the_middle_of_a_run(site: Site) -> None:
    site.put_script("survivor", WAIT)
    location = site.run("survivor").headers["Location"]
    run_id = location.rpartition("/")[2]
    eventually(lambda: site.http.get(location).json()["status"] == "Running", what="the start")
    operator = ("-l", "app.kubernetes.io/component=operator")
    site.kubectl("delete", "pod", *operator, "--now", "--wait=false", namespace="webjobs-system")
    release(site, run_id)
    run = site.ended(location)
    assert run["status"] == "Success"
    assert "released" in site.log(run)
    site.kubectl("rollout", "status", "deploy/webjobs-operator", "--timeout=60s", namespace="webjobs-system")


def test_the_api_server_may_die_in_the_middle_of_a_run(site: Site) -> None:
    site.put_script("outage", WAIT)
    location = site.run("outage").headers["Location"]
    run_id = location.rpartition("/")[2]
    eventually(lambda: site.http.get(location).json()["status"] == "Running", what="the start")
    site.stack.cluster.kill_program("kube-apiserver")
    seen = set()

    def back() -> bool:
        # In between clients are answered from memory or with a 503, never wrongly.
        seen.add(site.http.get(location).status_code)
        with contextlib.suppress(subprocess.CalledProcessError):
            return site.kubectl("get", "--raw", "/readyz", namespace=None) == "ok"
        return False

    eventually(back, seconds=60, what="the API server's return")
    assert seen <= {200, 503}
    release(site, run_id)
    run = site.ended(location)
    assert run["status"] == "Success"
    assert "released" in site.log(run)
    again = site.run("outage")
    assert again.status_code == 202, "the operator and the shim work on"
    release(site, again.headers["Location"].rpartition("/")[2])
    assert site.ended(again.headers["Location"])["status"] == "Success"


def test_deleting_the_job_leaves_nothing(site: Site) -> None:
    site.put_script("gone", "echo x\n")
    run = site.ended(site.run("gone").headers["Location"])
    assert site.http.delete("/api/triggeredwebjobs/gone").status_code == 200
    assert site.http.get("/api/triggeredwebjobs/gone").status_code == 404
    eventually(
        lambda: not site.objects("wj,wjr,job,pod,configmap", "webjobs.dev/webjob=gone"), what="the end of all children"
    )
    eventually(lambda: site.http.get(run["output_url"]).status_code == 404, what="the end of the log")
