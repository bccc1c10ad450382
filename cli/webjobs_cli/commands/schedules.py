"""The command schedule next: when a schedule fires, of a WebJob or of an expression."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from itertools import islice
from typing import TYPE_CHECKING, Any

from webjobs.model import WebJob, WebJobSchedule
from webjobs.model.effective_spec import under
from webjobs.model.site.site_settings import SiteSettings
from webjobs.schedules import ScheduleError, Zoned, load_zone, parse, times_after
from webjobs.schedules.plan import upcoming
from webjobs.schedules.webjob_schedule import timetable_of
from webjobs.times import rfc3339
from webjobs_cli import lookup, output, text
from webjobs_cli.errors import OK, CliError, UsageError
from webjobs_cli.session import Session
from webjobs_kube import app_settings
from webjobs_kube.errors import ApiError

if TYPE_CHECKING:
    from webjobs_kube.client import KubeClient

Row = tuple[datetime, str]
"""A time, UTC, and the name of the schedule that fires then."""


def is_expression(words: Sequence[str]) -> bool:
    """Return whether words are meant as an expression.

    Names of jobs may have blanks, but not six fields of such signs.
    """
    fields = " ".join(words).split()
    return len(fields) > 1 and all(field[:1] in "*0123456789" for field in fields[:3])


async def next_(session: Session) -> int:
    """Print the next times of a WebJob or of an expression."""
    options = session.options
    after = options.after or session.clock()
    words: list[str] = options.what
    if is_expression(words):
        expression = " ".join(words)
        try:
            schedule = parse(expression)
            zone = load_zone(options.time_zone)
        except ScheduleError as error:
            raise UsageError(f"{expression!r} is no schedule: {error}.") from None
        session.tell(f"{schedule.normalised}: {schedule.description}, {options.time_zone or 'UTC'}")
        times = islice(times_after(Zoned(schedule, zone), after), options.count)
        rows = [(when, expression) for when in times]
        return _show(session, rows, zone=zone)
    if len(words) != 1:
        raise UsageError("Give one WebJob, or an expression of six fields in quotes.")
    shown = _zone(options.time_zone)
    options.name, options.type = words[0], "triggered"
    async with session.kube() as kube:
        job = WebJob.parse(await session.webjob(kube))
        found = [
            raw
            for raw in await kube.list("WebJobSchedule", session.namespace)
            if raw["spec"].get("webJobName") == job.metadata.name and not raw["metadata"].get("deletionTimestamp")
        ]
        site = await _site(session, kube)
    job = _under(session, job, site)
    further = [one for raw in found if _fires(session, job, one := WebJobSchedule.parse(raw))]
    try:
        rows = [
            (when, schedule.metadata.name if schedule else lookup.job_name(_raw(job)))
            for when, schedule in islice(upcoming(job, further, after=after), options.count)
        ]
    except ScheduleError as error:
        raise CliError(f"The schedule of {job.display_name!r} can't be read: {error}.") from None
    if not rows and not job.schedule and not found:
        raise CliError(f"{job.display_name!r} has no schedule. Put one into its settings.job, or spec.schedule.")
    rests = job.spec.suspend or not (job.schedule or further)
    return _show(session, rows, zone=shown or _zone_of(job), told=rests)


def _zone(name: str | None) -> tzinfo | None:
    """Return the zone that somebody asks for; None: nobody does."""
    try:
        return load_zone(name) if name else None
    except ScheduleError as error:
        raise UsageError(f"--time-zone: {error}.") from None


def _zone_of(job: WebJob) -> tzinfo:
    """Return the zone in which the times of a job are shown: UTC for one that nobody knows, and nothing needs."""
    try:
        return load_zone(job.spec.time_zone)
    except ScheduleError:
        return UTC


def _fires(session: Session, job: WebJob, schedule: WebJobSchedule) -> bool:
    """Return whether a WebJobSchedule can fire; says why it can't."""
    if schedule.spec.suspend:
        session.tell(f"WebJobSchedule {schedule.metadata.name!r} is suspended.")
        return False
    try:
        timetable_of(schedule, zone=job.spec.time_zone)
    except ScheduleError as error:
        session.tell(f"WebJobSchedule {schedule.metadata.name!r} can't be read: {error}.")
        return False
    return True


def _under(session: Session, job: WebJob, site: SiteSettings) -> WebJob:
    """Return the WebJob as the operator sees it; says so where nothing of it fires."""
    if site.stopped or site.schedules_disabled:
        session.tell("The settings of the site hold all schedules back (WEBJOBS_STOPPED, WEBJOBS_DISABLE_SCHEDULE).")
    elif job.spec.suspend:
        session.tell(f"{job.display_name!r} is suspended: 'kubectl webjob resume' lets its schedules go on.")
    return under(job, site)


async def _site(session: Session, kube: KubeClient) -> SiteSettings:
    """Return the settings of the site; empty ones when they may not be read."""
    try:
        return SiteSettings.read(await app_settings.read(kube, session.namespace))
    except ApiError as error:
        if error.status != 403:
            raise
        if session.options.time_zone is None:  # they lie in a Secret, which not everybody reads who has schedules
            session.tell("warning: the site's settings can't be read: UTC is taken for its time zone (--time-zone).")
        return SiteSettings(time_zone=session.options.time_zone)


def _raw(job: WebJob) -> dict[str, Any]:
    return {"metadata": {"name": job.metadata.name}, "spec": {"jobName": job.spec.job_name}}


def _show(session: Session, rows: Sequence[Row], *, zone: tzinfo, told: bool = False) -> int:
    """Print the rows. ``told``: why there are none was said already."""
    form, now = session.options.output, session.clock()
    if form in ("json", "yaml"):
        listed = [{"time": rfc3339(when, micro=False), "schedule": name} for when, name in rows]
        session.print(output.dump(listed, form), end="")
    elif form == "name":
        for when, _ in rows:
            session.print(rfc3339(when, micro=False))
    elif rows:
        table = [
            [
                rfc3339(when, micro=False),
                f"{when.astimezone(zone):%a %Y-%m-%d %H:%M:%S %z}",
                text.ahead(when, now),
                name,
            ]
            for when, name in rows
        ]
        session.print(text.table(["UTC", "LOCAL", "IN", "SCHEDULE"], table), end="")
    elif not told:
        session.tell("It never fires again.")
    return OK
