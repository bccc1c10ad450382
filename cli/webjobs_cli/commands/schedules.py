"""The command schedule next: when a schedule fires, of a WebJob or of an expression."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any

from webjobs.model import WebJob, WebJobSchedule, site_settings
from webjobs.model.site_settings import SiteSettings
from webjobs.schedules import Once, Period, ScheduleError, Timetable, Zoned, load_zone, parse
from webjobs.times import parse_time, rfc3339
from webjobs_cli import lookup, output, text
from webjobs_cli.errors import OK, CliError, UsageError
from webjobs_cli.session import Session
from webjobs_kube.errors import ApiError, NotFound

if TYPE_CHECKING:
    from webjobs_kube.client import KubeClient

Row = tuple[datetime, str]
"""A time, UTC, and the name of the schedule that fires then."""


def times(timetable: Timetable, after: datetime, name: str) -> Iterator[Row]:
    """Yield the times of a timetable, endless or not, with the name of its schedule."""
    when: datetime | None = after
    while when is not None and (when := timetable.next_after(when)) is not None:
        yield when, name


def of_further(schedule: WebJobSchedule, *, zone: str | None) -> Timetable:
    """Return the timetable of a WebJobSchedule, without its jitter.

    ``zone``: for a schedule that names none. Raises ScheduleError when it can't be read.
    """
    spec = schedule.spec
    if spec.cron:
        return Zoned(parse(spec.cron), load_zone(spec.time_zone or zone))
    if spec.period_seconds:
        anchor = parse_time(spec.start_time or schedule.metadata.creation_timestamp)
        return Period(anchor, timedelta(seconds=spec.period_seconds))
    return Once(parse_time(spec.at))


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
        rows = list(islice(times(Zoned(schedule, zone), after, expression), options.count))
        return _show(session, rows, zone_name=options.time_zone)
    if len(words) != 1:
        raise UsageError("Give one WebJob, or an expression of six fields in quotes.")
    options.name, options.type = words[0], "triggered"
    async with session.kube() as kube:
        job = WebJob.parse(await session.webjob(kube))
        found = [
            raw
            for raw in await kube.list("WebJobSchedule", session.namespace)
            if raw["spec"].get("webJobName") == job.metadata.name
        ]
        site = await _site(session, kube)
    zone_name = options.time_zone or job.spec.time_zone or site.time_zone
    rows = list(islice(_of_job(session, job, found, site=site, zone_name=zone_name, after=after), options.count))
    if not rows and not job.schedule and not found:
        raise CliError(f"{job.display_name!r} has no schedule. Put one into its settings.job, or spec.schedule.")
    return _show(session, rows, zone_name=zone_name)


async def _site(session: Session, kube: KubeClient) -> SiteSettings:
    """Return the settings of the site; empty ones when they may not be read."""
    try:
        found = await kube.get("ConfigMap", session.namespace, site_settings.CONFIG_MAP)
    except NotFound:
        return SiteSettings()
    except ApiError as error:
        if error.status != 403:
            raise
        session.tell("warning: the site's settings can't be read, so UTC is taken for its time zone (--time-zone).")
        return SiteSettings()
    return SiteSettings.read(found.get("data") or {})


def _of_job(
    session: Session,
    job: WebJob,
    further: Sequence[dict[str, Any]],
    *,
    site: SiteSettings,
    zone_name: str | None,
    after: datetime,
) -> Iterator[Row]:
    if site.stopped or site.schedules_disabled:
        session.tell("The settings of the site hold all schedules back (WEBJOBS_STOPPED, WEBJOBS_DISABLE_SCHEDULE).")
        return iter(())
    if job.spec.suspend:
        session.tell(f"{job.display_name!r} is suspended: 'kubectl webjob resume' lets its schedules go on.")
        return iter(())
    sources: list[Iterator[Row]] = []
    try:
        if job.schedule:
            sources.append(times(Zoned(parse(job.schedule), load_zone(zone_name)), after, lookup.job_name(_raw(job))))
        for raw in further:
            one = WebJobSchedule.parse(raw)
            if one.spec.suspend:
                session.tell(f"WebJobSchedule {one.metadata.name!r} is suspended.")
                continue
            sources.append(times(of_further(one, zone=zone_name), after, one.metadata.name))
    except ScheduleError as error:
        raise CliError(f"The schedule of {job.display_name!r} can't be read: {error}.") from None
    return merge(*sources)


def _raw(job: WebJob) -> dict[str, Any]:
    return {"metadata": {"name": job.metadata.name}, "spec": {"jobName": job.spec.job_name}}


def _show(session: Session, rows: Sequence[Row], *, zone_name: str | None) -> int:
    form, now, zone = session.options.output, session.clock(), load_zone(zone_name)
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
    else:
        session.tell("It never fires again.")
    return OK
