"""The service behind the REST facades: operations on WebJobs, WebJobRuns, packages and logs. No web framework in here.

A facade is given a Service and turns requests into its calls and results into its own shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from webjobs.model.limits import Limits as JobLimits
from webjobs.store import ObjectStore
from webjobs_apiserver.config import LimitsConfig
from webjobs_apiserver.http.destinations import Destinations
from webjobs_apiserver.service.app_settings import AppSettings
from webjobs_apiserver.service.backup.dump import Dump
from webjobs_apiserver.service.backup.load import Load
from webjobs_apiserver.service.deployments.deployments import Deployments
from webjobs_apiserver.service.deployments.verdicts import Verdicts
from webjobs_apiserver.service.files.content_files import ContentFiles
from webjobs_apiserver.service.files.log_files import LogFiles
from webjobs_apiserver.service.files.reading import Reading
from webjobs_apiserver.service.files.writing import Writing
from webjobs_apiserver.service.files.zips import Zips
from webjobs_apiserver.service.hooks.hooks import Hooks
from webjobs_apiserver.service.job_logs import JobLogs
from webjobs_apiserver.service.jobs import Jobs
from webjobs_apiserver.service.log_stream import LogStreams
from webjobs_apiserver.service.package_sources import PackageSources
from webjobs_apiserver.service.passthrough import Passthrough
from webjobs_apiserver.service.room import Room
from webjobs_apiserver.service.run_tail import RunTails
from webjobs_apiserver.service.runs import Runs
from webjobs_apiserver.service.schedules.jobs import ScheduledJobs
from webjobs_apiserver.service.site_contents import SiteContents
from webjobs_apiserver.service.stored_runs import StoredRuns
from webjobs_apiserver.service.uploads import Uploads
from webjobs_apiserver.watching.watch import Feed
from webjobs_kube.client import KubeClient

Clock = Callable[[], datetime]
"""A function that returns the time of now, aware."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """All operations; every one takes the Site that it is for."""

    jobs: Jobs
    """Operations on WebJobs."""
    runs: Runs
    """Operations on WebJobRuns."""
    uploads: Uploads
    """Operations on the packages of jobs."""
    logs: JobLogs
    """Operations on logs."""
    tails: RunTails
    """Logs of runs, line by line."""
    reading: Reading
    """Reads of the file tree."""
    writing: Writing
    """Writes of the file tree."""
    zips: Zips
    """Zips of the file tree."""
    settings: AppSettings
    """Operations on app settings."""
    streams: LogStreams
    """Live output of jobs."""
    passthrough: Passthrough
    """Requests to the jobs themselves."""
    hooks: Hooks
    """Operations on web hooks."""
    scheduled: ScheduledJobs
    """Scheduled jobs by number, as the Kragle API has them."""
    package_sources: PackageSources
    """Zips that clients send the address of."""
    deployments: Deployments
    """Deployments of zips."""
    verdicts: Verdicts
    """Verdicts on the jobs of zips before they are deployed."""
    dump: Dump
    """Backups of sites."""
    load: Load
    """Restores of backups."""
    limits: LimitsConfig
    """Bounds of what clients may send."""
    clock: Clock
    """Function that returns the time of now, aware."""

    @classmethod
    def build(
        cls,
        *,
        kube: KubeClient,
        feed: Feed,
        store: ObjectStore,
        limits: LimitsConfig,
        job_limits: JobLimits,
        clock: Clock,
        destinations: Destinations,
        sources: Destinations,
    ) -> Self:
        """Return the operations over one client and one store.

        ``job_limits``: what jobs may ask for. ``destinations``: where web hooks may be. ``sources``: where zips may be.
        """
        jobs = Jobs(kube, feed=feed, limits=job_limits, clock=clock)
        runs = Runs(kube, feed=feed, jobs=jobs, stored=StoredRuns(store), queued=limits.queued_runs, clock=clock)
        settings = AppSettings(kube)
        logs = JobLogs(kube, store=store, jobs=jobs, runs=runs, settings=settings, clock=clock)
        content = ContentFiles(store, SiteContents(kube))
        log_files = LogFiles(store, jobs=jobs, runs=runs, logs=logs)
        reading = Reading(store, jobs=jobs, logs=log_files, content=content)
        hooks = Hooks(kube, clock=clock, destinations=destinations)
        room = Room(store, most=limits.site_bytes, clock=clock)
        writing = Writing(store, jobs=jobs, reading=reading, room=room, limits=limits, clock=clock)
        return cls(
            jobs=jobs,
            runs=runs,
            uploads=Uploads(store, jobs=jobs, room=room, limits=limits),
            logs=logs,
            tails=RunTails(logs=logs, runs=runs),
            reading=reading,
            writing=writing,
            settings=settings,
            passthrough=Passthrough(jobs=jobs, logs=logs),
            hooks=hooks,
            package_sources=PackageSources(sources),
            deployments=Deployments(
                kube, store=store, jobs=jobs, writing=writing, room=room, limits=limits, clock=clock
            ),
            verdicts=Verdicts(jobs=jobs, limits=limits),
            dump=Dump(kube, store=store, settings=settings, hooks=hooks, clock=clock),
            load=Load(kube, store=store, settings=settings, hooks=hooks, clock=clock),
            scheduled=ScheduledJobs(kube, jobs=jobs, settings=settings, clock=clock),
            streams=LogStreams(kube, jobs=jobs, clock=clock),
            zips=Zips(store, reading=reading, writing=writing, room=room, limits=limits),
            limits=limits,
            clock=clock,
        )
