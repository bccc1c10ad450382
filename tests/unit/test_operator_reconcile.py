"""Whole passes over an API server in memory: what is written, in which order, and what a crash leaves behind."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.builders import config, pod, run_async, run_body, webjob_body
from tests.unit.fake_kube import Died, FakeKube
from tests.unit.talks import Pods, Talks
from webjobs.model import LABEL_ARMED
from webjobs.runs import rfc3339
from webjobs.store import logs as stored_logs
from webjobs.store import open_store
from webjobs_kube.errors import ApiError
from webjobs_kube.podlogs import PodLogs
from webjobs_operator.cache import Cache, Key
from webjobs_operator.follow import Followers
from webjobs_operator.handlers import WATCHED
from webjobs_operator.hearing import Ears
from webjobs_operator.reconcile import Reconciler
from webjobs_operator.schedulerlog import SchedulerLog
from webjobs_operator.storedruns import StoredRuns

KEY = ("site", "job")
LABELS = {"webjobs.dev/webjob": "job"}
SLOT = "batch.kubernetes.io/cronjob-scheduled-timestamp"


class Followed(Followers):
    """Says which pods would be followed: a pass here has an event loop of its own, and nothing goes on beside it."""

    def __init__(self) -> None:
        self.pods: list[str] = []

    def follow(self, uid: str, *, namespace: str, pod: str, log_key: str, hearing: Ears | None = None) -> None:
        self.pods.append(pod)

    async def finish(self, log_key: str) -> None:
        return

    async def drop(self, log_key: str) -> None:
        return


WAITING = {"cpu": "10m", "memory": "32Mi"}
"""What pods request at most while they wait for a run."""


class World:
    """A cluster in memory with one operator; ``restart`` makes a new one that knows nothing."""

    def __init__(self, *bodies: dict[str, Any], objects: int = 100) -> None:
        self.objects = objects
        self.added: list[Key] = []
        self.now = datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC)
        self.kube = FakeKube(clock=lambda: self.now)
        self.store = open_store("memory:///")
        self.due: float | None = None
        self.pods = Pods()
        for body in bodies:
            self.kube.add(body)
        self.restart()

    def restart(self) -> None:
        self.kube.die_after_writes = None
        self.cache = Cache()
        self.scheduler_log, self.followers, self.sessions = SchedulerLog(self.store), Followed(), Talks(self.pods)
        self.stored_runs = StoredRuns(
            kube=self.kube,
            cache=self.cache,
            store=self.store,
            objects=self.objects,
            add=self.added.append,
            clock=lambda: self.now,
        )
        self.reconciler = Reconciler(
            kube=self.kube,
            cache=self.cache,
            store=self.store,
            config=config(historyObjects=self.objects, warm={"enabled": True, "requests": WAITING}),
            clock=lambda: self.now,
            log=self.scheduler_log,
            pod_logs=PodLogs(self.kube),
            followers=self.followers,
            stored_runs=self.stored_runs,
            sessions=self.sessions,
        )

    def watch(self) -> None:
        """Brings the cache up to date, as the watches do."""
        for kind in WATCHED:
            there = {one["metadata"]["uid"] for one in self.kube.of_kind(kind)}
            for body in list(self.cache.of(kind, KEY).values()):
                if body["metadata"]["uid"] not in there:
                    self.cache.forget(kind, {"kind": kind} | body)
            for body in self.kube.of_kind(kind):
                self.cache.observe(kind, body)

    def crash_at(self, number: int, *, lost_answer: bool) -> None:
        """The process dies after so many writes from now, or (once) the answer to that write is lost."""
        if not lost_answer:
            self.kube.die_after_writes = number
            return
        count = iter(range(1, 1000))

        async def lose(call: Any) -> None:
            if call.verb in ("create", "apply", "patch", "delete") and next(count) == number:
                self.kube.fail(ApiError(500, "Timeout", "the answer was lost"), after=True)

        self.kube.before_call = lose

    def live_through(self, *steps: Callable[[], None] | None) -> bool:
        """Settles after each step, with a new operator where one died; whether one did."""
        died = False
        for step in steps:
            if step:
                step()
            try:
                self.settle()
            except (Died, ApiError):
                died = True
                self.restart()
                self.settle()
        return died

    def settle(self) -> list[str]:
        """Passes until there is nothing left to write; gives what was written."""
        begin = len(self.kube.writes)
        for _ in range(20):
            before = len(self.kube.writes)
            self.added.clear()
            self.watch()
            self.due = run_async(self._pass())
            if len(self.kube.writes) == before and self.due != 0.0 and not self.added:
                break
        else:
            raise AssertionError("the operator never comes to rest")
        return [
            f"{call.verb} {call.kind}" + (f"/{call.subresource}" if call.subresource else "")
            for call in self.kube.writes[begin:]
            if call.kind != "Event"
        ]

    async def _pass(self) -> float | None:
        due = await self.reconciler(KEY)
        await self.stored_runs.idle()
        return due

    def one(self, kind: str) -> dict[str, Any]:
        (found,) = self.kube.of_kind(kind)
        return found

    def events(self) -> list[str]:
        return [event["reason"] for event in self.kube.of_kind("Event")]

    def play(self, state: dict[str, Any] | None, *, phase: str) -> None:
        """What Job controller and kubelet do for each Job that may run."""
        for job in self.kube.of_kind("Job"):
            if job["spec"].get("suspend") or LABEL_ARMED in job["metadata"].get("labels", {}):
                continue
            name = job["metadata"]["name"]
            body = pod(name=name, phase=phase, state=state, labels=job["spec"]["template"]["metadata"]["labels"])
            if ("Pod", "site", name) in self.kube.objects:
                there = self.kube.objects["Pod", "site", name]
                there["status"] = body["status"]
                there["metadata"]["resourceVersion"] = self.kube._next_version()
            else:
                body["metadata"].pop("resourceVersion")
                body["metadata"]["ownerReferences"] = [{"uid": job["metadata"]["uid"], "kind": "Job", "name": name}]
                self.kube.add(body)
                self.kube.logs["site", name, False] = ["2026-01-01T00:00:31.5Z hello"]

    def start_processes(self) -> None:
        self.play({"running": {"startedAt": rfc3339(self.now, micro=False)}}, phase="Running")

    def end_processes(self, code: int = 0) -> None:
        stamp = rfc3339(self.now, micro=False)
        ended = {"exitCode": code, "reason": "Error", "startedAt": stamp, "finishedAt": stamp}
        self.play({"terminated": ended}, phase="Failed" if code else "Succeeded")

    def log(self, run: dict[str, Any], path: str = "logPath") -> str:
        async def read() -> str:
            found = await stored_logs.read(self.store, run["status"][path])
            assert found is not None
            return b"".join([piece async for piece in found[1]]).decode()

        return run_async(read())


def cron_job_slot(slot: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    """The suspended Job that a CronJob makes."""
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": "job-29453760",
            "namespace": "site",
            "labels": LABELS,
            "annotations": {SLOT: slot},
            "ownerReferences": [{"kind": "CronJob", "name": "job", "uid": "cron", "controller": True}],
        },
        "spec": {
            "suspend": True,
            "backoffLimit": 0,
            "template": {"metadata": {"labels": {"webjobs.dev/webjob": "job"}}},
        },
        "status": {},
    }


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


def cancel(world: World, name: str) -> None:
    body = world.kube.objects["WebJobRun", "site", name]
    body["spec"]["cancel"] = True
    body["metadata"]["resourceVersion"] = world.kube._next_version()


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


def test_a_slot_is_admitted_once() -> None:
    world = World(webjob_body({"schedule": "0 * * * * *"}))
    world.settle()
    world.kube.add(cron_job_slot())
    assert world.settle() == ["create WebJobRun", "patch WebJob/status", "patch Job", "patch WebJobRun/status"]
    job, run = world.one("Job"), world.one("WebJobRun")
    assert job["spec"]["suspend"] is False
    assert job["spec"]["template"]["metadata"]["labels"]["webjobs.dev/run"] == "202601010000000000"
    assert run["metadata"]["name"] == "job-202601010000000000"
    assert run["spec"]["trigger"] == "Schedule - 0 * * * * *"


def test_a_slot_beside_an_active_run_is_one_recorded_skip() -> None:
    world = World(webjob_body({"schedule": "0 * * * * *"}), run_body("job-manual"))
    world.settle()
    world.kube.add(cron_job_slot())
    assert world.settle() == ["patch WebJob/status", "delete Job"]
    assert [job["metadata"]["name"] for job in world.kube.of_kind("Job")] == ["job-manual"]
    assert world.one("WebJob")["status"]["skippedRuns"] == 1
    assert world.events() == ["RunSkipped"]


def test_a_queued_slot_waits() -> None:
    world = World(webjob_body({"schedule": "0 * * * * *", "concurrencyPolicy": "Queue"}), run_body("job-manual"))
    world.settle()
    world.kube.add(cron_job_slot())
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
