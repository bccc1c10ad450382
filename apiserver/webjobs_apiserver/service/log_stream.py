"""Live lines of many pods as one stream, and the latest lines of all.

Memory is bounded: what a client does not take in time makes the followers wait, and all streams of a process together
follow a bounded number of pods, because each takes a connection to the API server.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from webjobs import times
from webjobs.logs import kudu_lines
from webjobs.logs.kudu_lines import Output
from webjobs.logs.log_position import LogPosition, all_before
from webjobs.model import LABEL_ARMED, LABEL_RUN, LABEL_WEBJOB, JobType
from webjobs.pods import CONTAINER, container_status, instance_id, is_of_webjob
from webjobs_apiserver.errors import Missing, Unavailable
from webjobs_apiserver.service.jobs import Job, Jobs
from webjobs_apiserver.sites import Site
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import ApiError, Unreachable
from webjobs_kube.tasks import cancelled

log = logging.getLogger(__name__)

Pod = dict[str, Any]
Key = tuple[str, int]
"""One process: UID of its pod and number of its container's restarts."""

POLL_SECONDS = 1.0
"""Seconds from one look for pods to the next."""
HEARTBEAT_SECONDS = 60.0
"""Seconds without a line after which a stream says that it lives."""
IDLE_SECONDS = 120 * 60.0
"""Seconds without a line after which a stream ends (docs/kudu-contract.md, section 1.5)."""
_FOLLOWERS = 48
"""Pods that all streams together follow at once."""
_STREAMS = 16
"""Streams at once: each looks for pods every second."""
_QUEUE = 256
"""Lines between followers and the client."""
_END = "\r\n"


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a job's output."""

    when: datetime
    """When the line was written."""
    job: str
    """Name of the job."""
    instance: str
    """Six characters that stand for the pod."""
    text: str
    """Text of the line, without its end."""

    @property
    def rendered(self) -> str:
        """The line as in log files, with the job's name, since several jobs can be in one stream."""
        return kudu_lines.line(self.when, self.instance, f"{self.job}: {self.text}")


class LogStreams:
    """Live output of a site's jobs."""

    def __init__(self, kube: KubeClient, *, jobs: Jobs, clock: Callable[[], datetime]) -> None:
        self._kube = kube
        self._jobs = jobs
        self._clock = clock
        self._room = asyncio.Semaphore(_FOLLOWERS)
        self._open = 0

    async def recent(self, site: Site, *, count: int) -> list[Line]:
        """Return the latest lines of all pods, newest first, at most ``count``."""
        found: list[Line] = []
        for pod, name in await self._pods(site, None, None):
            if not _process(pod):
                continue
            try:
                lines = self._kube.log_lines(site.namespace, pod["metadata"]["name"], container=CONTAINER, tail=count)
                found += [_line(stamped, pod, name) async for stamped in lines]
            except ApiError:
                continue  # it is gone
            found = sorted(found, key=lambda line: line.when, reverse=True)[:count]
        return found

    async def follow(self, site: Site, job_type: JobType | None = None, name: str | None = None) -> AsyncIterator[str]:
        """Return the lines as they are written, of all jobs or one.

        Ends after IDLE_SECONDS without a line; close it to end it before. Between lines it says that it lives. Raises
        Missing when there is no such job, Unavailable while too many streams are open.
        """
        await self._names(site, job_type, name)
        if self._open >= _STREAMS:
            raise Unavailable(f"{_STREAMS} log streams are open already. Try again when one has ended.")
        return self._follow(site, job_type, name)

    async def _follow(self, site: Site, job_type: JobType | None, name: str | None) -> AsyncIterator[str]:
        queue: asyncio.Queue[Line] = asyncio.Queue(_QUEUE)
        self._open += 1
        watcher = asyncio.create_task(self._watch(site, job_type, name, queue))
        try:
            yield self._told("Welcome, you are now connected to log-streaming service.")
            silent = 0.0
            while silent < IDLE_SECONDS:
                try:
                    line = await asyncio.wait_for(queue.get(), HEARTBEAT_SECONDS)
                except TimeoutError:
                    silent += HEARTBEAT_SECONDS
                    if silent < IDLE_SECONDS:
                        yield self._told(f"No new trace in the past {silent / 60:.0f} min(s).")
                    continue
                silent = 0.0
                yield line.rendered
            yield self._told(f"Stream terminated due to no new trace in the past {silent / 60:.0f} min(s).")
        finally:
            self._open -= 1
            await cancelled([watcher])

    def _told(self, text: str) -> str:
        return f"{self._clock():%Y-%m-%dT%H:%M:%S}  {text}{_END}"

    async def _watch(self, site: Site, job_type: JobType | None, name: str | None, queue: asyncio.Queue[Line]) -> None:
        """Follow every process that is there or comes."""
        followers: dict[Key, asyncio.Task[None]] = {}
        first = True
        try:
            while True:
                try:
                    pods = await self._pods(site, job_type, name)
                except Missing:  # the job went while somebody looks
                    pods = []
                except ApiError as error:
                    log.warning("log stream of %s: %s", site.namespace, error)
                    await asyncio.sleep(POLL_SECONDS)
                    continue
                for pod, job in pods:
                    key = _process(pod)
                    if key and key not in followers:
                        seen = first and "terminated" in _state(pod)
                        work = _nothing() if seen else self._one(site, pod, job, queue, only_new=first)
                        followers[key] = asyncio.create_task(work)
                gone = set(followers) - {key for pod, _ in pods if (key := _process(pod))}
                for key in gone:
                    if followers[key].done():
                        del followers[key]
                first = False
                await asyncio.sleep(POLL_SECONDS)
        finally:
            await cancelled(followers.values())

    async def _one(self, site: Site, pod: Pod, job: str, queue: asyncio.Queue[Line], *, only_new: bool) -> None:
        """Follow one process to its end; a connection that breaks is taken up where it broke."""
        name, position = pod["metadata"]["name"], LogPosition()
        async with self._room:
            while True:
                unread, since = position.unread(), position.since()
                lines = self._kube.log_lines(
                    site.namespace,
                    name,
                    container=CONTAINER,
                    follow=True,
                    since_time=since,
                    since_seconds=1 if only_new and since is None else None,
                )
                try:
                    async with aclosing(lines):  # type: ignore[type-var]
                        async for stamped in lines:
                            if not unread.has(line := Output(stamped)):
                                continue
                            if only_new and since is None and position.since() is None:
                                # The stream began here: what is older is not told later, either.
                                position = LogPosition({"INFO": all_before(stamped.partition(" ")[0])})
                            else:
                                position.add(line)
                            await queue.put(_line(stamped, pod, job))
                    return
                except Unreachable as error:
                    log.info("log stream of pod %s/%s broke off: %s", site.namespace, name, error)
                except ApiError as error:
                    log.info("log stream of pod %s/%s ended: %s", site.namespace, name, error)
                    return
                await asyncio.sleep(POLL_SECONDS)

    async def _pods(self, site: Site, job_type: JobType | None, name: str | None) -> list[tuple[Pod, str]]:
        names = await self._names(site, job_type, name)
        pods = await self._kube.list("Pod", site.namespace, selector=LABEL_WEBJOB)
        owned = ((pod, str(pod["metadata"]["labels"].get(LABEL_WEBJOB))) for pod in pods)
        return [(pod, names[own]) for pod, own in owned if own in names and is_of_webjob(pod, own)]

    async def _names(self, site: Site, job_type: JobType | None, name: str | None) -> dict[str, str]:
        """Return the names of the jobs that are meant, by object name."""
        jobs: list[Job]
        if job_type and name:
            jobs = [await self._jobs.get(site, job_type, name, scriptless=True)]
        else:
            jobs = await self._jobs.list(site, job_type)
        return {job.object_name: job.name for job in jobs}


async def _nothing() -> None:
    return


def _state(pod: Pod) -> dict[str, Any]:
    return dict(container_status(pod).get("state") or {})


def _process(pod: Pod) -> Key | None:
    """Return the process that runs or ran last in a pod.

    None before there is one, and for a pod that waits for a run.
    """
    labels = pod["metadata"].get("labels", {})
    if LABEL_ARMED in labels and LABEL_RUN not in labels:
        return None
    if not _state(pod).keys() & {"running", "terminated"}:
        return None
    return str(pod["metadata"]["uid"]), int(container_status(pod).get("restartCount") or 0)


def _line(stamped: str, pod: Pod, job: str) -> Line:
    stamp, _, text = stamped.partition(" ")
    try:
        when = times.parse_time(stamp)
    except ValueError:
        when, text = times.parse_time(None), stamped
    instance = instance_id(pod["metadata"]["uid"])
    return Line(when=when, job=job, instance=instance, text=text.rstrip("\r"))
