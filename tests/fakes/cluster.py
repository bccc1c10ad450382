"""A cluster in memory with one operator: a test acts as users, watches, Job controller and kubelet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.fakes.connections import Pods, Talks
from tests.fakes.kube import Died, FakeKube, Object
from tests.fakes.objects import config, pod, run_async
from webjobs.model import LABEL_ARMED
from webjobs.model.site.app_settings import CONFIG_MAP, LABEL
from webjobs.store import open_store
from webjobs.store import run_logs as stored_logs
from webjobs.times import rfc3339
from webjobs_kube.errors import ApiError
from webjobs_kube.logs.pod_logs import PodLogs
from webjobs_operator.attach.stderr import Ears
from webjobs_operator.cluster.cache import Cache, Key
from webjobs_operator.logs.run_follower import RunFollowers
from webjobs_operator.reconcile.reconciler import Reconciler
from webjobs_operator.runs.offload import StoredRuns
from webjobs_operator.schedules.scheduler_log import SchedulerLog
from webjobs_operator.watching.handlers import WATCHED

KEY = ("site", "job")
LABELS = {"webjobs.dev/webjob": "job"}
SLOT = "batch.kubernetes.io/cronjob-scheduled-timestamp"


class Followed(RunFollowers):
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

    def __init__(self, *bodies: Object, objects: int = 100) -> None:
        self.objects = objects
        self.limits: Object = {}  # what the administrator lets WebJobs ask for, from the next restart on
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
            add=self.added.append,
            clock=lambda: self.now,
        )
        self.reconciler = Reconciler(
            kube=self.kube,
            cache=self.cache,
            store=self.store,
            config=config(historyObjects=self.objects, warm={"enabled": True, "requests": WAITING}, limits=self.limits),
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

    def one(self, kind: str) -> Object:
        (found,) = self.kube.of_kind(kind)
        return found

    def events(self) -> list[str]:
        return [event["reason"] for event in self.kube.of_kind("Event")]

    def play(self, state: Object | None, *, phase: str) -> None:
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

    def touch(self, kind: str, name: str, *, status: Object | None = None, **metadata: Any) -> None:
        """Somebody else changes an object."""
        body = self.kube.objects[kind, "site", name]
        body["status"] = body.get("status", {}) | (status or {})
        body["metadata"] |= metadata | {"resourceVersion": self.kube._next_version()}

    def edit_spec(self, **changes: Any) -> None:
        """Somebody changes the WebJob; None removes."""
        body = self.kube.objects["WebJob", "site", "job"]
        body["spec"] = {key: value for key, value in (body["spec"] | changes).items() if value is not None}
        self.touch("WebJob", "job", generation=body["metadata"]["generation"] + 1)

    def stop_site(self) -> None:
        """Somebody sets WEBJOBS_STOPPED for the site."""
        meta = {"name": CONFIG_MAP, "namespace": "site", "labels": {LABEL: "true"}}
        settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"WEBJOBS_STOPPED": "1"}}
        self.cache.take("ConfigMap", self.kube.add(settings))

    def start_processes(self) -> None:
        self.play({"running": {"startedAt": rfc3339(self.now, micro=False)}}, phase="Running")

    def end_processes(self, code: int = 0) -> None:
        stamp = rfc3339(self.now, micro=False)
        ended = {"exitCode": code, "reason": "Error", "startedAt": stamp, "finishedAt": stamp}
        self.play({"terminated": ended}, phase="Failed" if code else "Succeeded")

    def log(self, run: Object, path: str = "logPath") -> str:
        async def read() -> str:
            found = await stored_logs.read(self.store, run["status"][path])
            assert found is not None
            return b"".join([piece async for piece in found[1]]).decode()

        return run_async(read())


def cron_job_slot(slot: str = "2026-01-01T00:00:00Z") -> Object:
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


def cancel(world: World, name: str) -> None:
    body = world.kube.objects["WebJobRun", "site", name]
    body["spec"]["cancel"] = True
    body["metadata"]["resourceVersion"] = world.kube._next_version()
