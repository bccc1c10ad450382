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
"""A process that lived so long is started again at once."""
LIFE = "webjobs: the process lived from {} to {}"
"""What the shell that started it leaves in a container's termination message: seconds since 1970."""
_LIFE = re.compile(LIFE.format(r"(\d{1,12})", r"(\d{1,12})") + "$", re.ASCII | re.MULTILINE)


def own_delay(webjob: WebJob) -> int | None:
    """``restartDelaySeconds`` where its container waits for it: the shell that starts a script does, no other."""
    selected = kudu_lines.script_of(webjob)
    return webjob.spec.restart_delay_seconds if selected and selected.has_shell else None


def life(message: str | None) -> tuple[int, int] | None:
    """Begin and end of the process in seconds since 1970, by a termination message; None: it says nothing of it."""
    found = _LIFE.search(message or "")
    return (int(found[1]), int(found[2])) if found else None


def restart_at(terminated: Mapping[str, Any], *, delay: int) -> datetime:
    """When the process of a container that ended (its ``terminated``) starts again.

    ``delay``: seconds after a short life. A container that was killed could not tell how long its process lived; then
    its own times count, a wait before the process included.
    """
    told = life(terminated.get("message"))
    if told:
        began, ended = (datetime.fromtimestamp(moment, UTC) for moment in told)
    else:
        began, ended = parse_time(terminated.get("startedAt")), parse_time(terminated.get("finishedAt"))
    short = (ended - began).total_seconds() < LIVED_SECONDS
    return ended + timedelta(seconds=delay if short else 0)
