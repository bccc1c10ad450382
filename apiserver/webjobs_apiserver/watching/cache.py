"""WebJobs and WebJobRuns of one namespace in memory: what a watch tells and the answers to the shim's own writes.

What counts of all that is told, ``webjobs_kube.object_cache`` decides.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from webjobs import names
from webjobs.model import JobType, WebJobRun
from webjobs.objects import Object
from webjobs.runs import runs
from webjobs_apiserver.watching import job as jobs
from webjobs_apiserver.watching.changes import Changes
from webjobs_apiserver.watching.job import Job
from webjobs_kube.object_cache import ObjectCache, without_managed_fields

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Run:
    run_id: str
    run: WebJobRun


class SiteCache:
    """The WebJobs and WebJobRuns of one namespace.

    Nothing in it waits, so every reader sees one moment. What it gives is not to be changed.
    """

    def __init__(self) -> None:
        self._objects: ObjectCache[str, str] = ObjectCache(self._take_out)
        """Versions of the objects, by object name; each belongs to a WebJob, by its object name."""
        self._jobs: dict[str, Job] = {}
        self._listing: list[Job] | None = None
        self._by_name: dict[tuple[str, str], list[str]] = {}
        self._runs: dict[str, dict[str, _Run]] = {}
        self._latest: dict[str, WebJobRun] = {}
        self._unsettled: set[str] = set()
        """Object names of the jobs whose newest run is to be found anew."""
        self.changes = Changes()
        """Changes of what is in here, by the object names of jobs."""

    # What is told

    def fill(self, kind: str, items: list[Object], *, version: int) -> None:
        """Take in all objects of a kind as of a resourceVersion.

        Other objects are gone, but for those that are newer than that version.
        """
        self._objects.forget_others(kind, {item["metadata"]["uid"] for item in items}, version=version)
        for item in items:
            self.observe(kind, item)

    def observe(self, kind: str, body: Object) -> None:
        """Take in an object, unless a newer one of its name is known or it is gone."""
        name = body["metadata"]["name"]
        job = name if kind == "WebJob" else body["spec"]["webJobName"]
        if not self._objects.observe(kind, name, body, home=job):
            return
        if kind == "WebJob":
            self._take_job(name, body)
        else:
            self._take_run(job, name, body)

    def forget(self, kind: str, body: Mapping[str, Any]) -> None:
        """Remove an object that is gone; only its name and UID are looked at."""
        self._objects.forget(kind, body["metadata"]["name"], uid=body["metadata"]["uid"])

    def _take_job(self, name: str, body: Object) -> None:
        self.changes.note(name)
        self._jobs.pop(name, None)
        self._listing = None
        if job := jobs.of(without_managed_fields(body)):
            self._jobs[name] = job

    def _take_run(self, job: str, name: str, body: Object) -> None:
        self.changes.note(job)
        self._unsettled.add(job)
        if body["spec"].get("trigger"):  # else the manager tells who created it
            body = without_managed_fields(body)
        try:
            run = WebJobRun.parse(body)
            self._runs.setdefault(job, {})[name] = _Run(run_id=runs.run_id(run), run=run)
        except ValidationError as error:
            log.warning("WebJobRun %s can't be read: %s", name, error)
            self._runs.get(job, {}).pop(name, None)

    def _take_out(self, kind: str, job: str, name: str) -> None:
        self.changes.note(job)
        if kind == "WebJob":
            self._jobs.pop(name, None)
            self._listing = None
            return
        self._unsettled.add(job)
        of_job = self._runs.get(job, {})
        of_job.pop(name, None)
        if not of_job:
            self._runs.pop(job, None)

    # What is asked

    def jobs(self) -> list[Job]:
        """Return all jobs in the order of a list."""
        if self._listing is None:
            self._listing = jobs.listed(list(self._jobs.values()))
            self._by_name = {}
            for name in sorted(self._jobs):
                job = self._jobs[name]
                self._by_name.setdefault((job.webjob.spec.type, names.fold(job.name)), []).append(name)
        return self._listing

    def job(self, job_type: JobType, name: str) -> Job | None:
        """Return the job that is called so in any spelling; None when there is none.

        ``name`` must be a legal one.
        """
        self.jobs()
        called = self._by_name.get((job_type, names.fold(name)), [])
        # As a direct read: first the names that a job made by us has, then the others in their order.
        preferred = [candidate for candidate in names.candidates(name, job_type) if candidate in called]
        for found in (preferred or called)[:1]:
            return replace(self._jobs[found], name=name)
        return None

    def latest(self) -> Mapping[str, WebJobRun]:
        """Return the newest run of each job, by the job's object name; skipped ones don't count."""
        for job in self._unsettled:
            counting = [one for one in self._runs.get(job, {}).values() if one.run.status.state != "Skipped"]
            if counting:
                self._latest[job] = max(counting, key=lambda one: one.run_id).run
            else:
                self._latest.pop(job, None)
        self._unsettled.clear()
        return self._latest

    def runs(self, job: str) -> list[WebJobRun]:
        """Return all runs of a job by its object name, newest first, without skipped ones."""
        of_job = sorted(self._runs.get(job, {}).values(), key=lambda one: one.run_id, reverse=True)
        return [one.run for one in of_job if one.run.status.state != "Skipped"]

    def run(self, job: str, run_id: str) -> WebJobRun | None:
        """Return one run of a job, skipped or not; None when it is not known."""
        return next((one.run for one in self._runs.get(job, {}).values() if one.run_id == run_id), None)

    def run_named(self, name: str) -> WebJobRun | None:
        """Return one run by its object name; None when it is not known."""
        job = self._objects.home("WebJobRun", name)
        found = self._runs.get(job, {}).get(name) if job else None
        return found.run if found else None
