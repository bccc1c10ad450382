"""The settings of a site that concern WebJobs, read from its app settings. Pure.

They are those of docs/kudu-contract.md, section 4.2. App settings are texts, and Kudu reads them leniently: a value
that can't be read counts as not set.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Self, get_args

from webjobs.model import MAX_HISTORY_LIMIT, ConcurrencyPolicy

DEFAULT_HISTORY_SIZE = 50
"""WEBJOBS_HISTORY_SIZE when its value is no positive integer."""
DEFAULT_RESTART_SECONDS = 60
"""Seconds before a continuous process of a package is started again, when nothing else is said."""
DEFAULT_LOG_LINES = 200
"""WEBJOBS_CONTINUOUS_LOG_LINES when it is not set."""

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}")
"""Names that a setting can have: it is a key of a Secret and an environment variable."""
_INTEGER = re.compile(r"\s*[+-]?\d{1,10}\s*", re.ASCII)
_LARGEST = 2**31 - 1


def linux_name(name: str) -> str | None:
    """Return the name that a setting of App Service on Windows has on Linux; None when it can have none.

    ``Shop:Mail:From`` is ``Shop__Mail__From`` there, which .NET reads alike.
    """
    there = name.replace(":", "__")
    return there if NAME.fullmatch(there) else None


def flag(text: str | None) -> bool:
    """Return whether a setting is on: ``1``, or ``true`` in any case."""
    return (text or "").strip().lower() in ("1", "true")


def integer(text: str | None) -> int | None:
    """Return the 32-bit integer that a setting says; None for anything else."""
    if text is None or not _INTEGER.fullmatch(text):
        return None
    value = int(text)
    return value if -_LARGEST - 1 <= value <= _LARGEST else None


def _natural(text: str | None) -> int | None:
    value = integer(text)
    return None if value is None else max(value, 0)


def _policy(text: str | None) -> ConcurrencyPolicy | None:
    wanted = (text or "").strip().lower()
    policies: tuple[ConcurrencyPolicy, ...] = get_args(ConcurrencyPolicy)
    return next((policy for policy in policies if policy.lower() == wanted), None)


def _digest(values: Mapping[str, str]) -> str | None:
    if not values:
        return None
    return sha256(json.dumps(dict(values), sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class SiteSettings:
    """The settings of a site that concern WebJobs."""

    stopped: bool = False
    """WEBJOBS_STOPPED: no run starts, continuous jobs are stopped, schedules don't fire."""
    schedules_disabled: bool = False
    """WEBJOBS_DISABLE_SCHEDULE: schedules don't fire; runs on demand still work."""
    history_size: int | None = None
    """WEBJOBS_HISTORY_SIZE, from 1 up to the most that historyLimit can be: ended runs that are kept. None when it is
    not set: the job's own default."""
    restart_seconds: int | None = None
    """WEBJOBS_RESTART_TIME: wait before a continuous process that lived for less than two minutes is started again."""
    idle_seconds: int | None = None
    """WEBJOBS_IDLE_TIMEOUT, at least 1: a triggered run that is silent for twice as long is killed. None: never, which
    is not Kudu's default: a job that waits for something else is no error here."""
    time_zone: str | None = None
    """WEBSITE_TIME_ZONE as it stands there, a Windows or IANA name; None: UTC."""

    names: frozenset[str] = frozenset()
    """Names of all settings as they are written: what a site sets itself is not set for it."""
    gives_content: bool = False
    """WEBJOBS_SITE_CONTENT, not one of Kudu's: all jobs get the content of the site, not only those in place."""
    concurrency_policy: ConcurrencyPolicy | None = None
    """WEBJOBS_CONCURRENCY_POLICY, not one of Kudu's: for jobs that say nothing. With Queue, clients that start a job
    twice within a moment get 202 both times, as on App Service, where a short run is over by then."""

    continuous_log_lines: int = DEFAULT_LOG_LINES
    """WEBJOBS_CONTINUOUS_LOG_LINES, not one of Kudu's: lines of output that job_log.txt takes of one process; 0: all.
    On App Service it is the portal's App Service Logs that lift Kudu's cap."""

    digest: str | None = None
    """16 hexadecimal digits that stand for all settings with their values; None: there is none. Processes see their
    settings when they start, so that another digest means: start again."""

    @classmethod
    def read(cls, values: Mapping[str, str]) -> Self:
        """Return the settings that app settings (by name) say.

        Names don't count case; of several spellings the last in the order of text wins.
        """
        known = {name.upper(): values[name] for name in sorted(values)}
        history = integer(known.get("WEBJOBS_HISTORY_SIZE"))
        if "WEBJOBS_HISTORY_SIZE" in known and (history is None or history <= 0):
            history = DEFAULT_HISTORY_SIZE
        if history is not None:
            history = min(history, MAX_HISTORY_LIMIT)
        lines = _natural(known.get("WEBJOBS_CONTINUOUS_LOG_LINES"))
        return cls(
            stopped=flag(known.get("WEBJOBS_STOPPED")),
            schedules_disabled=flag(known.get("WEBJOBS_DISABLE_SCHEDULE")),
            history_size=history,
            restart_seconds=_natural(known.get("WEBJOBS_RESTART_TIME")),
            idle_seconds=_natural(known.get("WEBJOBS_IDLE_TIMEOUT")) or None,
            concurrency_policy=_policy(known.get("WEBJOBS_CONCURRENCY_POLICY")),
            continuous_log_lines=DEFAULT_LOG_LINES if lines is None else lines,
            names=frozenset(values),
            gives_content=flag(known.get("WEBJOBS_SITE_CONTENT")),
            time_zone=known.get("WEBSITE_TIME_ZONE", "").strip() or None,
            digest=_digest(values),
        )
