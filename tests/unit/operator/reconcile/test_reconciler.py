"""Whole passes over an API server in memory: what is written, in which order, and what a crash leaves behind."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.cluster import World, cancel, cron_job_slot
from tests.fakes.kube import Died
from tests.fakes.objects import run_async, run_body, webjob_body
from webjobs.times import rfc3339
from webjobs_kube.errors import ApiError


def test_a_worker_costs_two_writes_and_then_none() -> None:
    world = World(webjob_body({"type": "continuous", "script": None, "image": "worker:1"}))
    assert world.settle() == ["apply Deployment", "patch WebJob/status"]
    world.restart()
    assert world.settle() == []


def test_a_script_comes_with_its_config_map() -> None:
    world = World(webjob_body({"schedule": "0 */5 * * * *"}))
    assert world.settle() == ["apply ConfigMap", "apply CronJob", "patch WebJob/status"]
    status = world.one("WebJob")["status"]
    assert (status["state"], status["schedule"], status["nextRunTime"]) == (
        "Scheduled",
        "0 0,5,10,15,20,25,30,35,40,45,50,55 * * * *",
        "2026-01-01T00:05:00Z",
    )
    world.kube.objects["WebJob", "site", "job"]["spec"]["script"]["text"] = "echo other\n"
    world.kube.objects["WebJob", "site", "job"]["metadata"] |= {"generation": 2, "resourceVersion": "500"}
    world.kube._version = 500
    assert world.settle() == ["apply ConfigMap", "apply CronJob", "delete ConfigMap", "patch WebJob/status"]


def test_a_schedule_that_cron_cannot_say_replaces_the_cron_job() -> None:
    world = World(webjob_body({"schedule": "0 */5 * * * *"}))
    world.settle()
    world.kube.objects["WebJob", "site", "job"]["spec"]["schedule"] = "10 3 * * * *"
    world.kube.objects["WebJob", "site", "job"]["metadata"] |= {"generation": 2, "resourceVersion": "500"}
    world.kube._version = 500
    assert world.settle() == ["delete CronJob", "patch WebJob/status"]
    (condition,) = [c for c in world.one("WebJob")["status"]["conditions"] if c["type"] == "Scheduled"]
    assert (condition["reason"], "needs seconds" in condition["message"]) == ("OperatorTimer", True)
    assert world.due == pytest.approx(160, abs=0.01), "wakes up for the next slot"


@pytest.mark.parametrize("apart", [True, False], ids=["streams apart", "streams together"])
def test_lines_of_stderr(apart: bool) -> None:
    world = World(webjob_body(), run_body())
    world.settle()
    world.start_processes()
    world.kube.errors_apart = apart
    world.kube.logs["site", world.one("Pod")["metadata"]["name"], False] = ["2026-01-01T00:00:31.5Z hello"]
    world.kube.error_logs["site", world.one("Pod")["metadata"]["name"], False] = ["2026-01-01T00:00:31.2Z oops"]
    world.end_processes(1)
    world.settle()
    run = world.one("WebJobRun")
    said = [line.partition(": ")[2] for line in world.log(run).splitlines() if "hello" in line or "oops" in line]
    if apart:
        assert said == ["ERR ] oops", "INFO] hello"]
        assert world.log(run, "errorLogPath") == "[01/01/2026 00:00:31 > abcdef: ERR ] oops\r\n"
    else:
        assert said == ["INFO] hello"]
        assert "errorLogPath" not in run["status"]


@pytest.mark.parametrize("crash", range(4))
def test_a_cancelled_run(crash: int) -> None:
    world = World(webjob_body(), run_body())
    world.settle()
    world.start_processes()
    world.settle()
    cancel(world, "job-202601010000000000")
    if crash:
        world.kube.die_after_writes = crash
    try:
        world.settle()
    except Died:
        world.restart()
        world.settle()
    assert world.kube.of_kind("Job") == []
    assert world.events() == ["RunCancelled"]
    world.kube.objects.pop(("Pod", "site", "job-202601010000000000"), None)
    world.settle()
    status = world.one("WebJobRun")["status"]
    assert (status["state"], status["message"]) == ("Aborted", "It was cancelled.")
    assert "activeRun" not in world.one("WebJob")["status"]


def test_a_run_that_waits_is_cancelled_before_it_begins() -> None:
    world = World(webjob_body({"concurrencyPolicy": "Queue"}), run_body(), run_body("job-202601010000010000"))
    world.settle()
    cancel(world, "job-202601010000010000")
    assert world.settle() == ["patch WebJobRun", "patch WebJobRun/status", "patch WebJob/status"]
    states = {run["metadata"]["name"]: run["status"]["state"] for run in world.kube.of_kind("WebJobRun")}
    assert states == {"job-202601010000000000": "Initializing", "job-202601010000010000": "Aborted"}


def test_a_name_that_becomes_free_is_taken_a_while_later() -> None:
    world = World(webjob_body({"type": "continuous", "script": None, "image": "worker:1"}))
    foreign = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "job", "namespace": "site"},
        "spec": {},
    }
    world.kube.add(foreign)
    world.cache.observe("WebJob", world.one("WebJob"))
    assert run_async(world._pass()) == pytest.approx(60, abs=0.01)
    assert world.one("WebJob")["status"]["conditions"][0]["reason"] == "NameTaken"
    assert "ownerReferences" not in world.one("Deployment")["metadata"]
    del world.kube.objects["Deployment", "site", "job"]
    world.now += timedelta(seconds=60)
    assert world.settle() == ["apply Deployment", "patch WebJob/status"]


def test_the_life_of_a_run() -> None:
    world = World(webjob_body())
    world.settle()
    world.kube.add(run_body(spec={"arguments": '"a b" c'}))
    assert world.settle() == [
        "patch WebJob/status",  # the lock, before what it guards
        "patch WebJobRun",  # the owner
        "create Job",
        "patch WebJobRun/status",
    ]
    assert world.one("Job")["spec"]["template"]["spec"]["containers"][0]["args"] == ["bash", "run.sh", "a b", "c"]
    world.start_processes()
    assert world.settle() == ["patch WebJobRun/status", "patch WebJob/status"]
    assert world.one("WebJob")["status"]["state"] == "Running"
    assert set(world.followers.pods) == {"job-202601010000000000"}
    world.end_processes()
    assert world.settle() == ["patch WebJobRun/status", "patch WebJob/status"]
    run, status = world.one("WebJobRun"), world.one("WebJob")["status"]
    assert (run["status"]["state"], run["status"]["exitCode"]) == ("Success", 0)
    assert [c["type"] for c in run["status"]["conditions"]] == ["Complete"]
    assert "activeRun" not in status
    assert status["latestRun"]["state"] == "Success"
    assert "INFO] hello" in world.log(run)
    world.now += timedelta(seconds=301)
    assert world.settle() == ["delete Job"]
    assert world.log(run), "the log stays"


def test_a_failed_run_says_why_and_is_an_event() -> None:
    world = World(webjob_body(), run_body())
    world.settle()
    world.end_processes(3)
    world.settle()
    assert world.one("WebJobRun")["status"]["message"] == "The process ended with exit code 3."
    assert world.events() == ["RunFailed"]
    assert "Job failed due to exit code 3" in world.log(world.one("WebJobRun"))


def test_children_of_an_earlier_webjob_of_the_name_are_waited_for() -> None:
    """It was deleted, and Kubernetes is about to collect them: that is nobody's name that is taken."""
    world = World(webjob_body({"type": "continuous"}))
    world.settle()
    for kind in ("ConfigMap", "Deployment"):
        body = world.one(kind)
        world.touch(
            kind,
            body["metadata"]["name"],
            ownerReferences=[
                {
                    "apiVersion": "webjobs.dev/v1",
                    "kind": "WebJob",
                    "name": "job",
                    "uid": "uid-before",
                    "controller": True,
                }
            ],
        )
    world.restart()
    world.settle()
    assert world.events() == []
    assert world.due == pytest.approx(1, abs=0.1)
    for kind in ("ConfigMap", "Deployment"):
        del world.kube.objects[kind, "site", world.one(kind)["metadata"]["name"]]
    assert "apply Deployment" in world.settle()


def test_a_slot_is_admitted_once() -> None:
    world = World(webjob_body({"schedule": "0 * * * * *"}))
    world.settle()
    world.now += timedelta(minutes=1)
    world.kube.add(cron_job_slot("2026-01-01T00:01:00Z"))
    assert world.settle() == ["create WebJobRun", "patch WebJob/status", "patch Job", "patch WebJobRun/status"]
    job, run = world.one("Job"), world.one("WebJobRun")
    assert job["spec"]["suspend"] is False
    assert job["spec"]["template"]["metadata"]["labels"]["webjobs.dev/run"] == "202601010001000000"
    assert run["metadata"]["name"] == "job-202601010001000000"
    assert run["spec"]["trigger"] == "Schedule - 0 * * * * *"


def test_a_slot_beside_an_active_run_is_one_recorded_skip() -> None:
    world = World(webjob_body({"schedule": "0 * * * * *"}), run_body("job-manual"))
    world.settle()
    world.now += timedelta(minutes=1)
    world.kube.add(cron_job_slot("2026-01-01T00:01:00Z"))
    assert world.settle() == ["patch WebJob/status", "delete Job"]
    assert [job["metadata"]["name"] for job in world.kube.of_kind("Job")] == ["job-manual"]
    assert world.one("WebJob")["status"]["skippedRuns"] == 1
    assert world.events() == ["RunSkipped"]


def test_a_queued_slot_waits() -> None:
    world = World(webjob_body({"schedule": "0 * * * * *", "concurrencyPolicy": "Queue"}), run_body("job-manual"))
    world.settle()
    world.now += timedelta(minutes=1)
    world.kube.add(cron_job_slot("2026-01-01T00:01:00Z"))
    world.settle()
    assert len([job for job in world.kube.of_kind("Job") if job["spec"].get("suspend")]) == 1
    world.end_processes()
    world.settle()
    assert not [job for job in world.kube.of_kind("Job") if job["spec"].get("suspend")]


def test_a_waiting_slot_keeps_the_package_it_was_made_with() -> None:
    world = World(webjob_body({"schedule": "0 * * * * *", "concurrencyPolicy": "Queue"}), run_body("job-manual"))
    world.settle()
    old = world.one("ConfigMap")["metadata"]["name"]
    slot = cron_job_slot()
    slot["spec"]["template"]["spec"] = {"volumes": [{"name": "package", "configMap": {"name": old}}]}
    slot["status"] = {"conditions": [{"type": "Suspended", "status": "True"}]}  # says the Job controller
    world.kube.add(slot)
    world.settle()
    world.kube.objects["WebJob", "site", "job"]["spec"]["script"]["text"] = "echo other\n"
    world.kube.objects["WebJob", "site", "job"]["metadata"] |= {"generation": 2, "resourceVersion": "500"}
    world.kube._version = 500
    world.end_processes()  # of the run before
    world.kube.objects["Job", "site", "job-manual"]["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}
    world.watch()
    world.settle()
    assert old in {one["metadata"]["name"] for one in world.kube.of_kind("ConfigMap")}


def test_the_timer_runs_a_slot_once_and_catches_up_once() -> None:
    world = World(webjob_body({"schedule": "*/10 * * * * *"}))
    world.settle()  # 00:00:30: created at 00:00:00, so 10, 20 and 30 are due, and one run stands for them
    assert [run["spec"]["scheduleTime"] for run in world.kube.of_kind("WebJobRun")] == ["2026-01-01T00:00:30Z"]
    world.end_processes()
    world.settle()
    world.restart()
    world.settle()
    assert len(world.kube.of_kind("WebJobRun")) == 1, "a restart does not run the slot again"
    world.now += timedelta(seconds=10)
    world.settle()
    assert len(world.kube.of_kind("WebJobRun")) == 2


def test_slots_that_are_too_old_are_told_and_not_run() -> None:
    world = World(webjob_body({"schedule": "10 0 * * * *", "startingDeadlineSeconds": 60}))
    world.settle()
    world.now += timedelta(hours=5, minutes=30)
    runs_before = len(world.kube.of_kind("WebJobRun"))
    world.settle()
    assert len(world.kube.of_kind("WebJobRun")) == runs_before
    assert "MissedSchedule" in world.events()


def test_history_is_trimmed_but_never_an_active_run() -> None:
    ended = [
        run_body(f"job-2025010100000000{n:02d}", state="Success", status={"endTime": "2026-01-01T00:00:00Z"})
        for n in range(5)
    ]
    world = World(webjob_body({"historyLimit": 2, "concurrencyPolicy": "Allow"}), *ended, run_body("job-active"))
    world.settle()
    assert [run["metadata"]["name"] for run in world.kube.of_kind("WebJobRun")] == [
        "job-202501010000000003",
        "job-202501010000000004",
        "job-active",
    ]


def test_a_run_whose_job_was_deleted_is_aborted() -> None:
    world = World(webjob_body(), run_body())
    world.settle()
    world.start_processes()
    world.settle()
    run_async(world.kube.delete("Job", "site", world.one("Job")["metadata"]["name"]))
    world.settle()
    assert world.one("WebJobRun")["status"]["state"] == "Aborted"
    assert "activeRun" not in world.one("WebJob")["status"]


def test_a_deleted_run_holds_the_job_until_its_process_has_ended() -> None:
    world = World(webjob_body(), run_body("job-first"))
    world.settle()
    world.start_processes()
    world.settle()
    del world.kube.objects["WebJobRun", "site", "job-first"]
    del world.kube.objects["Job", "site", "job-first"]  # its pod still has its grace period
    world.now += timedelta(minutes=2)
    world.kube.add(run_body("job-second"))
    world.settle()
    assert world.kube.of_kind("Job") == []
    del world.kube.objects["Pod", "site", "job-first"]
    world.settle()
    assert [job["metadata"]["name"] for job in world.kube.of_kind("Job")] == ["job-second"]


def test_a_lost_race_for_the_lock_is_looked_at_again() -> None:
    """The REST shim takes the lock while a pass that would take it for another run is on its way."""
    world = World(webjob_body(), run_body("job-202601010000100000"))
    world.watch()
    stolen = {"activeRun": {"name": "job-202601010000200000", "since": rfc3339(world.now)}}
    run_async(world.kube.patch("WebJob", "site", "job", {"status": stolen}, subresource="status"))
    world.kube.add(run_body("job-202601010000200000"))
    world.settle()
    states = {run["metadata"]["name"]: run["status"]["state"] for run in world.kube.of_kind("WebJobRun")}
    assert states == {"job-202601010000100000": "Skipped", "job-202601010000200000": "Initializing"}
    assert len(world.kube.of_kind("Job")) == 1


def test_errors_of_the_api_come_back_as_errors() -> None:
    """The queue retries them."""
    world = World(webjob_body())
    world.kube.fail(ApiError(500, "InternalError", "no"), verb="apply")
    with pytest.raises(ApiError):
        world.settle()
    assert world.settle() == ["apply ConfigMap", "patch WebJob/status"]


def test_an_unreadable_log_is_retried_before_the_end_is_told() -> None:
    world = World(webjob_body(), run_body())
    world.settle()
    world.end_processes()
    world.kube.fail(ApiError(502, "BadGateway", "no kubelet"), verb="log")
    world.kube.add(run_body("job-202601010000010000"))  # another run of the job does not wait for that log
    world.watch()
    due = run_async(world._pass())
    states = {run["metadata"]["name"]: run["status"].get("state") for run in world.kube.of_kind("WebJobRun")}
    assert states == {"job-202601010000000000": "Initializing", "job-202601010000010000": "Skipped"}
    assert due == pytest.approx(1, abs=0.01)
    world.settle()
    del world.kube.objects["WebJobRun", "site", "job-202601010000010000"]
    assert "hello" in world.log(world.one("WebJobRun"))


LOCKED = {"activeRun": {"name": "job-202601010000000000", "since": "2026-01-01T00:00:30Z"}}
SCENARIOS: dict[str, list[dict[str, Any]]] = {
    "kubectl": [webjob_body(), run_body()],
    "shim": [webjob_body(status=LOCKED), run_body()],
    "cronjob": [webjob_body({"schedule": "0 * * * * *"}), cron_job_slot()],
    "timer": [webjob_body({"schedule": "30 * * * * *"})],
}


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("lost_answer", [False, True], ids=["dies", "loses-the-answer"])
def test_crash_matrix(scenario: str, lost_answer: bool) -> None:
    """Dying after any write, or losing its answer: one process, one record, an end with a log, a free lock."""
    for number in range(1, 30):
        world = World(*copy.deepcopy(SCENARIOS[scenario]))
        world.crash_at(number, lost_answer=lost_answer)
        died = world.live_through(None, world.start_processes, world.end_processes, None)
        creates = [c for c in world.kube.calls if c.verb == "create" and c.kind == "Job"]
        run = world.one("WebJobRun")
        assert run["status"]["state"] == "Success", f"after write {number}"
        assert "hello" in world.log(run)
        assert len(world.kube.of_kind("Job")) == 1
        assert len({call.name for call in creates}) <= 1
        assert "activeRun" not in world.one("WebJob")["status"]
        if not died:
            assert number > 4, "the scenario ended before anything could die"
            return
    raise AssertionError("the scenario never ended")


@pytest.mark.parametrize("job_type", ["triggered", "continuous"])
def test_settings_that_can_not_be_read_are_told(job_type: str) -> None:
    """As a condition for as long as they can't, and once as an Event."""
    package = {"digest": f"sha256:{'a' * 64}", "entrypoint": "run.sh", "size": 2**21, "files": 1}
    broken = package | {"settingsError": "settings.job is no JSON: line 2, column 3: ',' or '}' is missing."}
    world = World(webjob_body({"type": job_type, "script": None, "package": broken}))
    world.settle()
    (told,) = [one for one in world.one("WebJob")["status"]["conditions"] if one["type"] == "Settings"]
    assert (told["status"], told["reason"]) == ("False", "Unreadable")
    assert "line 2, column 3" in told["message"]
    world.now += timedelta(hours=1)
    world.settle()
    assert world.events().count("Unreadable") == 1
    world.edit_spec(settings={"schedule": "0 0 3 * * *"})
    world.settle()
    assert [one for one in world.one("WebJob")["status"]["conditions"] if one["type"] == "Settings"] == []


def test_what_only_has_our_label_is_left_alone() -> None:
    """Anybody may write a label, and a name: what is deleted has an owner reference of ours."""
    labels = {"webjobs.dev/webjob": "job", "app.kubernetes.io/managed-by": "webjobs"}
    run = {"webjobs.dev/run": "202501010000000000"}
    theirs = [
        {"kind": "CronJob", "metadata": {"name": "job", "labels": labels}, "spec": {}},
        {"kind": "ConfigMap", "metadata": {"name": "job-old", "labels": labels}},
        {"kind": "Job", "metadata": {"name": "theirs", "labels": labels | run}, "spec": {"template": {}}},
    ]
    for body in theirs:
        body["metadata"] |= {"namespace": "site", "creationTimestamp": "2025-01-01T00:00:00Z"}  # type: ignore[operator]
    world = World(webjob_body(), *theirs)
    world.settle()
    world.now += timedelta(hours=1)
    world.settle()
    assert [call for call in world.kube.calls if call.verb == "delete"] == []


def test_a_run_whose_status_names_the_job_of_somebody_else_does_not_take_it_along() -> None:
    world = World(webjob_body())
    world.kube.add(
        {
            "kind": "Job",
            "metadata": {"name": "theirs", "namespace": "site", "labels": {"webjobs.dev/webjob": "job"}},
            "spec": {"template": {}},
        }
    )
    ended = {"state": "Success", "endTime": "2025-01-01T00:00:00Z", "jobName": "theirs"}
    world.kube.add(run_body("job-202501010000000000", status=ended))
    world.settle()
    world.now += timedelta(hours=1)
    world.settle()
    assert [job["metadata"]["name"] for job in world.kube.of_kind("Job")] == ["theirs"]
