"""The logs that clients read: of a run (archived or live) and of a continuous job's instances."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from webjobs import logs
from webjobs.logs import Level, Output
from webjobs.model import LABEL_RUN, LABEL_WEBJOB, WebJob, WebJobRun
from webjobs.runs import parse_time, run_id
from webjobs.store import ObjectStore
from webjobs.store import logs as stored_logs
from webjobs_apiserver.errors import Missing
from webjobs_apiserver.jobs import Job, Jobs
from webjobs_apiserver.runs import Runs
from webjobs_apiserver.sites import Site
from webjobs_kube import runlogs
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import Invalid, NotFound
from webjobs_kube.podlogs import PodLogs

Pod = dict[str, Any]
Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class LogFile:
    """A log on its way to a client."""

    content: AsyncIterator[bytes]
    size: int | None = None
    """Bytes; None for a live log."""


def archive_key(site: Site, run: WebJobRun, *, errors: bool = False) -> str | None:
    """Key of an ended run's log (of its stderr alone) in the store; None when it is not there."""
    # The path is data, and the store is shared: it must not lead into another namespace.
    path = run.status.error_log_path if errors else run.status.log_path
    own = run.ended and path and path.startswith(f"{site.namespace}/data/") and ".." not in path.split("/")
    return path if own else None


class JobLogs:
    """Operations on the logs of a site."""

    def __init__(self, kube: KubeClient, *, store: ObjectStore, jobs: Jobs, runs: Runs) -> None:
        self._kube = kube
        self._logs = PodLogs(kube)
        self._store = store
        self._jobs = jobs
        self._runs = runs

    async def of_run(self, site: Site, name: str, asked_id: str) -> LogFile:
        """The log of a run: from the archive when it is there, else live. Missing when there is no such run."""
        job, run = await self._runs.get(site, name, asked_id)
        path = archive_key(site, run)
        archived = await stored_logs.read(self._store, path) if path else None
        if archived:
            return LogFile(size=archived[0], content=archived[1])
        selector = f"{LABEL_WEBJOB}={job.object_name},{LABEL_RUN}={run_id(run)}"
        pods = await self._pods(site, selector)
        header = logs.run_log(job.webjob, run, pods[-1] if pods else None)
        key = stored_logs.run_log_key(namespace=site.namespace, webjob=job.object_name, run_id=run_id(run))
        output = runlogs.output(store=self._store, pod_logs=self._logs, log_key=key, pods=pods, must_read=True)
        lines = await begun(output)
        return LogFile(content=logs.gathered(logs.render(header, lines)))

    async def of_job(self, site: Site, name: str) -> LogFile:
        """The log of a continuous job's live instances, one after another; Missing when there is none."""
        job = await self._jobs.get(site, "continuous", name)
        live = await self.instances(site, job)
        if not live:
            raise Missing
        pieces = await begun(self._instances(site, job.webjob, live))
        return LogFile(content=logs.gathered(pieces))

    async def instances(self, site: Site, job: Job) -> list[Pod]:
        """Pods of a continuous job that have not ended, oldest first."""
        pods = await self._pods(site, f"{LABEL_WEBJOB}={job.object_name}")
        return [pod for pod in pods if pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")]

    async def _pods(self, site: Site, selector: str) -> list[Pod]:
        """Oldest first."""
        pods = await self._kube.list("Pod", site.namespace, selector=selector)
        return sorted(pods, key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"]))

    async def _lines(self, site: Site, pod: Pod, *, previous: bool = False) -> AsyncIterator[Output]:
        try:
            async for line in self._logs.lines(site.namespace, pod["metadata"]["name"], previous=previous):
                yield line
        except (NotFound, Invalid):
            return  # the pod is gone, or its container has not started yet

    async def _instances(self, site: Site, webjob: WebJob, pods: list[Pod]) -> AsyncIterator[bytes]:
        for pod in pods:
            told = _Instance(webjob, pod)
            status = logs.container_status(pod)
            before = (status.get("lastState") or {}).get("terminated")
            state = status.get("state") or {}
            yield told.starting()
            if before:
                yield told.process(before)
                async for line in self._lines(site, pod, previous=True):
                    yield told.output(line)
                yield told.ended(before)
            now = state.get("running") or state.get("terminated")
            if now and now != before:
                yield told.process(now)
                async for line in self._lines(site, pod):
                    yield told.output(line)
                if "terminated" in state:
                    yield told.ended(now)


class _Instance:
    """Kudu's lines about one instance (contract, section 8)."""

    def __init__(self, webjob: WebJob, pod: Pod) -> None:
        self._webjob = webjob
        self._pod = pod
        self._id = logs.instance_id(pod["metadata"]["uid"])

    def _system(self, when: datetime, text: str, *, level: Level = "INFO") -> bytes:
        return logs.line(when, self._id, text, level=level, system=True).encode()

    def output(self, line: Output) -> bytes:
        return logs.output_line(line, self._id).encode()

    def starting(self) -> bytes:
        created = self._pod["metadata"]["creationTimestamp"]
        when = parse_time(self._pod.get("status", {}).get("startTime") or created)
        singleton = f"WebJob singleton setting is {self._webjob.singleton}"
        return self._system(when, "Status changed to Starting") + self._system(when, singleton)

    def process(self, state: Mapping[str, Any]) -> bytes:
        when = parse_time(state.get("startedAt"))
        selected = logs.script_of(self._webjob)
        run = f"Run script '{selected.file_name}' with script host - '{selected.host.name}'" if selected else None
        return (self._system(when, run) if run else b"") + self._system(when, "Status changed to Running")

    def ended(self, state: Mapping[str, Any]) -> bytes:
        when, code = parse_time(state.get("finishedAt")), state.get("exitCode")
        if code:
            told = self._system(when, f"Job failed due to exit code {code}", level="ERR")
        else:
            told = self._system(when, "Status changed to Success")
        return told + self._system(when, "Status changed to PendingRestart")


async def begun(source: AsyncIterator[Item]) -> AsyncIterator[Item]:
    """The same items, the first of them fetched already: an error shows before the answer has begun."""
    try:
        first = await anext(source)
    except StopAsyncIteration:
        return source

    async def items() -> AsyncIterator[Item]:
        yield first
        async for item in source:
            yield item

    return items()
