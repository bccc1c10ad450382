"""When a continuous process that ended is to start again, by what its pod knows. Pure.

The rule is that of docs/kudu-contract.md, section 6.2.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from webjobs.logs import kudu_lines
from webjobs.model import WebJob
from webjobs.times import parse_time

LIVED_SECONDS = 120
"""Seconds of a long life: a process that lived so long is started again at once."""
LIFE = "webjobs: the process lived from {} to {}"
"""Termination message of a container, left by the shell that started its process; the times are seconds since 1970."""
_LIFE = re.compile(LIFE.format(r"(\d{1,12})", r"(\d{1,12})") + "$", re.ASCII | re.MULTILINE)


def own_delay(webjob: WebJob) -> int | None:
    """Return ``restartDelaySeconds`` of a job whose container waits for so long itself; else None.

    The shell that starts a script waits, no other container does.
    """
    selected = kudu_lines.script_of(webjob)
    return webjob.spec.restart_delay_seconds if selected and selected.has_shell else None


def life(message: str | None) -> tuple[int, int] | None:
    """Return begin and end of a process in seconds since 1970, as a termination message says them.

    None: the message says nothing of them.
    """
    found = _LIFE.search(message or "")
    return (int(found[1]), int(found[2])) if found else None


def restart_at(terminated: Mapping[str, Any], *, delay: int) -> datetime:
    """Return when the process of a container that ended (its ``terminated``) starts again.

    ``delay``: seconds after a short life. A container that was killed could not tell how long its process lived; then
    the container's own times count, a wait before the process included.
    """
    told = life(terminated.get("message"))
    if told:
        began, ended = (datetime.fromtimestamp(moment, UTC) for moment in told)
    else:
        began, ended = parse_time(terminated.get("startedAt")), parse_time(terminated.get("finishedAt"))
    short = (ended - began).total_seconds() < LIVED_SECONDS
    return ended + timedelta(seconds=delay if short else 0)
