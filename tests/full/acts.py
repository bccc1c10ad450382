"""What is played while operator or shim die, from uploads to deletions, and what must be true in the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.full.lane import Lane, Object
from tests.promises import ENDED, Facts, broken
from tests.site import shell, zip_of
from webjobs import runs as run_rules
from webjobs.model import WebJobRun

BRIEF = 'echo "began $WEBJOBS_RUN_ID"\necho done\n'
WHILE = 'echo "began $WEBJOBS_RUN_ID"\nsleep 4\necho done\n'
LONG = 'echo "began $WEBJOBS_RUN_ID"\n[ "$1" = brief ] || sleep 300\n'
RARE = "0 30 3 1 1 *"
"""A schedule that cron can say, and that does not come."""
_SLOT = "batch.kubernetes.io/cronjob-scheduled-timestamp"


@dataclass
class Act:
    """One play of a scenario, with a job of its own."""

    lane: Lane
    name: str
    accepted: set[str] = field(default_factory=set)
    torn: list[str] = field(default_factory=list)
    """Contents that are neither the old nor the new."""
    slots: dict[str, int] = field(default_factory=dict)
    records: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"/api/triggeredwebjobs/{self.name}"

    def apply(self, text: str = BRIEF, **spec: Any) -> None:
        """The WebJob."""
        self.lane.create("WebJob", self.name, {"spec": {"type": "triggered"} | shell(text) | spec})

    def rest(self) -> None:
        """Until nothing of the job goes on."""
        self.lane.until(lambda: self.lane.at_rest(self.name), what=f"rest of {self.name}")

    def runs(self) -> list[Object]:
        """All records."""
        return self.lane.runs(self.name)

    def states(self) -> list[str | None]:
        """Of all records, in the order of their ids."""
        found = sorted(self.runs(), key=lambda run: run_rules.run_id(WebJobRun.parse(run)))
        return [run.get("status", {}).get("state") for run in found]

    def post(self) -> None:
        """POST run until it is accepted, or refused because an earlier try made one."""

        def ask() -> bool:
            answer = self.lane.call("POST", f"{self.url}/run")
            assert answer.status_code in (202, 409), answer.text
            if answer.status_code == 202:
                self.accepted.add(f"{self.name}-{answer.headers['Location'].rpartition('/')[2]}")
            return answer.status_code == 202 or bool(self.runs())

        self.lane.until(ask, what="an accepted run")

    def active(self, text: str = LONG, **spec: Any) -> None:
        """The WebJob with a run whose process goes on."""
        self.apply(text, **spec)
        self.lane.until(
            lambda: (self.lane.find("WebJob", self.name) or {}).get("status", {}).get("state"), what="Ready"
        )
        self.post()
        self.lane.until(lambda: self.states() == ["Running"], what="a process")
        self.lane.until(self.lane.quiet, what="quiet")

    def create_run(self) -> None:
        """As kubectl does."""
        spec = {"webJobName": self.name, "arguments": "brief"}
        self.lane.create("WebJobRun", f"{self.name}-kubectl", {"spec": spec})

    def ended(self, number: int = 1) -> Callable[[], bool]:
        """Whether so many runs are over, and nothing goes on."""
        return lambda: len([one for one in self.states() if one in ENDED]) >= number and self.lane.at_rest(self.name)

    def skips(self) -> int:
        """As the WebJob counts them."""
        return int((self.lane.find("WebJob", self.name) or {}).get("status", {}).get("skippedRuns", 0))

    def log(self, run: Mapping[str, Any]) -> str | None:
        """The archived log of a run, by REST."""
        run_id = run_rules.run_id(WebJobRun.parse(dict(run)))
        answer = self.lane.call("GET", f"/vfs/data/jobs/triggered/{self.name}/{run_id}/output_log.txt")
        return answer.text if answer.status_code == 200 else None

    def broken(self, *, deleted: bool) -> list[str]:
        """The promises that do not hold, and contents that are torn."""
        assert self.lane.witness.failure is None
        webjob, found = self.lane.find("WebJob", self.name), self.runs()
        names = {run_rules.run_id(WebJobRun.parse(run)): run["metadata"]["name"] for run in found}
        seen = self.lane.witness.begun(self.lane.namespace, self.name)
        begun = {names.get(run_id, f"{self.name}-{run_id}"): count for run_id, count in seen.items()}
        most = self.lane.witness.most_active[self.lane.namespace, self.name]
        schedule = self.lane.find("WebJobSchedule", f"{self.name}-further")
        facts = Facts(
            webjobs=[webjob] if webjob else [],
            runs=found,
            schedules=[schedule] if schedule else [],
            jobs=self.lane.jobs(self.name),
            accepted=() if deleted else self.accepted,
            begun={} if deleted else begun,
            most_active={self.name: most},
            unreadable=[] if deleted else [name for name in self.accepted if self._read(name) != 200],
            log=self.log,
            slots=self.slots,
        )
        return [*broken(facts), *self.torn, *(f"a Job is left: {job['metadata']['name']}" for job in facts.jobs)]

    def _read(self, name: str) -> int:
        return self.lane.call("GET", f"{self.url}/history/{name.rpartition('-')[2]}").status_code

    def put(self, version: str, *, before: str | None) -> None:
        """An upload, tried until it succeeds; in between its content is wholly the one or the other."""
        text = f'echo "began $WEBJOBS_RUN_ID"\necho "says {version} $(cat lib/version)"\n# {self.name}\n'
        content = zip_of({"run.sh": text, "lib/version": f"{version}\n", "lib/name": f"{self.name} {version}"})
        headers = {"Content-Type": "application/zip", "Content-Disposition": "attachment; filename=job.zip"}

        def ask() -> bool:
            try:
                answer = self.lane.http.put(self.url, content=content, headers=headers)
                done = answer.status_code < 500
                assert not done or answer.status_code == 200, answer.text
            except httpx.TransportError:
                done = False
            self.look({version} if done else {before, version})
            return done

        self.lane.until(ask, what=f"the upload of {version}")

    def look(self, versions: set[str | None]) -> None:
        """Notes a content that is another, or not of one piece."""
        folder = f"/api/vfs/site/wwwroot/App_Data/jobs/triggered/{self.name}"
        files = [self.lane.call("GET", f"{folder}/{name}") for name in ("lib/version", "lib/name")]
        found = {one.text.split()[-1] if one.status_code == 200 else None for one in files}
        if len(found) != 1 or not found <= versions:
            self.torn.append(f"the files are of {found}, not of one of {versions}")


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
    at = datetime.now(UTC).replace(second=0, microsecond=0)
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
    "upload": Scenario(before=nothing, play=upload_twice, then=says_new),
    "run": Scenario(play=run, then=all_successes),
    "run by kubectl": Scenario(play=created, then=one_success),
    "refusal": Scenario(before=active_for_a_while, play=another, then=one_went_on),
    "replacement": Scenario(before=active_and_replaceable, play=another, then=replaced),
    "slot of a CronJob": Scenario(before=scheduled, play=slot, then=one_of_the_slot),
    "slot beside a run": Scenario(before=scheduled_with_a_run, play=slot, then=ran_on),
    "slot of the timer": Scenario(before=nothing, play=timer, then=one_of_the_slot),
    "slot of a WebJobSchedule": Scenario(play=further, then=one_of_the_slot),
    "trim": Scenario(before=history, play=trim, then=three_are_left),
    "cancel": Scenario(before=active, play=cancel, then=aborted),
    "delete": Scenario(before=scheduled_and_active, play=delete, then=all_gone, deletes=True),
}
