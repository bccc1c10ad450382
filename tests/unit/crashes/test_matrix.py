"""Operator or shim dies after every single write, or its answer is lost: what was promised holds all the same."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fakes.backup import backup_of
from tests.fakes.cluster import cron_job_slot
from tests.fakes.crashes import Stage, Theatre
from tests.fakes.objects import run_async, run_body, webjob_body
from tests.fakes.shim import ZIP, script, zipped
from webjobs.times import rfc3339

Step = Callable[[Stage], None]
PATH = "/api/triggeredwebjobs/job"
FILE = "/api/vfs/site/wwwroot/App_Data/jobs/triggered/job/run.sh"
SLOT = datetime(2026, 1, 1, 1, tzinfo=UTC)
OLD, NEW = b"echo old\n", b"echo new\n"
WRITES = 80
"""More than any scenario makes."""


def start(stage: Stage) -> None:
    stage.start_processes()


def end(stage: Stage) -> None:
    stage.end_processes()


def run(stage: Stage) -> None:
    stage.run()


def upload(stage: Stage) -> None:
    """A zip, and then what can't be one."""
    assert stage.call("PUT", PATH, content=zipped({"run.sh": NEW, "lib/a.sh": b"a=1"}), headers=ZIP).status_code == 200


def write_file(stage: Stage) -> None:
    assert stage.call("PUT", FILE, content=NEW, headers={"If-Match": "*"}).status_code in (201, 204)


def refuse(stage: Stage) -> None:
    stage.refused("PUT", PATH, content=b"no zip", headers=ZIP)
    stage.refused("PUT", "/api/triggeredwebjobs/a%2Fb", content=b"x", headers=script())
    stage.refused("DELETE", f"{PATH}/history/202601010000009999")


def cancel(stage: Stage) -> None:
    (name,) = stage.accepted
    stage.call("DELETE", f"{PATH}/history/{name.rpartition('-')[2]}")


def pods_go(stage: Stage) -> None:
    """What the garbage collector does once a Job is gone."""
    for pod in stage.kube.of_kind("Pod"):
        name = pod["metadata"]["name"]
        if ("Job", "site", name) not in stage.kube.objects:
            del stage.kube.objects["Pod", "site", name]


def slot(stage: Stage) -> None:
    stage.now = SLOT + timedelta(seconds=1)
    stage.kube.add(cron_job_slot(rfc3339(SLOT, micro=False)))


def created(stage: Stage) -> None:
    stage.kube.add(run_body("job-202601010200000000"))


def delete(stage: Stage) -> None:
    assert stage.call("DELETE", PATH).status_code in (200, 404)


def nothing(stage: Stage) -> None:
    return


# What must be true besides


def new_content(stage: Stage) -> None:
    assert run_async(stage._request("GET", FILE)).content == NEW
    digests = [one["spec"]["package"]["digest"] for one in stage.kube.of_kind("WebJob")]
    assert all(f"site/packages/{digest.removeprefix('sha256:')}.json" in stage._keys() for digest in digests)


def one_success(stage: Stage) -> None:
    (found,) = stage.kube.of_kind("WebJobRun")
    assert found["status"]["state"] == "Success"
    assert "hello" in stage.log(found)
    assert not [key for key in stage._keys() if "/parts/" in key]


def aborted(stage: Stage) -> None:
    (found,) = stage.kube.of_kind("WebJobRun")
    assert found["status"]["state"] == "Aborted"


def two_are_left(stage: Stage) -> None:
    left = [one["metadata"]["name"] for one in stage.kube.of_kind("WebJobRun")]
    assert left == ["job-202501010000000004", next(iter(stage.accepted))]


def all_gone(stage: Stage) -> None:
    assert [key for key in stage.kube.objects if key[0] not in ("Event", "Pod")] == []


def one_skip(stage: Stage) -> None:
    assert stage.one("WebJob")["status"]["skippedRuns"] == 1
    assert len(stage.kube.of_kind("Job")) == 1


def skipped(stage: Stage) -> None:
    """In the schedule's own status exactly once; the WebJob's total may lack what died with its pass."""
    assert stage.one("WebJobSchedule")["status"]["lastOutcome"] == "Skipped"
    assert stage.one("WebJob")["status"].get("skippedRuns", 0) <= 1
    assert len(stage.kube.of_kind("Job")) == 1


def recorded_skip(stage: Stage) -> None:
    states = sorted(one["status"]["state"] for one in stage.kube.of_kind("WebJobRun"))
    assert states == ["Skipped", "Success"]


def replaced(stage: Stage) -> None:
    states = [one["status"]["state"] for one in stage.kube.of_kind("WebJobRun")]
    assert states[-1] == "Success"
    assert set(states[:-1]) <= {"Aborted", "Skipped"}


def once(stage: Stage) -> None:
    status = stage.one("WebJobSchedule")["status"]
    assert (status["lastOutcome"], status["lastScheduleTime"]) == ("Started", "2026-01-01T00:00:40Z")
    one_success(stage)


@dataclass(frozen=True)
class Scenario:
    """What is there, what happens, and what must be true in the end beside the promises."""

    bodies: list[dict[str, Any]]
    steps: list[Step]
    then: Step = nothing
    slots: dict[str, int] = field(default_factory=dict)
    history: tuple[str, ...] = ()
    errors_apart: bool = False
    writes: int = 5
    """It makes more than so many."""


def further_schedule(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "webjobs.dev/v1",
        "kind": "WebJobSchedule",
        "metadata": {"name": "further", "namespace": "site"},
        "spec": {"webJobName": "job"} | spec,
    }


def restore(stage: Stage) -> None:
    assert stage.call("PUT", "/api/backup", content=backup_of(*RESTORED)).status_code == 200


def restored(stage: Stage) -> None:
    """All is there, and the slot of the schedule, which was skipped before the backup, is none any more."""
    found = {run["metadata"]["name"]: run["status"] for run in stage.kube.of_kind("WebJobRun")}
    assert set(found) == {*RESTORED, *stage.accepted}
    assert [found[name]["state"] for name in RESTORED] == ["Success", "Success"]
    assert all("hello" in (stage._log({"status": found[name]}) or "") for name in found)
    assert stage.one("WebJobSchedule")["status"]["lastOutcome"] == "Skipped"
    assert "webjobs.dev/restoring" not in stage.one("WebJob")["metadata"].get("annotations", {})


def again(stage: Stage) -> None:
    """The WebJob is deleted without its runs (and Jobs), and made anew."""
    there = stage.kube.objects.pop(("WebJob", "site", "job"))
    for kind in ("WebJobRun", "ConfigMap"):
        for body in stage.kube.of_kind(kind):
            name = body["metadata"]["name"]
            owners = stage.kube.objects[kind, "site", name]["metadata"].get("ownerReferences", [])
            if any(owner["uid"] == there["metadata"]["uid"] for owner in owners):
                del stage.kube.objects[kind, "site", name]["metadata"]["ownerReferences"]
                stage.touch(kind, name)
    stage.watch()


def comes_back(stage: Stage) -> None:
    """Made anew, once somebody has deleted what else the earlier one left behind."""
    for name in [one["metadata"]["name"] for one in stage.kube.of_kind("ConfigMap")]:
        del stage.kube.objects["ConfigMap", "site", name]
    body = webjob_body()
    body["metadata"] |= {"uid": "uid-new", "resourceVersion": stage.kube._next_version()}
    stage.kube.add(body)


def all_history(stage: Stage) -> None:
    for run in stage.kube.of_kind("WebJobRun"):
        assert run["metadata"]["ownerReferences"][0]["uid"] == stage.one("WebJob")["metadata"]["uid"]
        assert run["status"]["state"] == ("Success" if run["metadata"]["name"] in stage.accepted else "Aborted")


def carried_on(stage: Stage) -> None:
    one_success(stage)
    run = stage.one("WebJobRun")
    assert run["metadata"]["ownerReferences"][0]["uid"] == "uid-new"
    assert run["metadata"]["annotations"]["webjobs.dev/webjob-uid"] == "uid-new"


RESTORED = ("job-202501010000000000", "job-202501010000000001")
ENDED = {"endTime": "2026-01-01T00:00:00Z", "runId": "0"}
HISTORY = [
    run_body(f"job-{number}", state="Success", status=ENDED | {"runId": str(number)})
    for number in range(202501010000000000, 202501010000000005)
]
SCENARIOS: dict[str, Scenario] = {
    "upload of a new job": Scenario([], [upload, refuse, run, start, end], new_content),
    "upload over a job": Scenario([webjob_body()], [upload, refuse, run, start, end], new_content),
    "file by VFS": Scenario([webjob_body()], [write_file, run, start, end], new_content),
    "run": Scenario([webjob_body()], [run, start, end]),
    "run of a job that queues": Scenario([webjob_body({"concurrencyPolicy": "Queue"})], [run, start, end], one_success),
    "admission": Scenario(
        [webjob_body({"schedule": "0 0 * * * *"})], [slot, start, end], one_success, slots={"job": 1}
    ),
    "admission beside a run": Scenario([webjob_body({"schedule": "0 0 * * * *"})], [run, start, slot, end], one_skip),
    "refusal of kubectl's run": Scenario([webjob_body()], [run, start, created, end], recorded_skip),
    "replacement": Scenario(
        [webjob_body({"concurrencyPolicy": "Replace"})], [run, start, created, pods_go, start, end], replaced
    ),
    "archive": Scenario([webjob_body()], [run, start, end], errors_apart=True),
    "trim of history": Scenario([webjob_body({"historyLimit": 2}), *HISTORY], [run, start, end], two_are_left),
    "cancel": Scenario([webjob_body()], [run, start, cancel, pods_go], aborted),
    "delete": Scenario([webjob_body({"schedule": "0 0 * * * *"})], [run, start, delete], all_gone),
    "runs of before a restore": Scenario(
        [webjob_body(), *(run_body(name, annotations={"webjobs.dev/webjob-uid": "uid-before"}) for name in RESTORED)],
        [nothing, run, start, end],
        all_history,
        history=RESTORED,
    ),
    "restore of a backup": Scenario([], [restore, run, start, end], restored, history=RESTORED),
    "a run that its WebJob left": Scenario([webjob_body()], [run, start, again, comes_back, end], carried_on),
    "WebJobSchedule": Scenario(
        [webjob_body(), further_schedule(at="2026-01-01T00:00:40Z")], [nothing, start, end], once, slots={"further": 1}
    ),
    "WebJobSchedule beside a run": Scenario(
        [webjob_body(), further_schedule(at="2026-01-01T00:01:00Z")], [run, start, end], skipped, slots={"further": 1}
    ),
}


@pytest.fixture(scope="module")
def theatre(tmp_path_factory: pytest.TempPathFactory) -> Theatre:
    return Theatre(tmp_path_factory.mktemp("credentials"))


@pytest.mark.parametrize("lost_answer", [False, True], ids=["dies", "loses-the-answer"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_write(name: str, lost_answer: bool, theatre: Theatre) -> None:
    scenario = SCENARIOS[name]
    for number in range(1, WRITES):
        stage = Stage(*copy.deepcopy(scenario.bodies), theatre=theatre)
        stage.kube.errors_apart = scenario.errors_apart
        happened = stage.play_with(number, lost_answer=lost_answer, steps=scenario.steps)
        gone: dict[str, Any] = {"accepted": (), "begun": {}} if scenario.then is all_gone else {}
        assert stage.broken(slots=scenario.slots, history=scenario.history, **gone) == [], f"after write {number}"
        scenario.then(stage)
        if not happened:
            assert number > scenario.writes, "the scenario ended before much could happen"
            return
    raise AssertionError("the scenario never ended")
