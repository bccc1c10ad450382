"""The logs that clients read: of a run (archived or live) and of a continuous job (stored, and live after that)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, TypeVar

from webjobs.logs import kudu_lines
from webjobs.logs.continuous_lines import Entry, merged
from webjobs.logs.continuous_story import About, Position
from webjobs.logs.kudu_lines import Output
from webjobs.logs.log_position import LogPosition
from webjobs.model import LABEL_RUN, LABEL_WEBJOB, WebJobRun
from webjobs.model.effective_spec import under
from webjobs.model.site.site_settings import SiteSettings
from webjobs.pods import by_age, instance_id, is_of_webjob, is_over, job_of
from webjobs.runs.runs import run_id
from webjobs.store import ObjectStore, continuous_journal
from webjobs.store import run_logs as stored_logs
from webjobs.store.continuous_journal import Journal
from webjobs_apiserver.errors import Missing
from webjobs_apiserver.service.app_settings import AppSettings
from webjobs_apiserver.service.jobs import Job, Jobs
from webjobs_apiserver.service.runs import Runs
from webjobs_apiserver.sites import Site
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import ApiError
from webjobs_kube.logs import continuous_rest, run_output
from webjobs_kube.logs.pod_logs import PodLogs

Pod = dict[str, Any]
Item = TypeVar("Item")

_REST_BYTES = 2**20
"""Most bytes of a log that are read before they are stored; more of it is shown once it is stored."""


@dataclass(frozen=True, kw_only=True)
class LogFile:
    """A log on its way to a client."""

    content: AsyncIterator[bytes]
    """Pieces of the log."""
    size: int | None = None
    """Size of the log in bytes; None for a live log."""


@dataclass(frozen=True, kw_only=True)
class WorkerLog:
    """The log of a continuous job as it was at one moment."""

    store: ObjectStore
    """Store that holds the log."""
    namespace: str
    """Namespace of the job."""
    webjob: str
    """Object name of the job."""
    journal: Journal
    """Stored state of the log."""
    rest: bytes
    """Lines that come after what is stored."""
    modified: datetime
    """When the newest line came."""

    @property
    def size(self) -> int:
        """Size of the log in bytes, with the lines that are not stored yet."""
        return self.journal.size + len(self.rest)

    @property
    def version(self) -> str:
        """A text that differs for each content of the log."""
        return f"{self.journal.tag}:{self.size}:{sha256(self.rest).hexdigest()}"

    async def open(self, span: tuple[int, int] | None = None) -> AsyncIterator[bytes]:
        """Return the content of the log or a part of it.

        Raises Missing when the log has rolled over since.
        """
        start, end = span or (0, self.size)
        try:
            stored = await continuous_journal.content(
                self.store,
                self.journal,
                namespace=self.namespace,
                webjob=self.webjob,
                span=(start, min(end, self.journal.size)),
            )
        except continuous_journal.Changed:
            raise Missing from None
        own = self.rest[max(start - self.journal.size, 0) : max(end - self.journal.size, 0)]

        async def pieces() -> AsyncIterator[bytes]:
            async for piece in stored:
                yield piece
            if own:
                yield own

        return pieces()


def archive_key(site: Site, run: WebJobRun, *, errors: bool = False) -> str | None:
    """Return the key of an ended run's log (of its stderr alone) in the store; None when it is not there."""
    # The status says whether there is one. Where, is computed: who may write a status must not choose what is read.
    if not run.ended or not (run.status.error_log_path if errors else run.status.log_path):
        return None
    file_name = stored_logs.ERRORS if errors else stored_logs.OUTPUT
    return stored_logs.run_log_key(
        namespace=site.namespace, webjob=run.spec.web_job_name, run_id=run_id(run), file_name=file_name
    )


class JobLogs:
    """Operations on the logs of a site."""

    def __init__(
        self,
        kube: KubeClient,
        *,
        store: ObjectStore,
        jobs: Jobs,
        runs: Runs,
        settings: AppSettings,
        clock: Callable[[], datetime],
    ) -> None:
        self._kube = kube
        self._logs = PodLogs(kube)
        self._store = store
        self._jobs = jobs
        self._runs = runs
        self._settings = settings
        self._clock = clock

    async def of_run(self, site: Site, name: str, asked_id: str) -> LogFile:
        """Return the log of a run: from the archive when it is there, else live.

        Raises Missing when there is no such run.
        """
        job, run = await self._runs.get(site, name, asked_id)
        archived = await self._archived(site, run)
        if archived:
            return archived
        pods = await self.pods_of_run(site, job, run)
        header = kudu_lines.run_log(job.webjob, run, pods[-1] if pods else None)
        lines = await begun(self._output(site, job, run, pods))
        return LogFile(content=kudu_lines.gathered(kudu_lines.render(header, lines)))

    async def errors_of_run(self, site: Site, name: str, asked_id: str) -> LogFile:
        """Return the lines of stderr of an ended run. Raises Missing when they are not there by themselves."""
        _, run = await self._runs.get(site, name, asked_id)
        if found := await self._archived(site, run, errors=True):
            return found
        raise Missing

    async def live(
        self, site: Site, job: Job, run: WebJobRun, positions: dict[str, LogPosition] | None = None
    ) -> AsyncIterator[bytes]:
        """Yield the log of a run that goes on, as far as its lines keep their numbers.

        What keeps the run from beginning is not told: that line goes again. Nor is output before the run's begin is
        known, since lines of the system come before it. ``positions``: see ``run_output.output``. Raises ApiError.
        """
        pods = await self.pods_of_run(site, job, run)
        header = kudu_lines.run_log(job.webjob, run, pods[-1] if pods else None)
        yield header.head().encode()
        if header.started:
            async for line in self._output(site, job, run, pods, positions=positions):
                yield kudu_lines.output_line(line, header.instance).encode()

    async def newer(self, pods: Sequence[Pod], positions: dict[str, LogPosition]) -> list[bytes]:
        """Return the lines that came since ``live``, without their ends. Raises ApiError.

        ``pods``: those of the run; every one in ``positions`` is among them.
        """
        instance = instance_id(pods[-1]["metadata"]["uid"])
        lines = run_output.newer(self._logs, pods, positions)
        return [kudu_lines.output_line(line, instance).removesuffix("\r\n").encode() async for line in lines]

    def _output(
        self,
        site: Site,
        job: Job,
        run: WebJobRun,
        pods: Sequence[Pod],
        *,
        positions: dict[str, LogPosition] | None = None,
    ) -> AsyncIterator[Output]:
        key = stored_logs.run_log_key(namespace=site.namespace, webjob=job.object_name, run_id=run_id(run))
        return run_output.output(
            store=self._store, pod_logs=self._logs, log_key=key, pods=pods, must_read=True, positions=positions
        )

    async def _archived(self, site: Site, run: WebJobRun, *, errors: bool = False) -> LogFile | None:
        path = archive_key(site, run, errors=errors)
        archived = await stored_logs.read(self._store, path) if path else None
        return LogFile(size=archived[0], content=archived[1]) if archived else None

    async def pods_of_run(self, site: Site, job: Job, run: WebJobRun) -> list[Pod]:
        """Return the pods of the attempts of a run, oldest first."""
        labelled = await self._pods(site, job, f",{LABEL_RUN}={run_id(run)}")
        return [pod for pod in labelled if job_of(pod) == run.status.job_uid]

    async def of_job(self, site: Site, job: Job) -> WorkerLog | None:
        """Return the log of a continuous job: what is stored, and what its pods say after that.

        None when there is nothing.
        """
        journal = await self._journal(site, job)
        # Not before the journal is read: what it does not have yet is of pods that are listed then.
        pods = await self._pods(site, job)
        settings = await self._settings.effective(site) if pods else SiteSettings()
        about, cap = About.of(under(job.webjob, settings)), settings.continuous_log_lines
        stories = list[Sequence[Entry]]()
        most = _REST_BYTES
        for pod in pods:
            position = journal.positions.get(pod["metadata"]["uid"], Position())
            try:
                story = await continuous_rest.rest(
                    self._logs, pod, position, about=about, cap=cap, now=self._clock(), most=most
                )
            except ApiError:
                if journal.size == 0:
                    raise
                continue  # its node does not answer: what is stored is there all the same
            stories.append(story)
            most -= sum(len(entry.text) for entry in story)
            if most <= 0:
                break  # the operator will store it
        rest = merged(stories)
        if journal.size + len(rest) == 0:
            return None
        newest = max((story[-1].moment[0] for story in stories if story), default=journal.modified)
        return WorkerLog(
            store=self._store,
            namespace=site.namespace,
            webjob=job.object_name,
            journal=journal,
            rest=rest,
            modified=max(newest, journal.modified),
        )

    async def previous_key(self, site: Site, job: Job) -> str | None:
        """Return the key of a continuous job's previous log in the store; None when there is none."""
        if not (await self._journal(site, job)).rolled:
            return None
        return continuous_journal.key(
            namespace=site.namespace, webjob=job.object_name, file_name=continuous_journal.PREVIOUS_FILE_NAME
        )

    async def _journal(self, site: Site, job: Job) -> Journal:
        return await continuous_journal.read(
            self._store, namespace=site.namespace, webjob=job.object_name, owner=job.webjob.metadata.uid
        )

    async def instances(self, site: Site, job: Job) -> list[Pod]:
        """Return the pods of a continuous job that have not ended, oldest first."""
        pods = await self._pods(site, job)
        return [pod for pod in pods if not is_over(pod)]

    async def _pods(self, site: Site, job: Job, more: str = "") -> list[Pod]:
        """Return the pods of a job, oldest first. ``more``: what else their labels are, after a comma."""
        found = await self._kube.list("Pod", site.namespace, selector=f"{LABEL_WEBJOB}={job.object_name}{more}")
        return by_age(pod for pod in found if is_of_webjob(pod, job.object_name))


async def begun(source: AsyncIterator[Item]) -> AsyncIterator[Item]:
    """Return an iterator over a source whose first item is fetched already.

    So an error shows before the answer has begun.
    """
    try:
        first = await anext(source)
    except StopAsyncIteration:
        return source

    async def items() -> AsyncIterator[Item]:
        yield first
        async for item in source:
            yield item

    return items()
