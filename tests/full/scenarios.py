"""What is played while operator or shim die, from uploads to deletions, and what must be true in the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.full.acts import LONG, Act
from tests.full.lane import Object
from webjobs.times import parse_time

WHILE = 'echo "began $WEBJOBS_RUN_ID"\nsleep 4\necho done\n'
RARE = "0 30 3 1 1 *"
"""A schedule that cron can say, and that does not come."""
_SLOT = "batch.kubernetes.io/cronjob-scheduled-timestamp"

Step = Callable[[Act], None]


# What is played


def nothing(act: Act) -> None:
    return


def resting(act: Act) -> None:
    act.apply()
    act.rest()


def upload_twice(act: Act) -> None:
    act.put("old", before=None)
    act.put("new", before="old")
    act.rest()


def run(act: Act) -> None:
    act.post()
    act.lane.until(act.ended(), what="the end of the run")


def created(act: Act) -> None:
    act.create_run()
    act.lane.until(act.ended(), what="the end of the run")


def scheduled(act: Act) -> None:
    act.apply(schedule=RARE)
    act.lane.until(lambda: act.lane.find("CronJob", act.name) and act.lane.at_rest(act.name), what="the CronJob")


def scheduled_with_a_run(act: Act) -> None:
    act.active(WHILE, schedule=RARE)


def slot(act: Act) -> None:
    """The Job that a CronJob makes, as its controller writes it."""
    cron = act.lane.find("CronJob", act.name)
    assert cron
    # A CronJob names no slot of before it was made, and such a one would be dropped.
    made = parse_time(cron["metadata"]["creationTimestamp"])
    act.lane.until(lambda: datetime.now(UTC) >= made + timedelta(seconds=1), what="a slot after the CronJob")
    at = datetime.now(UTC).replace(microsecond=0)
    template = cron["spec"]["jobTemplate"]
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": act.name, "uid": cron["metadata"]["uid"]}
    act.slots = {act.name: 1}
    act.lane.create(
        "Job",
        f"{act.name}-{int(at.timestamp()) // 60}",
        {"spec": template["spec"]},
        version="batch/v1",
        labels=template["metadata"]["labels"],
        annotations={_SLOT: f"{at:%Y-%m-%dT%H:%M:%SZ}"},
        ownerReferences=[owner | {"controller": True, "blockOwnerDeletion": True}],
    )
    dealt = act.ended(1)
    act.lane.until(lambda: (_slots(act) or act.skips()) and dealt(), what="what became of the slot")


def _slots(act: Act) -> list[Object]:
    return [one for one in act.runs() if "scheduleTime" in one["spec"]]


def _soon() -> datetime:
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
    return at if at.second else at + timedelta(seconds=1)


def timer(act: Act) -> None:
    """A slot once a day, with seconds: cron can't say it."""
    at = _soon()
    act.slots = {act.name: 1}
    act.apply(schedule=f"{at.second} {at.minute} {at.hour} * * *")
    act.lane.until(act.ended(), what="the end of the slot's run")


def further(act: Act) -> None:
    """A WebJobSchedule for once."""
    at = _soon()
    act.slots = {f"{act.name}-further": 1}
    body = {"spec": {"webJobName": act.name, "at": f"{at:%Y-%m-%dT%H:%M:%SZ}"}}
    act.lane.create("WebJobSchedule", f"{act.name}-further", body)
    act.lane.until(act.ended(), what="the end of the slot's run")


def history(act: Act) -> None:
    """Five runs that ended; the operator takes a moment's notice of runs without their WebJob."""
    for number in range(5):
        run_id = f"20260101000000000{number}"
        name = f"{act.name}-{run_id}"
        act.records.append(run_id)
        labels = {"webjobs.dev/webjob": act.name}
        act.lane.create("WebJobRun", name, {"spec": {"webJobName": act.name, "trigger": "t"}}, labels=labels)
        stamp = "2026-01-01T00:00:00.000000Z"
        status = {"state": "Success", "runId": run_id, "startTime": stamp, "endTime": stamp, "exitCode": 0}
        act.lane.patch("WebJobRun", name, {"status": status}, subresource="status")


def trim(act: Act) -> None:
    """Two of them stay, one goes into the store, two go."""
    act.apply(historyLimit=3)
    act.lane.until(lambda: len(act.runs()) == 2 and act.lane.at_rest(act.name), what="the trimmed history")


def active(act: Act) -> None:
    act.active()


def active_for_a_while(act: Act) -> None:
    act.active(WHILE)


def active_and_replaceable(act: Act) -> None:
    act.active(concurrencyPolicy="Replace")


def another(act: Act) -> None:
    act.create_run()
    act.lane.until(act.ended(2), what="the end of both runs")


def cancel(act: Act) -> None:
    (name,) = act.accepted
    act.lane.call("DELETE", f"{act.url}/history/{name.rpartition('-')[2]}")
    act.lane.until(act.ended(), what="the end of the cancelled run")


def scheduled_and_active(act: Act) -> None:
    act.active(LONG, schedule=RARE)


def delete(act: Act) -> None:
    assert act.lane.call("DELETE", act.url).status_code in (200, 404)
    act.lane.until(lambda: not remains(act) and act.lane.quiet(), what="the end of all that the job had")


def remains(act: Act) -> list[str]:
    """What is left of a job in the cluster."""
    label = f"webjobs.dev/webjob={act.name}"
    kinds = ("Job", "CronJob", "ConfigMap", "Pod", "Deployment")
    found = [f"{kind} {one['metadata']['name']}" for kind in kinds for one in act.lane.all_of(kind, label)]
    found += [f"WebJobRun {one['metadata']['name']}" for one in act.runs()]
    return found + (["WebJob"] if act.lane.find("WebJob", act.name) else [])


# What is true then, beside the promises


def _are(states: list[str | None], good: Callable[[list[str | None]], bool]) -> None:
    assert good(states), f"the runs are {states}"


def says_new(act: Act) -> None:
    act.look({"new"})
    act.post()
    act.lane.until(act.ended(), what="the end of the run")
    log = act.log(act.runs()[-1]) or ""
    assert "says new new" in log, f"the log is {log}"


def all_successes(act: Act) -> None:
    _are(act.states(), lambda states: set(states) == {"Success"})
    logs = [act.log(one) for one in act.runs()]
    assert all("done" in (log or "") for log in logs), f"the logs are {logs}"
    counts = act.lane.witness.begun(act.lane.namespace, act.name)
    assert list(counts.values()) == [1] * len(logs), f"processes by run: {counts}"


def one_success(act: Act) -> None:
    _are(act.states(), lambda states: states == ["Success"])
    all_successes(act)


def one_of_the_slot(act: Act) -> None:
    one_success(act)
    assert len(_slots(act)) == 1, "the run is of no slot"


def one_went_on(act: Act) -> None:
    """The other had its turn only if nobody was there to refuse it while the first one went on."""
    _are(act.states(), lambda states: states in (["Success", "Skipped"], ["Success", "Success"]))


def ran_on(act: Act) -> None:
    _are(act.states(), lambda states: set(states) == {"Success"})


def replaced(act: Act) -> None:
    _are(act.states(), lambda states: states in (["Aborted", "Success"], ["Skipped", "Success"]))


def aborted(act: Act) -> None:
    _are(act.states(), lambda states: states == ["Aborted"])


def all_gone(act: Act) -> None:
    assert not remains(act), f"left: {remains(act)}"
    assert act.lane.call("GET", act.url).status_code == 404


def three_are_left(act: Act) -> None:
    found = json.loads(act.lane.call("GET", f"{act.url}/history").text)["runs"]
    ids = [one["id"] for one in found]
    assert ids == act.records[:1:-1], f"the history has {ids}"
    codes = [act.lane.call("GET", f"{act.url}/history/{run_id}").status_code for run_id in act.records]
    assert codes == [404, 404, 200, 200, 200], f"{act.records} answer {codes}"


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What is there before, what happens while writes count, and what must be true in the end."""

    play: Step
    before: Step = resting
    then: Step = nothing
    operator: int = 0
    """Writes that the operator makes at least."""
    apiserver: int = 0
    deletes: bool = False


SCENARIOS: dict[str, Scenario] = {
    "upload": Scenario(before=nothing, play=upload_twice, then=says_new, operator=4, apiserver=11),
    "run": Scenario(play=run, then=all_successes, operator=10, apiserver=2),
    "run by kubectl": Scenario(play=created, then=one_success, operator=11),
    "refusal": Scenario(before=active_for_a_while, play=another, then=one_went_on, operator=9),
    "replacement": Scenario(before=active_and_replaceable, play=another, then=replaced, operator=15),
    "slot of a CronJob": Scenario(before=scheduled, play=slot, then=one_of_the_slot, operator=12),
    "slot beside a run": Scenario(before=scheduled_with_a_run, play=slot, then=ran_on, operator=8),
    "slot of the timer": Scenario(before=nothing, play=timer, then=one_of_the_slot, operator=12),
    "slot of a WebJobSchedule": Scenario(play=further, then=one_of_the_slot, operator=14),
    "trim": Scenario(before=history, play=trim, then=three_are_left, operator=7),
    "cancel": Scenario(before=active, play=cancel, then=aborted, operator=7, apiserver=1),
    "delete": Scenario(before=scheduled_and_active, play=delete, then=all_gone, operator=1, apiserver=1, deletes=True),
}
