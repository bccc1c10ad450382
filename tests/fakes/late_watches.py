"""A cluster in memory whose watches are late or lose events, and people who change what is not theirs."""

from __future__ import annotations

import io
from collections import Counter
from copy import deepcopy
from datetime import timedelta
from typing import Any

from tests.fakes.cluster import World
from tests.fakes.connections import Pods
from tests.fakes.objects import pod, run_async
from tests.fakes.warm_cluster import pod_of
from webjobs.files.unpack import Entry
from webjobs.model import LABEL_ARMED, LABEL_RUN
from webjobs.runs import warm_protocol
from webjobs.store import ObjectStore, packages
from webjobs.times import rfc3339
from webjobs_operator.cluster import resync
from webjobs_operator.warm.pool import YOUNG
from webjobs_operator.watching.handlers import WATCHED

Object = dict[str, Any]
THEIRS = "example.com/theirs"
"""An annotation that somebody else adds: it stays."""
NEWEST = 1_000_000
"""A resourceVersion above all that a test makes."""


def package(store: ObjectStore, text: str) -> Object:
    """A stored package with one script, as ``spec.package`` says it."""
    content = text.encode()
    entry = Entry(path="run.sh", content=io.BytesIO(content))
    manifest = packages.write(store, namespace="site", entries=[entry])
    digest = packages.commit(store, namespace="site", manifest=manifest)
    return {"digest": digest, "entrypoint": "run.sh", "size": len(content), "files": 1}


class _Shells(Pods):
    """The shells in the pods that wait for a run: each begins what it is told first, if it is still there."""

    def __init__(self, world: Loose) -> None:
        super().__init__()
        self._world = world

    def hear(self, uid: str, line: bytes) -> None:
        if self._world.is_up(uid):
            before = self.run_of(uid)
            super().hear(uid, line)
            if before is None:
                self._world.begun[f"job-{self.run_of(uid)}"] += 1


class Loose(World):
    """See the module. What happens reaches the operator by ``deliver`` only."""

    def __init__(self, *bodies: Object) -> None:
        self.begun: Counter[str] = Counter()
        self._heard = 0
        self._shells = _Shells(self)
        super().__init__(*bodies)

    def restart(self) -> None:
        """A new operator lists everything, and watches from there on."""
        self.pods = self._shells
        super().restart()
        self._heard = len(self.kube._told)
        for kind in WATCHED:
            for body in self.kube.of_kind(kind):
                self.cache.take(kind, body)

    def watch(self) -> None:
        self.deliver(len(self.kube._told))

    def deliver(self, count: int, *, lost: bool = False) -> None:
        """So many events more reach the operator, or never do."""
        for event, kind, body in self.kube._told[self._heard : self._heard + count]:
            if not lost and kind in WATCHED:
                (self.cache.drop if event == "DELETED" else self.cache.take)(kind, {"kind": kind} | body)
        self._heard = min(self._heard + count, len(self.kube._told))

    def rest(self) -> list[str]:
        """The comparison with lists that comes every few minutes, and passes; gives what these wrote."""
        run_async(self._compare())
        return self.settle()

    async def _compare(self) -> None:
        for kind in WATCHED:
            await resync.compare(kube=self.kube, cache=self.cache, kind=kind, namespaces=[], add=lambda key: None)

    def edit(self, kind: str, name: str, patch: Object, *, subresource: str | None = None) -> None:
        """By somebody else."""
        run_async(self.kube.patch(kind, "site", name, patch, subresource=subresource))

    def delete(self, kind: str, name: str) -> None:
        """By somebody else."""
        run_async(self.kube.delete(kind, "site", name))

    def settle(self) -> list[str]:
        """Also what waits until a run that has just begun is not young any more.

        A slot's run has its fraction of a second by its schedule's UID, so it can begin in time to come.
        """
        wrote = super().settle()
        while self.due is not None and 0 < self.due < 2 * YOUNG.total_seconds() + 0.05:
            self.now += timedelta(seconds=self.due)
            wrote += super().settle()
        return wrote

    def is_up(self, uid: str) -> bool:
        """Whether a pod is there and runs."""
        return any(
            one["metadata"]["uid"] == uid and one["status"]["phase"] == "Running" for one in self.kube.of_kind("Pod")
        )

    def pods_go(self) -> None:
        """Pods whose Job is gone end."""
        for one in self.kube.of_kind("Pod"):
            if ("Job", "site", one["metadata"]["name"]) not in self.kube.objects:
                self.delete("Pod", one["metadata"]["name"])

    def play(self, state: Object | None, *, phase: str) -> None:
        for job in self.kube.of_kind("Job"):
            name, labels = job["metadata"]["name"], job["spec"]["template"]["metadata"]["labels"]
            if job["spec"].get("suspend"):
                continue
            if LABEL_ARMED in labels:
                self._wait_or_run(job, state, phase=phase)
                continue
            if ("Pod", "site", name) not in self.kube.objects:
                body = pod(name=name, phase=phase, state=state, labels=labels)
                body["metadata"].pop("resourceVersion")
                body["metadata"]["uid"] = f"pod-of-{job['metadata']['uid']}"
                body["metadata"]["ownerReferences"] = [{"uid": job["metadata"]["uid"], "kind": "Job", "name": name}]
                self.kube.add(body)
                self.kube.logs["site", name, False] = [f"{rfc3339(self.now)} hello"]
                self.begun[f"job-{labels[LABEL_RUN]}"] += 1
            elif self.kube.objects["Pod", "site", name]["status"]["phase"] in ("Pending", "Running"):
                statuses = [{"name": "job", "state": state}]
                status: Object = {"phase": phase, "containerStatuses": statuses}
                self.edit("Pod", name, {"status": status}, subresource="status")
            if phase in ("Succeeded", "Failed"):  # the last try of a Job that has several
                condition = {"type": "Complete" if phase == "Succeeded" else "Failed", "status": "True"}
                self.edit("Job", name, {"status": {"conditions": [condition]}}, subresource="status")

    def _wait_or_run(self, job: Object, state: Object | None, *, phase: str) -> None:
        """A pod that waits goes on waiting, whatever comes of those that run."""
        name = job["metadata"]["name"]
        there = self.kube.objects.get(("Pod", "site", name))
        if there is None and phase == "Running":
            body = pod_of(job, name=name, uid=f"pod-of-{job['metadata']['uid']}", since=self.now)
            body["metadata"].pop("resourceVersion")
            self.kube.add(body)
            self.kube.logs["site", name, False] = [f"{rfc3339(self.now)} hello"]
        elif there and phase != "Running" and self.pods.run_of(there["metadata"]["uid"]):
            self._end(there, state, phase=phase)

    def _end(self, there: Object, state: Object | None, *, phase: str) -> None:
        if there["status"]["phase"] != "Running":
            return
        name = there["metadata"]["name"]
        status: Object = {"phase": phase, "containerStatuses": [{"name": "job", "state": state}]}
        self.edit("Pod", name, {"status": status}, subresource="status")
        if ("Job", "site", name) in self.kube.objects:
            condition = {"type": "Complete" if phase == "Succeeded" else "Failed", "status": "True"}
            condition["lastTransitionTime"] = rfc3339(self.now, micro=False)
            self.edit("Job", name, {"status": {"conditions": [condition]}}, subresource="status")

    def told(self, code: int) -> None:
        """The exit codes and the output of all runs that go on come over their connections; pods don't say so yet."""
        for uid, talk in self.sessions.known.items():
            if talk.over is None and self.is_up(uid) and self.pods.run_of(uid):
                talk.end(self.now, "hello", code=code)

    def evict(self) -> None:
        """All pods that wait or run in the place of one that did are ended; those that ran nothing say so."""
        for one in self.kube.of_kind("Pod"):
            if LABEL_ARMED in one["metadata"]["labels"]:
                ended: Object = {"exitCode": 143, "reason": "Error", "finishedAt": rfc3339(self.now, micro=False)}
                if self.pods.run_of(one["metadata"]["uid"]) is None:
                    ended["message"] = f"{warm_protocol.UNUSED}\n"
                self._end(one, {"terminated": ended}, phase="Failed")

    def anew(self, *, keep: tuple[str, ...]) -> Loose:
        """The same world with an operator that has never been here: no workloads, and of the status only ``keep``."""
        other = Loose()
        other.now, other.store = self.now, self.store
        other._shells.heard = deepcopy(self._shells.heard)
        other.kube.objects = {
            key: deepcopy(body)
            for key, body in self.kube.objects.items()
            if key[0] not in ("Deployment", "CronJob", "Event") and not (key[0] == "ConfigMap" and is_child(body))
        }
        other.kube.logs = self.kube.logs
        other.kube._version = NEWEST
        for kind in ("WebJob", "WebJobSchedule"):
            for key, body in other.kube.objects.items():
                if key[0] == kind:
                    body["status"] = {name: body["status"][name] for name in keep if name in body.get("status", {})}
        other.restart()
        return other


def is_child(body: Object) -> bool:
    """Whether the operator made an object."""
    return bool(body["metadata"].get("ownerReferences"))


def children(world: World) -> dict[tuple[str, str], Object]:
    """The workloads by kind and name: what the operator says about them, without what the API server adds."""
    found = {}
    for kind in ("Deployment", "CronJob", "ConfigMap"):
        for body in world.kube.of_kind(kind):
            if is_child(body):
                meta = {name: body["metadata"].get(name) for name in ("labels", "ownerReferences")}
                meta["annotations"] = {k: v for k, v in body["metadata"].get("annotations", {}).items() if k != THEIRS}
                rest = {key: value for key, value in body.items() if key not in ("metadata", "status")}
                found[kind, body["metadata"]["name"]] = {"metadata": meta} | rest
    return found


def without_times(status: Object) -> Object:
    """A status without the moments at which something was noticed."""
    found = deepcopy(status)
    for condition in found.get("conditions", []):
        condition.pop("lastTransitionTime", None)
    return found
