"""Whole passes over a WebJob whose runs find a pod that waits: what is written, who is told, what is recorded."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fakes.cluster import World, cancel, cron_job_slot
from tests.fakes.kube import Died
from tests.fakes.objects import run_async, webjob_body
from tests.fakes.warm_cluster import RUN, Waiting, a_run, a_world, names, old, took
from webjobs.model import LABEL_RUN
from webjobs.runs import warm_protocol
from webjobs.times import rfc3339
from webjobs_kube.errors import ApiError
from webjobs_operator.warm.plan import COMING

ID = RUN.removeprefix("job-")
SECOND = "job-202601010000010000"


def test_a_run_takes_the_oldest_by_two_writes_and_is_told_once() -> None:
    world = a_world(warm=2)
    world.create_run(spec={"arguments": 'a "b c"'})
    before, begun = len(world.kube.writes), rfc3339(world.now)
    assert world.settle() == [
        "patch WebJob/status",  # the lock
        "patch WebJobRun",  # the owner
        "patch WebJobRun/status",
        "patch Pod",
        "patch WebJob/status",
        "create Job",
    ]
    claims = [call for call in world.kube.writes[before:] if call.kind == "Pod" or call.subresource == "status"][1:3]
    assert all(call.body and call.body["metadata"]["resourceVersion"] for call in claims)
    assert (took(world), names(world)) == ("1", ["1", "2", "3"])
    status = world.status_of()
    assert {key: status[key] for key in ("state", "runId", "processStartTime")} == {
        "state": "Running",
        "runId": ID,
        "processStartTime": begun,
    }
    environment = {"WEBJOBS_RUN_ID": ID.encode(), "WEBJOBS_COMMAND_ARGUMENTS": b'a "b c"'}
    (lines,) = world.pods.heard.values()
    assert lines == [warm_protocol.line(environment=environment, arguments=[b"a", b"b c"])]
    for _ in range(3):
        world.settle()
    assert sum(map(len, world.pods.heard.values())) == 1
    assert world.due == pytest.approx(1.75, abs=0.01), "then it is followed"
    assert world.followers.pods == []


def test_a_young_run_has_the_machine_for_itself() -> None:
    world = a_world()
    world.create_run()
    begin = ["patch WebJob/status", "patch WebJobRun", "patch WebJobRun/status", "patch Pod"]
    assert World.settle(world) == begin
    assert world.due == pytest.approx(0.25, abs=0.01)
    world.says("hello")
    assert World.settle(world) == ["patch WebJobRun/status", "patch WebJob/status", "create Job"]


def test_a_run_from_a_clock_that_is_ahead_holds_nothing_back() -> None:
    world = a_world()
    world.create_run("job-202601010000400000")
    assert World.settle(world)[-2:] == ["patch WebJob/status", "create Job"]
    assert world.status_of("job-202601010000400000")["processStartTime"] == "2026-01-01T00:00:40.000000Z"


def test_a_success_is_recorded_before_the_pod_says_anything() -> None:
    world = a_run()
    world.says("hello", "!oops")
    assert world.settle() == ["patch WebJobRun/status", "patch WebJob/status"]
    run = world.one("WebJobRun")
    assert (run["status"]["state"], run["status"]["exitCode"]) == ("Success", 0)
    said = [line.partition("> ")[2] for line in world.log(run).splitlines() if "hello" in line or "oops" in line]
    assert [line.partition(": ")[2] for line in said] == ["INFO] hello", "ERR ] oops"]
    assert "ERR ] oops" in world.log(run, "errorLogPath")
    assert not [call for call in world.kube.calls if call.verb == "log"], "the kubelet was not asked"
    assert "activeRun" not in world.one("WebJob")["status"]
    world.ended(world.attempts(world.armed()[0])[0])
    assert world.settle() == []
    world.restart()
    assert world.settle() == []
    world.now += timedelta(seconds=301)
    assert world.settle() == ["delete Job"]


def test_another_code_waits_for_the_pod() -> None:
    world = a_run()
    world.says("hello", code=3)
    world.settle()
    assert world.status_of()["state"] == "Running"
    (one,) = world.attempts(world.armed()[0])
    world.ended(one, code=3)
    world.settle()
    status = world.status_of()
    assert (status["state"], status["exitCode"]) == ("Failed", 3)
    assert "INFO] hello\r" in world.log(world.one("WebJobRun"))
    assert world.events() == ["RunFailed"]
    assert status["processStartTime"] != one["metadata"]["creationTimestamp"], "the run's, not the pod's"


@pytest.mark.parametrize("connected", [True, False])
@pytest.mark.parametrize("before", [True, False], ids=["after the success", "before it"])
def test_a_pod_that_contradicts_a_success_wins(connected: bool, before: bool) -> None:
    world = a_run()
    (one,) = world.attempts(world.armed()[0])
    world.says("hello")
    if before:
        world.settle()
        assert world.status_of()["state"] == "Success"
    world.ended(one, code=137)
    if connected:  # the container's end comes seconds before the phase
        world.touch("Pod", one["metadata"]["name"], status={"phase": "Running"})
    world.settle()
    status = world.status_of()
    assert (status["state"], status["exitCode"]) == ("Failed", 137)
    assert [condition["type"] for condition in status["conditions"]] == ["Failed"]
    assert "Status changed to Failed" in world.log(world.one("WebJobRun"))
    assert "Status changed to Success" not in world.log(world.one("WebJobRun"))
    assert world.settle() == []


def test_what_is_not_heard_whole_is_read_from_the_kubelet() -> None:
    world = a_run()
    (one,) = world.attempts(world.armed()[0])
    world.talk().output = None
    world.talk().code, world.talk().over = 0, world.now
    world.settle()
    assert world.status_of()["state"] == "Running"
    world.ended(one)
    world.settle()
    assert world.status_of()["state"] == "Success"
    assert "hello by kubelet" in world.log(world.one("WebJobRun"))


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("spare", [True, False])
def test_a_run_whose_pod_ran_nothing_starts_anew(marked: bool, spare: bool) -> None:
    """The Job's pod lives on for a while after the Job, and is none of the new attempt."""
    world = a_run(warm=2 if spare else 1)
    job = next(job for job in world.armed() if job["metadata"]["name"] == world.status_of()["jobName"])
    (one,) = world.attempts(job)
    world.touch("Pod", one["metadata"]["name"], finalizers=["grace"])
    if not marked:
        labels = {key: value for key, value in one["metadata"]["labels"].items() if key != LABEL_RUN}
        world.touch("Pod", one["metadata"]["name"], labels=labels)
    world.pods.heard.clear()
    world.unused(one)
    world.settle()
    status = world.status_of()
    assert job["metadata"]["name"] not in {there["metadata"]["name"] for there in world.armed()}
    if spare:
        assert (status["state"], len(world.pods.heard), took(world)) == ("Running", 1, "2")
        return
    assert "state" not in status, "it waits for the pod that is being made"
    old(world)
    status = world.status_of()
    assert (status["state"], status["jobName"], world.pods.heard) == ("Initializing", RUN, {})
    assert "processStartTime" not in status
    world.start_processes()
    world.settle()
    assert world.status_of()["state"] == "Running"
    world.end_processes()
    world.settle()
    assert world.status_of()["state"] == "Success"


def test_a_run_that_is_cancelled_while_its_pod_is_drained_is_aborted() -> None:
    """Not failed, by the exit code of a shell that waited."""
    world = a_run()
    cancel(world, RUN)
    world.unused(next(one for one in world.kube.of_kind("Pod") if one["metadata"]["name"] == world.talk_pod()))
    world.settle()
    assert (world.status_of()["state"], world.status_of()["message"]) == (
        "Aborted",
        "It was cancelled before it began.",
    )
    assert world.status_of()["jobName"] not in [job["metadata"]["name"] for job in world.armed()]
    assert "activeRun" not in world.one("WebJob")["status"]


def test_a_job_that_a_person_deletes_ends_the_run() -> None:
    world = a_run()
    run_async(world.kube.delete("Job", "site", world.status_of()["jobName"]))
    world.settle()
    assert world.status_of()["state"] == "Aborted"
    assert "activeRun" not in world.one("WebJob")["status"]


def test_cancel() -> None:
    world = a_run()
    world.says("hello")  # too late
    cancel(world, RUN)
    world.settle()
    assert (world.status_of()["state"], world.status_of()["message"]) == ("Aborted", "It was cancelled.")
    assert world.events() == ["RunCancelled"]
    assert names(world) == ["2"]


def test_a_job_of_a_run_that_was_cancelled_before_it_took_it_goes() -> None:
    """An operator died between the mark of the pod and the record of the run."""
    world = a_world()
    (job,) = world.armed()
    world.create_run()
    (one,) = world.attempts(job)
    world.touch("Pod", one["metadata"]["name"], labels=one["metadata"]["labels"] | {LABEL_RUN: ID})
    cancel(world, RUN)
    world.restart()
    world.settle()
    assert world.status_of()["state"] == "Aborted"
    assert names(world) == ["2"]


def test_a_run_takes_the_pod_that_was_marked_for_it() -> None:
    """The same, and nobody cancelled: another pod would be a waste."""
    world = a_world(warm=2)
    job = world.armed()[1]
    world.create_run()
    (one,) = world.attempts(job)
    world.touch("Pod", one["metadata"]["name"], labels=one["metadata"]["labels"] | {LABEL_RUN: ID})
    world.restart()
    world.settle()
    assert (took(world), world.told()) == ("2", {one["metadata"]["name"]: [ID]})


def test_retries_tell_each_pod_and_keep_all_of_the_log() -> None:
    world = a_run(retries=1)
    job = world.kube.objects["Job", "site", world.status_of()["jobName"]]
    (first,) = world.attempts(job)
    world.says("one", code=3)
    world.ended(first, code=3)
    world.settle()
    assert world.status_of()["state"] == "Running"
    world.now += timedelta(seconds=1)
    world.up()
    second = world.attempts(job)[1]
    world.settle()
    assert second["metadata"]["uid"] in world.pods.heard
    assert world.told() == {one["metadata"]["name"]: [ID] for one in (first, second)}
    assert world.kube.objects["Pod", "site", second["metadata"]["name"]]["metadata"]["labels"][LABEL_RUN] == ID
    for one, text in ((first, "first attempt"), (second, "second attempt")):
        world.kube.logs["site", one["metadata"]["name"], False] = [f"{rfc3339(world.now)} {text}"]
    world.talk(second["metadata"]["name"]).end(world.now, "second attempt")
    world.settle()
    world.ended(second)
    world.settle()
    assert world.status_of()["state"] == "Success"
    log = world.log(world.one("WebJobRun"))
    assert (log.count("first attempt"), log.count("second attempt")) == (1, 1)


def test_a_slot_takes_one_that_waits_and_its_own_job_goes() -> None:
    world = a_world(schedule="0 0 * * * *")
    world.touch("WebJob", "job", status={"scheduleSince": "2025-12-31T23:30:00Z"})
    world.kube.add(cron_job_slot())
    world.settle()
    assert [job["metadata"]["name"] for job in world.kube.of_kind("Job") if job not in world.armed()] == []
    run = world.one("WebJobRun")
    assert (run["metadata"]["name"], run["spec"]["cronJobName"]) == (RUN, "job-29453760")
    assert (took(world), run["status"]["state"]) == ("1", "Running")
    world.says("hello")
    world.settle()
    world.restart()
    world.settle()
    assert world.one("WebJobRun")["status"]["state"] == "Success"
    assert world.one("WebJob")["status"].get("skippedRuns") is None


@pytest.mark.parametrize("arguments", ["x" * 40_000, "a " * 257, "a\0b"])
def test_arguments_that_no_line_holds_start_as_usual(arguments: str) -> None:
    world = a_world()
    world.create_run(spec={"arguments": arguments})
    world.settle()
    assert (world.status_of()["jobName"], world.told(), names(world)) == (RUN, {}, ["1"])


def test_one_that_is_not_connected_is_not_taken() -> None:
    world = a_world()
    for talk in world.sessions.known.values():
        talk.up = False
    world.create_run()
    world.settle()
    assert (world.status_of()["jobName"], world.told()) == (RUN, {})


@pytest.mark.parametrize("warm", [1, 2])
def test_two_runs_never_share_a_pod(warm: int) -> None:
    world = a_world(warm=warm, concurrencyPolicy="Allow")
    world.create_run()
    world.create_run(SECOND)
    world.settle()
    assert sorted(map(tuple, world.told().values())) == [(ID,), (SECOND.removeprefix("job-"),)][:warm]
    assert (took(world), took(world, SECOND) == "2") == ("1", warm == 2)


def test_who_asked_for_a_usual_job_takes_no_other() -> None:
    """Its answer is lost, and then the news that a pod is up."""
    world = a_world()
    for talk in world.sessions.known.values():
        talk.up = False
    world.create_run()
    world.kube.fail(ApiError(500, "Timeout", "the answer was lost"), verb="create", kind="Job", after=True)
    with pytest.raises(ApiError):
        world.settle()
    for talk in world.sessions.known.values():
        talk.up = True
    run_async(world._pass())  # without news
    world.settle()
    assert (world.status_of()["jobName"], world.told()) == (RUN, {})


@pytest.mark.parametrize("lost", [True, False])
def test_nor_does_the_operator_after_one_that_died(lost: bool) -> None:
    world = a_world()
    for talk in world.sessions.known.values():
        talk.up = False
    world.create_run()
    world.kube.die_after_writes = len(world.kube.writes) + 3  # lock, owner, Job
    with pytest.raises(Died):
        world.settle()
    assert ("Job", "site", RUN) in world.kube.objects
    world.restart()
    if lost:  # while the Job's pod is up already
        world.start_processes()
    world.settle()
    assert (world.status_of()["jobName"], world.told()) == (RUN, {})


def test_the_newest_record_is_looked_at_when_a_run_was_changed() -> None:
    world = a_world()
    world.create_run()
    world.watch()
    world.touch("WebJobRun", RUN, labels={"theirs": "1"})
    run_async(world._pass())  # on older news: a conflict
    assert world.told() == {} or world.status_of()["state"] == "Running"
    run_async(world._pass())
    assert list(world.told().values()) == [[ID]]


def test_a_pod_that_goes_just_now_is_not_told() -> None:
    world = a_world()
    (one,) = world.kube.of_kind("Pod")
    world.create_run()
    world.watch()
    world.touch("Pod", one["metadata"]["name"], deletionTimestamp=rfc3339(world.now))
    run_async(world._pass())
    world.settle()
    assert world.told() == {}
    world.unused(one)
    world.settle()
    old(world)
    assert (world.status_of()["state"], world.status_of()["jobName"]) == ("Initializing", RUN)


def test_a_run_waits_for_a_pod_that_is_being_made() -> None:
    world = Waiting(webjob_body({"warm": 1}))
    world.settle()
    world.create_run()
    world.settle()
    assert ("state" in world.status_of(), names(world)) == (False, ["1"])
    assert world.due == pytest.approx(COMING.total_seconds(), abs=1)
    world.up()
    world.settle()
    assert (world.status_of()["state"], took(world)) == ("Running", "1")


def test_but_only_one_for_each_pod_and_not_for_long() -> None:
    world = Waiting(webjob_body({"warm": 1, "concurrencyPolicy": "Allow"}))
    world.settle()
    world.create_run()
    world.create_run(SECOND)
    world.settle()
    assert ["state" in world.status_of(run) for run in (RUN, SECOND)] == [False, True]
    old(world)
    assert (world.status_of()["jobName"], world.status_of(SECOND)["jobName"]) == (RUN, SECOND)


def test_a_deleted_run_leaves_no_job() -> None:
    world = a_run()
    run_async(world.kube.delete("WebJobRun", "site", RUN))
    world.settle()
    assert names(world) == ["2"]


def test_of_two_runs_that_want_one_pod_the_one_that_marked_it_has_it() -> None:
    """As two operators at once may leave it behind: the other never began, and must not have the end of the first."""
    world = a_world(concurrencyPolicy="Allow")
    world.create_run()
    world.settle()
    name = world.status_of()["jobName"]
    world.create_run(SECOND, status={"state": "Running", "jobName": name, "processStartTime": rfc3339(world.now)})
    world.says("hello")
    world.settle()
    old(world)
    assert (world.status_of()["state"], world.status_of()["jobName"]) == ("Success", name)
    assert world.status_of(SECOND)["jobName"] != name
    assert next(iter(world.told().values())) == [ID]


def test_what_the_connection_did_not_hear_comes_from_the_kubelet() -> None:
    """The end of a container can cut the last lines off; once it has ended, its log is compared, once."""
    world = a_run()
    one = world.kube.objects["Pod", "site", world.talk_pod()]
    world.says("first")
    world.settle()
    assert world.status_of()["state"] == "Success"
    assert "second" not in world.log(world.one("WebJobRun"))
    stamp = rfc3339(world.now)
    world.kube.logs["site", one["metadata"]["name"], False] = [f"{stamp} first", f"{stamp} second"]
    world.ended(one)
    assert world.settle() == []
    assert "INFO] second" in world.log(world.one("WebJobRun"))
    world.kube.calls.clear()
    world.settle()
    assert [call for call in world.kube.calls if call.verb == "log"] == []


def test_a_log_that_was_heard_whole_is_left_alone() -> None:
    world = a_run()
    one = world.kube.objects["Pod", "site", world.talk_pod()]
    world.says("first", "second")
    world.settle()
    before = world.log(world.one("WebJobRun"))
    stamp = rfc3339(world.now + timedelta(hours=1))
    world.kube.logs["site", one["metadata"]["name"], False] = [f"{stamp} first", f"{stamp} second"]
    world.ended(one)
    world.settle()
    assert world.log(world.one("WebJobRun")) == before
