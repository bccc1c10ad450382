"""Runs that a restore created anew, or that an earlier WebJob left: none runs again, and each has an end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import obstore
import pytest

from tests.fakes.cluster import World
from tests.fakes.objects import run_body, webjob_body
from webjobs.store import run_logs as stored_logs
from webjobs_operator.reconcile.without_webjob import UNKNOWN_WEBJOB_GRACE
from webjobs_operator.runs import history

NOTE = "webjobs.dev/webjob-uid"
OLD = {NOTE: "uid-before"}
NAME = "job-202601010000000000"
KEY_OF_LOG = stored_logs.run_log_key(namespace="site", webjob="job", run_id=NAME[-18:])
ONCE = {
    "apiVersion": "webjobs.dev/v1",
    "kind": "WebJobSchedule",
    "metadata": {"name": "once", "namespace": "site"},
    "spec": {"webJobName": "job", "at": "2026-01-01T00:00:20Z"},
}


def log_of(state: str, *, code: int | None = None, message: str | None = None, when: str = "00:00:07") -> bytes:
    stamp = f"[01/01/2026 {when} > abcdef: SYS "
    text = f"{stamp}INFO] Status changed to Running\r\n[01/01/2026 00:00:01 > abcdef: INFO] hello\r\n"
    text += f"{stamp}INFO] Status changed to {state}\r\n"
    if code:
        text += f"{stamp}ERR ] Job failed due to exit code {code}\r\n"
    return (text + (f"{stamp}ERR ] {message}\r\n" if message else "")).encode()


def restored(**more: Any) -> dict[str, Any]:
    return run_body(NAME, annotations=OLD, **more)


def after_grace(world: World) -> list[str]:
    wrote = world.settle()
    world.now += history.GRACE
    return wrote + world.settle()


@pytest.mark.parametrize("policy", ["Forbid", "Queue", "Allow", "Replace"])
def test_none_runs_again(policy: str) -> None:
    bodies = [run_body(f"job-20260101000000000{one}", annotations=OLD) for one in range(3)]
    world = World(webjob_body({"concurrencyPolicy": policy}), *bodies)
    world.settle()
    assert world.kube.of_kind("Job") == []
    assert "activeRun" not in world.one("WebJob")["status"]
    world.kube.add(run_body("job-202601010000300000"))
    world.settle()
    assert [job["metadata"]["name"] for job in world.kube.of_kind("Job")] == ["job-202601010000300000"], "is in no way"
    world.now += history.GRACE
    world.settle()
    assert len(world.kube.of_kind("Job")) == 1
    ended = [run for run in world.kube.of_kind("WebJobRun") if run["metadata"]["annotations"][NOTE] == "uid-job"]
    assert [run["status"]["state"] for run in ended] == ["Aborted"] * 3 + ["Initializing"]
    assert "earlier WebJob" in ended[0]["status"]["message"]
    assert ended[0]["status"]["conditions"][0]["reason"] == "Restored"
    world.restart()
    assert world.settle() == []


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (log_of("Success"), {"state": "Success", "exitCode": 0, "endTime": "2026-01-01T00:00:07.000000Z"}),
        (
            log_of("Failed", code=3),
            {"state": "Failed", "exitCode": 3, "message": "The process ended with exit code 3."},
        ),
        (log_of("Aborted", message="It was cancelled."), {"state": "Aborted", "message": "It was cancelled."}),
        (b"[01/01/2026 00:00:01 > abcdef: INFO] hello\r\n", {"state": "Aborted"}),
        (b"", {"state": "Aborted"}),
        (log_of("Failed") + b"x" * 70_000, {"state": "Aborted"}),
    ],
)
def test_its_log_tells_how_it_ended(log: bytes, expected: dict[str, Any]) -> None:
    world = World(webjob_body(), restored())
    obstore.put(world.store, KEY_OF_LOG, log)
    after_grace(world)
    status = world.one("WebJobRun")["status"]
    assert status | expected == status
    assert status["logPath"] == KEY_OF_LOG
    assert "errorLogPath" not in status
    assert world.log(world.one("WebJobRun")).encode() == log, "it stays"


def test_a_status_that_comes_in_time_stays() -> None:
    world = World(webjob_body(), restored())
    world.settle()
    assert world.due == pytest.approx(30, abs=0.01), "created half a minute ago"
    world.touch("WebJobRun", NAME, status={"state": "Failed", "endTime": "2026-01-01T00:00:05Z", "exitCode": 4})
    assert after_grace(world) == ["patch WebJobRun", "patch WebJob/status"], "the owner"
    assert world.one("WebJobRun")["status"]["exitCode"] == 4


def test_a_store_that_does_not_answer_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(webjob_body(), restored())

    async def fails(*_: Any) -> None:
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr(stored_logs, "head", fails)
        assert "patch WebJobRun/status" not in after_grace(world)
        assert world.due == pytest.approx(history.AGAIN.total_seconds(), abs=0.01)
    world.now += history.AGAIN
    assert "patch WebJobRun/status" in world.settle()


def test_a_run_of_a_webjob_whose_children_are_being_collected_never_starts() -> None:
    owner = {"kind": "WebJob", "name": "job", "uid": "uid-gone", "controller": True}
    world = World(webjob_body(), run_body(NAME, ownerReferences=[owner]))
    world.settle()
    assert world.kube.of_kind("Job") == []
    assert world.one("WebJobRun")["metadata"]["ownerReferences"] == [owner]


def test_a_slot_that_has_run_does_not_run_again() -> None:
    """A WebJobSchedule without its status: the run of before the restore tells that its time is over."""
    spec = {"scheduleName": "once", "scheduleTime": "2026-01-01T00:00:20Z"}
    world = World(webjob_body(), restored(spec=spec), ONCE)
    after_grace(world)
    assert world.kube.of_kind("Job") == []
    status = world.one("WebJobSchedule")["status"]
    assert (status["lastScheduleTime"], status["lastOutcome"]) == ("2026-01-01T00:00:20Z", "Started")
    fresh = World(webjob_body(), ONCE)
    fresh.settle()
    assert len(fresh.kube.of_kind("Job")) == 1, "that is what it would have done"


def orphaned(world: World) -> None:
    """What kubectl delete --cascade=orphan does."""
    del world.kube.objects["WebJob", "site", "job"]
    for kind in ("WebJobRun", "ConfigMap", "CronJob"):
        for body in world.kube.of_kind(kind):
            world.touch(kind, body["metadata"]["name"], ownerReferences=[])
    world.settle()


def made_anew(world: World, spec: dict[str, Any] | None = None) -> None:
    body = webjob_body(spec)
    body["metadata"] |= {"uid": "uid-new", "resourceVersion": world.kube._next_version()}
    world.kube.add(body)
    world.settle()


@pytest.mark.parametrize("code", [0, 3])
def test_a_run_goes_on_without_its_webjob(code: int) -> None:
    world = World(webjob_body(), run_body(NAME))
    world.settle()
    world.start_processes()
    world.settle()
    orphaned(world)
    world.now += 2 * UNKNOWN_WEBJOB_GRACE + history.GRACE
    world.settle()
    assert world.one("WebJobRun")["status"]["state"] == "Running"
    world.end_processes(code)
    world.settle()
    status = world.one("WebJobRun")["status"]
    assert (status["state"], status["exitCode"]) == ("Failed" if code else "Success", code)
    assert "hello" in world.log(world.one("WebJobRun"))
    made_anew(world)
    assert world.one("WebJobRun")["metadata"]["ownerReferences"][0]["uid"] == "uid-new", "it goes with the new one"


def test_a_run_that_goes_on_is_carried_on_by_the_next_webjob() -> None:
    spec = {"schedule": "0 0 * * * *"}
    world = World(webjob_body(spec), run_body(NAME))
    world.settle()
    world.start_processes()
    world.settle()
    orphaned(world)
    made_anew(world, spec)
    meta = world.one("WebJobRun")["metadata"]
    assert (meta["ownerReferences"][0]["uid"], meta["annotations"][NOTE]) == ("uid-new", "uid-new")
    assert world.one("WebJob")["status"]["activeRun"]["name"] == NAME, "no other may run beside it"
    (ready,) = [one for one in world.one("WebJob")["status"]["conditions"] if one["type"] == "Ready"]
    assert ready["reason"] == "NameTaken", "children without an owner may be anybody's"
    world.end_processes()
    world.settle()
    assert world.one("WebJobRun")["status"]["state"] == "Success"
    world.restart()
    assert world.settle() == []


def test_a_run_that_says_that_it_goes_on_and_does_not_ends_as_its_log_says() -> None:
    """Restored with its status, from a moment at which its end was not told yet."""
    world = World(webjob_body(), restored(state="Running", status={"jobName": NAME}))
    obstore.put(world.store, KEY_OF_LOG, log_of("Success"))
    world.settle()
    assert world.one("WebJobRun")["status"]["state"] == "Success", "its status is there already: at once"
    assert world.log(world.one("WebJobRun")).encode() == log_of("Success")


def test_a_run_that_says_that_it_goes_on_and_has_no_log_is_aborted() -> None:
    world = World(webjob_body(), restored(state="Running", status={"jobName": NAME}))
    world.settle()
    status = world.one("WebJobRun")["status"]
    assert (status["state"], status["message"]) == ("Aborted", "The Job of the run was deleted before it ended.")


def test_a_run_that_found_no_webjob_is_history_when_it_is_restored() -> None:
    world = World(run_body(NAME))
    world.cache.observe("WebJobRun", world.one("WebJobRun"))
    world.settle()
    run = world.one("WebJobRun")
    assert (run["status"]["conditions"][0]["reason"], run["metadata"]["annotations"][NOTE]) == ("WebJobNotFound", "")
    again = World(webjob_body(), run_body(NAME, annotations=run["metadata"]["annotations"]))
    again.settle()
    assert again.kube.of_kind("Job") == []


def test_history_before_its_webjob() -> None:
    """Velero restores WebJobRuns before WebJobs."""
    world = World(restored())
    obstore.put(world.store, KEY_OF_LOG, log_of("Success"))
    world.now += UNKNOWN_WEBJOB_GRACE
    assert world.settle() == []
    world.now += timedelta(seconds=60)
    world.settle()
    assert world.one("WebJobRun")["status"]["state"] == "Success"
