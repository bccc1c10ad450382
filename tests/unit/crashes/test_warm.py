"""The operator or shim dies after every single write of a warm run, or its answer is lost: one pod begins it, once."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import pytest

from tests.fakes.cluster import World, cancel, cron_job_slot
from tests.fakes.crashes import Stage, Theatre
from tests.fakes.kube import Died, FakeKube
from tests.fakes.objects import webjob_body
from tests.fakes.warm_cluster import Waiting
from webjobs.model import LABEL_ARMED, LABEL_RUN
from webjobs_kube.errors import ApiError

WRITES = 60
"""More than any scenario makes."""


class WarmStage(Waiting, Stage):
    """A cluster whose pods know what they were told, by whichever operator, and begin the first of it only."""

    lives = False
    """Whether the operator goes on after an answer that was lost."""

    def _settle_alive(self) -> list[str]:
        if not self.lives:
            return super()._settle_alive()
        try:
            return self.settle()
        except ApiError:
            return ["an error"]
        except Died:
            self.restart()
            return ["died"]

    def play(self, state: dict[str, Any] | None, *, phase: str) -> None:
        World.play(self, state, phase=phase)
        for one in self.kube.of_kind("Pod"):
            uid, labels = one["metadata"]["uid"], one["metadata"]["labels"]
            if uid not in self._pods and LABEL_ARMED not in labels:
                self._pods.add(uid)
                self.begun[f"job-{labels[LABEL_RUN]}"] += 1
        self.look()

    def look(self) -> None:
        for uid in self.pods.heard.keys() - self._pods:
            self._pods.add(uid)
            self.begun[f"job-{self.pods.run_of(uid)}"] += 1
        over = {
            run["metadata"]["name"] for run in self.kube.of_kind("WebJobRun") if run.get("status", {}).get("endTime")
        }
        active = {
            f"job-{self.pods.run_of(one['metadata']['uid']) or one['metadata']['labels'].get(LABEL_RUN)}"
            for one in self.kube.of_kind("Pod")
            if one["status"]["phase"] == "Running"
            and (one["metadata"]["uid"] in self.pods.heard or LABEL_ARMED not in one["metadata"]["labels"])
        }
        self.most_active["job"] = max(self.most_active["job"], len(active - over))


Step = Callable[[WarmStage], None]


def up(stage: WarmStage) -> None:
    """Pods of all Jobs run, those that wait and the others."""
    stage.up()
    stage.start_processes()


def say(stage: WarmStage) -> None:
    """The scripts end; who told them, and was the only one, hears all of it."""
    for one in stage.kube.of_kind("Pod"):
        uid = one["metadata"]["uid"]
        lines, talk = stage.pods.heard.get(uid, []), stage.sessions.known.get(uid)
        if talk and lines:
            talk.end(stage.now, "hello")
            if len(lines) > 1 or not talk.told:
                talk.output = None


def end(stage: WarmStage) -> None:
    """So do the pods."""
    stage.look()
    for one in stage.kube.of_kind("Pod"):
        if one["metadata"]["uid"] in stage.pods.heard and one["status"]["phase"] == "Running":
            stage.ended(one)
    stage.end_processes()


def run(stage: WarmStage) -> None:
    stage.run()


def created(stage: WarmStage) -> None:
    stage.create_run("job-202601010200000000")


def two_created(stage: WarmStage) -> None:
    stage.create_run("job-202601010200000000")
    stage.create_run("job-202601010200010000")


def slot(stage: WarmStage) -> None:
    """A slot of the schedule, which is in force since before it."""
    webjob = stage.kube.objects["WebJob", "site", "job"]
    webjob["status"]["scheduleSince"] = "2025-12-31T23:30:00Z"
    webjob["metadata"]["resourceVersion"] = stage.kube._next_version()
    stage.kube.add(cron_job_slot())


def drained(stage: WarmStage) -> None:
    """The pods that a run took are ended before they read the line."""
    for one in stage.kube.of_kind("Pod"):
        uid, labels = one["metadata"]["uid"], one["metadata"]["labels"]
        if LABEL_ARMED in labels and LABEL_RUN in labels and one["status"]["phase"] == "Running":
            stage.pods.heard.pop(uid, None)
            stage._pods.discard(uid)
            stage.begun.clear()
            stage.unused(one)


def cancelled(stage: WarmStage) -> None:
    for one in stage.kube.of_kind("WebJobRun"):
        cancel(stage, one["metadata"]["name"])


def success(stage: WarmStage, *, count: int = 1) -> None:
    found = stage.kube.of_kind("WebJobRun")
    assert [one["status"]["state"] for one in found] == ["Success"] * count
    assert all("hello" in stage.log(one) for one in found)
    assert stage.begun == {one["metadata"]["name"]: 1 for one in found}


def two_successes(stage: WarmStage) -> None:
    success(stage, count=2)


def aborted(stage: WarmStage) -> None:
    assert [one["status"]["state"] for one in stage.kube.of_kind("WebJobRun")] == ["Aborted"]


@dataclass(frozen=True)
class Scenario:
    """A job, what happens, and what must be true in the end beside the promises."""

    spec: dict[str, Any]
    steps: list[Step]
    then: Step = success
    slots: dict[str, int] = field(default_factory=dict)
    mark_first: bool = False
    """Of the two writes that go out together, the record of the run arrives last."""


READY: list[Step] = [up, up]
SCENARIOS: dict[str, Scenario] = {
    "REST": Scenario({}, [run, say, up, end]),
    "kubectl": Scenario({}, [created, say, up, end]),
    "with a time limit": Scenario({"timeoutSeconds": 600}, [created, up, say, end]),
    "a long one": Scenario({}, [run, up, end]),
    "slot": Scenario({"schedule": "0 0 * * * *"}, [slot, say, up, end], slots={"job": 1}),
    "two at once": Scenario({"concurrencyPolicy": "Allow"}, [two_created, up, say, end, up, say, end], two_successes),
    "two in a row": Scenario({"concurrencyPolicy": "Queue"}, [two_created, up, say, end, up, say, end], two_successes),
    "a pod that began nothing": Scenario({}, [created, drained, up, say, end]),
    "cancel": Scenario({}, [created, cancelled, up], aborted),
    "kubectl, mark first": Scenario({}, [created, say, up, end], mark_first=True),
    "two at once, mark first": Scenario(
        {"concurrencyPolicy": "Allow"}, [two_created, up, say, end, up, say, end], two_successes, mark_first=True
    ),
}


@contextmanager
def late_records(kube: FakeKube) -> Iterator[None]:
    """What is written of runs takes longer than other writes."""
    patch = kube.patch

    async def late(kind: str, *where: Any, **more: Any) -> Any:
        for _ in range(9 if kind == "WebJobRun" else 0):
            await asyncio.sleep(0)
        return await patch(kind, *where, **more)

    with mock.patch.object(kube, "patch", late):
        yield


@pytest.fixture(scope="module")
def theatre(tmp_path_factory: pytest.TempPathFactory) -> Theatre:
    return Theatre(tmp_path_factory.mktemp("credentials"))


@pytest.mark.parametrize("how", ["dies", "loses-the-answer", "loses-the-answer-and-lives"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_every_write_of_a_warm_run(name: str, how: str, theatre: Theatre) -> None:
    scenario = SCENARIOS[name]
    for number in range(1, WRITES):
        stage = WarmStage(webjob_body({"warm": 1} | copy.deepcopy(scenario.spec)), theatre=theatre)
        stage.lives = how.endswith("lives")
        stage.rest()
        for step in READY:
            step(stage)
            stage.rest()
        with late_records(stage.kube) if scenario.mark_first else nullcontext():
            happened = stage.play_with(number, lost_answer=how != "dies", steps=scenario.steps)  # type: ignore[arg-type]
        up(stage)
        stage.rest()
        assert stage.broken(slots=scenario.slots) == [], f"after write {number}"
        scenario.then(stage)
        taken = {one["status"].get("jobName") for one in stage.kube.of_kind("WebJobRun")}
        free = [job["metadata"]["name"] for job in stage.armed() if job["metadata"]["name"] not in taken]
        assert len(free) == 1, f"after write {number}: {free}"
        if not happened:
            assert number > 5, "the scenario ended before much could happen"
            assert bool(stage.pods.heard) == (drained not in scenario.steps), "not as warm as it should be"
            return
    raise AssertionError("the scenario never ended")
