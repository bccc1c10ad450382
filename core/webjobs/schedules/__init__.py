"""Schedules of triggered WebJobs: six-field NCRONTAB expressions.

Source: Kudu's scheduler on NCrontab 2.0. ``parse`` reads an expression, ``Schedule`` finds occurrences in a time zone
and says itself in English, ``due`` is Kudu's planning rule (wait, catch up or give up), ``Schedule.as_cron`` says
whether a Kubernetes CronJob would fire at exactly the same times, ``iana_name`` and ``load_zone`` know the names of
zones. Everything here is pure: no clock is read, except for the year from which ``as_cron`` looks ahead when the caller
gives none.

One deliberate difference: NCrontab 2.0 does not go back to the first second when only the minute or the hour moves on
(``* 55 * * * *`` after 09:50:35 gave 09:55:36). Later versions fixed that, and so does this module (09:55:00).
"""

from __future__ import annotations

from webjobs.schedules.cron import CronMapping
from webjobs.schedules.grammar import ScheduleError
from webjobs.schedules.ncrontab import Missed, Schedule, parse
from webjobs.schedules.timetable import Due, Once, Period, Timetable, Zoned, due, times_after
from webjobs.schedules.zones import iana_name, load_zone

__all__ = [
    "CronMapping",
    "Due",
    "Missed",
    "Once",
    "Period",
    "Schedule",
    "ScheduleError",
    "Timetable",
    "Zoned",
    "due",
    "iana_name",
    "load_zone",
    "parse",
    "times_after",
]
