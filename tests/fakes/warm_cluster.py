"""Jobs that wait for their run, as Job controller, kubelet and the shells in the pods go on with them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.fakes.cluster import World
from tests.fakes.connections import Talk
from tests.fakes.kube import Object
from tests.fakes.objects import pod, run_body, webjob_body
from webjobs.model import LABEL_ARMED
from webjobs.runs import warm_protocol
from webjobs.times import rfc3339
from webjobs_operator.warm.plan import COMING

RUN = "job-202601010000000000"


def pod_of(job: Object, *, name: str, uid: str, since: datetime) -> Object:
    """The pod that a Job controller makes of a Job, with a container that runs."""
    meta, template, stamp = job["metadata"], job["spec"]["template"], rfc3339(since, micro=False)
    running = {"running": {"startedAt": stamp}}
    body = pod(name=name, phase="Running", state=running, labels=template["metadata"]["labels"])
    body["spec"] = template["spec"]
    body["metadata"] |= {
        "uid": uid,
        "creationTimestamp": stamp,
        "annotations": template["metadata"]["annotations"],
        "ownerReferences": [{"uid": meta["uid"], "kind": "Job", "name": meta["name"]}],
    }
    return body


class Waiting(World):
    """Pods of Jobs that wait; what they are told outlives the operator."""

    def settle(self) -> list[str]:
        """Also what waits until a run that has just begun is not young any more."""
        wrote = super().settle()
        while self.due is not None and 0 < self.due < 0.3:
            self.now += timedelta(seconds=self.due)
            wrote += super().settle()
        return wrote

    def armed(self) -> list[Object]:
        """The Jobs that were there before their run."""
        return [job for job in self.kube.of_kind("Job") if LABEL_ARMED in job["metadata"].get("labels", {})]

    def attempts(self, job: Object) -> list[Object]:
        """Pods of a Job, the oldest first."""
        owner = {"uid": job["metadata"]["uid"], "kind": "Job", "name": job["metadata"]["name"]}
        return [one for one in self.kube.of_kind("Pod") if owner in one["metadata"].get("ownerReferences", [])]

    def up(self) -> None:
        """Each such Job that has not ended has a pod whose container runs."""
        for job in self.armed():
            there, retries = self.attempts(job), job["spec"]["backoffLimit"]
            over = [one for one in there if one["status"]["phase"] != "Running"]
            if len(over) < len(there) or len(over) > retries or not self._is_active(job):
                continue
            meta = job["metadata"]
            name = f"{meta['name']}-{len(there)}"
            self.kube.add(pod_of(job, name=name, uid=f"{name}-{meta['uid']}", since=self.now))
            self.kube.logs["site", name, False] = [f"{rfc3339(self.now)} hello by kubelet"]
            self.touch("Job", meta["name"], status={"startTime": rfc3339(self.now, micro=False)})

    @staticmethod
    def _is_active(job: Object) -> bool:
        return not job.get("status", {}).get("conditions")

    def ended(self, one: Object, *, code: int = 0, message: str | None = None) -> None:
        """A pod is over, and its Job when that was the last attempt."""
        stamp = rfc3339(self.now, micro=False)
        ended: Object = {"exitCode": code, "reason": "Error" if code else "Completed"}
        ended |= {"startedAt": one["metadata"]["creationTimestamp"], "finishedAt": stamp}
        if message:
            ended["message"] = message
        statuses = [{"name": "job", "state": {"terminated": ended}}]
        phase = "Failed" if code else "Succeeded"
        self.touch("Pod", one["metadata"]["name"], status={"phase": phase, "containerStatuses": statuses})
        (owner,) = one["metadata"]["ownerReferences"]
        job = self.kube.objects["Job", "site", owner["name"]]
        if not code or len(self.attempts(job)) > job["spec"]["backoffLimit"]:
            condition = {"type": "Failed" if code else "Complete", "status": "True", "lastTransitionTime": stamp}
            self.touch("Job", job["metadata"]["name"], status={"conditions": [condition]})

    def unused(self, one: Object) -> None:
        """A pod was ended while it waited."""
        self.ended(one, code=143, message=f"{warm_protocol.UNUSED}\n")

    # Runs

    def told(self) -> dict[str, list[str]]:
        """The run ids that pods were told, by pod; a pod takes the first."""
        names = {one["metadata"]["uid"]: one["metadata"]["name"] for one in self.kube.of_kind("Pod")}
        out = {}
        for uid, lines in self.pods.heard.items():
            out[names.get(uid, uid)] = [line.partition(b"RUN_ID=")[2].partition(b" ")[0].decode() for line in lines]
        return out

    def talk(self, name: str | None = None) -> Talk:
        """The connection to the one pod that was told something, or to the one of that name."""
        for one in self.kube.of_kind("Pod"):
            known = self.sessions.known.get(one["metadata"]["uid"])
            if known and (one["metadata"]["name"] == name or (name is None and known.told)):
                return known
        raise AssertionError("nobody talks to it")

    def talk_pod(self) -> str:
        """Name of the pod that was told."""
        (name,) = self.told()
        return name

    def says(self, *lines: str, code: int = 0) -> None:
        """All that the run wrote, and its exit code, come over the connection."""
        self.talk().end(self.now, *lines, code=code)

    def create_run(self, name: str = RUN, **more: Any) -> None:
        """Somebody creates a run."""
        self.kube.add(run_body(name, **more))

    def status_of(self, name: str = RUN) -> Object:
        found: Object = self.kube.objects["WebJobRun", "site", name]["status"]
        return found

    def warm_condition(self) -> tuple[str, str] | None:
        """Status and reason of the WebJob's condition Warm."""
        for one in self.one("WebJob")["status"]["conditions"]:
            if one["type"] == "Warm":
                return one["status"], one["reason"]
        return None


def ready(world: Waiting, *, rounds: int = 2) -> Waiting:
    """Until all Jobs that are to wait do."""
    for _ in range(rounds):
        world.settle()
        world.up()
    world.settle()
    old(world)
    return world


def old(world: Waiting) -> None:
    """Time passes until no Job counts as one that was just made."""
    world.now += COMING + timedelta(seconds=1)
    world.settle()


def a_world(*bodies: dict[str, Any], **spec: Any) -> Waiting:
    """A job with waiting pods, all of them up."""
    return ready(Waiting(webjob_body({"warm": 1} | spec), *bodies))


def a_run(**spec: Any) -> Waiting:
    """The same with a run that its pod was told of."""
    world = a_world(**spec)
    world.create_run()
    world.settle()
    return world


def names(world: Waiting) -> list[str]:
    """The numbers of the Jobs that were there before their run."""
    return [job["metadata"]["name"].rpartition("-")[2] for job in world.armed()]


def took(world: Waiting, name: str = RUN) -> str:
    """The number of the Job of a run."""
    return str(world.status_of(name)["jobName"]).rpartition("-")[2]
