"""Kubernetes CronJobs that fire at exactly a schedule's times, and why many schedules have none.

A CronJob knows minutes, ORs the two day fields, and has its own idea of a clock change (source: robfig/cron v3, which
the CronJob controller uses). At a change, cron does not run skipped local times and runs doubled ones twice; WebJobs
run each once. So even ``0 */5 * * * *`` differs in a zone with summer time: WebJobs wait out the first pass of the
doubled hour, cron does not. Two more habits of that library matter, since it searches by adding hours to an instant:

* a change by part of an hour (Lord Howe) leaves its hour steps at half past, so that it misses times long after;
* where a change skips midnight (Cairo, Havana, Santiago), its day and month steps leave midnight and can miss days.

The decision is on the safe side: a schedule that could differ goes to the operator's timer, which is exact for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from webjobs.schedules.clock import DAY, ClockChange, clock_changes
from webjobs.schedules.grammar import DAY as DAY_FIELD
from webjobs.schedules.grammar import MONTH, WEEKDAY, ScheduleError
from webjobs.schedules.slots import Slots
from webjobs.schedules.zones import load_zone

YEARS_AHEAD = 10
"""Years of clock changes that are looked at. Nobody knows a zone's rules further ahead; a change of the rules comes
with new zone data and a new decision."""

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class CronMapping:
    """The decision whether a CronJob can fire a schedule: its expression, or the reason why there is none."""

    expression: str | None
    """Five-field text for a CronJob; None when no CronJob fires at exactly the schedule's times."""
    reason: str = ""
    """Why there is no expression; empty when there is one."""


def cron_mapping(slots: Slots, *, zone_name: str | None, from_year: int) -> CronMapping:
    """Return the decision for a zone and its clock changes in ``from_year`` and ten years on.

    ``zone_name``: None for UTC.
    """
    reason = _reason_in_utc(slots) or _reason_in_zone(slots, zone_name, from_year)
    if reason:
        return CronMapping(None, reason)
    return CronMapping(slots.normalised.partition(" ")[2])


def _reason_in_utc(slots: Slots) -> str:
    if slots.is_empty:
        return "never fires: no month of the schedule has such a day"
    if slots.second != 1:
        return "needs seconds: cron fires at second 0 only"
    if slots.day != DAY_FIELD.full and slots.weekday != WEEKDAY.full:
        return "restricts both day of month and weekday: cron would fire on either, WebJobs on days that meet both"
    return ""


def _reason_in_zone(slots: Slots, zone_name: str | None, from_year: int) -> str:
    try:
        zone = load_zone(zone_name)
    except ScheduleError as error:
        return str(error)
    every_day = (slots.day, slots.month, slots.weekday) == (DAY_FIELD.full, MONTH.full, WEEKDAY.full)
    for year in range(from_year, from_year + YEARS_AHEAD + 1):
        for change in clock_changes(zone, year):
            when = f"the clock change of {change.local_start:%Y-%m-%d} in {zone_name}"
            if change.length % _HOUR:
                return f"{when} is not by whole hours: cron would miss times after it"
            if not every_day and _skips_midnight(change):
                return f"{when} skips midnight: cron would miss days"
            start, end = _disturbed(change)
            slot = slots.at_or_after(start)
            if slot is not None and slot < end:
                does = "skip it, WebJobs fire late" if change.before < change.after else "fire twice, WebJobs fire once"
                return f"{slot:%H:%M} may fall into {when}: cron would {does}"
    return ""


def _disturbed(change: ClockChange) -> tuple[datetime, datetime]:
    """Return the local times around a change at which cron may differ: its hours in full, as cron steps by hours.

    Where the change is not on the hour (Chatham, 02:45), a search that starts in the cut hour can step over the next.
    """
    start = change.local_start.replace(minute=0, second=0)
    if start == change.local_start:
        return start, change.local_end
    return start, start + change.length + 2 * _HOUR


def _skips_midnight(change: ClockChange) -> bool:
    if change.before > change.after:
        return False
    midnight = change.local_start.replace(hour=0, minute=0, second=0)
    if midnight < change.local_start:
        midnight += DAY
    return midnight < change.local_end
