"""A job as its own page shows it: its facts, links and commands. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from urllib.parse import quote

from webjobs import times
from webjobs.logs import scheduler_lines
from webjobs.model import Condition, WebJob, WebJobRun
from webjobs.model.base import DEFAULT_HISTORY_LIMIT
from webjobs.model.effective_spec import under
from webjobs.model.site.site_settings import SiteSettings
from webjobs_apiserver.sites import Site
from webjobs_apiserver.ui import addresses, words
from webjobs_apiserver.ui.jobs.job_row import JobRow, RunCell
from webjobs_apiserver.ui.jobs.schedule_place import place_of_schedule
from webjobs_apiserver.ui.jobs.schedule_preview import Preview, preview
from webjobs_apiserver.ui.words import Word
from webjobs_apiserver.watching.job import Job

_HOLDS = {
    "True": Word(text="Yes", sign="✓", tone="good"),
    "False": Word(text="No", sign="✗", tone="warn"),
    "Unknown": Word(text="Not known", sign="?", tone="quiet"),
}
_QUESTIONS = {"Ready": "Ready to run", "Scheduled": "Schedule in force"}
_POLICIES = {
    "Forbid": "one run at a time, another one is refused",
    "Queue": "one run at a time, others wait",
    "Allow": "runs go on beside each other",
    "Replace": "one run at a time, a new one ends it",
}
_JSON = "JSON of the REST API"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A condition of a job in plain words."""

    question: str
    """What it is about."""
    holds: Word
    """Word that says whether it holds."""
    reason: str
    """CamelCase word for its last change."""
    message: str
    """Sentence on what is the case."""
    since: str
    """When it last changed, in ISO 8601."""

    @classmethod
    def of(cls, condition: Condition) -> Self:
        """Return a condition in plain words."""
        return cls(
            question=_QUESTIONS.get(condition.type, condition.type),
            holds=_HOLDS[condition.status],
            reason=condition.reason,
            message=condition.message,
            since=condition.last_transition_time,
        )


@dataclass(frozen=True, kw_only=True)
class JobView:
    """What the page of a job shows of the job itself."""

    row: JobRow
    """The job as a list shows it."""
    webjob: WebJob
    """The WebJob under the settings of its site."""
    active: RunCell | None
    """Newest run, when it goes on."""
    problem: Answer | None
    """The condition that keeps the job back; None when nothing does."""
    answers: tuple[Answer, ...]
    """The other conditions."""
    preview: Preview
    """Schedule of the job itself."""
    where: str
    """Where that schedule is written."""
    suspended: bool
    """True: the job's own spec keeps its schedules from firing."""
    stopped: bool
    """True: the job's own spec keeps a continuous job from running."""
    held: bool
    """True: the site keeps its jobs or schedules from running."""
    more_times: bool
    """True: another schedule of the job fires before its own one."""
    policy: str
    """What happens to a run while another goes on."""
    history_limit: int
    """Ended runs that are kept."""

    @classmethod
    def of(cls, job: Job, known: Sequence[WebJobRun], *, site: SiteSettings, now: datetime) -> Self:
        """Return what a page shows of a job. ``known``: its runs, newest first. ``site``: settings of its site."""
        webjob = under(job.webjob, site)
        row = JobRow.of(job, known)
        latest = known[0] if known else None
        shown = preview(webjob.schedule or "", zone=webjob.spec.time_zone, now=now, warns=False)
        own = min((one.utc for one in shown.times), default=None)
        told = webjob.status.next_run_time
        continuous, problem = webjob.spec.type == "continuous", webjob.problem
        return cls(
            row=row,
            webjob=webjob,
            active=row.latest if latest and not latest.ended else None,
            problem=Answer.of(problem) if problem else None,
            answers=tuple(Answer.of(one) for one in webjob.status.conditions if one != problem),
            preview=shown,
            where=place_of_schedule(job.webjob),
            suspended=bool(job.webjob.spec.suspend),
            stopped=bool(job.webjob.spec.stopped),
            held=site.stopped or (site.schedules_disabled and not continuous),
            more_times=bool(told) and now < times.parse_time(told) and (own is None or times.parse_time(told) < own),
            policy=_POLICIES[webjob.concurrency],
            history_limit=webjob.spec.history_limit or DEFAULT_HISTORY_LIMIT,
        )

    @property
    def instances(self) -> list[tuple[str, str, Word]]:
        """Id, pod and state of each instance of a continuous job."""
        return [(one.id, one.pod, words.of(one.status)) for one in self.webjob.status.instances or ()]


def replicas(webjob: WebJob) -> int:
    """Return the number of instances that a continuous job asks for, stopped or not."""
    return 1 if webjob.spec.replicas is None else webjob.spec.replicas


def links(job: Job) -> list[tuple[str, str]]:
    """Return names and addresses of a job in the REST API."""
    kind, name = job.webjob.spec.type, quote(job.name, safe="")
    api, data = f"/api/{kind}webjobs/{name}", f"/api/vfs/data/jobs/{kind}/{name}"
    found = [(_JSON, api), ("Files", f"/api/vfs/site/wwwroot/App_Data/jobs/{kind}/{name}/"), ("Log files", f"{data}/")]
    program = job.webjob.status.program
    if program and program.script:
        found.append(("Shell script of the batch file", f"{api}/script"))
    if kind == "continuous":
        found.append(("Log", f"{data}/job_log.txt"))
    else:
        found.append(("History as JSON", f"{api}/history"))
    if job.webjob.status.scheduler_log_path:
        found.append(("Log of the schedule", f"{data}/{scheduler_lines.FILE_NAME}"))
    return found


def commands(job: Job, *, site: Site, base: str) -> list[tuple[str, str]]:
    """Return names and lines of commands for a terminal. ``base``: scheme and host of the request."""
    kind, name = job.webjob.spec.type, shlex.quote(job.name)
    verb = "run" if kind == "triggered" else "start"
    url = shlex.quote(f"{base}{quote(addresses.api_job(kind, job.name))}/{verb}")
    az = f"az webapp webjob {kind} {verb} --resource-group any --name {shlex.quote(site.name)} --webjob-name {name}"
    plugin = f"kubectl webjob {verb} {name} --namespace {site.namespace}"
    return [
        ("curl", f"curl -u USER -X POST {url}"),
        ("Azure CLI", az),
        ("kubectl", f"{plugin}\nkubectl get webjob {job.object_name} --namespace {site.namespace} --output yaml"),
    ]
