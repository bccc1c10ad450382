"""Whatever happens in whatever order: the operator comes to rest at what the spec says, and at nothing else.

Hypothesis thinks of the orders. At each rest the workloads and the status are compared with those that an operator
makes that has never been there, and a new operator writes nothing. In the end every promise holds
(``tests/promises.py``).
"""

from __future__ import annotations

import os
from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.fakes.cluster import SLOT, cron_job_slot
from tests.fakes.kube import Died
from tests.fakes.late_watches import THEIRS, Loose, children, package, without_times
from tests.fakes.objects import run_async, webjob_body
from tests.promises import Facts, broken
from webjobs.model import LABEL_ARMED, WebJob, WebJobRun
from webjobs.model.site.app_settings import CONFIG_MAP, LABELS
from webjobs.runs.runs import LOCK_GRACE, lock_is_held, object_name, run_id_at
from webjobs.times import rfc3339
from webjobs_kube import app_settings
from webjobs_kube.errors import ApiError

EXAMPLES = int(os.environ.get("WEBJOBS_EXAMPLES", "15"))
"""Of each machine; ``make test-full`` tries many more."""
KEPT = (
    *("schedule", "scheduleSince", "lastScheduleTime", "lastOutcome", "lastRunName", "skippedRuns"),
    *("schedulerLogPath", "activeRun", "latestRun"),
    "conditions",  # since when a WebJobSchedule is in force
)
"""Fields of a status that say what has been, and can't be had from what is."""
EVERY_5, TIMER = "0 */5 * * * *", "10 3 * * * *"
ACTIVE = (None, "Initializing", "Running")

programs = st.sampled_from(["script", "other script", "image", "package", "other package"])
triggered = st.fixed_dictionaries(
    {},
    optional={
        "schedule": st.sampled_from([None, EVERY_5, TIMER, "0 0 3 1 * *"]),
        "suspend": st.sampled_from([None, True, False]),
        "timeZone": st.sampled_from([None, "Europe/Berlin"]),
        "concurrencyPolicy": st.sampled_from([None, "Forbid", "Queue", "Allow", "Replace"]),
        "historyLimit": st.sampled_from([None, 1, 3]),
        "retries": st.sampled_from([None, 1]),
        "settings": st.sampled_from([None, {"schedule": EVERY_5}, {"schedule": "not one"}]),
        "env": st.sampled_from([None, [{"name": "A", "value": "1"}]]),
    },
)
continuous = st.fixed_dictionaries(
    {},
    optional={
        "replicas": st.sampled_from([None, 0, 1, 3]),
        "stopped": st.sampled_from([None, True, False]),
        "stoppingWaitSeconds": st.sampled_from([None, 20]),
        "settings": st.sampled_from([None, {"is_singleton": True}, {"is_in_place": True}]),
        "env": st.sampled_from([None, [{"name": "A", "value": "1"}]]),
    },
)
sites = st.dictionaries(
    st.sampled_from(["WEBJOBS_STOPPED", "WEBJOBS_DISABLE_SCHEDULE", "GREETING"]),
    st.sampled_from(["1", "0"]),
    max_size=2,
)


class Machine(RuleBasedStateMachine):
    """What can happen to a job of either type."""

    kind: str
    edits: st.SearchStrategy[dict[str, Any]]

    def __init__(self) -> None:
        super().__init__()
        spec = {"type": self.kind} | ({"historyLimit": 5} if self.kind == "triggered" else {})
        self.world = Loose(webjob_body(spec))
        self.accepted: set[str] = set()
        """Runs that a client was promised, and nobody has changed the rules since."""

    # The people

    @rule(data=st.data())
    def edit_spec(self, data: st.DataObject) -> None:
        spec = data.draw(self.edits, label="spec")
        if "concurrencyPolicy" in spec:
            self.accepted.clear()
        self.world.edit("WebJob", "job", {"spec": spec})

    @rule(program=programs)
    def change_program(self, program: str) -> None:
        spec: dict[str, Any] = {"script": None, "package": None, "image": None}
        text = f"echo {program}\n"
        if "script" in program:
            spec["script"] = {"fileName": "run.sh", "text": text}
        elif "package" in program:
            spec["package"] = package(self.world.store, text)
        else:
            spec["image"] = "own:2"
        self.world.edit("WebJob", "job", {"spec": spec})

    @rule(kind=st.sampled_from(["ConfigMap", "Secret"]), values=sites)
    def change_site(self, kind: str, values: dict[str, str]) -> None:
        if (kind, "site", CONFIG_MAP) in self.world.kube.objects:
            self.world.delete(kind, CONFIG_MAP)
        if values:
            meta = {"name": CONFIG_MAP, "namespace": "site", "labels": dict(LABELS)}
            data = {name: b64encode(one.encode()).decode() for name, one in values.items()}
            data = data if kind == "Secret" else values
            self.world.kube.add({"apiVersion": "v1", "kind": kind, "metadata": meta, "data": data})

    @rule(name=st.sampled_from(["WEBJOBS_STOPPED", "GREETING"]), value=st.sampled_from(["1", "0"]))
    def set_by_rest(self, name: str, value: str) -> None:
        run_async(app_settings.change(self.world.kube, "site", lambda known: {**known, name: value}))

    @rule(data=st.data())
    def delete_a_child(self, data: st.DataObject) -> None:
        found = sorted(
            key for key in self.world.kube.objects if key[0] in ("Job", "Deployment", "CronJob", "ConfigMap")
        )
        if found:
            kind, _, name = data.draw(st.sampled_from(found))
            run = self.world.kube.objects.get(("WebJobRun", "site", name))
            if kind == "Job" and run and "jobUID" not in run.get("status", {}):
                # Its operator died before it wrote that there is a Job, and now nothing tells of it: the run starts
                # once more, as no run that was promised may be lost (docs/webjobs.md).
                self.world.begun.pop(name, None)
            self.world.delete(kind, name)

    @rule(labels=st.booleans())
    def edit_workloads(self, labels: bool) -> None:
        for kind, patch in (
            ("Deployment", {"replicas": 7}),
            ("CronJob", {"schedule": "1 1 1 1 1"}),
        ):
            for body in self.world.kube.of_kind(kind):
                change = {"metadata": {"annotations": {THEIRS: "1"}}} if labels else {"spec": patch}
                self.world.edit(kind, body["metadata"]["name"], change)

    # The operator and its news

    @rule(count=st.integers(1, 4), lost=st.booleans())
    def hear(self, count: int, lost: bool) -> None:
        self.world.deliver(count, lost=lost)

    @rule(writes=st.none() | st.integers(0, 3))
    def one_pass(self, writes: int | None) -> None:
        """On what has been heard; after ``writes`` writes the process dies."""
        if writes is not None:
            self.world.kube.die_after_writes = len(self.world.kube.writes) + writes
        try:
            run_async(self.world._pass())
        except Died:
            self.world.restart()
        except ApiError:
            pass  # the queue would come back
        self.world.kube.die_after_writes = None

    @rule()
    def restart(self) -> None:
        self.world.restart()

    @rule(seconds=st.integers(1, 400))
    def time_passes(self, seconds: int) -> None:
        self.world.now += timedelta(seconds=seconds)

    @rule()
    def rest(self) -> None:
        """The operator has heard of everything and is done."""
        self.world.rest()
        assert self.world.settle() == []
        other = self.world.anew(keep=KEPT)
        wrote = other.settle()
        assert not {"create Job", "create WebJobRun"} & set(wrote), wrote
        ours, wanted = children(self.world), children(other)
        for key in wanted:
            assert ours.get(key) == wanted[key], key
        used = {key for key in ours if key[0] == "ConfigMap"}  # by Jobs that were made before
        assert ours.keys() - used == wanted.keys() - used
        for kind in ("WebJob", "WebJobSchedule"):
            for body, fresh in zip(self.world.kube.of_kind(kind), other.kube.of_kind(kind), strict=True):
                assert without_times(body["status"]) == without_times(fresh["status"])
        self.world.restart()
        assert self.world.settle() == []
        runs = {
            run["metadata"]["name"]: run.get("status", {}).get("state") for run in self.world.kube.of_kind("WebJobRun")
        }
        assert "Skipped" not in {runs.get(name) for name in self.accepted}

    def teardown(self) -> None:
        """Schedules end, all processes end, and time passes."""
        self.world.edit("WebJob", "job", {"spec": {"suspend": True}})
        for _ in range(60):  # a queue can be long
            self.world.pods_go()
            self.world.rest()
            self.world.end_processes()
            self.world.rest()
            if not any(run.get("status", {}).get("state") in ACTIVE for run in self.world.kube.of_kind("WebJobRun")):
                break
            self.world.now += timedelta(seconds=61)
        self.world.now += timedelta(seconds=301)
        self.world.rest()
        self.rest()
        there = {run["metadata"]["name"] for run in self.world.kube.of_kind("WebJobRun")}
        begun = {name: count for name, count in self.world.begun.items() if name in there or count > 1}
        facts = Facts(
            webjobs=self.world.kube.of_kind("WebJob"),
            runs=self.world.kube.of_kind("WebJobRun"),
            jobs=self.world.kube.of_kind("Job"),
            begun=begun,
            log=lambda run: self.world.log(dict(run)) if run.get("status", {}).get("logPath") else None,
        )
        found = broken(facts)
        assert found == []
        for run in facts.runs:
            if run["status"]["state"] == "Success" and begun.get(run["metadata"]["name"]):
                assert "hello" in (self.world.log(dict(run)) or ""), "what the process wrote is not in the log"


class TriggeredMachine(Machine):
    """A triggered job: runs and slots as well."""

    kind = "triggered"
    edits = triggered

    @initialize()
    def begin(self) -> None:
        self.world.rest()

    @rule()
    def create_run(self) -> None:
        self.world.now += timedelta(milliseconds=1)
        name = object_name(webjob="job", run_id=run_id_at(self.world.now))
        body = {"apiVersion": "webjobs.dev/v1", "kind": "WebJobRun", "metadata": {"name": name, "namespace": "site"}}
        self.world.kube.add(body | {"spec": {"webJobName": "job"}})

    @rule()
    def accept_run(self) -> None:
        """The shim starts one: the lock, if the policy asks for it, and the run."""
        webjob, runs = self.world.one("WebJob"), self.world.kube.of_kind("WebJobRun")
        policy = webjob["spec"].get("concurrencyPolicy", "Forbid")
        lock = webjob.get("status", {}).get("activeRun")
        known = {run["metadata"]["name"]: WebJobRun.parse(run) for run in runs}
        if policy == "Replace":
            return
        if policy == "Forbid":
            if lock and lock_is_held(WebJob.parse(webjob), known, now=self.world.now, grace=LOCK_GRACE):
                return
            name = object_name(webjob="job", run_id=run_id_at(self.world.now + timedelta(milliseconds=1)))
            status = {"activeRun": {"name": name, "since": rfc3339(self.world.now)}}
            self.world.edit("WebJob", "job", {"status": status}, subresource="status")
        self.create_run()
        self.accepted.add(object_name(webjob="job", run_id=run_id_at(self.world.now)))

    def _runs(self, *states: str | None) -> list[str]:
        runs = self.world.kube.of_kind("WebJobRun")
        return [run["metadata"]["name"] for run in runs if run.get("status", {}).get("state") in states]

    @precondition(lambda self: self._runs(*ACTIVE))
    @rule(data=st.data())
    def cancel_run(self, data: st.DataObject) -> None:
        self.world.edit("WebJobRun", data.draw(st.sampled_from(self._runs(*ACTIVE))), {"spec": {"cancel": True}})

    @precondition(lambda self: self.world.kube.of_kind("WebJobRun"))
    @rule(data=st.data())
    def delete_run(self, data: st.DataObject) -> None:
        names = [run["metadata"]["name"] for run in self.world.kube.of_kind("WebJobRun")]
        self.world.delete("WebJobRun", data.draw(st.sampled_from(names)))

    @rule()
    def processes_start(self) -> None:
        self.world.start_processes()

    @rule(code=st.sampled_from([0, 3]))
    def processes_end(self, code: int) -> None:
        self.world.end_processes(code)

    @rule()
    def pods_go(self) -> None:
        self.world.pods_go()

    @rule()
    def slot(self) -> None:
        """The CronJob, if there is one, makes a Job for the last full five minutes."""
        if not self.world.kube.of_kind("CronJob"):
            return
        now = self.world.now
        at = now.replace(minute=now.minute - now.minute % 5, second=0, microsecond=0)
        job = cron_job_slot(rfc3339(at, micro=False))
        job["metadata"]["name"] = f"job-{int(at.timestamp()) // 60}"
        assert SLOT in job["metadata"]["annotations"]
        if ("Job", "site", job["metadata"]["name"]) not in self.world.kube.objects:
            self.world.kube.add(job)

    @rule(data=st.data())
    def change_schedules(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(["a", "b"]))
        if ("WebJobSchedule", "site", name) in self.world.kube.objects:
            self.world.delete("WebJobSchedule", name)
            return
        when: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
            [{"cron": "0 */2 * * * *"}, {"periodSeconds": 90}, {"at": "2026-01-01T00:10:00Z"}]
        )
        meta = {"name": name, "namespace": "site"}
        spec: dict[str, Any] = {"webJobName": "job", **data.draw(when)}
        body = {"apiVersion": "webjobs.dev/v1", "kind": "WebJobSchedule", "metadata": meta, "spec": spec}
        self.world.kube.add(body)


class WarmMachine(TriggeredMachine):
    """A triggered job of which pods wait for runs."""

    edits = st.builds(
        lambda spec, warm: spec | warm,
        triggered,
        st.fixed_dictionaries({}, optional={"warm": st.sampled_from([0, 1, 2])}),
    )

    @initialize()
    def begin(self) -> None:
        self.world.edit("WebJob", "job", {"spec": {"warm": 1}})
        self.ready()

    @rule()
    def ready(self) -> None:
        """All pods are up, and some time has passed."""
        self.world.rest()
        self.world.start_processes()
        self.world.now += timedelta(seconds=5)
        self.world.rest()

    @rule()
    def run_begins(self) -> None:
        """In a pod that waits, when nothing else keeps it from that."""
        self.ready()
        self.accept_run()
        self.world.deliver(100)
        self.world.settle()

    @rule(code=st.sampled_from([0, 3]))
    def connections_tell(self, code: int) -> None:
        self.world.told(code)

    @rule()
    def evict(self) -> None:
        self.world.evict()

    @rule()
    def rest(self) -> None:
        self.world.rest()
        self.world.now += timedelta(minutes=6)  # nobody waits any longer because pods ended in vain
        super().rest()

    def teardown(self) -> None:
        super().teardown()
        assert not [job for job in self.world.kube.of_kind("Job") if LABEL_ARMED in job["metadata"]["labels"]]


class ContinuousMachine(Machine):
    """A continuous job."""

    kind = "continuous"
    edits = continuous

    @rule(singleton=st.booleans())
    def change_singleton(self, singleton: bool) -> None:
        spec = {"singleton": True, "replicas": None} if singleton else {"singleton": None}
        self.world.edit("WebJob", "job", {"spec": spec})


SETTINGS = settings(max_examples=EXAMPLES, stateful_step_count=30, derandomize=EXAMPLES <= 20)


@pytest.mark.parametrize("machine", [TriggeredMachine, WarmMachine, ContinuousMachine])
def test_any_order(machine: type[Machine]) -> None:
    run_state_machine_as_test(machine, settings=SETTINGS)


def test_a_job_that_nobody_recorded_and_somebody_deleted_starts_once_more() -> None:
    machine = TriggeredMachine()
    machine.begin()
    machine.accept_run()
    machine.restart()
    machine.one_pass(writes=2)  # the Job is there, and its UID is not in the run
    machine.processes_end(0)
    [job] = machine.world.kube.of_kind("Job")
    machine.world.delete("Job", job["metadata"]["name"])
    machine.world.rest()
    machine.world.end_processes()
    machine.world.rest()
    assert machine._runs("Success") == [job["metadata"]["name"]]
    assert machine.world.begun[job["metadata"]["name"]] == 2
